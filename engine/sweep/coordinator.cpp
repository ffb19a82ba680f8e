#include "engine/sweep/coordinator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "engine/exit_code.hpp"
#include "engine/plan/doubts.hpp"
#include "engine/store/status_text.hpp"
#include "io/human_text.hpp"

namespace impsweep {
namespace {

// The journal says that this run is alive, and now and then what all ranks do: the more they are, the more
// rarely, as the list is then long.
constexpr std::chrono::seconds kHeartbeatInterval{5};
constexpr std::chrono::milliseconds kListIntervalPerTraining{50};
// The index costs in proportion to what it holds: it is made anew when it has grown by a part, or after long.
constexpr std::chrono::seconds kIndexInterval{10}, kLongestIndexInterval{600};
constexpr std::size_t kIndexGrowth = 8;
// At most this part of the time goes into forecasts.
constexpr std::chrono::seconds kForecastInterval{1};
constexpr int kUpkeepShare = 500;
constexpr std::chrono::seconds kGoodbyeTimeout{60}, kDismissalInterval{1};
// The trainings of other runs are checked so often, but at most a twentieth of the time, to spare the file
// system.
constexpr std::chrono::milliseconds kOtherRunsInterval{500};
constexpr int kOtherRunsShare = 20;
constexpr int kSearchesPerSilence = 20;
// In less time than this no training gets far enough that a checkpoint of it would be worth its start.
constexpr std::chrono::seconds kShortestStart{1};
constexpr int kCrashLimit = 2;
constexpr int kCrashLimitInChaos = 1000;

// What is not wanted is never waited for, so it may pass for done.
std::vector<bool> done_or_unwanted(std::vector<bool> done, const std::vector<bool>& wanted) {
  for (std::size_t i = 0; i < done.size(); ++i)
    if (!wanted[i]) done[i] = true;
  return done;
}

std::vector<ScheduledTraining> in_waves(std::vector<ScheduledTraining> trainings, const Plan& plan,
                                        bool by_seed) {
  if (by_seed)
    for (std::size_t i = 0; i < trainings.size(); ++i) trainings[i].wave = plan.trainings[i].seed;
  return trainings;
}

std::vector<Candidates> candidates_of(const Plan& plan) {
  std::vector<Candidates> choices;
  for (const TeacherChoice& choice : plan.choices) choices.push_back(choice.candidates);
  return choices;
}

}  // namespace

Coordinator::Coordinator(Transport& transport, const Plan& plan, Ledger& ledger,
                         const std::vector<bool>& wanted, const Options& options)
    : transport_(transport),
      plan_(plan),
      ledger_(ledger),
      options_(options),
      is_wanted_(wanted),
      cost_model_(ledger.learned_costs()),
      cost_classes_(plan),
      scheduler_(
          in_waves(scheduled_trainings(plan, cost_model_, done_or_unwanted(ledger.finished_before(), wanted)),
                   plan, options.by_seed),
          options.chaos ? kCrashLimitInChaos : kCrashLimit, candidates_of(plan)),
      failure_tracker_(transport.ranks()),
      ranks_(static_cast<std::size_t>(transport.ranks())),
      start_(options.now()),
      last_index_(start_),
      last_heartbeat_(start_ - kHeartbeatInterval),
      last_list_(start_ - kHeartbeatInterval),
      next_check_of_other_runs_(start_ + kOtherRunsInterval) {
  predicted_ =
      forecast(plan, cost_model_, transport.ranks(), done_or_unwanted(ledger.finished_before(), wanted));
  ledger_.run_predicted(predicted_);
  for (const bool flag : wanted) flag ? ++wanted_ : ++unwanted_;
  results_ = scheduler_.counts().done;
  for (Rank& rank : ranks_) rank.last_heard = start_;
  workers_ = present_ = ranks_.size() - 1;
  ledger_.say(fmt::format("{}: {} chains, {} trainings, {} already done; {} rank{}", ledger_.name(),
                          plan.chains.size(), wanted_, scheduler_.counts().done - unwanted_,
                          transport.ranks(), transport.ranks() == 1 ? "" : "s"));
  for (const std::string& doubt : doubts_about(plan)) ledger_.say("note: " + doubt);
  if (options.retry_failed) return;
  std::size_t repeated = 0;
  for (const auto& [training, failure] : ledger_.earlier_failures()) {
    if (!failure.deterministic || !wanted[training]) continue;
    if (scheduler_.state(training) == TrainingState::kDone) continue;
    scheduler_.failed(training, failure.reason, failure.diverged);
    ++repeated;
  }
  if (repeated > 0)
    ledger_.say(fmt::format(
        "{} training{} failed in an earlier run and would fail again; --retry-failed tries anyway", repeated,
        repeated == 1 ? "" : "s"));
}

// ---- trainings

void Coordinator::fail(TrainingIndex training, const Failure& failure) {
  ledger_.training_failed(training, failure);
  ledger_.release_lease(training);
  const std::vector<TrainingIndex> blocked = scheduler_.failed(training, failure.reason, failure.diverged);
  ledger_.say(
      fmt::format("FAILED  {}: {}{}", training_name(plan_, training), failure.reason,
                  blocked.empty() ? "" : fmt::format(" ({} trainings depend on it)", blocked.size())));
}

// A result that turned out to be damaged when it was needed has gone to quarantine, or somebody removed it.
// True if there was one, or is being computed again already: then the training has not failed.
bool Coordinator::redo_missing_dependencies(TrainingIndex training) {
  bool missing = false;
  for (const TrainingIndex dependency : plan_.dependencies(training)) {
    const bool done = scheduler_.state(dependency) == TrainingState::kDone;
    if (done && ledger_.has(dependency)) continue;
    if (scheduler_.has_diverged(dependency))
      continue;  // it has no result, and the training goes on without it
    missing = true;
    if (!done) continue;
    scheduler_.undone(dependency);
    ledger_.remove(dependency);
    ledger_.say(fmt::format("{} is computed again: its result is gone", training_name(plan_, dependency)));
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

void Coordinator::give_back(int rank, TrainingIndex training) {
  // A rank that counted as lost may return what another rank has been given since.
  if (scheduler_.worker_of(training) != rank) return;
  scheduler_.released(training);
  ledger_.release_lease(training);
}

void Coordinator::finished(const Message& message) {
  failure_tracker_.succeeded(message.rank);
  const TrainingIndex training = message.training;
  if (scheduler_.state(training) == TrainingState::kDone) return;  // by a rank that counted as lost
  scheduler_.finished(training);
  ledger_.training_done(training, message.summary.wall_seconds);
  ledger_.release_lease(training);
  ledger_.add(training, message.summary);
  cost_model_.observe(cost_classes_.of(training), message.summary.cpu_seconds);
  pace_.observe(message.summary.wall_seconds, message.summary.cpu_seconds);
  env_steps_done_ += message.summary.env_steps;
  ++done_now_;
  ++not_in_index_;
  ++results_;
  forecast_is_old_ = true;
}

void Coordinator::finished_elsewhere(TrainingIndex training) {
  ledger_.release_lease(training);
  const std::optional<RoundSummary> summary = ledger_.read(training);
  if (!summary && ledger_.has(training))
    return fail(training, {.reason = "its result is there and cannot be read; nothing was put in its place",
                           .deterministic = false});
  if (!summary) return scheduler_.released(training);  // it was damaged: computed again
  ledger_.add(training, *summary);
  scheduler_.finished(training);
  ++done_elsewhere_;
  ++not_in_index_;
  ++results_;
  forecast_is_old_ = true;
}

// True if the training has failed for good; else it is given back.
bool Coordinator::failed(const Message& message) {
  const TrainingIndex training = message.training;
  const TrainingState state = scheduler_.state(training);
  // A rank that counted as lost says so of what another one has settled since.
  if (state == TrainingState::kDone || state == TrainingState::kFailed) return true;
  if (!message.deterministic && redo_missing_dependencies(training)) return false;
  const bool again = !message.deterministic &&
                     failure_tracker_.failed(message.rank, training, message.unstored, message.too_large);
  if (!again) {
    fail(training, {message.reason, message.deterministic, message.diverged});
    return true;
  }
  ledger_.say(fmt::format("{} failed on rank {} and is tried again: {}", training_name(plan_, training),
                          message.rank, message.reason));
  return false;
}

// ---- ranks

bool Coordinator::takes_work(int rank) const {
  return ranks_[static_cast<std::size_t>(rank)].presence == Rank::Presence::kPresent &&
         !failure_tracker_.set_aside(rank);
}

void Coordinator::set_presence(int rank, Rank::Presence presence) {
  const auto count = [&](std::size_t& present, std::size_t& workers) {
    if (rank_of(rank).presence == Rank::Presence::kPresent) ++present;
    if (takes_work(rank)) ++workers;
  };
  std::size_t present_before = 0, workers_before = 0;
  count(present_before, workers_before);
  rank_of(rank).presence = presence;
  count(present_, workers_);
  present_ -= present_before;
  workers_ -= workers_before;
  if (presence != Rank::Presence::kPresent) set_waits(rank, false);
}

void Coordinator::set_waits(int rank, bool waits) {
  if (std::exchange(rank_of(rank).waits, waits) == waits) return;  // as at every sign of life of an idle rank
  if (waits)
    idle_.insert(rank);
  else
    idle_.erase(rank);
}

void Coordinator::note_sign_of_life(const Message& message) {
  Rank& rank = rank_of(message.rank);
  if (message.rank == 0 || rank.presence == Rank::Presence::kGone) return;
  rank.last_heard = options_.now();
  if (rank.presence == Rank::Presence::kPresent || message.kind == MessageKind::kGoodbye) return;
  set_presence(message.rank, Rank::Presence::kPresent);
  ledger_.say(fmt::format("rank {} was slow, not dead; it takes part again", message.rank));
}

// It says that it has nothing to do. If it was given a training, the assignment or the answer is on its way,
// or was lost on it.
void Coordinator::note_idleness(const Message& message) {
  Rank& rank = rank_of(message.rank);
  if (!message.idle) {  // as almost all messages say
    rank.is_at_odds = false;
    return;
  }
  if (rank.waits) return;
  const auto running = running_.find(message.rank);
  if (running == running_.end()) rank.is_at_odds = false;
  if (!takes_work(message.rank)) return;
  if (running == running_.end()) {
    set_waits(message.rank, true);
    return;
  }
  const Clock::time_point now = options_.now();
  if (!rank.is_at_odds) rank.at_odds = now;
  rank.is_at_odds = true;
  if (now - rank.at_odds < options_.lost_after) return;
  ledger_.say(fmt::format("{} is given out again: a message of rank {} was lost",
                          training_name(plan_, running->second.training), message.rank));
  give_back(message.rank, running->second.training);
  running_.erase(running);
  rank.is_at_odds = false;
  set_waits(message.rank, true);
}

void Coordinator::note_answer(const Message& message) {
  Rank& rank = rank_of(message.rank);
  rank.answered = std::max(rank.answered, message.assignment);
  if (message.assignment != rank.assignment) return;  // it has been given something else since
  running_.erase(message.rank);
  rank.is_at_odds = false;
  if (message.rank != 0 && takes_work(message.rank)) set_waits(message.rank, true);
}

void Coordinator::note_goodbye(int rank) {
  set_presence(rank, Rank::Presence::kGone);
  running_.erase(rank);
  // It may have been given a training while it was leaving.
  if (const auto training = scheduler_.running_on(rank)) give_back(rank, *training);
}

void Coordinator::handle(const Message& message) {
  note_sign_of_life(message);
  Rank& rank = rank_of(message.rank);
  const bool comes_twice = message.rank != 0 && message.assignment <= rank.answered;
  const bool took_work = takes_work(message.rank);
  switch (message.kind) {
    case MessageKind::kReady:
      rank.place = message.reason;
      break;
    case MessageKind::kGoodbye:
      note_goodbye(message.rank);
      return;
    case MessageKind::kProgress:
      if (message.assignment == rank.assignment)
        note_progress(message.rank, message.env_steps, message.last_return);
      break;
    case MessageKind::kDone:
      finished(message);
      note_answer(message);
      break;
    case MessageKind::kFailed:
      if (comes_twice) break;
      if (!failed(message)) give_back(message.rank, message.training);
      note_answer(message);
      break;
    case MessageKind::kReturned:
      if (comes_twice) break;
      give_back(message.rank, message.training);
      note_answer(message);
      break;
    case MessageKind::kAlive:
    case MessageKind::kAssign:
    case MessageKind::kStop:
    case MessageKind::kLeave:
    case MessageKind::kFinish:
      break;
  }
  if (takes_work(message.rank) != took_work) {  // by a failure, or by a success after all
    if (message.rank != 0) took_work ? --workers_ : ++workers_;
    if (took_work) {
      set_waits(message.rank, false);
      ledger_.say(fmt::format("rank {} gets no more work: nothing succeeds on it", message.rank));
    }
  }
  if (message.rank == 0) return;
  note_idleness(message);
}

void Coordinator::detect_lost_ranks() {
  const Clock::time_point now = options_.now();
  if (now < next_search_for_lost_) return;
  next_search_for_lost_ = now + options_.lost_after / kSearchesPerSilence;
  for (int rank = 1; rank < transport_.ranks(); ++rank)
    if (rank_of(rank).presence == Rank::Presence::kPresent &&
        now - rank_of(rank).last_heard >= options_.lost_after)
      lose(rank);
}

void Coordinator::lose(int rank) {
  set_presence(rank, Rank::Presence::kLost);
  rank_of(rank).is_at_odds = false;
  transport_.forget(rank);
  ++losses_;
  const std::string& place = rank_of(rank).place;
  std::string evidence = fmt::format("rank {} ({}) fell silent", rank, place.empty() ? "never ready" : place);
  if (const auto running = running_.find(rank); running != running_.end()) {
    evidence += fmt::format(" at step {} of {}", running->second.env_steps,
                            training_name(plan_, running->second.training));
    running_.erase(running);
  }
  ledger_.rank_lost(rank, evidence);
  ledger_.say(fmt::format("LOST    {}", evidence));
  const std::optional<TrainingIndex> training = scheduler_.lost(rank, evidence);
  if (training && scheduler_.state(*training) == TrainingState::kFailed) {
    const std::string reason = scheduler_.failures().back().reason;
    fail(*training, {.reason = reason});
  }
}

bool Coordinator::nothing_succeeds() const {
  return !has_workers() && (failure_tracker_.set_aside(0) || present_ > 0);
}

void Coordinator::note_progress(int rank, std::int64_t env_steps, double last_return) {
  const auto found = running_.find(rank);
  if (found == running_.end()) return;
  Running& running = found->second;
  if (env_steps != running.env_steps) forecast_is_old_ = true;
  running.env_steps = env_steps;
  running.last_return = last_return;
  running.last_time = options_.now();
  if (running.from_step) return;
  running.from_step = env_steps;
  running.from_time = running.last_time;
}

// ---- handing out work

void Coordinator::check_other_runs() {
  const Clock::time_point begin = options_.now();
  std::erase_if(elsewhere_, [&](TrainingIndex training) {
    if (!ledger_.has(training)) {
      if (!ledger_.take_lease(training)) return false;  // still at it
      if (!ledger_.has(training)) {                     // not finished just before it was set free
        ledger_.release_lease(training);
        scheduler_.released(training);
        return true;
      }
    }
    finished_elsewhere(training);
    return true;
  });
  const Clock::time_point end = options_.now();
  next_check_of_other_runs_ =
      end + std::max<Clock::duration>(kOtherRunsInterval, kOtherRunsShare * (end - begin));
}

bool Coordinator::worth_starting() const {
  const std::optional<Clock::duration> left = options_.time_left();
  return !left || *left > kShortestStart;
}

std::optional<TrainingIndex> Coordinator::take(int rank) {
  if (failure_tracker_.set_aside(rank) || !worth_starting()) return std::nullopt;
  while (const std::optional<TrainingIndex> training = scheduler_.assign(rank)) {
    if (!ledger_.take_lease(*training)) {
      scheduler_.elsewhere(*training);
      elsewhere_.insert(*training);
      if (!std::exchange(has_met_others_, true))
        ledger_.say(fmt::format(
            "another run works on some of it, as on {}, which is left to it; if its process on this "
            "machine is gone, or it is silent for {} s elsewhere, it is taken over",
            training_name(plan_, *training), std::chrono::duration<double>(options_.lost_after).count()));
    } else if (ledger_.has(*training)) {  // another run was faster
      finished_elsewhere(*training);
    } else {
      running_[rank] = {.training = *training};
      ledger_.training_started(*training, rank);
      return training;
    }
  }
  return std::nullopt;
}

void Coordinator::dispatch() {
  while (!idle_.empty()) {
    const int rank = *idle_.begin();
    const std::optional<TrainingIndex> training = take(rank);
    if (!training) return;
    set_waits(rank, false);
    Message assignment;
    assignment.kind = MessageKind::kAssign;
    assignment.assignment = ++rank_of(rank).assignment;
    assignment.training = *training;
    assignment.diverged_candidates = diverged_candidates(*training);
    transport_.send(rank, assignment);
  }
}

void Coordinator::process_events() {
  while (const std::optional<Message> message = transport_.poll()) handle(*message);
  detect_lost_ranks();
  const Clock::time_point now = options_.now();
  if (now >= next_check_of_other_runs_) check_other_runs();
  dispatch();
  if (ledger_.display_is_due()) {
    if (forecast_is_old_ && now >= next_forecast_) update_forecast();
    ledger_.show(progress());
  }
  if (now - last_heartbeat_ >= kHeartbeatInterval) send_heartbeat();
  const auto since_index = now - last_index_;
  if (store_is_lost_) return;
  if (not_in_index_ > 0 && since_index >= kIndexInterval &&
      (not_in_index_ * kIndexGrowth >= results_ || since_index >= kLongestIndexInterval))
    update_index();
}

// ---- books

void Coordinator::send_heartbeat() {
  last_heartbeat_ = options_.now();
  if (!ledger_.is_there()) store_is_lost_ = true;
  if (store_is_lost_) return;
  if (last_heartbeat_ - last_list_ < kListIntervalPerTraining * static_cast<int>(running_.size()))
    return ledger_.heartbeat();
  last_list_ = last_heartbeat_;
  std::vector<RunningTraining> running;
  for (const auto& [rank, training] : running_)
    running.push_back({plan_.trainings[training.training].digest, rank, training.env_steps,
                       training.last_return, training.from_step.value_or(training.env_steps),
                       training.seconds()});
  ledger_.heartbeat(running, progress().env_steps_per_second);
}

void Coordinator::update_index() {
  ledger_.update_index();
  not_in_index_ = 0;
  last_index_ = options_.now();
}

void Coordinator::update_forecast() {
  const Clock::time_point begin = options_.now();
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
  const Clock::time_point end = options_.now();
  forecast_is_old_ = false;
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
  const double elapsed = std::chrono::duration<double>(options_.now() - start_).count();
  if (elapsed > 1) progress.env_steps_per_second = static_cast<double>(env_steps) / elapsed;
  if (eta_) {
    progress.eta_seconds = std::chrono::duration<double>(eta_->end - options_.now()).count();
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

// ---- the end

void Coordinator::dismiss_workers() {
  Message stop;
  stop.kind = ranks_were_lost() ? MessageKind::kLeave : MessageKind::kStop;
  last_dismissal_ = options_.now();
  if (dismissed_ == Clock::time_point()) dismissed_ = last_dismissal_;
  for (int rank = 1; rank < transport_.ranks(); ++rank)
    if (rank_of(rank).presence != Rank::Presence::kGone) transport_.send(rank, stop);
}

bool Coordinator::all_have_left() {
  while (const std::optional<Message> message = transport_.poll()) handle(*message);
  detect_lost_ranks();
  const Clock::time_point now = options_.now();
  if (present_ == 0) return true;
  if (now - dismissed_ >= kGoodbyeTimeout) {
    ledger_.say(
        fmt::format("{} workers did not answer; what they finished is in the store all the same", present_));
    return true;
  }
  if (now - last_dismissal_ >= kDismissalInterval) dismiss_workers();  // who has not heard of it
  return false;
}

// "Complete" is what lies in the store, not what ranks have said.
std::size_t Coordinator::results_absent() const {
  const std::vector<bool> stored = ledger_.results();
  std::size_t absent = 0;
  for (TrainingIndex training = 0; training < plan_.trainings.size(); ++training)
    if (is_wanted_[training] && scheduler_.state(training) == TrainingState::kDone && !stored[training])
      ++absent;
  return absent;
}

int Coordinator::conclude(const std::optional<std::string>& stopped) {
  if (store_is_lost_) {
    ledger_.say(fmt::format(
        "{} has vanished or was moved while it was worked on; nothing more is computed, as it would be "
        "lost. Put it back, then the same command continues",
        ledger_.name()));
    return kFailed;
  }
  ledger_.write_index();
  const Scheduler::Counts counts = scheduler_.counts();
  const std::size_t done = counts.done - unwanted_;
  const double elapsed = std::chrono::duration<double>(options_.now() - start_).count();
  const std::size_t absent = done == wanted_ ? results_absent() : 0;
  const bool complete = done == wanted_ && absent == 0;
  const char* outcome = complete ? "complete" : stopped ? "stopped" : "failed";
  ledger_.run_ended(outcome);
  if (complete && !plan_.chains.empty()) ledger_.say(fmt::format("\n{}", ledger_.return_tables()));
  ledger_.say(fmt::format("{}: {}/{} trainings done, {} of them now in {} ({} steps/s){}", outcome, done,
                          wanted_, done_now_, duration_text(elapsed),
                          count_text(static_cast<double>(env_steps_done_) / std::max(elapsed, 1e-9)),
                          done_elsewhere_ == 0 ? "" : fmt::format("; {} by other runs", done_elsewhere_)));
  if (const std::size_t blind = ledger_.without_path(); blind > 0) ledger_.say(without_path_text(blind));
  if (ranks_were_lost())
    ledger_.say(
        "where a whole host was lost, mpirun may wait for it as long as TCP does; all is saved, so "
        "Ctrl-C may end it");
  if (complete) {
    if (done_now_ > 0)
      ledger_.say(
          fmt::format("predicted at the start: {}",
                      interval_text(predicted_.seconds, predicted_.low_seconds, predicted_.high_seconds)));
    return kComplete;
  }
  if (absent > 0) {
    ledger_.say(
        fmt::format("{} result{} not in {}, though ranks have stored {}: is it one directory on all nodes? "
                    "the same command "
                    "on a file system that all of them share computes what is missing",
                    absent, absent == 1 ? " is" : "s are", ledger_.name(), absent == 1 ? "it" : "them"));
    return kFailed;
  }
  if (stopped) {
    if (!stopped->empty()) ledger_.say(fmt::format("stopped {}", *stopped));
    ledger_.say("the same command again continues");
    return kStopped;
  }
  if (const std::size_t left = counts.total - counts.done - counts.failed - counts.blocked; left > 0)
    ledger_.say(fmt::format(
        "{} training{} left, as no training succeeds on any rank; mend what is said above, then the "
        "same command continues",
        left, left == 1 ? " is" : "s are"));
  if (counts.failed > 0)
    ledger_.say(
        fmt::format("{} failed, {} blocked; `impsweep status {}` names them, --retry-failed tries them again",
                    counts.failed, counts.blocked, ledger_.name()));
  return kFailed;
}

}  // namespace impsweep
