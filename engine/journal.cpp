#include "engine/journal.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>

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
  writer_.append({{"type", "run-start"}, {"ranks", ranks}, {"pid", getpid()}});
}

void Journal::run_predicted(double seconds, double low_seconds, double high_seconds) {
  writer_.append({{"type", "forecast"}, {"seconds", seconds}, {"low", low_seconds}, {"high", high_seconds}});
}

void Journal::training_started(const Digest& digest, int rank) {
  writer_.append({{"type", "start"}, {"training", digest}, {"rank", rank}});
}

void Journal::training_done(const Digest& digest, double wall_seconds) {
  writer_.append({{"type", "done"}, {"training", digest}, {"seconds", wall_seconds}});
}

void Journal::training_failed(const Digest& digest, const std::string& reason, bool deterministic) {
  writer_.append(
      {{"type", "failed"}, {"training", digest}, {"reason", reason}, {"deterministic", deterministic}},
      Durability::kDisk);
}

void Journal::rank_lost(int rank, const std::string& evidence) {
  writer_.append({{"type", "lost"}, {"rank", rank}, {"evidence", evidence}});
}

void Journal::heartbeat(const std::vector<RunningTraining>& running, double env_steps_per_second) {
  nlohmann::json list = nlohmann::json::array();
  for (const RunningTraining& training : running)
    list.push_back({{"training", training.digest},
                    {"rank", training.rank},
                    {"env_steps", training.env_steps},
                    {"return", training.last_return}});
  writer_.append({{"type", "heartbeat"}, {"running", list}, {"rate", env_steps_per_second}});
}

void Journal::run_ended(const std::string& outcome) {
  writer_.append({{"type", "run-end"}, {"outcome", outcome}});
}

History read_history(const Store& store) {
  struct Run {
    double start = 0, last_heard = 0, rate = 0;
    RunRecord record;
    bool ended = false;
    std::vector<RunningTraining> running;
  };
  History history;
  std::map<std::string, Run> runs;
  for (const StoredEvent& event : store.events()) {
    Run& run = runs[event.run];
    run.last_heard = event.time;
    const nlohmann::json& fields = event.fields;
    const auto text = [&](const char* name) { return field_or<std::string>(fields, name, ""); };
    const auto real = [&](const char* name) { return field_or<double>(fields, name, 0); };
    const std::string type = text("type"), training = text("training");
    if (type == "run-start") {
      run.start = event.time;
      run.record = {event.run, std::max(1, field_or<int>(fields, "ranks", 1)), 0, 0, 0, 0};
    } else if (type == "forecast") {
      run.record.predicted_seconds = real("seconds");
      run.record.low_seconds = real("low");
      run.record.high_seconds = real("high");
    } else if (type == "done") {
      history.failures.erase(training);
      history.wall_seconds[training] = real("seconds");
    } else if (type == "failed") {
      history.failures[training] = {field_or<std::string>(fields, "reason", "unknown"),
                                    field_or<bool>(fields, "deterministic", true)};
    } else if (type == "heartbeat" && fields.contains("running") && fields["running"].is_array()) {
      run.rate = real("rate");
      run.running.clear();
      for (const nlohmann::json& entry : fields["running"])
        run.running.push_back({field_or<std::string>(entry, "training", ""), field_or<int>(entry, "rank", 0),
                               field_or<std::int64_t>(entry, "env_steps", 0),
                               field_or<double>(entry, "return", 0)});
    } else if (type == "run-end") {
      run.ended = true;
      run.record.seconds = event.time - run.start;
      if (text("outcome") == "complete" && run.record.predicted_seconds > 0)
        history.completed.push_back(run.record);
    }
  }
  const double now = now_seconds();
  for (const auto& [name, run] : runs) {
    if (run.ended || now - run.last_heard > kSilenceSeconds) continue;
    ++history.live_runs;
    history.live_ranks += run.record.ranks;
    history.env_steps_per_second += run.rate;
    history.running.insert(history.running.end(), run.running.begin(), run.running.end());
  }
  return history;
}

}  // namespace impsweep
