// engine/sweep/failure_tracker.hpp - the training or the rank: which is to blame for failures that may not come
// again (a full disk, too little memory)? Pure logic.
//
//   a training that fails on two different ranks, or four times, fails for good
//   a rank on which three trainings in a row fail is set aside: it would swallow the whole sweep in seconds
#pragma once

#include <map>
#include <set>

#include "engine/plan/plan.hpp"

namespace impsweep {

class Blame {
 public:
  explicit Blame(int ranks) : ranks_(ranks) {}

  // The training failed on the rank. True if it may be tried again.
  bool failed(int rank, TrainingIndex training) {
    Trouble& trouble = trouble_[training];
    trouble.ranks.insert(rank);
    ++trouble.times;
    ++failures_in_a_row_[rank];
    return ranks_ > 1 && trouble.ranks.size() < 2 && trouble.times < 4;
  }

  void succeeded(int rank) { failures_in_a_row_[rank] = 0; }

  bool set_aside(int rank) const {
    const auto found = failures_in_a_row_.find(rank);
    return ranks_ > 1 && found != failures_in_a_row_.end() && found->second >= 3;
  }

 private:
  struct Trouble {
    std::set<int> ranks;
    int times = 0;
  };
  int ranks_;
  std::map<TrainingIndex, Trouble> trouble_;
  std::map<int, int> failures_in_a_row_;
};

}  // namespace impsweep
