// engine/sweep/worker_session.hpp - a worker's side of what it and rank 0 say to each other, without the
// computing between: what has arrived, what follows from it, and what is answered.
//
//   ready -> (assignment -> answer)* -> goodbye -> how all ranks part
//
// An assignment that comes twice is taken once, and one that comes while the worker still computes, as rank 0
// had given it up, is kept for afterwards. Any thread may call send_alive(); everything else is one thread's.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "engine/sweep/transport.hpp"

namespace impsweep {

// How a rank ends.
enum class Shutdown {
  kCollective,    // all ranks end together, in MPI_Finalize
  kIndependent,   // ranks are lost, so this one ends without waiting for them
  kRankZeroLost,  // nothing came from rank 0 for `lost_after`; the training is saved
};

// How often ranks say that they are alive: six times within `lost_after`; above a thousand ranks the more
// rarely the more they are, three times at least, as almost all that rank 0 then hears is this.
std::chrono::milliseconds sign_of_life_interval(std::chrono::milliseconds lost_after, int ranks);

class WorkerSession {
 public:
  using Clock = std::chrono::steady_clock;
  using Now = std::function<Clock::time_point()>;
  // Rank 0 counts as lost when nothing came from it for `lost_after`.
  WorkerSession(Transport&, Clock::duration lost_after, Now now = Clock::now);

  // Waits for work from now on. `place`: host and process number.
  void send_ready(const std::string& place);
  void send_alive();

  // Takes in what has arrived.
  void read_messages();

  // The next assignment, once: the worker then computes it, until answer().
  std::optional<Message> take_assignment();
  // Whether the training is to be given up now. Tells rank 0 how far it is, now and then.
  bool should_stop(std::int64_t env_steps, double last_return);
  void answer(Message);  // kDone, kFailed or kReturned

  // No assignment will come any more.
  bool is_over() const { return stopping_ || rank_zero_is_lost(); }
  void send_goodbye();
  // After is_over() and the goodbye: how all ranks part, once that is known.
  std::optional<Shutdown> shutdown();

 private:
  bool rank_zero_is_lost() const { return now_() - last_heard_ > lost_after_; }
  void send(Message);

  Transport& transport_;
  Clock::duration lost_after_, progress_interval_;
  Now now_;
  Clock::time_point last_heard_, last_progress_;
  bool stopping_ = false, leaving_ = false, finished_ = false, ready_ = false;
  std::optional<Message> next_;  // the assignment to be computed next
  std::uint32_t computing_ = 0;  // number of the assignment that is computed
  std::atomic<std::uint32_t> accepted_ = 0;
  std::atomic<bool> idle_ = false, said_goodbye_ = false;
};

}  // namespace impsweep
