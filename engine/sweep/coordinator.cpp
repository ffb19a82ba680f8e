#include "engine/sweep/coordinator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <thread>

#include "engine/exit_code.hpp"
#include "engine/plan/doubts.hpp"
#include "engine/store/return_table.hpp"
#include "engine/store/status_text.hpp"
#include "engine/store/summary_cache.hpp"
#include "engine/sweep/stop.hpp"
#include "io/human_text.hpp"

namespace impsweep {
namespace {

constexpr std::chrono::seconds kHeartbeatInterval{5};
// Index and forecast are made anew so often, and at most a fiftieth of the time goes into each.
constexpr std::chrono::seconds kIndexInterval{10};
constexpr std::chrono::seconds kForecastInterval{1};
constexpr int kUpkeepShare = 50;
constexpr std::chrono::seconds kGoodbyeTimeout{60};
// How often the trainings of other runs are checked: the more they are, the more rarely, to spare the file
// system.
constexpr std::chrono::milliseconds kOtherRunsInterval{500}, kOtherRunsIntervalPerTraining{20};
constexpr int kLeasesPerSilence = 3;  // so another run takes over when it would declare a rank lost
// In less time than this no training gets far enough that a checkpoint of it would be worth its start.
constexpr std::chrono::seconds kShortestStart{1};
constexpr int kCrashLimit = 2;
constexpr int kCrashLimitInChaos = 1000;

// What is not wanted is never waited for, so it may pass for done.
std::vector<bool> done_or_unwanted(const Plan& plan, const StoreContents& contents,
                                   const std::vector<bool>& wanted) {
  std::vector<bool> done;
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i)
    done.push_back(!wanted[i] || contents.find(plan.trainings[i].digest) != nullptr);
  return done;
}

std::vector<Candidates> candidates_of(const Plan& plan) {
  std::vector<Candidates> choices;
  for (const TeacherChoice& choice : plan.choices) choices.push_back(choice.candidates);
  return choices;
}

}  // namespace

Coordinator::Coordinator(Transport& transport, const Plan& plan, const Store& store,
                         const std::vector<bool>& wanted, const Options& options)
    : transport_(transport),
      plan_(plan),
      store_(store),
      contents_(read_contents(store)),
      cost_model_(
          learned_costs(plan, [&](TrainingIndex i) { return contents_.find(plan.trainings[i].digest); })),
      cost_classes_(plan),
      scheduler_(scheduled_trainings(plan, cost_model_, done_or_unwanted(plan, contents_, wanted)),
                 options.chaos ? kCrashLimitInChaos : kCrashLimit, candidates_of(plan)),
      journal_(store, transport.ranks()),
      leases_(store.lease_directory(), journal_.run(), options.lost_after / kLeasesPerSilence),
      failure_tracker_(transport.ranks()),
      options_(options),
      index_(store, contents_.plan),
      start_(Clock::now()),
      next_index_(start_ + kIndexInterval),
      last_heartbeat_(start_ - kHeartbeatInterval),
      last_check_of_other_runs_(start_),
      lease_ticker_(options.lost_after / kLeasesPerSilence, [this] { leases_.refresh(); }) {
  if (contents_.opened > 0) write_summary_cache(store, contents_.plan, contents_.summaries);
  predicted_ = forecast(plan, cost_model_, transport.ranks(), done_or_unwanted(plan, contents_, wanted));
  journal_.run_predicted(predicted_.seconds, predicted_.low_seconds, predicted_.high_seconds);
  is_wanted_ = wanted;
  for (const bool flag : wanted) flag ? ++wanted_ : ++unwanted_;
  for (int rank = 1; rank < transport.ranks(); ++rank) {
    present_.insert(rank);
    last_heard_[rank] = start_;
  }
  display_.say(fmt::format("{}: {} chains, {} trainings, {} already done; {} rank{}",
                           store.directory().string(), plan.chains.size(), wanted_,
                           scheduler_.counts().done - unwanted_, transport.ranks(),
                           transport.ranks() == 1 ? "" : "s"));
  for (const std::string& doubt : doubts_about(plan)) display_.say("note: " + doubt);
  if (options.retry_failed) return;
  const History history = read_history(store);
  std::size_t repeated = 0;
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
    const auto failure = history.failures.find(plan.trainings[i].digest);
    if (failure == history.failures.end() || !failure->second.deterministic || !wanted[i]) continue;
    if (scheduler_.state(i) == TrainingState::kDone) continue;
    scheduler_.failed(i, failure->second.reason, failure->second.diverged);
    ++repeated;
  }
  if (repeated > 0)
    display_.say(fmt::format(
        "{} training{} failed in an earlier run and would fail again; --retry-failed tries anyway", repeated,
        repeated == 1 ? "" : "s"));
}

void Coordinator::fail(TrainingIndex training, const Failure& failure) {
  const TrainingId& digest = plan_.trainings[training].digest;
  journal_.training_failed(digest, failure);
  leases_.release(digest);
  const std::vector<TrainingIndex> blocked = scheduler_.failed(training, failure.reason, failure.diverged);
  display_.say(
      fmt::format("FAILED  {}: {}{}", training_name(plan_, training), failure.reason,
                  blocked.empty() ? "" : fmt::format(" ({} trainings depend on it)", blocked.size())));
}

// A result that turned out to be damaged when it was needed has gone to quarantine, or somebody removed it.
// True if there was one, or is being computed again already: then the training has not failed.
bool Coordinator::redo_missing_dependencies(TrainingIndex training) {
  bool missing = false;
  for (const TrainingIndex dependency : plan_.dependencies(training)) {
    const TrainingId& digest = plan_.trainings[dependency].digest;
    const bool done = scheduler_.state(dependency) == TrainingState::kDone;
    if (done && store_.has(digest)) continue;
    missing = true;
    if (!done) continue;
    scheduler_.undone(dependency);
    contents_.summaries.erase(contents_.index.at(digest));
    display_.say(fmt::format("{} is computed again: its result is gone", training_name(plan_, dependency)));
  }
  return missing;
}

std::vector<TrainingIndex> Coordinator::diverged_candidates(TrainingIndex student) const {
  std::vector<TrainingIndex> diverged;
  if (const std::optional<std::uint32_t> choice = plan_.trainings[student].teacher)
    std::ranges::copy_if(plan_.choices[*choice].candidates, std::back_inserter(diverged),
                         [&](TrainingIndex candidate) { return scheduler_.has_diverged(candidate); });
  return diverged;
}

void Coordinator::give_back(const Message& message) {
  // A rank that counted as lost may return what another rank has been given since.
  if (scheduler_.worker_of(message.training) != message.rank) return;
  scheduler_.released(message.training);
  leases_.release(plan_.trainings[message.training].digest);
}

void Coordinator::finished(const Message& message) {
  failure_tracker_.succeeded(message.rank);
  if (scheduler_.state(message.training) == TrainingState::kDone) return;  // by a rank that counted as lost
  scheduler_.finished(message.training);
  const TrainingId& digest = plan_.trainings[message.training].digest;
  journal_.training_done(digest, message.summary.wall_seconds);
  leases_.release(digest);
  cost_model_.observe(cost_classes_.of(message.training), message.summary.cpu_seconds);
  pace_.observe(message.summary.wall_seconds, message.summary.cpu_seconds);
  note_summary(digest, message.summary);
  env_steps_done_ += message.summary.env_steps;
  ++done_now_;
}

void Coordinator::note_summary(const TrainingId& digest, const RoundSummary& summary) {
  const TrainingIndex training = contents_.index.at(digest);  // in the plan of the whole store
  const auto [known, is_new] = contents_.summaries.insert_or_assign(training, summary);
  known->second.file = store_.stamp(digest);
  if (is_new) not_in_index_.push_back(training);
}

void Coordinator::finished_elsewhere(TrainingIndex training) {
  const TrainingId& digest = plan_.trainings[training].digest;
  leases_.release(digest);
  const std::optional<Record> record = store_.load(digest, RecordPart::kAttributes);
  if (!record && store_.has(digest))
    return fail(training, {.reason = "its result is there and cannot be read; nothing was put in its place",
                           .deterministic = false});
  if (!record) return scheduler_.released(training);  // it was damaged: computed again
  note_summary(digest, read_summary(*record));
  scheduler_.finished(training);
  ++done_elsewhere_;
}

void Coordinator::note_sign_of_life(const Message& message) {
  if (message.rank == 0 || gone_.contains(message.rank)) return;
  last_heard_[message.rank] = Clock::now();
  if (message.kind != MessageKind::kGoodbye && present_.insert(message.rank).second)
    display_.say(fmt::format("rank {} was slow, not dead; it takes part again", message.rank));
}

void Coordinator::handle(const Message& message) {
  note_sign_of_life(message);
  switch (message.kind) {
    case MessageKind::kReady:
      place_[message.rank] = message.reason;
      idle_.insert(message.rank);
      return;
    case MessageKind::kGoodbye:
      gone_.insert(message.rank);
      present_.erase(message.rank);
      idle_.erase(message.rank);
      // It may have been given a training while it was leaving.
      if (const auto training = scheduler_.running_on(message.rank)) {
        scheduler_.released(*training);
        leases_.release(plan_.trainings[*training].digest);
      }
      running_.erase(message.rank);
      return;
    case MessageKind::kProgress:
      note_progress(message.rank, message.env_steps, message.last_return);
      return;
    case MessageKind::kAlive:
    case MessageKind::kAssign:
    case MessageKind::kStop:
    case MessageKind::kLeave:
    case MessageKind::kFinish:
      return;
    case MessageKind::kDone:
      finished(message);
      break;
    case MessageKind::kFailed:
      if (!message.deterministic && redo_missing_dependencies(message.training)) {
        give_back(message);
        break;
      }
      if (message.deterministic ||
          !failure_tracker_.failed(message.rank, message.training, message.unstored)) {
        fail(message.training, {message.reason, message.deterministic, message.diverged});
        break;
      }
      display_.say(fmt::format("{} failed on rank {} and is tried again: {}",
                               training_name(plan_, message.training), message.rank, message.reason));
      if (failure_tracker_.set_aside(message.rank))
        display_.say(fmt::format("rank {} gets no more work: nothing succeeds on it", message.rank));
      [[fallthrough]];
    case MessageKind::kReturned:
      give_back(message);
      break;
  }
  running_.erase(message.rank);
  if (message.rank != 0 && !gone_.contains(message.rank)) idle_.insert(message.rank);
}

void Coordinator::detect_lost_ranks() {
  const Clock::time_point now = Clock::now();
  const std::set<int> present = present_;
  for (const int rank : present) {
    const auto silence = now - last_heard_[rank];
    if (silence < options_.lost_after) continue;
    present_.erase(rank);
    idle_.erase(rank);
    transport_.forget(rank);
    ++losses_;
    const auto running = running_.find(rank);
    std::string evidence =
        fmt::format("rank {} ({}) fell silent", rank, place_.contains(rank) ? place_[rank] : "never ready");
    if (running != running_.end())
      evidence += fmt::format(" at step {} of {}", running->second.env_steps,
                              training_name(plan_, running->second.training));
    journal_.rank_lost(rank, evidence);
    display_.say(fmt::format("LOST    {}", evidence));
    if (running != running_.end()) running_.erase(running);
    const std::optional<TrainingIndex> training = scheduler_.lost(rank, evidence);
    if (training && scheduler_.state(*training) == TrainingState::kFailed) {
      const std::string reason = scheduler_.failures().back().reason;
      fail(*training, {.reason = reason});
    }
  }
}

void Coordinator::check_other_runs() {
  last_check_of_other_runs_ = Clock::now();
  std::erase_if(elsewhere_, [&](TrainingIndex training) {
    const TrainingId& digest = plan_.trainings[training].digest;
    if (!store_.has(digest)) {
      if (!leases_.take(digest)) return false;  // still at it
      if (!store_.has(digest)) {                // not finished just before it was set free
        scheduler_.released(training);
        return true;
      }
    }
    finished_elsewhere(training);
    return true;
  });
}

bool Coordinator::has_workers() const {
  return std::ranges::any_of(present_, [&](int rank) { return !failure_tracker_.set_aside(rank); });
}

bool Coordinator::nothing_succeeds() const {
  return !has_workers() && (failure_tracker_.set_aside(0) || !present_.empty());
}

void Coordinator::note_progress(int rank, std::int64_t env_steps, double last_return) {
  const auto found = running_.find(rank);
  if (found == running_.end()) return;
  Running& running = found->second;
  running.env_steps = env_steps;
  running.last_return = last_return;
  running.last_time = Clock::now();
  if (running.from_step) return;
  running.from_step = env_steps;
  running.from_time = running.last_time;
}

bool Coordinator::worth_starting() const {
  const std::optional<Clock::duration> left = time_left();
  return !left || *left > kShortestStart;
}

std::optional<TrainingIndex> Coordinator::take(int rank) {
  if (failure_tracker_.set_aside(rank) || !worth_starting()) return std::nullopt;
  while (const std::optional<TrainingIndex> training = scheduler_.assign(rank)) {
    const TrainingId& digest = plan_.trainings[*training].digest;
    if (!leases_.take(digest)) {
      scheduler_.elsewhere(*training);
      elsewhere_.insert(*training);
    } else if (store_.has(digest)) {  // another run was faster
      finished_elsewhere(*training);
    } else {
      running_[rank] = {.training = *training};
      journal_.training_started(digest, rank);
      return training;
    }
  }
  return std::nullopt;
}

void Coordinator::dispatch() {
  const std::set<int> idle = idle_;
  for (const int rank : idle) {
    const std::optional<TrainingIndex> training = take(rank);
    if (!training) continue;
    idle_.erase(rank);
    Message assignment;
    assignment.kind = MessageKind::kAssign;
    assignment.training = *training;
    assignment.diverged_candidates = diverged_candidates(*training);
    transport_.send(rank, assignment);
  }
}

void Coordinator::process_events() {
  while (const std::optional<Message> message = transport_.poll()) handle(*message);
  detect_lost_ranks();
  const Clock::time_point now = Clock::now();
  if (now - last_check_of_other_runs_ >=
      kOtherRunsInterval + kOtherRunsIntervalPerTraining * static_cast<int>(elsewhere_.size()))
    check_other_runs();
  dispatch();
  if (now >= next_forecast_) update_forecast();
  if (display_.due()) display_.show(progress());
  if (now - last_heartbeat_ >= kHeartbeatInterval) {
    last_heartbeat_ = now;
    std::vector<RunningTraining> running;
    for (const auto& [rank, training] : running_)
      running.push_back({plan_.trainings[training.training].digest, rank, training.env_steps,
                         training.last_return, training.from_step.value_or(training.env_steps),
                         training.seconds()});
    journal_.heartbeat(running, progress().env_steps_per_second);
  }
  if (!not_in_index_.empty() && now >= next_index_) update_index();
}

void Coordinator::update_index() {
  const Clock::time_point begin = Clock::now();
  index_.add(not_in_index_, contents_.summaries);
  not_in_index_.clear();
  write_summary_cache(store_, contents_.plan, contents_.summaries);
  const Clock::time_point end = Clock::now();
  next_index_ = end + std::max<Clock::duration>(kIndexInterval, kUpkeepShare * (end - begin));
}

void Coordinator::update_forecast() {
  const Clock::time_point begin = Clock::now();
  std::vector<TrainingUnderWay> under_way;
  for (const auto& [rank, running] : running_)
    under_way.push_back({.training = running.training,
                         .from_step = static_cast<double>(running.from_step.value_or(running.env_steps)),
                         .env_steps = static_cast<double>(running.env_steps),
                         .seconds = running.seconds()});
  const CurrentCosts now = current_costs(cost_model_, pace_, cost_classes_, under_way);
  const std::vector<CostEstimate> estimates = cost_classes_.estimates(now.model);
  std::vector<double> seconds, left(estimates.size());
  for (TrainingIndex i = 0; i < plan_.trainings.size(); ++i) {
    const std::uint32_t cost_class = cost_classes_[i];
    seconds.push_back(now.pace.factor() * estimates[cost_class].seconds);
    const TrainingState state = scheduler_.state(i);
    if (state == TrainingState::kWaiting || state == TrainingState::kReady ||
        state == TrainingState::kRunning || state == TrainingState::kElsewhere)
      left[cost_class] += 1;
  }
  for (const TrainingUnderWay& each : under_way) {
    const double part = cost_classes_.of(each.training).course.part_done(each.env_steps);
    left[cost_classes_[each.training]] -= part;
    seconds[each.training] *= 1 - part;  // which also shortens the path that the training is on
  }
  scheduler_.reprice(seconds);
  const double eta = scheduler_.eta_seconds(static_cast<int>(ranks_at_work()));
  const Clock::time_point end = Clock::now();
  eta_ = {end + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(eta)),
          factor_of_95_percent(total_work(estimates, left).spread)};
  next_forecast_ = end + std::max<Clock::duration>(kForecastInterval, kUpkeepShare * (end - begin));
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
  if (eta_) {
    progress.eta_seconds = std::chrono::duration<double>(eta_->end - Clock::now()).count();
    progress.eta_factor = eta_->factor;
  }
  if (!running_.empty()) {
    const Running& first = running_.begin()->second;
    progress.example = training_name(plan_, first.training);
    progress.example_part = part_done(first.env_steps, plan_.trainings[first.training].env_steps);
    progress.example_return = first.last_return;
  }
  return progress;
}

void Coordinator::dismiss_workers() {
  Message stop;
  stop.kind = ranks_were_lost() ? MessageKind::kLeave : MessageKind::kStop;
  for (int rank = 1; rank < transport_.ranks(); ++rank) transport_.send(rank, stop);
  const Clock::time_point start = Clock::now();
  while (!present_.empty() && Clock::now() - start < kGoodbyeTimeout) {
    if (const std::optional<Message> message = transport_.poll()) {
      handle(*message);
      continue;
    }
    detect_lost_ranks();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (!present_.empty())
    display_.say(fmt::format("{} workers did not answer; what they finished is in the store all the same",
                             present_.size()));
}

// "Complete" is what lies in the store, not what ranks have said.
std::size_t Coordinator::results_absent() const {
  const Digests finished = store_.finished();
  std::size_t absent = 0;
  for (TrainingIndex training = 0; training < plan_.trainings.size(); ++training)
    if (is_wanted_[training] && scheduler_.state(training) == TrainingState::kDone &&
        !finished.contains(plan_.trainings[training].digest.digits()))
      ++absent;
  return absent;
}

int Coordinator::conclude(bool stopped) {
  index_.write(contents_.summaries);
  write_summary_cache(store_, contents_.plan, contents_.summaries);
  const Scheduler::Counts counts = scheduler_.counts();
  const std::size_t done = counts.done - unwanted_;
  const double elapsed = std::chrono::duration<double>(Clock::now() - start_).count();
  const std::string store = store_.directory().string();
  const std::size_t absent = done == wanted_ ? results_absent() : 0;
  const bool complete = done == wanted_ && absent == 0;
  const char* outcome = complete ? "complete" : stopped ? "stopped" : "failed";
  journal_.run_ended(outcome);
  if (complete && !plan_.chains.empty())
    display_.say(
        fmt::format("\n{}", return_tables(contents_.plan, contents_.summaries, Metric::kReevaluated)));
  display_.say(fmt::format("{}: {}/{} trainings done, {} of them now in {} ({} steps/s){}", outcome, done,
                           wanted_, done_now_, duration_text(elapsed),
                           count_text(static_cast<double>(env_steps_done_) / std::max(elapsed, 1e-9)),
                           done_elsewhere_ == 0 ? "" : fmt::format("; {} by other runs", done_elsewhere_)));
  const auto blind = static_cast<std::size_t>(std::ranges::count_if(
      contents_.summaries, [](const auto& known) { return known.second.effective_inputs == 0; }));
  if (blind > 0) display_.say(without_path_text(blind));
  if (ranks_were_lost())
    display_.say(
        "where a whole host was lost, mpirun may wait for it as long as TCP does; all is saved, so "
        "Ctrl-C may end it");
  if (complete) {
    if (done_now_ > 0)
      display_.say(
          fmt::format("predicted at the start: {}",
                      interval_text(predicted_.seconds, predicted_.low_seconds, predicted_.high_seconds)));
    return kComplete;
  }
  if (absent > 0) {
    display_.say(
        fmt::format("{} result{} not in {}, though ranks have stored {}: is it one directory on all nodes? "
                    "the same command "
                    "on a file system that all of them share computes what is missing",
                    absent, absent == 1 ? " is" : "s are", store, absent == 1 ? "it" : "them"));
    return kFailed;
  }
  if (stopped) {
    if (const std::string reason = stop_reason(); !reason.empty())
      display_.say(fmt::format("stopped {}", reason));
    display_.say("the same command again continues");
    return kStopped;
  }
  if (counts.failed == 0) {
    display_.say(
        "no training succeeds on any rank; mend what is said above, then the same command continues");
    return kFailed;
  }
  display_.say(
      fmt::format("{} failed, {} blocked; `impsweep status {}` names them, --retry-failed tries them again",
                  counts.failed, counts.blocked, store));
  return kFailed;
}

}  // namespace impsweep
