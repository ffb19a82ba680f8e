// envs/external/gymnasium_worker.hpp - a worker process with some lanes of one environment of Gymnasium, each
// an object of its own (envs/external/gymnasium_worker.py), and what Python finds out about an environment.
//
// Requests of many steps lie in shared memory, by column: lanes, seeds and actions go there, and observations
// as raw bytes, rewards and ends come back. A lane whose episode ends in a step is reset in the same request,
// if a seed for that is given, so that it needs none of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include "envs/external/definition.hpp"
#include "envs/external/worker_process.hpp"

namespace impsweep::external {

// The text of envs/external/gymnasium_worker.py.
const char* gymnasium_program();

// An environment did what none may do, or ended its process: for whoever wrote it. The same will happen
// again.
struct EnvironmentFault : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Whether files of Python and modules that a definition names may run: yes if the user named them, in a job
// or on the command line; for a store that came from elsewhere only if the user says so. No at first.
void trust_code(bool);
bool is_code_trusted();

inline constexpr std::int64_t kNoSeed = -1;   // of a reset: goes on with the generator that there is
inline constexpr std::int64_t kNoReset = -2;  // of a step: if the episode ends, the lane is left as it is

class GymnasiumWorker {
 public:
  // One that was given back if there is one, else a new process. Throws GymnasiumUnavailable if it cannot be
  // had here, or is another than the definition says.
  static std::unique_ptr<GymnasiumWorker> get(const Definition&, const Spaces&, int lanes);
  // For the next that asks for the same. One that has failed is ended.
  static void give_back(std::unique_ptr<GymnasiumWorker>);
  GymnasiumWorker(const GymnasiumWorker&) = delete;
  GymnasiumWorker& operator=(const GymnasiumWorker&) = delete;
  ~GymnasiumWorker();  // lets the environments close themselves

  // Shared memory, by column.
  std::span<std::uint32_t> lanes() { return lanes_; }
  std::span<std::int64_t> seeds() { return seeds_; }
  std::span<std::int64_t> actions() { return actions_; }         // discrete
  std::span<float> action_numbers() { return action_numbers_; }  // [column][actions], within bounds
  const double* rewards() const { return rewards_; }
  const std::uint8_t* flags() const { return flags_; }  // 1 terminated, 2 truncated
  const std::byte* row(std::size_t column) const { return rows_ + column * row_bytes_; }
  // By lane: the first observation of the episode that a step began.
  const std::byte* first_row(std::size_t lane) const { return first_rows_ + lane * row_bytes_; }

  // Begins a request for the first `columns` columns; finish() waits for its end. Between the two another
  // worker can begin one. finish() throws what went wrong in the environment; current_lane() is where, and
  // is_resetting() whether in the reset after a step.
  enum class Operation : std::uint32_t { kStep, kReset, kTalk };
  void begin(Operation, std::size_t columns);
  void finish();
  int current_lane() const;
  bool is_resetting() const { return header_[3] > lanes_.size(); }

  // The state of the generator of a lane: PCG64's state, increment, and the half word that is left over.
  std::string generator(int lane);

  const std::string& interpreter() const { return interpreter_; }
  int process_id() const { return process_.process(); }

 private:
  GymnasiumWorker(const Definition&, const Spaces&, int lanes, std::string key);
  void lay_out(const Spaces&, std::size_t lanes);

  std::string key_;  // workers of one key are interchangeable
  WorkerProcess process_;
  std::string interpreter_;
  bool has_failed_ = false;
  std::chrono::milliseconds time_limit_;
  std::uint32_t* header_ = nullptr;
  std::span<std::uint32_t> lanes_;
  std::span<std::int64_t> seeds_, actions_;
  std::span<float> action_numbers_;
  double* rewards_ = nullptr;
  std::uint8_t* flags_ = nullptr;
  std::byte *rows_ = nullptr, *first_rows_ = nullptr;
  std::size_t row_bytes_ = 0;
};

// Starts Python twice and finds out what the job's environment is: spaces, versions, digests, and by playing
// some episodes whether they repeat. Throws GymnasiumUnavailable with what is missing.
Definition determine(Definition);

}  // namespace impsweep::external
