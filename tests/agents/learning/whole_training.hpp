// tests/agents/learning/whole_training.hpp - trainings from begin to end, undisturbed or saved in the middle.
#pragma once

#include <doctest/doctest.h>

#include "agents/learning/session.hpp"
#include "envs/archive.hpp"

namespace impsweep::testing {

inline TrainingOutcome finished(TrainingSession& session) {
  while (session.advance()) continue;
  return session.outcome();
}

inline TrainingOutcome outcome_of(const TrainingRequest& request) {
  TrainingSession session(request);
  return finished(session);
}

// The same by two sessions, of which the second goes on from what the first saved after so many iterations.
inline TrainingOutcome outcome_after_restart(const TrainingRequest& request, int iterations) {
  TrainingSession first(request);
  for (int i = 0; i < iterations; ++i) first.advance();
  StateWriter saved;
  first.save(saved);
  TrainingSession second(request);
  StateReader reader(saved.bytes().data(), saved.bytes().size());
  second.load(reader);
  CHECK(reader.at_end());
  return finished(second);
}

inline std::vector<std::byte> bytes_of(const TrainingOutcome& outcome) {
  StateWriter writer;
  writer("outcome", outcome);
  return writer.take();
}

}  // namespace impsweep::testing
