// agents/config/paper_defaults.hpp - what the paper does on a task: the numbers of its appendix C, rlpyt's
// where it is silent, and ours where neither says anything.
//
// Rows are found by the family of the task (TaskInfo::family) and the algorithm. A task or an algorithm that
// the table does not know gets neutral values for its kind of observations and actions, which are nobody's
// but ours.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "agents/config/config.hpp"
#include "envs/environment.hpp"

namespace impsweep {

// Settings of `algorithm` on the task: its row, or the neutral values. Own options of an algorithm without a
// row are left empty, and so have their declared defaults.
AgentConfig paper_defaults(const TaskInfo&, std::string_view algorithm);
AgentConfig paper_defaults(std::string_view task, std::string_view algorithm);  // a task that is known

// Steps after which an episode of an evaluation is cut where the task itself has no limit, as a policy that
// has learned little may play MinAtar for ever (ours: the originals have none). 0: the task has a limit.
std::int64_t default_episode_cap(const TaskInfo&);

// Where the row comes from: "Table 3", "rlpyt", "ours, figure 12"; "ours" for neutral values.
std::string_view source_of_defaults(const TaskInfo&, std::string_view algorithm);

// Number of rounds of a chain.
int paper_rounds(const TaskInfo&);

// "ppo" or "dqn": what trains the teachers of the task's students. Students of DQN agents learn action
// values.
std::string_view teacher_algorithm(const TaskInfo&);

// Whether PPO's critic is pruned together with its actor (the robots: section 3.3).
bool prunes_critic(const TaskInfo&);

// Hidden layers behind the convolution on MinAtar (table 10).
std::vector<std::int64_t> paper_cnn_hidden();

// Hidden layers of the teacher of a student of this size (tables 2, 4, 6 and 10): on Cart-Pole 64-64 teaches
// 128-128 and 128-128 teaches 256-256; on Acrobot 128-64 teaches all, on MinAtar 512-256; elsewhere the
// student's own.
std::vector<std::int64_t> paper_teacher_hidden(const TaskInfo&,
                                               const std::vector<std::int64_t>& student_hidden);

}  // namespace impsweep
