#include "engine/sweep/simulation.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "io/process.hpp"

namespace impsweep {
namespace {

constexpr double kPoll = 0.002;  // rank 0 looks for messages so often, as in a real run
constexpr double kLongestStart = 0.5;
constexpr double kStopsWithin = 0.05;

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

}  // namespace

// One rank's end of the network.
class Simulation::Endpoint final : public Transport {
 public:
  Endpoint(Simulation& simulation, int rank) : simulation_(simulation), rank_(rank) {}
  int rank() const override { return rank_; }
  int ranks() const override { return simulation_.conditions_.ranks; }
  void send(int to, const Message& message) override {
    if (!forgotten_.contains(to)) simulation_.send(rank_, to, message);
  }
  std::optional<Message> poll() override {
    if (arrived_.empty()) return std::nullopt;
    const Message message = decode(arrived_.front());
    arrived_.pop_front();
    forgotten_.erase(message.rank);
    return message;
  }
  void forget(int rank) override { forgotten_.insert(rank); }
  [[noreturn]] void leave(int /*exit_code*/) override {
    throw std::logic_error("a simulated rank leaves by itself");
  }
  std::string broadcast(const std::string& text) override { return text; }

  void arrive(std::vector<std::byte> message) { arrived_.push_back(std::move(message)); }

 private:
  Simulation& simulation_;
  int rank_;
  std::set<int> forgotten_;
  std::deque<std::vector<std::byte>> arrived_;
};

struct Simulation::Worker {
  enum class State : std::uint8_t { kStarts, kServes, kLeaves, kEnded, kDead };
  Worker(Simulation& simulation, int number)
      : rank(number),
        endpoint(simulation, number),
        session(endpoint, milliseconds(simulation.conditions_.lost_after),
                [&simulation] { return simulation.clock(); }) {}
  bool acts() const { return !frozen && state != State::kEnded && state != State::kDead; }

  int rank;
  Endpoint endpoint;
  WorkerSession session;
  State state = State::kStarts;
  bool frozen = false, due = false;  // due: the training ended while the rank was frozen
  std::optional<TrainingIndex> training;
  SimulatedAttempt attempt;
  double began = 0;  // the training
  std::uint32_t computation = 0;
  double last_arrival_here = 0, last_arrival_at_zero = 0;  // of messages that keep their order
};

Simulation::Simulation(const Plan& plan, Ledger& ledger, const std::vector<bool>& wanted,
                       SimulatedConditions conditions)
    : plan_(plan),
      conditions_(std::move(conditions)),
      ledger_(ledger),
      generator_(conditions_.seed),
      rank_zero_(std::make_unique<Endpoint>(*this, 0)),
      trainings_(plan.trainings.size()) {
  if (conditions_.measures_cpu) {
    constexpr int kLooks = 10'000;
    const double begin = thread_cpu_seconds();
    for (int i = 0; i < kLooks; ++i) static_cast<void>(thread_cpu_seconds());
    clock_seconds_ = (thread_cpu_seconds() - begin) / kLooks;
  }
  coordinator_ =
      std::make_unique<Coordinator>(*rank_zero_, plan, ledger, wanted,
                                    Coordinator::Options{.retry_failed = conditions_.retry_failed,
                                                         .lost_after = milliseconds(conditions_.lost_after),
                                                         .now = [this] { return clock(); }});
  for (int rank = 1; rank < conditions_.ranks; ++rank) {
    workers_.push_back(std::make_unique<Worker>(*this, rank));
    plan_event({random() * kLongestStart, 0, EventKind::kStart, rank});
    plan_event({random() * conditions_.heartbeat_interval, 0, EventKind::kBeat, rank});
  }
  left_ = workers_.size();
  for (const SimulatedIncident& incident : conditions_.incidents)
    plan_event({incident.time, 0, EventKind::kIncident, incident.rank, 0, 0, incident.kind});
  plan_event({0, 0, EventKind::kRankZeroBeat, 0});
  wake_rank_zero(0);
}

Simulation::~Simulation() = default;

Coordinator::Clock::time_point Simulation::clock() const {
  // Not the origin of the clock, which stands for no time at all.
  return Coordinator::Clock::time_point(std::chrono::hours(1)) +
         std::chrono::duration_cast<Coordinator::Clock::duration>(std::chrono::duration<double>(now_));
}

double Simulation::random() {
  return static_cast<double>(generator_() >> 11) * 0x1p-53;
}

namespace {

constexpr auto kLater = [](const auto& a, const auto& b) {
  return a.time != b.time ? a.time > b.time : a.order > b.order;
};

}  // namespace

void Simulation::plan_event(Event event) {
  event.order = planned_++;
  events_.push_back(std::move(event));
  std::ranges::push_heap(events_, kLater);
}

// ---- the network

void Simulation::send(int from, int to, const Message& message) {
  Message stamped = message;
  stamped.rank = from;
  std::vector<std::byte> bytes = encode(stamped);
  ++(from == 0 ? outcome_.messages_of_rank_zero : outcome_.messages_to_rank_zero);
  outcome_.bytes += bytes.size();
  Worker& worker = *workers_[static_cast<std::size_t>((from == 0 ? to : from) - 1)];
  const auto arrival = [&] {
    double time = now_ + conditions_.shortest_delay +
                  random() * (conditions_.longest_delay - conditions_.shortest_delay);
    if (conditions_.lateness > 0 && random() < conditions_.lateness)
      time += random() * conditions_.lost_after / 2;
    if (!conditions_.keeps_order) return time;
    double& last = from == 0 ? worker.last_arrival_here : worker.last_arrival_at_zero;
    return last = std::max(last, time);
  };
  if (conditions_.doubling > 0 && random() < conditions_.doubling)
    plan_event({arrival(), 0, EventKind::kMessage, to, from, 0, {}, bytes});
  if (conditions_.loss > 0 && random() < conditions_.loss) return;
  plan_event({arrival(), 0, EventKind::kMessage, to, from, 0, {}, std::move(bytes)});
}

void Simulation::deliver(const Event& event) {
  if (event.rank == 0) {
    rank_zero_->arrive(event.message);
    wake_rank_zero((std::floor(now_ / kPoll) + 1) * kPoll);
    return;
  }
  Worker& worker = *workers_[static_cast<std::size_t>(event.rank - 1)];
  if (worker.state == Worker::State::kDead || worker.state == Worker::State::kEnded) return;
  worker.endpoint.arrive(event.message);
  run_worker(worker);
}

// ---- workers

void Simulation::run_worker(Worker& worker) {
  using State = Worker::State;
  if (!worker.acts() || worker.state == State::kStarts) return;
  if (worker.state == State::kServes && worker.training) {
    const double part = (now_ - worker.began) / worker.attempt.seconds;
    const auto env_steps = static_cast<double>(plan_.trainings[*worker.training].env_steps);
    if (!worker.session.should_stop(static_cast<std::int64_t>(std::min(part, 1.0) * env_steps), 0)) return;
    note_work(-1);
    Message returned;
    returned.kind = MessageKind::kReturned;
    returned.training = *std::exchange(worker.training, std::nullopt);
    ++worker.computation;
    worker.session.answer(returned);
  }
  worker.session.read_messages();
  if (worker.state == State::kServes && worker.session.is_over()) {
    worker.session.send_goodbye();
    worker.state = State::kLeaves;
  }
  if (worker.state == State::kServes) start_training(worker);
  if (worker.state != State::kLeaves) return;
  const std::optional<Shutdown> shutdown = worker.session.shutdown();
  if (!shutdown) return;
  worker.state = State::kEnded;
  --left_;
  outcome_.seconds = now_;
  ++(*shutdown == Shutdown::kCollective    ? outcome_.ended_together
     : *shutdown == Shutdown::kIndependent ? outcome_.ended_alone
                                           : outcome_.lost_rank_zero);
}

void Simulation::start_training(Worker& worker) {
  const std::optional<Message> assignment = worker.session.take_assignment();
  if (!assignment) return;
  note_work(1);
  worker.training = assignment->training;
  worker.attempt = conditions_.attempt(assignment->training, worker.rank);
  worker.began = now_;
  plan_event({now_ + worker.attempt.seconds, 0, EventKind::kEnd, worker.rank, 0, ++worker.computation});
}

Message Simulation::answer(TrainingIndex training, const SimulatedAttempt& attempt) {
  using End = SimulatedAttempt::End;
  Message message;
  message.training = training;
  message.kind = attempt.end == End::kDone ? MessageKind::kDone : MessageKind::kFailed;
  if (attempt.end == End::kDone) {
    conditions_.store_result(training);
    ++outcome_.done;
    message.summary.wall_seconds = attempt.seconds;
    return message;
  }
  message.diverged = attempt.end == End::kDiverges;
  message.deterministic = message.diverged || attempt.end == End::kFails;
  message.unstored = attempt.end == End::kUnstored;
  message.reason = message.diverged ? "it diverges" : message.unstored ? "the disk is full" : "it fails";
  return message;
}

void Simulation::end_training(Worker& worker) {
  worker.due = worker.frozen;
  if (worker.frozen) return;
  note_work(-1);
  const TrainingIndex training = *std::exchange(worker.training, std::nullopt);
  if (worker.attempt.end == SimulatedAttempt::End::kCrash) {
    worker.state = Worker::State::kDead;
    --left_;
    return;
  }
  worker.session.answer(answer(training, worker.attempt));
  run_worker(worker);
}

// ---- rank 0

template <class Work>
void Simulation::measured(const Work& work) {
  if (!conditions_.measures_cpu) return work();
  const double begin = thread_cpu_seconds();
  work();
  const double spent = std::max(thread_cpu_seconds() - begin - clock_seconds_, 0.0);
  outcome_.rank_zero_cpu_seconds += spent;
  outcome_.longest_cpu_seconds = std::max(outcome_.longest_cpu_seconds, spent);
  rank_zero_free_ = std::max(rank_zero_free_, now_) + spent;
}

void Simulation::wake_rank_zero(double time) {
  time = std::max(time, rank_zero_free_);
  if (rank_zero_wakes_ >= now_ && rank_zero_wakes_ <= time) return;  // it wakes before that
  rank_zero_wakes_ = time;
  plan_event({time, 0, EventKind::kRankZero, 0});
}

void Simulation::end_own_training() {
  note_work(-1);
  const Own own = *std::exchange(own_, std::nullopt);
  const bool is_stopped = now_ >= conditions_.stop_at && now_ < own.end;
  Message message;
  message.kind = MessageKind::kReturned;
  message.training = own.training;
  if (!is_stopped) message = answer(own.training, own.attempt);
  coordinator_->handle(message);
}

// As the loop of a real run.
void Simulation::rank_zero_continues() {
  const auto works = [&] {
    return conditions_.ranks == 1 || conditions_.rank_zero_works || !coordinator_->has_workers();
  };
  if (own_ && (now_ >= own_->end || now_ >= conditions_.stop_at)) {
    if (own_->attempt.end == SimulatedAttempt::End::kCrash && now_ >= own_->end) {
      rank_zero_is_dead_ = true;
      return;
    }
    end_own_training();
  }
  const bool stop = now_ >= conditions_.stop_at;
  if (!own_ && (coordinator_->finished() || coordinator_->store_is_lost() || stop ||
                !(coordinator_->has_workers() || (works() && !coordinator_->is_set_aside(0))))) {
    phase_ = Phase::kDismisses;
    coordinator_->dismiss_workers();
    return;
  }
  measured([&] { coordinator_->process_events(); });
  if (own_ || !works()) return;
  if (const std::optional<TrainingIndex> training = coordinator_->take(0)) {
    note_work(1);
    const SimulatedAttempt attempt = conditions_.attempt(*training, 0);
    own_ = {*training, attempt, now_ + attempt.seconds};
    wake_rank_zero(own_->end);
  }
}

void Simulation::run_rank_zero() {
  if (rank_zero_is_dead_ || phase_ == Phase::kEnded) return;
  if (phase_ == Phase::kRuns) rank_zero_continues();
  if (phase_ == Phase::kDismisses && coordinator_->all_have_left()) {
    std::optional<std::string> stopped;
    if (!coordinator_->finished() && (now_ >= conditions_.stop_at || !coordinator_->nothing_succeeds()))
      stopped = now_ >= conditions_.stop_at ? "by the time limit" : "";
    outcome_.exit_code = coordinator_->conclude(stopped);
    Message last;
    last.kind = coordinator_->ranks_were_lost() ? MessageKind::kLeave : MessageKind::kFinish;
    for (int rank = 1; rank < conditions_.ranks; ++rank) rank_zero_->send(rank, last);
    phase_ = Phase::kEnded;
    outcome_.seconds = now_;
    return;
  }
  note_work(0);
  if (outcome_.tail_begins == 0 && coordinator_->scheduler().counts().ready == 0 &&
      at_work_ < ranks_at_work())
    outcome_.tail_begins = now_;
  wake_rank_zero(now_ + conditions_.poll_interval);
}

int Simulation::ranks_at_work() const {
  return conditions_.ranks - (conditions_.rank_zero_works ? 0 : 1);
}

void Simulation::note_work(int change) {
  const auto ready = static_cast<double>(coordinator_->scheduler().counts().ready);
  const double idle = std::max(0, ranks_at_work() - at_work_);
  outcome_.busy_seconds += at_work_ * (now_ - work_noted_);
  outcome_.idle_seconds += std::min(idle, ready) * (now_ - work_noted_);
  work_noted_ = now_;
  at_work_ += change;
}

// ---- time

void Simulation::act_on(const Event& event) {
  using Kind = SimulatedIncident::Kind;
  if (event.kind == EventKind::kRankZero) {
    if (event.time >= rank_zero_wakes_) rank_zero_wakes_ = -1;
    return run_rank_zero();
  }
  if (event.kind == EventKind::kRankZeroBeat) {
    if (rank_zero_is_dead_ || phase_ == Phase::kEnded) return;
    measured([&] {
      Message alive;
      alive.kind = MessageKind::kAlive;
      for (int rank = 1; rank < conditions_.ranks; ++rank) rank_zero_->send(rank, alive);
    });
    plan_event({now_ + conditions_.heartbeat_interval, 0, EventKind::kRankZeroBeat, 0});
    return;
  }
  if (event.kind == EventKind::kMessage) return deliver(event);
  if (event.rank == 0) {  // of the incidents, rank 0 knows one
    if (event.kind == EventKind::kIncident && event.incident == Kind::kDie) rank_zero_is_dead_ = true;
    return;
  }
  Worker& worker = *workers_[static_cast<std::size_t>(event.rank - 1)];
  if (worker.state == Worker::State::kDead || worker.state == Worker::State::kEnded) return;
  switch (event.kind) {
    case EventKind::kStart:
      worker.session.send_ready("simulated");
      worker.state = Worker::State::kServes;
      break;
    case EventKind::kEnd:
      if (event.computation == worker.computation && worker.training) end_training(worker);
      break;
    case EventKind::kBeat:
      plan_event({now_ + conditions_.heartbeat_interval, 0, EventKind::kBeat, worker.rank});
      if (!worker.frozen) worker.session.send_alive();
      run_worker(worker);
      break;
    case EventKind::kIncident:
      if (event.incident == Kind::kDie) {
        if (worker.training) note_work(-1);
        worker.state = Worker::State::kDead;
        --left_;
      }
      worker.frozen = event.incident == Kind::kFreeze;
      if (worker.due && worker.acts()) {
        worker.due = false;
        end_training(worker);
      }
      run_worker(worker);
      break;
    default:
      break;
  }
}

bool Simulation::everybody_has_ended() const {
  return left_ == 0 && (rank_zero_is_dead_ || phase_ == Phase::kEnded);
}

SimulatedOutcome Simulation::run() {
  while (!everybody_has_ended() && outcome_.done < conditions_.ends_after) {
    std::ranges::pop_heap(events_, kLater);
    const Event event = std::move(events_.back());
    events_.pop_back();
    if (event.time > conditions_.longest) {
      outcome_.broken_off = true;
      break;
    }
    now_ = event.time;
    act_on(event);
  }
  note_work(0);
  return outcome_;
}

}  // namespace impsweep
