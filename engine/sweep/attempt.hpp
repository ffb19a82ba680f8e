// engine/sweep/attempt.hpp - trainings that end the process that runs them, as others would see it: a file
// live/<digest>.attempt says who is at it, and goes when it is done with it.
//
// A process that is killed leaves the file. Whoever comes next asks why: a signal of the training's own doing
// (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT) wrote its number into the file, and the kernel counts the
// processes that it ended for want of memory. Twice, and the training is put aside by name; the others go on.
// A process that somebody killed, or that its time limit or a power cut ended, proves nothing.
#pragma once

#include <string>
#include <vector>

#include "engine/plan/training_id.hpp"
#include "io/store.hpp"

namespace impsweep {

class Attempt {
 public:
  // This process begins with the training, unless it is to be put aside.
  Attempt(const Store&, const TrainingId&);
  ~Attempt();  // it has outlived it
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  // Why the training is put aside; empty if it is not. It is said once: who then tries again starts anew.
  std::string verdict() const;

  // It has a result: deaths before it meant nothing.
  void succeeded() { deaths_.clear(); }

 private:
  void write() const;

  std::filesystem::path path_;
  std::vector<std::string> deaths_;  // of processes that ran it, in words
};

}  // namespace impsweep
