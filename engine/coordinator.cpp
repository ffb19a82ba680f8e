#include "engine/coordinator.hpp"

#include <fmt/format.h>

#include <thread>

#include "engine/commands/command.hpp"
#include "engine/plan_summary.hpp"
#include "engine/return_table.hpp"

namespace impsweep {
namespace {

constexpr std::chrono::seconds kHeartbeatInterval{5};
constexpr std::chrono::seconds kIndexInterval{10};
constexpr std::chrono::seconds kGoodbyeTimeout{60};

// What is not wanted is never waited for, so it may pass for done.
std::vector<bool> done_or_unwanted(const Plan& plan, const StoreContents& contents,
                                   const std::vector<bool>& wanted) {
  std::vector<bool> done;
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i)
    done.push_back(!wanted[i] || contents.has(plan.trainings[i].digest));
  return done;
}

}  // namespace

Coordinator::Coordinator(Transport& transport, const Plan& plan, const Store& store,
                         const std::vector<bool>& wanted, bool retry_failed)
    : transport_(transport),
      plan_(plan),
      store_(store),
      contents_(read_contents(store)),
      cost_model_(learned_costs(plan, contents_)),
      scheduler_(scheduled_trainings(plan, cost_model_, done_or_unwanted(plan, contents_, wanted))),
      journal_(store, transport.ranks()),
      start_(Clock::now()),
      last_index_(start_),
      last_heartbeat_(start_ - kHeartbeatInterval) {
  for (const bool flag : wanted) flag ? ++wanted_ : ++unwanted_;
  done_at_start_ = scheduler_.counts().done - unwanted_;
  for (int rank = 1; rank < transport.ranks(); ++rank) present_.insert(rank);
  display_.say(fmt::format("{}: {} chains, {} trainings, {} already done; {} rank{}",
                           store.directory().string(), plan.chains.size(), wanted_, done_at_start_,
                           transport.ranks(), transport.ranks() == 1 ? "" : "s"));
  if (retry_failed) return;
  const History history = read_history(store);
  std::size_t repeated = 0;
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
    const auto failure = history.failures.find(plan.trainings[i].digest);
    if (failure == history.failures.end() || !failure->second.deterministic || !wanted[i]) continue;
    if (scheduler_.state(i) == TrainingState::kDone) continue;
    scheduler_.failed(i, failure->second.reason);
    ++repeated;
  }
  if (repeated > 0)
    display_.say(fmt::format(
        "{} training{} failed in an earlier run and would fail again; --retry-failed tries anyway", repeated,
        repeated == 1 ? "" : "s"));
}

void Coordinator::fail(TrainingIndex training, const std::string& reason) {
  const std::vector<TrainingIndex> blocked = scheduler_.failed(training, reason);
  display_.say(
      fmt::format("FAILED  {}: {}{}", training_name(plan_, training), reason,
                  blocked.empty() ? "" : fmt::format(" ({} trainings depend on it)", blocked.size())));
}

void Coordinator::handle(const Message& message) {
  switch (message.kind) {
    case MessageKind::kReady:
      idle_.insert(message.rank);
      return;
    case MessageKind::kGoodbye:
      present_.erase(message.rank);
      idle_.erase(message.rank);
      return;
    case MessageKind::kProgress:
      note_progress(message.rank, message.env_steps, message.last_return);
      return;
    case MessageKind::kAssign:
    case MessageKind::kStop:
      return;
    case MessageKind::kDone: {
      scheduler_.finished(message.training);
      const Digest& digest = plan_.trainings[message.training].digest;
      journal_.training_done(digest, message.summary.wall_seconds);
      cost_model_.observe(plan_, message.training, message.summary.wall_seconds);
      contents_.summaries[contents_.index.at(digest)] = message.summary;
      env_steps_done_ += message.summary.env_steps;
      ++done_now_;
      index_is_old_ = true;
      break;
    }
    case MessageKind::kFailed:
      journal_.training_failed(plan_.trainings[message.training].digest, message.reason,
                               message.deterministic);
      fail(message.training, message.reason);
      break;
    case MessageKind::kReturned:
      scheduler_.released(message.training);
      break;
  }
  running_.erase(message.rank);
  if (message.rank != 0) idle_.insert(message.rank);
}

void Coordinator::note_progress(int rank, std::int64_t env_steps, double last_return) {
  const auto found = running_.find(rank);
  if (found == running_.end()) return;
  found->second.env_steps = env_steps;
  found->second.last_return = last_return;
}

std::optional<TrainingIndex> Coordinator::take(int rank) {
  const std::optional<TrainingIndex> training = scheduler_.assign(rank);
  if (training) {
    running_[rank] = {*training, 0, 0};
    journal_.training_started(plan_.trainings[*training].digest, rank);
  }
  return training;
}

void Coordinator::dispatch() {
  while (!idle_.empty()) {
    const int rank = *idle_.begin();
    const std::optional<TrainingIndex> training = take(rank);
    if (!training) return;
    idle_.erase(rank);
    Message assignment;
    assignment.kind = MessageKind::kAssign;
    assignment.training = *training;
    transport_.send(rank, assignment);
  }
}

void Coordinator::attend() {
  while (const std::optional<Message> message = transport_.poll()) handle(*message);
  dispatch();
  const Clock::time_point now = Clock::now();
  if (display_.due()) display_.show(progress());
  if (now - last_heartbeat_ >= kHeartbeatInterval) {
    last_heartbeat_ = now;
    std::vector<RunningTraining> running;
    for (const auto& [rank, training] : running_)
      running.push_back(
          {plan_.trainings[training.training].digest, rank, training.env_steps, training.last_return});
    journal_.heartbeat(running, progress().env_steps_per_second);
  }
  if (index_is_old_ && now - last_index_ >= kIndexInterval) update_index();
}

void Coordinator::update_index() {
  write_index(store_, contents_.plan, contents_.summaries);
  last_index_ = Clock::now();
  index_is_old_ = false;
}

std::size_t Coordinator::ranks_at_work() const {
  return std::max<std::size_t>(running_.size(), 1);
}

SweepProgress Coordinator::progress() const {
  const Scheduler::Counts counts = scheduler_.counts();
  SweepProgress progress;
  progress.total = wanted_;
  progress.done = counts.done - unwanted_;
  progress.running = counts.running;
  progress.failed = counts.failed;
  progress.blocked = counts.blocked;
  std::int64_t env_steps = env_steps_done_;
  for (const auto& [rank, training] : running_) env_steps += training.env_steps;
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  if (elapsed > 1) progress.env_steps_per_second = static_cast<double>(env_steps) / elapsed;
  // The scheduler's predictions are those of the start; what was learned since corrects them.
  if (done_now_ > 0) {
    double left = 0;
    for (TrainingIndex i = 0; i < plan_.trainings.size(); ++i) {
      const TrainingState state = scheduler_.state(i);
      if (state == TrainingState::kWaiting || state == TrainingState::kReady ||
          state == TrainingState::kRunning)
        left += cost_model_.seconds(plan_, i);
    }
    for (const auto& [rank, training] : running_)
      left -= cost_model_.seconds(plan_, training.training) * static_cast<double>(training.env_steps) /
              static_cast<double>(plan_.trainings[training.training].env_steps);
    progress.eta_seconds = left / static_cast<double>(ranks_at_work());
  }
  if (!running_.empty()) {
    const Running& first = running_.begin()->second;
    progress.example = fmt::format("{} {:.0f} %: return {:.1f}", training_name(plan_, first.training),
                                   100.0 * static_cast<double>(first.env_steps) /
                                       static_cast<double>(plan_.trainings[first.training].env_steps),
                                   first.last_return);
  }
  return progress;
}

void Coordinator::dismiss_workers() {
  Message stop;
  stop.kind = MessageKind::kStop;
  for (const int rank : present_) transport_.send(rank, stop);
  const Clock::time_point start = Clock::now();
  while (!present_.empty() && Clock::now() - start < kGoodbyeTimeout) {
    if (const std::optional<Message> message = transport_.poll())
      handle(*message);
    else
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (!present_.empty())
    display_.say(fmt::format("{} workers did not answer; what they finished is in the store all the same",
                             present_.size()));
}

int Coordinator::conclude(bool stopped) {
  update_index();
  const Scheduler::Counts counts = scheduler_.counts();
  const std::size_t done = counts.done - unwanted_;
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  const std::string store = store_.directory().string();
  const bool complete = done == wanted_;
  const char* outcome = complete ? "complete" : stopped ? "stopped" : "failed";
  journal_.run_ended(outcome);
  if (complete && !plan_.chains.empty())
    display_.say(fmt::format("\n{}", return_tables(contents_.plan, contents_.summaries)));
  display_.say(fmt::format("{}: {}/{} trainings done, {} of them now in {} ({} steps/s)", outcome, done,
                           wanted_, done_now_, duration_text(elapsed),
                           count_text(static_cast<double>(env_steps_done_) / std::max(elapsed, 1e-9))));
  if (complete) return kComplete;
  if (stopped) {
    display_.say("the same command again continues");
    return kStopped;
  }
  display_.say(
      fmt::format("{} failed, {} blocked; `impsweep status {}` names them, --retry-failed tries them again",
                  counts.failed, counts.blocked, store));
  return kFailed;
}

}  // namespace impsweep
