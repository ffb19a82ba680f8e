// impsweep status: how far a store is.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "engine/commands/command.hpp"
#include "engine/store/return_table.hpp"
#include "engine/store/status.hpp"
#include "engine/store/status_text.hpp"
#include "engine/sweep/stop.hpp"
#include "io/error.hpp"
#include "io/terminal.hpp"

namespace impsweep {
namespace {

nlohmann::json to_json(const StoreStatus& status) {
  const auto list = [](const std::vector<UnfinishedTraining>& trainings) {
    nlohmann::json array = nlohmann::json::array();
    for (const UnfinishedTraining& training : trainings)
      array.push_back({{"chain", training.chain}, {"round", training.round}, {"reason", training.reason}});
    return array;
  };
  nlohmann::json running = nlohmann::json::array();
  for (const LiveTraining& training : status.running)
    running.push_back({{"training", training.name},
                       {"rank", training.rank},
                       {"env_steps", training.env_steps},
                       {"total_steps", training.total_steps},
                       {"return", training.last_return}});
  nlohmann::json last;
  if (const std::optional<RunRecord>& run = status.last_completed)
    last = {{"run", run->run},
            {"ranks", run->ranks},
            {"predicted_seconds", run->predicted_seconds},
            {"predicted_90_percent", {run->low_seconds, run->high_seconds}},
            {"seconds", run->seconds}};
  return {{"chains", {{"total", status.chains}, {"done", status.chains_done}}},
          {"trainings",
           {{"total", status.trainings},
            {"done", status.trainings_done},
            {"running", status.running.size()},
            {"failed", status.failed.size()}}},
          {"beside_chains",
           {{"teacher_candidates",
             {{"total", status.beside.candidates}, {"done", status.beside.candidates_done}}},
            {"ticket_rounds",
             {{"total", status.beside.ticket_rounds}, {"done", status.beside.ticket_rounds_done}}}}},
          {"failed", list(status.failed)},
          {"blocked", list(status.blocked)},
          {"running", running},
          {"env_steps_per_second", status.env_steps_per_second},
          {"eta_seconds", status.eta_seconds},
          {"eta_90_percent", {status.eta_low_seconds, status.eta_high_seconds}},
          {"eta_lower_bound_seconds", status.eta_lower_bound_seconds},
          {"last_completed_run", last}};
}

// Draws the screen anew until everything is done or the user has seen enough.
void watch(const Store& store, const std::string& directory, std::optional<Metric> returns) {
  constexpr std::chrono::seconds kInterval{2};
  constexpr auto kHomeAndClear = "\x1b[H\x1b[J";
  if (!output_is_terminal())
    throw InputError("status: --watch draws on a terminal; elsewhere call `impsweep status {}` again",
                     directory);
  install_stop_signals();
  std::vector<double> rates;
  RoundSummaries summaries;
  std::size_t jobs = store.jobs().size();
  Plan plan = plan_of_store(store);
  while (true) {
    if (const std::size_t now = store.jobs().size(); now != jobs) {
      plan = plan_of_store(store);
      summaries.clear();  // they are known by their places in the plan
      jobs = now;
    }
    const StoreStatus status = read_status(store, plan);
    rates.push_back(status.env_steps_per_second);
    const TerminalSize size = terminal_size();
    std::vector<std::string> curves;
    if (returns) {
      read_summaries(store, plan, summaries);
      curves = return_curves(plan, summaries, *returns);
    }
    fmt::print("{}{}", kHomeAndClear,
               status_screen(status, directory, rates, size.rows, size.columns, curves));
    std::fflush(stdout);
    if (status.trainings_done == status.trainings) return;
    const auto next = std::chrono::steady_clock::now() + kInterval;
    while (std::chrono::steady_clock::now() < next) {
      if (stop_requested()) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
}

}  // namespace

int command_status(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage("status DIR [--watch] [--returns [--metric M]] [--json] [--exit-code]",
              "Shows how far the jobs of a store are, what runs now, what failed and why. It only reads, so "
              "it may be\n"
              "used at any time, on any machine that sees the store.");
  usage.options.add_options()(
      "watch",
      "on a terminal: a live screen with the returns of what runs, drawn anew every 2 s, until all is done")(
      "returns", "also the table of return by density and baseline; on a live screen, curves")(
      "metric", options::value<std::string>()->default_value("reevaluated"),
      "of --returns: best (highest evaluation, biased upwards), reevaluated (fresh episodes of the best\n"
      "checkpoint) or final")("json", "one JSON object instead of text")(
      "exit-code",
      "exit with the sweep's verdict: 0 complete, 1 failures, 2 "
      "jobs missing or of another version, 3 work left");
  usage.positional = {{"store", 1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  if (values->count("store") == 0) throw InputError("status: no store given; see `impsweep status --help`");
  const std::string directory = (*values)["store"].as<std::vector<std::string>>().front();
  const std::string metric_word = (*values)["metric"].as<std::string>();
  const std::optional<Metric> metric = find_metric(metric_word);
  if (!metric) throw InputError("status: --metric '{}' is none of best, reevaluated and final", metric_word);
  const Store store = Store::open(directory);
  const bool returns = values->count("returns") != 0;
  if (values->count("watch") != 0) watch(store, directory, returns ? metric : std::nullopt);
  std::size_t unread_jobs = 0;
  const Plan plan = plan_of_store(store, &unread_jobs);
  if (values->count("exit-code") != 0) require_jobs(store, plan);
  const StoreStatus status = read_status(store, plan);
  if (values->count("json") != 0)
    fmt::print("{}\n", to_json(status).dump(2));
  else if (values->count("watch") == 0)
    fmt::print("{}", status_text(status, directory));
  if (returns) {
    RoundSummaries summaries;
    read_summaries(store, plan, summaries);
    fmt::print("\n{}", return_tables(plan, summaries, *metric));
  }
  if (values->count("exit-code") == 0) return kComplete;
  if (unread_jobs > 0 || plan.trainings.empty()) return kBadInput;  // what is left of it cannot be known
  if (status.trainings_done == status.trainings) return kComplete;
  const bool work_left =
      status.trainings_done + status.failed.size() + status.blocked.size() < status.trainings;
  return work_left ? kStopped : kFailed;
}

}  // namespace impsweep
