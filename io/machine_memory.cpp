#include "io/machine_memory.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

#include "io/human_text.hpp"

namespace impsweep {
namespace {

namespace fs = std::filesystem;

// A number alone in a file; nothing for "max", or without such a file.
std::optional<std::int64_t> number_in(const fs::path& path) {
  std::ifstream file(path);
  std::int64_t value = 0;
  if (file >> value) return value;
  return std::nullopt;
}

// The number after a word at the beginning of a line, as in /proc/meminfo.
std::optional<std::int64_t> number_after(const fs::path& path, const std::string& word) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(word)) continue;
    std::istringstream rest(line.substr(word.size()));
    std::int64_t value = 0;
    if (rest >> value) return value;
  }
  return std::nullopt;
}

std::optional<std::int64_t> kilobytes(const fs::path& path, const std::string& word) {
  const std::optional<std::int64_t> value = number_after(path, word);
  if (!value) return std::nullopt;
  return *value * 1024;
}

// The least limit of a group and of those around it. A container may see its own group as the outermost one.
std::optional<std::int64_t> least_of_groups(const fs::path& mount, fs::path group, const char* file) {
  std::optional<std::int64_t> least;
  const auto consider = [&](const fs::path& folder) {
    if (const std::optional<std::int64_t> limit = number_in(folder / file))
      least = std::min(least.value_or(*limit), *limit);
  };
  for (group = group.relative_path(); !group.empty(); group = group.parent_path()) consider(mount / group);
  consider(mount);
  return least;
}

std::optional<std::int64_t> group_limit(const fs::path& root) {
  std::optional<std::int64_t> least;
  const auto consider = [&](const std::optional<std::int64_t>& limit) {
    if (limit) least = std::min(least.value_or(*limit), *limit);
  };
  std::ifstream groups(root / "proc/self/cgroup");
  const fs::path mount = root / "sys/fs/cgroup";
  for (std::string line; std::getline(groups, line);) {  // "4:memory:/slurm/uid_0" or "0::/user.slice"
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) consider(least_of_groups(mount, group, "memory.max"));
    if (controllers == "memory") consider(least_of_groups(mount / "memory", group, "memory.limit_in_bytes"));
  }
  return least;
}

std::int64_t soft_limit(decltype(RLIMIT_AS) resource) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
      limit.rlim_cur > static_cast<rlim_t>(std::numeric_limits<std::int64_t>::max()))
    return std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(limit.rlim_cur);
}

}  // namespace

MemoryLimit memory_limit(int processes, const fs::path& root) {
  MemoryLimit least{std::numeric_limits<std::int64_t>::max(), "nothing limits it"};
  const auto consider = [&](std::int64_t bytes, const std::string& reason) {
    if (bytes < least.bytes) least = {bytes, reason};
  };
  const auto shared = [&](std::int64_t bytes, const std::string& what) {
    consider(bytes / std::max(processes, 1),
             processes <= 1
                 ? fmt::format("{} {}", what, bytes_text(bytes))
                 : fmt::format("{} {} for {} ranks on this host", what, bytes_text(bytes), processes));
  };
  if (const auto total = kilobytes(root / "proc/meminfo", "MemTotal:")) shared(*total, "the machine has");
  if (const auto limit = group_limit(root)) shared(*limit, "its control group (cgroup) allows");
  const std::int64_t resident = kilobytes(root / "proc/self/status", "VmRSS:").value_or(0);
  if (const auto available = kilobytes(root / "proc/meminfo", "MemAvailable:"))
    consider(*available + resident, fmt::format("the machine has {} left", bytes_text(*available)));
  const std::int64_t mapped = kilobytes(root / "proc/self/status", "VmSize:").value_or(resident) - resident;
  if (const std::int64_t limit = soft_limit(RLIMIT_AS); limit < std::numeric_limits<std::int64_t>::max())
    consider(std::max<std::int64_t>(limit - mapped, 0),
             fmt::format("its address space is limited to {} (ulimit -v)", bytes_text(limit)));
  if (const std::int64_t limit = soft_limit(RLIMIT_DATA); limit < std::numeric_limits<std::int64_t>::max())
    consider(limit, fmt::format("its data is limited to {} (ulimit -d)", bytes_text(limit)));
  return least;
}

std::int64_t out_of_memory_kills() {
  return number_after("/proc/vmstat", "oom_kill ").value_or(-1);
}

}  // namespace impsweep
