// impsweep plan: what a sweep would train and cost.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "agents/native/kernels/kernels.hpp"
#include "engine/calibration/calibration.hpp"
#include "engine/commands/command.hpp"
#include "engine/job/external_task.hpp"
#include "engine/job/job.hpp"
#include "engine/job/sources.hpp"
#include "engine/plan/longest_chain.hpp"
#include "engine/plan/plan_summary.hpp"
#include "engine/store/contents.hpp"
#include "engine/store/past_costs.hpp"
#include "io/error.hpp"
#include "io/machine.hpp"

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
  Usage usage("plan JOB.toml... [--store DIR] [--learn-from DIR]... [--ranks N] [options]",
              "Expands a job without running it: chains, trainings (in total, without what is shared, "
              "already done),\n"
              "environment steps, predicted core-hours, time on N ranks and on more, disk and memory. With "
              "--store, what\n"
              "it holds counts as done and its times correct the predictions. The first time on a machine, "
              "it is\n"
              "measured for a second.\n\n"
              "Examples:\n"
              "  impsweep plan jobs/figure-03.toml --ranks 32\n"
              "  impsweep plan jobs/figure-*.toml --learn-from out --per-core-hour 0.04");
  usage.options.add_options()("store", options::value<std::string>(), "what this store holds is done")(
      "learn-from", options::value<std::vector<std::string>>()->composing(),
      "times of this store's finished trainings correct the predictions, where this kind of processor "
      "computed them; may be repeated")("ranks", options::value<int>()->default_value(1),
                                        "ranks to share the work")(
      "per-core-hour", options::value<double>(), "what a core-hour costs, in any currency or credit")(
      "no-calibration", "do not measure this machine: rates of its kind of processor, as shipped")(
      "set", options::value<std::vector<std::string>>()->composing(), "key=value, as for run")(
      "rounds", "density and weights of every round")("chains", "list every chain")(
      "json", "one JSON object instead of text, with the resolved settings");
  usage.positional = {{"job", -1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  if (values->count("job") == 0)
    throw InputError("plan: no job file given; try `impsweep plan jobs/quickstart.toml`");
  const int ranks = (*values)["ranks"].as<int>();
  if (ranks < 1 || ranks > 1'000'000) throw InputError("plan: --ranks {} is outside 1..1000000", ranks);

  std::optional<double> per_core_hour;
  if (values->count("per-core-hour") != 0) per_core_hour = (*values)["per-core-hour"].as<double>();
  if (per_core_hour && !(*per_core_hour >= 0 && std::isfinite(*per_core_hour)))
    throw InputError("plan: --per-core-hour {} is not a price; it is 0 or more", *per_core_hour);

  std::vector<std::string> overrides;
  if (values->count("set") != 0) overrides = (*values)["set"].as<std::vector<std::string>>();
  std::vector<std::string> missing;
  trust_named_code();
  if (values->count("store") != 0) remember_external_tasks((*values)["store"].as<std::string>());
  const Plan plan = read_plan((*values)["job"].as<std::vector<std::string>>(), overrides, &missing);

  RoundSummaries summaries;
  if (values->count("store") != 0)
    read_summaries(Store::open((*values)["store"].as<std::string>()), plan, summaries);
  std::vector<bool> done(plan.trainings.size(), false);
  for (const auto& [training, summary] : summaries) done[training] = true;
  const Rates rates = values->count("no-calibration") != 0 ? shipped_rates(processor_name(), kernels().name)
                                                           : calibrated_rates();
  CostModel cost_model = learned_costs(
      plan,
      [&](TrainingIndex i) {
        const auto found = summaries.find(i);
        return found == summaries.end() ? nullptr : &found->second;
      },
      rates);
  std::size_t learned = summaries.size();
  if (values->count("learn-from") != 0)
    for (const std::string& directory : (*values)["learn-from"].as<std::vector<std::string>>()) {
      const PastCosts past = learn_from(Store::open(directory), cost_model);
      learned += past.learned;
      if (past.learned == 0)
        fmt::print(stderr,
                   "impsweep: plan: {}: none of its trainings was computed by this kind of "
                   "processor; nothing is learned from it\n",
                   directory);
    }
  PlanSummary summary = summarize(plan, cost_model, ranks, done);
  if (learned > 0) summary.rates += fmt::format(", corrected by {} finished trainings", learned);
  if (per_core_hour) summary.per_core_hour = *per_core_hour;
  const LongestChain longest = longest_chain(plan, cost_model, done);
  if (values->count("json") != 0) {
    nlohmann::ordered_json json = to_json(summary);
    json["longest_chain"] = to_json(longest);
    json["settings"] = frozen_job(plan.points);
    json["sources"] = sources_json(plan);
    json["missing"] = missing;
    if (values->count("chains") != 0)
      for (const Chain& chain : plan.chains) json["chain_names"].push_back(chain.name);
    fmt::print("{}\n", json.dump(2));
    return kComplete;
  }
  fmt::print("{}{}", to_text(summary, values->count("rounds") != 0), to_text(longest, ranks));
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
