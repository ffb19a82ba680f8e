// impsweep evaluate: plays a stored policy again.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "agents/config/paper_defaults.hpp"
#include "agents/learning/trainer.hpp"
#include "engine/commands/command.hpp"
#include "engine/job/data_set.hpp"
#include "engine/plan/chain_lookup.hpp"
#include "engine/store/contents.hpp"
#include "engine/training/training.hpp"
#include "io/error.hpp"
#include "io/files.hpp"
#include "io/hdf5_writer.hpp"

namespace impsweep {
namespace {

// Steps as columns of an HDF5 file. Steps of an episode stand in their order, those of different episodes
// between each other.
class Trajectory {
 public:
  void append(const WatchedStep& step) {
    episode_.push_back(step.episode);
    reward_.push_back(step.reward);
    ends_.push_back(step.ends);
    observation_.insert(observation_.end(), step.observation.begin(), step.observation.end());
    outputs_.insert(outputs_.end(), step.outputs.begin(), step.outputs.end());
    if (step.continuous_action.empty()) action_.push_back(step.action);
    continuous_action_.insert(continuous_action_.end(), step.continuous_action.begin(),
                              step.continuous_action.end());
  }

  Bytes file() const {
    Hdf5Writer writer;
    const std::uint64_t steps = episode_.size();
    const auto rows = [&](const char* name, const std::vector<float>& values) {
      writer.array(name, Array::matrix(steps, values.size() / steps, values));
    };
    writer.array("episode", Array::vector(episode_));
    rows("observation", observation_);
    rows("outputs", outputs_);
    if (continuous_action_.empty())
      writer.array("action", Array::vector(action_));
    else
      rows("action", continuous_action_);
    writer.array("reward", Array::vector(reward_));
    writer.array("ends", Array::vector(ends_));
    return writer.image();
  }

 private:
  std::vector<std::int64_t> episode_;
  std::vector<std::int32_t> action_;
  std::vector<std::uint8_t> ends_;
  std::vector<float> observation_, outputs_, continuous_action_, reward_;
};

}  // namespace

int command_evaluate(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "evaluate DIR CHAIN ROUND [--episodes N] [--greedy] [--max-episode-steps N] [--trajectory FILE.h5]\n"
      "                                   [--json]",
      "Plays the best checkpoint of a finished round for fresh full episodes, acting as in the\n"
      "evaluations of its training, and prints the undiscounted return. Of a data set, the accuracy on\n"
      "its test in percent.\n\n"
      "Example: impsweep evaluate out cartpole.ppo.128-128.default.mask-weights.s00 r05 --episodes 500");
  usage.options.add_options()("episodes", options::value<std::int64_t>()->default_value(100),
                              "episodes to play")(
      "greedy", "no chance in the policy: the largest output's action, or the mean")(
      "max-episode-steps", options::value<std::int64_t>(),
      "cut an episode after so many steps (it counts); default: as in the training's evaluations, and 5000\n"
      "where neither they nor the task have a limit")(
      "trajectory", options::value<std::string>(),
      "write every step as HDF5: episode, observation, outputs of the network, action, reward")(
      "json", "one JSON object instead of text");
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

  std::optional<std::int64_t> step_limit;
  if (values->count("max-episode-steps") != 0) {
    step_limit = (*values)["max-episode-steps"].as<std::int64_t>();
    if (*step_limit < 1 || *step_limit > 1'000'000'000)
      throw InputError("evaluate: --max-episode-steps {} is outside 1..1000000000", *step_limit);
  }

  const Store store = Store::open(words[0]);
  require_weights(store, "evaluate");
  const Plan plan = plan_of_store(store);
  const TrainingIndex training = find_round(plan, words[1], words[2], words[0]);
  const TrainingNode& node = plan.trainings[training];
  const Settings& settings = plan.settings[node.settings];
  if (!store.has(node.digest))
    throw InputError("{}: {} is not finished yet; `impsweep status {}` shows what is", words[0],
                     training_name(plan, training), words[0]);
  const ModelSpec model = model_of(settings);
  const RoundResult round = read_round(loader_from(store)(node.digest, RecordPart::kAll), model);

  const int lanes = static_cast<int>(std::min<std::int64_t>(episodes, 64));
  const auto network = make_network(Backend::kNative, model, round.mask, {.max_batch = lanes});
  network->gather(round.best, network->parameters());
  network->parameters_changed();
  TrainingRequest request = agent_request(settings, node.seed);
  request.model = model;
  std::int64_t& cap = request.config.evaluation.max_episode_steps;
  if (cap == 0) cap = default_episode_cap(*find_task(settings.task));
  cap = step_limit.value_or(cap);
  request.data_set = load_data_set(settings);
  const bool greedy = values->count("greedy") != 0 || request.config.evaluation.greedy;
  const std::unique_ptr<Evaluator> evaluator = make_evaluator(request, lanes, greedy);
  Trajectory trajectory;
  if (values->count("trajectory") != 0)
    evaluator->watch([&](const WatchedStep& step) { trajectory.append(step); });
  const std::string streams =
      stream_names(settings, node.baseline, node.seed, node.round).of_training("evaluate-command");
  const auto [returns, cut] = evaluator->play_episodes(*network, 0, episodes, streams);
  if (values->count("trajectory") != 0)
    write_output((*values)["trajectory"].as<std::string>(), trajectory.file());
  const ReturnSummary summary = summarize(returns);
  if (values->count("json") != 0) {
    fmt::print("{}\n", nlohmann::json{{"chain", words[1]},
                                      {"round", node.round},
                                      {"density", node.density},
                                      {"episodes", returns.size()},
                                      {"episodes_cut", cut},
                                      {"returns", returns},
                                      {"mean", summary.mean},
                                      {"deviation", summary.deviation},
                                      {"minimum", *std::ranges::min_element(returns)},
                                      {"maximum", *std::ranges::max_element(returns)}}
                           .dump(2));
  } else if (request.data_set != nullptr) {
    fmt::print("{} r{:02}, density {:.2f} %: {:.2f} % of the test set\n", words[1], node.round,
               100 * node.density, summary.mean);
  } else {
    fmt::print(
        "{} r{:02}, density {:.2f} %: return {:.2f} +- {:.2f} (minimum {}, maximum {}) over {} episodes\n",
        words[1], node.round, 100 * node.density, summary.mean, summary.deviation,
        *std::ranges::min_element(returns), *std::ranges::max_element(returns), returns.size());
    if (cut > 0)
      fmt::print("{} of the episodes were cut after {} steps; --max-episode-steps gives another limit\n", cut,
                 cap);
  }
  return kComplete;
}

}  // namespace impsweep
