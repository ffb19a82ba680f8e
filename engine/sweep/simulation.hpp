// engine/sweep/simulation.hpp - a sweep on simulated time, without MPI and without computing: the coordinator
// and the workers' sessions of a real run, over a network that may fail them, on ranks that may die, freeze
// and fail.
//
//   Simulation simulation(plan, ledger, wanted, conditions);
//   const SimulatedOutcome outcome = simulation.run();
//
// What a real network and failing nodes may show, and how it is told apart:
//
//   MPI       messages between two ranks keep their order, none is lost but those of a node that dies
//   worse     any message may be late, overtaken, doubled or lost
//
// The same seed gives the same schedule. Where `measures_cpu` is set, rank 0 is busy for as long as its own
// code took on this machine, so that a coordinator that is too slow leaves ranks idle as it would in a real
// run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "engine/sweep/coordinator.hpp"
#include "engine/sweep/ledger.hpp"
#include "engine/sweep/worker_session.hpp"

namespace impsweep {

// What it comes to if a rank computes a training.
struct SimulatedAttempt {
  enum class End : std::uint8_t {
    kDone,
    kFails,      // and would fail again
    kDiverges,   // the same, by its own doing
    kFailsHere,  // for a reason of this rank
    kUnstored,   // computed, and not stored
    kCrash,      // the rank dies of it
  };
  double seconds = 1;
  End end = End::kDone;
};

struct SimulatedIncident {
  enum class Kind : std::uint8_t { kDie, kFreeze, kWake };
  double time = 0;
  int rank = 0;
  Kind kind = Kind::kDie;
};

struct SimulatedConditions {
  int ranks = 4;
  bool rank_zero_works = true;  // else only if no worker is left
  std::uint64_t seed = 0;
  double lost_after = 30;
  double heartbeat_interval = 5;
  double poll_interval = 0.5;                          // of rank 0, beside what messages cause
  double shortest_delay = 1e-4, longest_delay = 2e-3;  // of a message
  bool keeps_order = true;                             // of messages between two ranks
  double loss = 0, doubling = 0, lateness = 0;  // parts of all messages; late: up to half of `lost_after`
  std::function<SimulatedAttempt(TrainingIndex, int rank)> attempt = [](TrainingIndex, int) {
    return SimulatedAttempt();
  };
  // Puts the result of a training into the store, while no processor time is counted.
  std::function<void(TrainingIndex)> store_result = [](TrainingIndex) {};
  std::vector<SimulatedIncident> incidents;
  double stop_at = std::numeric_limits<double>::infinity();          // a signal or a time limit
  double longest = std::numeric_limits<double>::infinity();          // then the simulation is broken off
  std::size_t ends_after = std::numeric_limits<std::size_t>::max();  // so many trainings that are done
  bool measures_cpu = false;
  bool retry_failed = false;
};

struct SimulatedOutcome {
  std::optional<int> exit_code;  // of rank 0; nothing if it died or the simulation was broken off
  bool broken_off = false;       // somebody still waits
  double seconds = 0;            // until the last rank has ended
  double tail_begins = 0;        // the first time that a rank is idle and nothing is ready
  // Seconds of all ranks together: at work, and idle though something was ready for them.
  double busy_seconds = 0, idle_seconds = 0;
  std::size_t ended_together = 0, ended_alone = 0, lost_rank_zero = 0;  // workers, by Shutdown
  std::size_t done = 0;                                                 // trainings computed to their end
  std::size_t messages_to_rank_zero = 0, messages_of_rank_zero = 0, bytes = 0;
  double rank_zero_cpu_seconds = 0;
  double longest_cpu_seconds = 0;  // of one call
};

class Simulation {
 public:
  Simulation(const Plan&, Ledger&, const std::vector<bool>& wanted, SimulatedConditions);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  SimulatedOutcome run();

  double now() const { return now_; }  // seconds since the start
  const Coordinator& coordinator() const { return *coordinator_; }

 private:
  class Endpoint;
  struct Worker;
  enum class EventKind : std::uint8_t { kMessage, kStart, kEnd, kBeat, kRankZero, kRankZeroBeat, kIncident };
  struct Event {
    double time;
    std::uint64_t order;  // ties go to what was planned first
    EventKind kind;
    int rank;                       // whom it concerns
    int from = 0;                   // of a message
    std::uint32_t computation = 0;  // which one ends
    SimulatedIncident::Kind incident = SimulatedIncident::Kind::kDie;
    std::vector<std::byte> message = {};
  };
  enum class Phase : std::uint8_t { kRuns, kDismisses, kEnded };

  double random();
  void plan_event(Event);
  void send(int from, int to, const Message&);
  void deliver(const Event&);
  void act_on(const Event&);
  void run_worker(Worker&);
  void start_training(Worker&);
  void end_training(Worker&);
  int ranks_at_work() const;  // at most
  void note_work(int change);
  void wake_rank_zero(double time);
  void run_rank_zero();
  void rank_zero_continues();
  void end_own_training();
  Message answer(TrainingIndex, const SimulatedAttempt&);
  template <class Work>
  void measured(const Work&);
  bool everybody_has_ended() const;
  Coordinator::Clock::time_point clock() const;

  const Plan& plan_;
  SimulatedConditions conditions_;
  Ledger& ledger_;
  std::mt19937_64 generator_;
  double now_ = 0;
  std::uint64_t planned_ = 0;
  std::vector<Event> events_;  // a heap
  std::unique_ptr<Endpoint> rank_zero_;
  std::vector<std::unique_ptr<Worker>> workers_;  // of ranks 1 and up
  std::unique_ptr<Coordinator> coordinator_;
  Phase phase_ = Phase::kRuns;
  bool rank_zero_is_dead_ = false;
  double rank_zero_free_ = 0, rank_zero_wakes_ = -1;
  double clock_seconds_ = 0;  // that a look at the processor's clock takes, which is no part of the work
  struct Own {
    TrainingIndex training;
    SimulatedAttempt attempt;
    double end;
  };
  std::optional<Own> own_;  // training of rank 0
  int at_work_ = 0;
  double work_noted_ = 0;
  std::size_t trainings_ = 0, left_ = 0;  // left_: workers that have neither ended nor died
  SimulatedOutcome outcome_;
};

}  // namespace impsweep
