#include "agents/learning/session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "agents/learning/algorithm.hpp"
#include "agents/learning/mask_updates.hpp"

namespace impsweep {
namespace {

// Evaluation plays this many episodes at once, or all of them if they are fewer.
constexpr std::int64_t kEvaluationLanes = 64;

int evaluation_lanes(const AgentConfig& config) {
  if (config.evaluation.mode == EvaluationMode::kRlpyt) return static_cast<int>(config.sampler.batch_B);
  return static_cast<int>(std::min(
      kEvaluationLanes, std::max(config.evaluation.episodes, config.evaluation.reevaluation_episodes)));
}

}  // namespace

std::unique_ptr<Network> make_network(Backend backend, const ModelSpec& model,
                                      std::span<const std::uint8_t> mask, NetworkOptions options) {
  return backend == Backend::kTorch ? make_torch_network(model, mask, options)
                                    : make_native_network(model, mask, options);
}

std::unique_ptr<Trainer> make_trainer(const TrainingRequest& request, int max_columns) {
  return request.algorithm->make_trainer(request, max_columns);
}

std::unique_ptr<Evaluator> make_evaluator(const TrainingRequest& request, int max_columns, bool greedy) {
  return request.algorithm->make_evaluator(request, max_columns, greedy);
}

TrainingSession::TrainingSession(TrainingRequest request)
    : request_(std::move(request)),
      evaluator_(
          make_evaluator(request_, evaluation_lanes(request_.config), request_.config.evaluation.greedy)),
      trainer_(make_trainer(request_, evaluator_->lanes())) {
  outcome_.best_return = -std::numeric_limits<double>::infinity();
}

std::vector<float> TrainingSession::current_parameters() {
  Network& network = trainer_->network();
  std::vector<float> parameters(request_.initial_parameters.size());
  network.scatter(network.parameters(), parameters);
  return parameters;
}

std::vector<std::uint8_t> TrainingSession::current_mask() const {
  if (!trainer_->masks().changes_masks()) return {};
  const std::span<const std::uint8_t> mask = trainer_->network().mask();
  return {mask.begin(), mask.end()};
}

void TrainingSession::evaluate() {
  const EvaluationConfig& config = request_.config.evaluation;
  EvaluationPoint point;
  point.step = trainer_->env_steps();
  const std::string streams = fmt::format("{}/evaluation/{}", request_.stream_prefix, point.step);
  point.returns = returns_of(
      config.mode == EvaluationMode::kEpisodes
          ? evaluator_->play_episodes(trainer_->network(), trainer_->policy_part(), config.episodes, streams)
          : evaluator_->play_steps(trainer_->network(), trainer_->policy_part(), config.max_steps,
                                   config.episodes, streams));
  const ReturnSummary summary = summarize(point.returns);
  point.mean = summary.mean;
  point.deviation = summary.deviation;
  const bool untrained = trainer_->updates() == 0;
  const bool better = request_.config.best_tie == BestTie::kFirst ? point.mean > outcome_.best_return
                                                                  : point.mean >= outcome_.best_return;
  const MaskUpdates& masks = trainer_->masks();
  if (masks.changes_masks()) outcome_.masks.density.push_back(masks.density());
  if (!untrained && masks.has_final_counts() && !point.returns.empty() && better) {
    outcome_.best_return = point.mean;
    outcome_.best_step = point.step;
    outcome_.best_parameters = current_parameters();
    outcome_.masks.best = current_mask();
  }
  outcome_.curve.push_back(std::move(point));
}

void TrainingSession::iterate() {
  const std::int64_t before = trainer_->env_steps();
  trainer_->iterate();
  const std::int64_t now = trainer_->env_steps();
  for (const std::int64_t step : request_.snapshot_steps)
    if (before < step && step <= now) outcome_.snapshots.push_back({step, now, current_parameters()});
}

bool TrainingSession::evaluation_is_due() const {
  if (outcome_.curve.empty()) return true;
  const std::int64_t last = outcome_.curve.back().step, now = trainer_->env_steps();
  const std::int64_t interval = request_.config.evaluation.interval;
  return now / interval > last / interval || (trainer_->finished() && now > last);
}

bool TrainingSession::advance() {
  if (evaluation_is_due()) {
    evaluate();
  } else if (!trainer_->finished()) {
    iterate();
  } else {
    conclude();
    return false;
  }
  return true;
}

std::vector<float> TrainingSession::returns_of(PlayedEpisodes played) {
  outcome_.evaluation_episodes += static_cast<std::int64_t>(played.returns.size());
  outcome_.episodes_cut += played.cut;
  return std::move(played.returns);
}

std::vector<float> TrainingSession::play(const char* purpose, std::int64_t episodes) {
  return returns_of(evaluator_->play_episodes(trainer_->network(), trainer_->policy_part(), episodes,
                                              fmt::format("{}/{}", request_.stream_prefix, purpose)));
}

// Interrupted, it is begun again, by then with the best parameters in the network.
void TrainingSession::conclude() {
  const std::int64_t episodes = request_.config.evaluation.reevaluation_episodes;
  if (trainer_->updates() == 0)
    throw TrainingFailure(
        fmt::format("nothing was learned: no update was made in the {} steps from step {} on; give it more "
                    "steps, or start "
                    "learning earlier",
                    trainer_->env_steps() - request_.start_step, request_.start_step));
  if (outcome_.final_returns.empty()) {
    outcome_.final_parameters = current_parameters();
    outcome_.masks.final = current_mask();
  }
  for (const float value : outcome_.final_parameters)
    if (!std::isfinite(value)) throw TrainingFailure("a weight is not finite at the end of the training");
  if (outcome_.best_parameters.empty())
    throw TrainingFailure(
        fmt::format("none of the {} evaluations after the first update finished an episode within "
                    "'eval.max_steps' = {}; raise "
                    "it, or set 'eval.mode' = \"episodes\"",
                    outcome_.curve.size(), request_.config.evaluation.max_steps));
  if (outcome_.final_returns.empty()) outcome_.final_returns = play("final-evaluation", episodes);
  play_best(episodes);
  outcome_.env_steps = trainer_->env_steps() - request_.start_step;
  outcome_.updates = trainer_->updates();
  outcome_.train_flop = trainer_->masks().flop(outcome_.updates);
}

// The state that is saved when this is interrupted has the last mask, for which its moments are.
void TrainingSession::play_best(std::int64_t episodes) {
  Network& network = trainer_->network();
  const auto put = [&](const std::vector<std::uint8_t>& mask, const std::vector<float>& parameters) {
    if (!mask.empty()) network.recompile(mask);
    network.gather(parameters, network.parameters());
    network.parameters_changed();
  };
  put(outcome_.masks.best, outcome_.best_parameters);
  try {
    outcome_.best_returns = play("best-evaluation", episodes);
  } catch (const Interrupted&) {
    if (trainer_->masks().changes_masks()) put(outcome_.masks.final, outcome_.final_parameters);
    throw;
  }
}

void TrainingSession::save(StateWriter& writer) const {
  writer("outcome", outcome_);
  if (trainer_->masks().changes_masks()) writer("masks", outcome_.masks);
  trainer_->save(writer);
}

void TrainingSession::load(StateReader& reader) {
  reader("outcome", outcome_);
  const std::size_t size = request_.initial_parameters.size();
  if (trainer_->masks().changes_masks()) {
    reader("masks", outcome_.masks);
    reader.require("masks", [&] {
      const auto& [density, best, last] = outcome_.masks;
      return density.size() == outcome_.curve.size() &&
             best.size() == (outcome_.best_parameters.empty() ? 0 : size) &&
             last.size() == (outcome_.final_parameters.empty() ? 0 : size);
    });
  }
  const auto is_network = [&](const std::vector<float>& parameters) { return parameters.size() == size; };
  reader.require("outcome", [&] {
    const auto& [best, last] = std::tie(outcome_.best_parameters, outcome_.final_parameters);
    return (best.empty() || is_network(best)) &&
           (is_network(last) || (last.empty() && outcome_.final_returns.empty())) &&
           std::ranges::all_of(outcome_.snapshots, is_network, &Snapshot::parameters);
  });
  trainer_->load(reader);
}

}  // namespace impsweep
