#include "engine/store/journal.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <utility>

#include "engine/training/version.hpp"
#include "io/human_text.hpp"
#include "io/json_field.hpp"

namespace impsweep {
namespace {

// A run that was not heard of for so long is no longer counted as running. Heartbeats come every few seconds.
constexpr double kSilenceSeconds = 45;

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

std::string Journal::unique_run_name() {
  char host[256] = "host";
  gethostname(host, sizeof host - 1);
  std::string name = fmt::format("{:%Y%m%d-%H%M%S}-{}-{}", fmt::gmtime(std::time(nullptr)), host, getpid());
  for (char& letter : name)
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0 && letter != '-' && letter != '_' &&
        letter != '.')
      letter = '-';
  return name;
}

Journal::Journal(const Store& store, int ranks) : run_(unique_run_name()), writer_(store.event_writer(run_)) {
  writer_.append(
      {{"type", "run-start"}, {"ranks", ranks}, {"pid", getpid()}, {"version", program_version()}});
}

void Journal::run_predicted(double seconds, double low_seconds, double high_seconds) {
  writer_.append({{"type", "forecast"}, {"seconds", seconds}, {"low", low_seconds}, {"high", high_seconds}});
}

void Journal::training_started(const TrainingId& digest, int rank) {
  writer_.append({{"type", "start"}, {"training", digest.digits()}, {"rank", rank}});
}

void Journal::training_done(const TrainingId& digest, double wall_seconds) {
  writer_.append({{"type", "done"}, {"training", digest.digits()}, {"seconds", wall_seconds}});
}

void Journal::training_failed(const TrainingId& digest, const Failure& failure) {
  writer_.append({{"type", "failed"},
                  {"training", digest.digits()},
                  {"reason", failure.reason},
                  {"deterministic", failure.deterministic},
                  {"diverged", failure.diverged}},
                 Durability::kDisk);
}

void Journal::rank_lost(int rank, const std::string& evidence) {
  writer_.append({{"type", "lost"}, {"rank", rank}, {"evidence", evidence}});
}

void Journal::heartbeat() {
  writer_.append({{"type", "heartbeat"}});
}

void Journal::heartbeat(const std::vector<RunningTraining>& running, double env_steps_per_second) {
  nlohmann::json list = nlohmann::json::array();
  for (const RunningTraining& training : running)
    list.push_back({{"training", training.digest.digits()},
                    {"rank", training.rank},
                    {"env_steps", training.env_steps},
                    {"return", training.last_return},
                    {"from", training.from_step},
                    {"seconds", training.seconds}});
  nlohmann::json event = {{"type", "heartbeat"}, {"rate", env_steps_per_second}};
  event["running"] = std::move(list);  // which may be long
  writer_.append(std::move(event));
}

void Journal::run_ended(const std::string& outcome) {
  writer_.append({{"type", "run-end"}, {"outcome", outcome}});
}

namespace {

// Puts events of several logs together. Each log comes in order; what happened in two of them is compared by
// time.
class HistoryReader {
 public:
  void read(const std::string& run_name, const nlohmann::json& event) {
    const double time = field_or<double>(event, "time", 0);
    Run& run = runs_[run_name];
    run.last_heard = time;
    const auto real = [&](const char* name) { return field_or<double>(event, name, 0); };
    const std::string type = field_or<std::string>(event, "type", "");
    if (type == "failed") {
      Failed& failed = failed_[training(event)];
      if (time >= failed.time)
        failed = {time,
                  {printable(field_or<std::string>(event, "reason", "unknown")),
                   field_or<bool>(event, "deterministic", true), field_or<bool>(event, "diverged", false)}};
    } else if (type == "run-start") {
      run.start = time;
      run.record = {printable(run_name), std::max(1, field_or<int>(event, "ranks", 1)), 0, 0, 0, 0};
    } else if (type == "forecast") {
      run.record.predicted_seconds = real("seconds");
      run.record.low_seconds = real("low");
      run.record.high_seconds = real("high");
    } else if (type == "heartbeat" && event.contains("running") && event["running"].is_array()) {
      run.rate = real("rate");
      const std::vector<RunningTraining> before = std::exchange(run.running, {});
      for (const nlohmann::json& entry : event["running"]) {
        RunningTraining now = {training(entry),
                               field_or<int>(entry, "rank", 0),
                               field_or<std::int64_t>(entry, "env_steps", 0),
                               field_or<double>(entry, "return", 0),
                               field_or<std::int64_t>(entry, "from", 0),
                               field_or<double>(entry, "seconds", 0)};
        const auto known = std::ranges::find(before, now.digest, &RunningTraining::digest);
        if (known != before.end()) now.returns = known->returns;
        const bool goes_on = known == before.end() ? now.env_steps > 0 : now.env_steps > known->env_steps;
        if (goes_on) now.returns.push_back(now.last_return);
        run.running.push_back(std::move(now));
      }
    } else if (type == "run-end") {
      run.ended = true;
      run.record.seconds = time - run.start;
      run.completed = field_or<std::string>(event, "outcome", "") == "complete";
    }
  }

  bool has_failures() const { return !failed_.empty(); }

  // After read(), for the same events.
  void drop_failure_if_done(const nlohmann::json& event) {
    if (field_or<std::string>(event, "type", "") != "done") return;
    const auto failed = failed_.find(training(event));
    if (failed != failed_.end() && failed->second.time <= field_or<double>(event, "time", 0))
      failed_.erase(failed);
  }

  History take() {
    for (const auto& [digest, failed] : failed_) history_.failures[digest] = failed.failure;
    const double now = now_seconds();
    std::multimap<double, RunRecord> completed;  // by their end
    for (const auto& [name, run] : runs_) {
      if (run.completed && run.record.predicted_seconds > 0) completed.emplace(run.last_heard, run.record);
      if (run.ended || now - run.last_heard > kSilenceSeconds) continue;
      ++history_.live_runs;
      history_.live_ranks += run.record.ranks;
      history_.env_steps_per_second += run.rate;
      history_.running.insert(history_.running.end(), run.running.begin(), run.running.end());
    }
    for (const auto& [end, record] : completed) history_.completed.push_back(record);
    return std::move(history_);
  }

 private:
  struct Run {
    double start = 0, last_heard = 0, rate = 0;
    RunRecord record;
    bool ended = false, completed = false;
    std::vector<RunningTraining> running;
  };
  struct Failed {
    double time = 0;
    Failure failure;
  };

  // What is too long for a digest names nothing that is known.
  static TrainingId training(const nlohmann::json& event) {
    const std::string text = field_or<std::string>(event, "training", "");
    return text.size() <= TrainingId::kLength ? TrainingId(text) : TrainingId();
  }

  std::map<std::string, Run> runs_;
  std::map<TrainingId, Failed> failed_;
  History history_;
};

}  // namespace

History read_history(const Store& store) {
  HistoryReader reader;
  // Almost all events are starts and ends of trainings. Nothing follows from the starts, and from the ends
  // only that an earlier failure is past. (The keys of an event are written in alphabetical order.)
  constexpr std::array<std::string_view, 2> kMostEvents = {R"("type":"start"})", R"("type":"done"})"};
  store.read_events([&](const std::string& run, const nlohmann::json& event) { reader.read(run, event); },
                    kMostEvents);
  if (reader.has_failures())
    for (const std::filesystem::path& log : store.event_logs())  // damage has been warned of
      read_event_log(
          log, [&](const nlohmann::json& event) { reader.drop_failure_if_done(event); },
          std::span(kMostEvents).first(1));
  return reader.take();
}

}  // namespace impsweep
