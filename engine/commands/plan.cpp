// impsweep plan: what a sweep would train and cost.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "engine/commands/command.hpp"
#include "engine/job/job.hpp"
#include "engine/plan/plan_summary.hpp"
#include "engine/store/contents.hpp"
#include "io/error.hpp"

namespace impsweep {

int command_plan(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage("plan JOB.toml... [--store DIR] [--ranks N] [--set key=value] [--chains] [--json]",
              "Expands a job without running it: chains, trainings (in total, without what is shared, "
              "already done),\n"
              "environment steps, predicted core-hours, time on N ranks, disk and memory. With --store, what "
              "it holds\n"
              "counts as done and its times correct the predictions.\n\n"
              "Example: impsweep plan jobs/figure-03.toml --ranks 32");
  usage.options.add_options()("store", options::value<std::string>(), "what this store holds is done")(
      "ranks", options::value<int>()->default_value(1), "ranks to share the work")(
      "set", options::value<std::vector<std::string>>()->composing(), "key=value, as for run")(
      "chains", "list every chain")("json", "one JSON object instead of text, with the resolved settings");
  usage.positional = {{"job", -1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  if (values->count("job") == 0)
    throw InputError("plan: no job file given; try `impsweep plan jobs/quickstart.toml`");
  const int ranks = (*values)["ranks"].as<int>();
  if (ranks < 1 || ranks > 1'000'000) throw InputError("plan: --ranks {} is outside 1..1000000", ranks);

  std::vector<JobFile> files;
  for (const std::string& path : (*values)["job"].as<std::vector<std::string>>())
    files.push_back(read_job_file(path));
  std::vector<JobEntry> overrides;
  if (values->count("set") != 0)
    for (const std::string& text : (*values)["set"].as<std::vector<std::string>>())
      overrides.push_back(parse_assignment(text));
  const Plan plan = make_plan(files, overrides);

  CostModel cost_model;
  std::vector<bool> done(plan.trainings.size(), false);
  if (values->count("store") != 0) {
    const Store store = Store::open((*values)["store"].as<std::string>());
    RoundSummaries summaries;
    read_summaries(store, plan, summaries);
    const CostClasses classes(plan);
    for (const auto& [training, summary] : summaries) {
      done[training] = true;
      cost_model.observe(classes.of(training), summary.wall_seconds);
    }
  }
  const PlanSummary summary = summarize(plan, cost_model, ranks, done);
  if (values->count("json") != 0) {
    nlohmann::ordered_json json = to_json(summary);
    json["settings"] = frozen_job(plan.points);
    if (values->count("chains") != 0)
      for (const Chain& chain : plan.chains) json["chain_names"].push_back(chain.name);
    fmt::print("{}\n", json.dump(2));
    return kComplete;
  }
  fmt::print("{}", to_text(summary));
  if (values->count("chains") != 0)
    for (const Chain& chain : plan.chains) {
      std::size_t finished = 0;
      for (const TrainingIndex training : chain.rounds) finished += done[training] ? 1 : 0;
      fmt::print("{}  {}/{} rounds\n", chain.name, finished, chain.rounds.size());
    }
  return kComplete;
}

}  // namespace impsweep
