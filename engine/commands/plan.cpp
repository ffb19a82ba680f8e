// impsweep plan: what a sweep would train and cost.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/commands/command.hpp"
#include "engine/job/job.hpp"
#include "engine/job/sources.hpp"
#include "engine/plan/plan_summary.hpp"
#include "engine/store/contents.hpp"
#include "io/error.hpp"

namespace impsweep {

namespace {

// Where each value of the plan's settings comes from, by "task.algorithm" and variant.
nlohmann::ordered_json sources_json(const Plan& plan) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const Settings& settings : plan.settings) {
    nlohmann::ordered_json& own = json[fmt::format("{}.{}", settings.task, settings.algorithm)];
    const std::string& family = find_task(settings.task)->family;
    const std::vector<OptionState> defaults =
        list_settings(paper_settings(settings.task, settings.algorithm));
    for (const OptionState& option : list_settings(settings)) {
      const auto usual = std::ranges::find(defaults, option.option.key,
                                           [](const OptionState& one) { return one.option.key; });
      const bool is_default = usual != defaults.end() && usual->value == option.value;
      if (!is_default)
        own[option.option.key] = "the job";  // in one of the variants at least
      else if (!own.contains(option.option.key))
        own[option.option.key] = source_of(option.option.key, family, settings.algorithm);
    }
  }
  return json;
}

}  // namespace

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

  std::vector<std::string> overrides;
  if (values->count("set") != 0) overrides = (*values)["set"].as<std::vector<std::string>>();
  std::vector<std::string> missing;
  const Plan plan = read_plan((*values)["job"].as<std::vector<std::string>>(), overrides, &missing);

  RoundSummaries summaries;
  if (values->count("store") != 0)
    read_summaries(Store::open((*values)["store"].as<std::string>()), plan, summaries);
  std::vector<bool> done(plan.trainings.size(), false);
  for (const auto& [training, summary] : summaries) done[training] = true;
  const CostModel cost_model = learned_costs(plan, [&](TrainingIndex i) {
    const auto found = summaries.find(i);
    return found == summaries.end() ? nullptr : &found->second;
  });
  const PlanSummary summary = summarize(plan, cost_model, ranks, done);
  if (values->count("json") != 0) {
    nlohmann::ordered_json json = to_json(summary);
    json["settings"] = frozen_job(plan.points);
    json["sources"] = sources_json(plan);
    json["missing"] = missing;
    if (values->count("chains") != 0)
      for (const Chain& chain : plan.chains) json["chain_names"].push_back(chain.name);
    fmt::print("{}\n", json.dump(2));
    return kComplete;
  }
  fmt::print("{}", to_text(summary));
  for (const std::string& text : missing) fmt::print("missing     {}\n", text);
  if (values->count("chains") != 0)
    for (const Chain& chain : plan.chains) {
      std::size_t finished = 0;
      for (const TrainingIndex training : chain.rounds) finished += done[training] ? 1 : 0;
      fmt::print("{}  {}/{} rounds\n", chain.name, finished, chain.rounds.size());
    }
  return kComplete;
}

}  // namespace impsweep
