#include "agents/acting/evaluation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "agents/native/kernels/kernels.hpp"
#include "envs/parallel_environment.hpp"

namespace impsweep {

ReturnSummary summarize(const std::vector<float>& returns) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (returns.empty()) return {.mean = kNone, .deviation = kNone};
  ReturnSummary summary;
  const auto count = static_cast<double>(returns.size());
  for (const float value : returns) summary.mean += value;
  summary.mean /= count;
  double squares = 0;
  for (const float value : returns) squares += (value - summary.mean) * (value - summary.mean);
  summary.deviation = std::sqrt(squares / count);
  return summary;
}

namespace {

// The task as evaluations have it.
std::unique_ptr<Environment> evaluated(std::string_view task, TaskOptions options, int lanes, int threads) {
  if (const TaskInfo* info = find_task(task))
    for (const auto& [key, value] : info->evaluation_options) options[key] = value;
  return in_parallel(make_environment(task, lanes, options), threads);
}

}  // namespace

EpisodeEvaluator::EpisodeEvaluator(std::string_view task, const TaskOptions& options, int lanes,
                                   std::unique_ptr<Policy> policy, std::int64_t max_episode_steps,
                                   int threads, Interruption interruption)
    : environment_(evaluated(task, options, lanes, threads)),
      policy_(std::move(policy)),
      task_streams_(lanes),
      action_streams_(lanes),
      lane_of_column_(lanes),
      results_(lanes),
      episode_(lanes),
      max_episode_steps_(max_episode_steps),
      observation_(environment_->info(), lanes),
      interruption_(std::move(interruption)) {
  for (int lane = 0; lane < lanes; ++lane) environment_->attach(lane, task_streams_[lane]);
}

void EpisodeEvaluator::start_episode(int lane, int column, const std::string& stream_prefix,
                                     std::int64_t episode) {
  task_streams_[lane] = Stream(fmt::format("{}/{}/environment", stream_prefix, episode));
  action_streams_[lane] = Stream(fmt::format("{}/{}/action", stream_prefix, episode));
  episode_[lane] = {.number = episode};
  environment_->reset(lane, column, observation_.target());
}

void EpisodeEvaluator::act(Network& network, int part, int columns) {
  throw_if_interrupted(interruption_);
  const std::span<const std::int32_t> lanes(lane_of_column_.data(), static_cast<std::size_t>(columns));
  observation_.observe(*environment_, lanes);
  if (watcher_) keep_observations(network, part, columns);
  policy_->act(network, part, columns, observation_, action_streams_.data(), lanes.data());
  environment_->step(lanes, policy_->actions(), observation_.target(), {results_.data(), lanes.size()});
  for (int c = 0; c < columns; ++c) {
    Episode& episode = episode_[lane_of_column_[c]];
    episode.sum += results_[c].reward;
    ++episode.steps;
  }
  if (watcher_) report_steps(columns);
}

bool EpisodeEvaluator::is_cut(int column) const {
  return !results_[column].terminated && !results_[column].truncated &&
         episode_[lane_of_column_[column]].steps == max_episode_steps_;
}

bool EpisodeEvaluator::ends(int column) const {
  return results_[column].terminated || results_[column].truncated || is_cut(column);
}

void EpisodeEvaluator::keep_observations(Network& network, int part, int columns) {
  const TaskInfo& info = environment_->info();
  const auto features = static_cast<std::size_t>(info.observation_size);
  const auto actions = static_cast<std::size_t>(info.actions);
  const auto stride = static_cast<std::size_t>(round_up_to_lanes(lanes()));
  AlignedFloats outputs(actions * stride);
  observation_.infer(network, part, columns, {outputs.data(), static_cast<int>(stride)});
  seen_.assign(static_cast<std::size_t>(columns) * features, 0.0f);
  outputs_.resize(static_cast<std::size_t>(columns) * actions);
  const ActiveBatch active = observation_.active();
  const ConstBatch dense = std::as_const(observation_).dense();
  for (std::size_t c = 0; c < static_cast<std::size_t>(columns); ++c) {
    float* const row = seen_.data() + c * features;
    if (observation_.is_binary())
      for (std::uint32_t i = active.begin[c]; i < active.begin[c + 1]; ++i) row[active.feature[i]] = 1;
    else
      for (std::size_t f = 0; f < features; ++f)
        row[f] = dense.data[f * static_cast<std::size_t>(dense.stride) + c];
    for (std::size_t a = 0; a < actions; ++a) outputs_[c * actions + a] = outputs[a * stride + c];
  }
}

void EpisodeEvaluator::report_steps(int columns) const {
  const TaskInfo& info = environment_->info();
  const auto features = static_cast<std::size_t>(info.observation_size);
  const auto actions = static_cast<std::size_t>(info.actions);
  const ActionBatch taken = policy_->actions();
  std::vector<float> continuous(info.continuous ? actions : 0);
  for (std::size_t c = 0; c < static_cast<std::size_t>(columns); ++c) {
    for (std::size_t d = 0; d < continuous.size(); ++d)
      continuous[d] = taken.continuous[d * static_cast<std::size_t>(taken.stride) + c];
    watcher_({.episode = episode_[static_cast<std::size_t>(lane_of_column_[c])].number,
              .observation = std::span(seen_).subspan(c * features, features),
              .outputs = std::span(outputs_).subspan(c * actions, actions),
              .action = info.continuous ? 0 : taken.discrete[c],
              .continuous_action = continuous,
              .reward = results_[c].reward,
              .ends = ends(static_cast<int>(c))});
  }
}

PlayedEpisodes EpisodeEvaluator::play_episodes(Network& network, int part, std::int64_t episodes,
                                               const std::string& stream_prefix) {
  PlayedEpisodes played{.returns = std::vector<float>(static_cast<std::size_t>(episodes))};
  int columns = 0;
  std::int64_t started = 0;
  for (; columns < lanes() && started < episodes; ++columns) {
    lane_of_column_[columns] = columns;
    start_episode(columns, columns, stream_prefix, started++);
  }
  while (columns > 0) {
    act(network, part, columns);
    for (int c = columns; c-- > 0;) {
      if (!ends(c)) continue;
      const int lane = lane_of_column_[c];
      played.returns[static_cast<std::size_t>(episode_[lane].number)] =
          static_cast<float>(episode_[lane].sum);
      played.cut += is_cut(c);
      if (started < episodes) {
        start_episode(lane, c, stream_prefix, started++);
        continue;
      }
      // The last column takes the place of the one that leaves.
      --columns;
      lane_of_column_[c] = lane_of_column_[columns];
      observation_.move_column(columns, c);
    }
  }
  return played;
}

PlayedEpisodes EpisodeEvaluator::play_steps(Network& network, int part, std::int64_t max_steps,
                                            std::int64_t max_episodes, const std::string& stream_prefix) {
  PlayedEpisodes played;
  const int columns = lanes();
  const auto full = [&] { return static_cast<std::int64_t>(played.returns.size()) >= max_episodes; };
  std::int64_t started = 0;
  for (int lane = 0; lane < columns; ++lane) {
    lane_of_column_[lane] = lane;
    start_episode(lane, lane, stream_prefix, started++);
  }
  const std::int64_t rounds = max_steps / columns;
  for (std::int64_t step = 0; step < rounds && !full(); ++step) {
    act(network, part, columns);
    for (int c = 0; c < columns && !full(); ++c) {
      if (!ends(c)) continue;
      played.returns.push_back(static_cast<float>(episode_[c].sum));
      played.cut += is_cut(c);
      start_episode(c, c, stream_prefix, started++);
    }
  }
  return played;
}

}  // namespace impsweep
