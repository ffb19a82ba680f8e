#include "engine/sweep/memory_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "engine/plan/memory_need.hpp"
#include "io/human_text.hpp"

namespace impsweep {

std::optional<std::string> memory_shortage(const Plan& plan, TrainingIndex training,
                                           const MemoryLimit& limit) {
  const MemoryNeed need = memory_need(plan, training);
  if (need.total() <= static_cast<double>(limit.bytes)) return std::nullopt;
  const std::string key = need.largest_key(plan.settings[plan.trainings[training].settings]);
  return fmt::format(
      "it needs about {} of memory, most of it for '{}', and this rank may use {} ({}); make '{}' smaller, "
      "or "
      "run fewer ranks on a host or on one with more memory: the next run tries again",
      bytes_text(need.bytes()), key, bytes_text(limit.bytes), limit.reason, key);
}

int ranks_on_this_host(int ranks) {
  for (const char* name : {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_TASKS_PER_NODE"}) {
    const char* text = std::getenv(name);  // Slurm's may read "4(x2)"
    if (text == nullptr) continue;
    int count = 0;
    const auto [end, error] = std::from_chars(text, text + std::strlen(text), count);
    if (error == std::errc() && count >= 1) return std::min(count, std::max(ranks, 1));
  }
  return 1;
}

}  // namespace impsweep
