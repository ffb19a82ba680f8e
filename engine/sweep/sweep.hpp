// engine/sweep/sweep.hpp - running a sweep: rank 0 coordinates (and works, if it is told to), the other ranks
// work.
//
//   every rank   expands the same plan from the text that rank 0 broadcasts
//   rank 0       hands ready trainings to idle ranks, keeps journal, progress and index
//   a worker     computes a training, publishes its result in the store, tells rank 0
//
// Nothing is lost if any of them dies: what is published stays, and the next run skips it. Under
// `mpirun --enable-recovery` the others go on at once: every rank says by the clock that it is alive, rank 0
// gives the training of a silent rank to another, and workers save and leave when rank 0 falls silent.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agents/learning/trainer.hpp"
#include "engine/sweep/transport.hpp"

namespace impsweep {

enum class RankZero {
  kAuto,    // works up to eight ranks, sleeps beyond
  kWorks,   // trains too, and answers messages between iterations
  kSleeps,  // sleeps between messages, a few milliseconds at a time
};

// Which of the trainings that could run do so first.
enum class SweepOrder {
  kHeaviest,  // those with the longest chain behind them: the sweep ends soonest
  kSeeds,     // those of the lowest seed: every setting has its first seed before any has its next
};

struct SweepOptions {
  std::vector<std::string> jobs;       // paths of job files
  std::vector<std::string> overrides;  // "key=value"
  std::string store;
  Backend backend = Backend::kNative;
  int threads = 1;  // of a rank, for stepping environments; results do not depend on it
  RankZero rank_zero = RankZero::kAuto;
  SweepOrder order = SweepOrder::kHeaviest;
  bool retry_failed = false;
  std::chrono::milliseconds checkpoint_interval = std::chrono::seconds(60);
  std::chrono::milliseconds lost_after = std::chrono::seconds(30);
  struct Chaos {
    double seconds;  // mean time between two deaths
    std::int64_t seed;
  };
  std::optional<Chaos> chaos;  // workers kill themselves at random times
  // Chain and round: this training and what it needs.
  std::optional<std::pair<std::string, std::string>> only;
  std::optional<std::pair<int, int>> shard;  // every n-th chain from the i-th (0-based) on
};

// Returns an exit code; on ranks other than 0 always complete. Throws InputError on rank 0 only.
int run_sweep(Transport&, const SweepOptions&);

}  // namespace impsweep
