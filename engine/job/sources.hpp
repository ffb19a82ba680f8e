// engine/job/sources.hpp - where the default of every key comes from, for each task and algorithm.
//
// Four kinds of text, and nothing of ours is called the paper's:
//
//   "paper, table 3"       stated in the paper; section, table or figure
//   "rlpyt, ppo.py"        default of the library that the paper used, where the paper says nothing; its file
//   "PyTorch"              default of PyTorch; "Gymnasium", "MinAtar", "PyBullet Gym": of the task's package
//   "ours (A13)"           our choice, with the letter of docs/protocol.md where the paper is ambiguous
#pragma once

#include <string>
#include <string_view>

namespace impsweep {

// Keys of teachers have the source of the key without the prefix, under the algorithm that the teacher learns
// by. "" for a key that is unknown.
std::string source_of(std::string_view key, std::string_view family, std::string_view algorithm);

// Where a task itself comes from: "named in the paper", or what it is instead.
std::string source_of_task(std::string_view task);

}  // namespace impsweep
