// impsweep status: how far a store is.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/commands/command.hpp"
#include "engine/progress.hpp"
#include "engine/return_table.hpp"
#include "engine/store_status.hpp"
#include "io/error.hpp"

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
  return {{"chains", {{"total", status.chains}, {"done", status.chains_done}}},
          {"trainings",
           {{"total", status.trainings},
            {"done", status.trainings_done},
            {"running", status.running.size()},
            {"failed", status.failed.size()}}},
          {"failed", list(status.failed)},
          {"blocked", list(status.blocked)},
          {"running", running},
          {"env_steps_per_second", status.env_steps_per_second},
          {"eta_seconds", status.eta_seconds}};
}

void print(const StoreStatus& status, const std::string& directory) {
  fmt::print("{}: {}/{} chains, {}/{} trainings done, {} running on {} rank{}, {} failed, {} blocked\n",
             directory, status.chains_done, status.chains, status.trainings_done, status.trainings,
             status.running.size(), status.live_ranks, status.live_ranks == 1 ? "" : "s",
             status.failed.size(), status.blocked.size());
  if (status.trainings_done < status.trainings && status.live_ranks > 0)
    fmt::print("{} steps/s, ETA {}\n", count_text(status.env_steps_per_second),
               duration_text(status.eta_seconds));
  else if (status.trainings_done < status.trainings)
    fmt::print("no run is working on it; about {} of work left on one core\n",
               duration_text(status.eta_seconds));
  fmt::print("\n{:<12} {:<5} {:<12} {:<18} {:>13} {:>16}\n", "task", "alg.", "network", "baseline", "chains",
             "trainings");
  for (const GroupStatus& group : status.groups)
    fmt::print("{:<12} {:<5} {:<12} {:<18} {:>6}/{:<6} {:>8}/{:<7}\n", group.task, group.algorithm,
               group.network, group.baseline, group.chains_done, group.chains, group.rounds_done,
               group.rounds);
  for (const LiveTraining& training : status.running)
    fmt::print("running  rank {:<3} {} {:.0f} %: return {:.1f}\n", training.rank, training.name,
               100.0 * static_cast<double>(training.env_steps) /
                   static_cast<double>(std::max<std::int64_t>(training.total_steps, 1)),
               training.last_return);
  for (const UnfinishedTraining& training : status.failed)
    fmt::print("FAILED   {} {}: {}\n", training.chain, training.round, training.reason);
  for (const UnfinishedTraining& training : status.blocked)
    fmt::print("blocked  {} {}: {}\n", training.chain, training.round, training.reason);
}

}  // namespace

int command_status(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage("status DIR [--returns] [--json] [--exit-code]",
              "Shows how far the jobs of a store are, what runs now, what failed and why. It only reads, so "
              "it may be\n"
              "used at any time, on any machine that sees the store.");
  usage.options.add_options()("returns", "also the table of return by density and baseline")(
      "json", "one JSON object instead of text")(
      "exit-code", "exit with the sweep's verdict: 0 complete, 1 failures, 3 work left");
  usage.positional = {{"store", 1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  if (values->count("store") == 0) throw InputError("status: no store given; see `impsweep status --help`");
  const std::string directory = (*values)["store"].as<std::vector<std::string>>().front();
  const Store store = Store::open(directory);
  const Plan plan = plan_of_store(store);
  const StoreStatus status = read_status(store, plan);
  if (values->count("json") != 0)
    fmt::print("{}\n", to_json(status).dump(2));
  else
    print(status, directory);
  if (values->count("returns") != 0) {
    RoundSummaries summaries;
    read_summaries(store, plan, summaries);
    fmt::print("\n{}", return_tables(plan, summaries));
  }
  if (values->count("exit-code") == 0) return kComplete;
  if (status.trainings_done == status.trainings) return kComplete;
  const bool work_left =
      status.trainings_done + status.failed.size() + status.blocked.size() < status.trainings;
  return work_left ? kStopped : kFailed;
}

}  // namespace impsweep
