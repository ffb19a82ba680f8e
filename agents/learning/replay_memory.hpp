// agents/learning/replay_memory.hpp - the last transitions of B environments, from which off-policy
// algorithms learn (rlpyt replays/n_step.py, replays/non_sequence/prioritized.py, replays/sum_tree.py).
//
// A ring of T time steps times B environments; slot t * B + b holds observation, action and reward of
// environment b at that step. The observation n steps later is that of a later slot and not stored again;
// after an end it belongs to the next episode and must not be used (done_n). Where episodes that only a step
// limit ends are to be bootstrapped, what they ended with is kept in a row of its own, behind those of all
// slots: that doubles the memory.
//
// What can be drawn: steps whose n-step future is complete, except the slot that is written next and the very
// first step of all (the reference also reads the action before it).
//   prioritized   in proportion to the leaves of a sum tree. A leaf becomes initial_priority^alpha when its
//                 future is complete, and priority^alpha by set_priorities(). Nothing is added, so that
//                 priority 0 is never drawn again.
//   uniform       every such slot with equal probability
//
// Memory: binary tasks keep the active features as a list of 16-bit numbers, or as a bit set where a list
// would be more than twice as large: reading 120 features takes 40 ns from a list and 160 ns from a bit set.
// 100,000 transitions of MazeGrid take 27 MB, of MinAtar 6 to 14 MB.
// Nothing is allocated after construction.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "agents/acting/observation_columns.hpp"
#include "agents/learning/sum_tree.hpp"
#include "envs/archive.hpp"

namespace impsweep {

struct ReplayOptions {
  std::int64_t size = 100'000;  // transitions, rounded up to whole time steps
  int B = 1;
  int n_step = 1;
  double discount = 0.99;
  int features = 0;
  int actions = 1 << 30;  // at least: numbers from it on are no actions
  int max_active = 0;     // binary tasks: the largest number of features that are 1; 0 for numbers
  bool prioritized = true;
  double alpha = 0.6;
  double initial_priority = 1.0;
  bool bootstraps_timeouts = false;  // keeps what episodes ended with that only a step limit ended
  // Coded tasks: makes the dense batch that the network sees from the codes that are kept, which have
  // code_size features. Empty: what is kept is what the network sees.
  std::function<void(const ActiveBatch&, int batch, MutableBatch dense)> expand;
  int code_size = 0;

  int kept_features() const { return expand ? code_size : features; }
};

// A sample of the memory, by columns.
struct ReplayBatch {
  ReplayBatch() = default;
  ReplayBatch(const ReplayOptions&, int size);

  int size = 0;
  ObservationColumns observation, next_observation;  // next: n steps later
  ObservationColumns kept;                           // before its expansion, where there is one
  std::vector<std::int32_t> action;                  // [size rounded up]
  AlignedFloats return_;             // [size rounded up], discounted rewards up to and with the first end
  AlignedFloats weight;              // [size rounded up], importance weights, the largest is 1
  std::vector<std::uint8_t> done_n;  // [size], one of the n steps was an end that nothing comes after
  // [size rounded up]: factor on discount^n of what comes after: 1, or discount^(k - n) where the step limit
  // ended the episode after k steps, whose next observation is then its last.
  AlignedFloats bootstrap;
  std::vector<std::uint32_t> slot;      // [size]
  std::vector<std::uint32_t> next_row;  // [size], of the next observation
  std::vector<double> priority;         // [size], the leaf
};

// Discounted sum of rewards up to and including the first end. Steps are added in their order.
struct NStepReturn {
  double sum = 0, factor = 1;
  bool done = false;

  void add(float reward, bool ends, double discount) {
    if (done) return;
    sum += factor * reward;
    factor *= discount;
    done = ends;
  }
};

// weight[j] = (1 / (priority[j] + 1e-6))^beta, divided by the largest.
void importance_weights(std::span<const double> priority, double beta, std::span<float> weight);

class ReplayMemory {
 public:
  explicit ReplayMemory(ReplayOptions);

  int T() const { return T_; }
  int B() const { return options_.B; }
  int cursor() const { return row(written_); }  // time step of the ring that is written next
  std::int64_t transitions() const;             // held now
  std::span<const double> leaves() const { return tree_.leaves(); }  // [T][B]
  double total() const { return tree_.total(); }

  // How an episode goes on after a step.
  enum End : std::uint8_t { kRuns, kEnds, kEndsByLimit };

  // One time step of all environments: first what they see, then what became of it. Between them comes what
  // those see whose episode only the step limit ends, if timeouts are bootstrapped.
  void observe(const ObservationColumns&);
  void observe_ends(const ObservationColumns&, std::span<const std::uint8_t> done);
  bool bootstraps_timeouts() const { return options_.bootstraps_timeouts; }
  void append(std::span<const std::int32_t> action, std::span<const float> reward,
              std::span<const std::uint8_t> done);

  bool can_sample() const;

  // One uniform on [0, 1) for each member of the batch, which has been made with these options.
  void sample(std::span<const double> uniform, double beta, ReplayBatch&);

  // New priorities of the batch just sampled; of several for one slot the first counts.
  void set_priorities(const ReplayBatch&, std::span<const float> priority);

  std::size_t bytes() const;  // of the whole memory

  template <class Archive>
  void visit(Archive& archive) {
    archive.ranged("written", written_, std::int64_t{0}, kMostSteps);
    archive.sized_ranged("action", action_, 0, options_.actions - 1);
    archive.sized("reward", reward_);
    archive.sized_ranged("done", done_, 0, options_.bootstraps_timeouts ? 2 : 1);
    archive.sized("dense", dense_);
    archive.sized("lists", lists_);
    archive.sized("bits", bits_);
    archive.require("lists", [&] { return observations_are_possible(); });
    archive("tree", tree_);
  }

 private:
  enum class Form { kDense, kLists, kBits };
  struct Steps {
    std::int64_t first, end;
  };

  static constexpr std::int64_t kMostSteps = std::int64_t{1} << 40;

  bool observations_are_possible() const;  // of lists and bit sets: no feature or number of them that is not
  int row(std::int64_t step) const { return static_cast<int>(step % T_); }
  Steps drawable() const;  // steps that can be drawn, counted from the very first of all
  std::size_t later(std::uint32_t slot, int steps) const;  // of the same environment
  void draw(std::span<const double> uniform, ReplayBatch&);
  void write_row(std::size_t row, const ObservationColumns& seen, std::size_t column);
  void read_observations(ReplayBatch&, std::span<const std::uint32_t> rows, ObservationColumns& target) const;
  void read_columns(std::span<const std::uint32_t> rows, ObservationColumns& target) const;

  ReplayOptions options_;
  Form form_ = Form::kDense;
  int T_ = 0;
  std::size_t row_size_ = 0;  // elements of an observation in its form
  std::int64_t written_ = 0;  // time steps so far
  std::vector<std::int32_t> action_;
  std::vector<float> reward_;
  std::vector<std::uint8_t> done_;    // [slot], as End
  std::vector<float> dense_;          // [row][features]; rows are those of slots, then those of their ends
  std::vector<std::uint16_t> lists_;  // [row][1 + max_active]: how many features are active, and which
  std::vector<std::uint64_t> bits_;   // [row][words]
  SumTree tree_;
  std::vector<double> new_leaf_;  // of a batch under way
};

}  // namespace impsweep
