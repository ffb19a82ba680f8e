// impsweep evaluate: plays a stored policy again.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "agents/evaluation.hpp"
#include "agents/trainer.hpp"
#include "engine/chain_lookup.hpp"
#include "engine/commands/command.hpp"
#include "engine/store_plan.hpp"
#include "engine/training.hpp"
#include "io/error.hpp"

namespace impsweep {

int command_evaluate(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "evaluate DIR CHAIN ROUND [--episodes N] [--json]",
      "Plays the best checkpoint of a finished round for fresh full episodes, acting as in the\n"
      "evaluations of its training, and prints the undiscounted return.\n\n"
      "Example: impsweep evaluate out cartpole.ppo.128-128.default.mask-weights.s00 r05 --episodes 500");
  usage.options.add_options()("episodes", options::value<std::int64_t>()->default_value(100),
                              "episodes to play")("json", "one JSON object instead of text");
  usage.positional = {{"words", -1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  const auto words = values->count("words") != 0 ? (*values)["words"].as<std::vector<std::string>>()
                                                 : std::vector<std::string>();
  if (words.size() != 3)
    throw InputError("evaluate: expected a store, a chain and a round; see `impsweep evaluate --help`");
  const std::int64_t episodes = (*values)["episodes"].as<std::int64_t>();
  if (episodes < 1 || episodes > 10'000'000)
    throw InputError("evaluate: --episodes {} is outside 1..10000000", episodes);

  const Store store = Store::open(words[0]);
  const Plan plan = plan_of_store(store);
  const TrainingIndex training = find_round(plan, words[1], words[2], words[0]);
  const TrainingNode& node = plan.trainings[training];
  const Settings& settings = plan.settings[node.settings];
  if (!store.has(node.digest))
    throw InputError("{}: {} is not finished yet; `impsweep status {}` shows what is", words[0],
                     training_name(plan, training), words[0]);
  const ModelSpec model = model_of(settings);
  const RoundResult round = read_round(loader_from(store)(node.digest, Part::kAll), model);

  const int lanes = static_cast<int>(std::min<std::int64_t>(episodes, 64));
  const auto network = make_network(Backend::kNative, model, round.mask, {.max_batch = lanes});
  network->gather(round.best, network->parameters());
  network->parameters_changed();
  Evaluator evaluator(settings.task, seeded_task_options(settings, node.seed), lanes,
                      evaluation_policy(model, settings.algorithm, settings.agent, lanes));
  const std::string streams =
      stream_names(settings, node.baseline, node.seed, node.round).of_training("evaluate-command");
  const std::vector<float> returns = evaluator.play_episodes(*network, 0, episodes, streams);
  const ReturnSummary summary = summarize(returns);
  if (values->count("json") != 0) {
    fmt::print("{}\n", nlohmann::json{{"chain", words[1]},
                                      {"round", node.round},
                                      {"density", node.density},
                                      {"episodes", episodes},
                                      {"returns", returns},
                                      {"mean", summary.mean},
                                      {"deviation", summary.deviation},
                                      {"minimum", *std::ranges::min_element(returns)},
                                      {"maximum", *std::ranges::max_element(returns)}}
                           .dump(2));
  } else {
    fmt::print(
        "{} r{:02}, density {:.2f} %: return {:.2f} +- {:.2f} (minimum {}, maximum {}) over {} episodes\n",
        words[1], node.round, 100 * node.density, summary.mean, summary.deviation,
        *std::ranges::min_element(returns), *std::ranges::max_element(returns), episodes);
  }
  return kComplete;
}

}  // namespace impsweep
