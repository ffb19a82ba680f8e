// io/machine_memory.hpp - how much memory a process may use, by whoever limits it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace impsweep {

struct MemoryLimit {
  std::int64_t bytes = 0;
  std::string reason;  // "the machine has 8.2 GB for 4 processes"
};

// The least of: the machine's memory and what its control groups (versions 1 and 2) allow, shared evenly by
// `processes` on this host; what is available now; and the limits of this process (ulimit -v, -d). `root` is
// where proc and sys are mounted.
MemoryLimit memory_limit(int processes, const std::filesystem::path& root = "/");

// How often the kernel has ended a process of this machine for want of memory; -1 if it does not say.
std::int64_t out_of_memory_kills();

}  // namespace impsweep
