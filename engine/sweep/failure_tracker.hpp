// engine/sweep/failure_tracker.hpp - the training or the rank: which is to blame for failures that may not
// come again (a full disk, too little memory)? Pure logic.
//
//   a training that fails on two different ranks, or four times, fails for good
//   a rank on which three trainings in a row fail gets no more work: the whole sweep would fail on it in
//   seconds; a rank alone goes on, but for results that cannot be stored, which it would throw away
//   a training that is too large for a rank says nothing of the rank
#pragma once

#include <map>
#include <set>

#include "engine/plan/plan.hpp"

namespace impsweep {

class FailureTracker {
 public:
  explicit FailureTracker(int ranks) : ranks_(ranks) {}

  // The training failed on the rank; `unstored`: it was computed, and could not be stored. True if it may be
  // tried again.
  bool failed(int rank, TrainingIndex training, bool unstored = false, bool too_large = false) {
    Failures& failures = failures_[training];
    failures.ranks.insert(rank);
    ++failures.times;
    if (!too_large) {
      unstored_in_a_row_[rank] = unstored ? unstored_in_a_row_[rank] + 1 : 0;
      ++failures_in_a_row_[rank];
    }
    return ranks_ > 1 && failures.ranks.size() < 2 && failures.times < 4;
  }

  void succeeded(int rank) {
    failures_in_a_row_.erase(rank);
    unstored_in_a_row_.erase(rank);
  }

  bool set_aside(int rank) const { return has(ranks_ > 1 ? failures_in_a_row_ : unstored_in_a_row_, rank); }

 private:
  struct Failures {
    std::set<int> ranks;
    int times = 0;
  };
  static bool has(const std::map<int, int>& in_a_row, int rank) {
    const auto found = in_a_row.find(rank);
    return found != in_a_row.end() && found->second >= 3;
  }

  int ranks_;
  std::map<TrainingIndex, Failures> failures_;
  // By rank, where there are any: asked for at every message.
  std::map<int, int> failures_in_a_row_, unstored_in_a_row_;
};

}  // namespace impsweep
