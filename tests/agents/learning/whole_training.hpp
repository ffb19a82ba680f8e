// tests/agents/learning/whole_training.hpp - small trainings from begin to end, undisturbed or not.
#pragma once

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "agents/learning/session.hpp"
#include "envs/archive.hpp"

namespace impsweep::testing {

// Completes a request whose model is set: random parameters of which two are pruned, log_std 0, and a teacher
// of the same model.
inline void give_parameters(TrainingRequest& request, Stream& stream) {
  const std::size_t count = parameter_count(request.model);
  request.mask.assign(count, 1);
  request.mask[3] = request.mask[70] = 0;
  request.initial_parameters.assign(count, 0.0f);
  for (std::size_t i = 0; i + static_cast<std::size_t>(request.model.log_std) < count; ++i)
    if (request.mask[i] != 0) request.initial_parameters[i] = static_cast<float>(stream.uniform() - 0.5);
  request.stream_prefix = "test";
  request.teacher_model = request.model;
  request.teacher_parameters.assign(count, 0.1f);
}

// What a trainer or a session saves now.
template <class T>
std::vector<std::byte> saved(const T& training) {
  StateWriter writer;
  training.save(writer);
  return writer.take();
}

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
  const std::vector<std::byte> state = saved(first);
  TrainingSession second(request);
  StateReader reader(state.data(), state.size());
  second.load(reader);
  CHECK(reader.at_end());
  return finished(second);
}

inline std::vector<std::byte> bytes_of(const TrainingOutcome& outcome) {
  StateWriter writer;
  writer("outcome", outcome);
  return writer.take();
}

// Gives up the first iteration at every place where it can be given up, and checks that the state before it
// is what is saved then. Returns the number of these places.
inline int check_first_iteration_given_up(TrainingRequest request) {
  constexpr std::int64_t kNever = 1 << 20;
  std::int64_t left = kNever;  // questions until somebody waits
  request.interruption = [&left] { return --left < 0; };
  const std::vector<std::byte> before = saved(*make_trainer(request, 5));
  for (int places = 0;; ++places) {
    CAPTURE(places);
    left = kNever;
    const std::unique_ptr<Trainer> trainer = make_trainer(request, 5);
    left = places;
    try {
      trainer->iterate();
      CHECK(saved(*trainer) != before);
      return places;
    } catch (const Interrupted&) {
      CHECK(saved(*trainer) == before);
      CHECK(trainer->env_steps() == 0);
    }
  }
}

// Interrupts a session again and again, at random moments; each time it goes on from what was saved.
inline void check_same_bits_through_interruptions(TrainingRequest request) {
  const std::vector<std::byte> expected = bytes_of(outcome_of(request));
  Stream moments("moments");
  std::int64_t left = 0;
  int interruptions = 0;
  request.interruption = [&left] { return --left < 0; };
  std::vector<std::byte> state;
  std::optional<std::vector<std::byte>> got;
  while (!got) {
    left = std::int64_t{1} << moments.below(10);
    std::unique_ptr<TrainingSession> session;
    try {
      session = std::make_unique<TrainingSession>(request);
      if (!state.empty()) {
        StateReader reader(state.data(), state.size());
        session->load(reader);
      }
      got = bytes_of(finished(*session));
    } catch (const Interrupted&) {
      ++interruptions;
      if (session) state = saved(*session);  // else while the environments were taken apart in time
    }
  }
  CHECK(interruptions > 2);
  CHECK(got == expected);
}

}  // namespace impsweep::testing
