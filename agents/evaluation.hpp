// agents/evaluation.hpp - undiscounted returns of a network and its policy (protocol section 3.5).
//
//   episodes  a fixed number of full episodes; lanes whose episode ended leave the batch
//   rlpyt     B lanes for a capped number of steps; only completed episodes count, which favours short ones
//             (rlpyt samplers/parallel/base.py)
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agents/aligned.hpp"
#include "agents/config.hpp"
#include "agents/network.hpp"
#include "agents/observation_columns.hpp"
#include "agents/policy.hpp"
#include "envs/environment.hpp"

namespace impsweep {

struct ReturnSummary {
  double mean = 0;
  double deviation = 0;  // population form; 0 for fewer than two episodes
};
ReturnSummary summarize(const std::vector<float>& returns);

class Evaluator {
 public:
  // `lanes`: copies of the task played at once, which is also the largest batch passed to a network.
  // The policy is for as many columns; `threads` step the lanes together.
  Evaluator(std::string_view task, const TaskOptions&, int lanes, std::unique_ptr<Policy>, int threads = 1);

  int lanes() const { return static_cast<int>(task_streams_.size()); }

  // Returns of `episodes` full episodes in their order. Episode e draws from streams
  // `<stream_prefix>/<e>/...`, so its return depends neither on the number of lanes nor on the other
  // episodes.
  std::vector<float> play_episodes(Network&, int part, std::int64_t episodes,
                                   const std::string& stream_prefix);

  // rlpyt's protocol: at most max_steps environment steps over all lanes, at most max_episodes completed
  // episodes.
  std::vector<float> play_steps(Network&, int part, std::int64_t max_steps, std::int64_t max_episodes,
                                const std::string& stream_prefix);

 private:
  void start_episode(int lane, int column, const std::string& stream_prefix, std::int64_t episode);
  void act(Network&, int part, int columns);

  std::unique_ptr<Environment> environment_;
  std::unique_ptr<Policy> policy_;
  std::vector<Stream> task_streams_, action_streams_;  // by lane
  std::vector<std::int32_t> lane_of_column_;
  std::vector<StepResult> results_;
  std::vector<double> running_return_;  // by lane
  std::vector<std::int64_t> episode_;   // by lane
  ObservationColumns observation_;
};

}  // namespace impsweep
