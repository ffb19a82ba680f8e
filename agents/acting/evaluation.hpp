// agents/acting/evaluation.hpp - undiscounted returns of a network and its policy (protocol section 3.5).
//
//   episodes  a fixed number of full episodes; lanes whose episode ended leave the batch
//   rlpyt     B lanes for a capped number of steps; only completed episodes count, which favours short ones
//             (rlpyt samplers/parallel/base.py)
//
// Some tasks let a policy play for ever: a cap on the steps of an episode cuts it, as the task's own step
// limit would. A cut episode counts with the return that it has reached, and is counted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agents/acting/interruption.hpp"
#include "agents/acting/observation_columns.hpp"
#include "agents/acting/policy.hpp"
#include "agents/config/config.hpp"
#include "agents/native/aligned.hpp"
#include "agents/network/network.hpp"
#include "envs/environment.hpp"

namespace impsweep {

struct ReturnSummary {
  double mean = 0;       // the sum in double precision, divided once: equal returns in any order are a tie
  double deviation = 0;  // population form
};
// NaN if there are no returns, which no mean stands for.
ReturnSummary summarize(const std::vector<float>& returns);

// What was played: the returns of episodes in the order of their numbers or, under a cap on steps, their
// ends.
struct PlayedEpisodes {
  std::vector<float> returns;
  std::int64_t cut = 0;  // of them
};

// One step of an evaluation. The spans are valid during the call.
struct WatchedStep {
  std::int64_t episode = 0;
  std::span<const float> observation;        // [observation_size], as the network saw it
  std::span<const float> outputs;            // [actions]: logits, values or means
  std::int32_t action = 0;                   // where actions are numbered
  std::span<const float> continuous_action;  // [actions] where they are not
  float reward = 0;
  bool ends = false;
};
using StepWatcher = std::function<void(const WatchedStep&)>;

class Evaluator {
 public:
  virtual ~Evaluator() = default;

  // From now on every step is reported: the steps of an episode in their order, mixed with those of others.
  virtual void watch(StepWatcher) = 0;

  virtual int lanes() const = 0;  // largest batch that is passed to a network

  // What Environment::external_program() says, once something has been played.
  virtual std::string external_program() const { return {}; }

  // `episodes` full episodes. Episode e draws from streams `<stream_prefix>/<e>/...`, so its return depends
  // neither on the number of lanes nor on the other episodes.
  virtual PlayedEpisodes play_episodes(Network&, int part, std::int64_t episodes,
                                       const std::string& stream_prefix) = 0;

  // rlpyt's protocol: at most max_steps environment steps over all lanes, at most max_episodes completed
  // episodes.
  virtual PlayedEpisodes play_steps(Network&, int part, std::int64_t max_steps, std::int64_t max_episodes,
                                    const std::string& stream_prefix) = 0;
};

class EpisodeEvaluator final : public Evaluator {
 public:
  // `lanes`: copies of the task played at once, with what the task sets for evaluations. The policy is for as
  // many columns; episodes are cut after `max_episode_steps` (0: only where the task ends them); `threads`
  // step the lanes together. Playing throws Interrupted.
  EpisodeEvaluator(std::string_view task, const TaskOptions&, int lanes, std::unique_ptr<Policy>,
                   std::int64_t max_episode_steps, int threads = 1, Interruption = {});

  void watch(StepWatcher watcher) override { watcher_ = std::move(watcher); }
  int lanes() const override { return static_cast<int>(task_streams_.size()); }
  std::string external_program() const override { return environment_->external_program(); }
  PlayedEpisodes play_episodes(Network&, int part, std::int64_t episodes,
                               const std::string& stream_prefix) override;
  PlayedEpisodes play_steps(Network&, int part, std::int64_t max_steps, std::int64_t max_episodes,
                            const std::string& stream_prefix) override;

 private:
  // An episode under way.
  struct Episode {
    std::int64_t number = 0, steps = 0;
    double sum = 0;  // of rewards
  };

  void start_episode(int lane, int column, const std::string& stream_prefix, std::int64_t episode);
  void act(Network&, int part, int columns);
  bool ends(int column) const;
  bool is_cut(int column) const;
  // If there is a watcher: keeps observations and outputs before a step, and reports the step after it.
  void keep_observations(Network&, int part, int columns);
  void report_steps(int columns) const;

  std::unique_ptr<Environment> environment_;
  std::unique_ptr<Policy> policy_;
  std::vector<Stream> task_streams_, action_streams_;  // by lane
  std::vector<std::int32_t> lane_of_column_;
  std::vector<StepResult> results_;
  std::vector<Episode> episode_;  // by lane
  std::int64_t max_episode_steps_;
  ObservationColumns observation_;
  StepWatcher watcher_;
  Interruption interruption_;
  std::vector<float> seen_, outputs_;  // [column][observation_size], [column][actions]
};

}  // namespace impsweep
