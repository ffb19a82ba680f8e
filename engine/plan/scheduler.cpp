#include "engine/plan/scheduler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <set>
#include <stdexcept>
#include <utility>

namespace impsweep {

Scheduler::Scheduler(std::vector<ScheduledTraining> given, int crash_limit, std::vector<Candidates> choices)
    : trainings_(given.size()),
      choices_(std::move(choices)),
      crash_limit_(static_cast<std::uint32_t>(crash_limit)) {
  const std::size_t total = given.size();
  counts_.total = counts_.waiting = total;

  // Dependants, grouped: count, then fill from the back of each group.
  std::vector<std::uint32_t> group_end(total + 1, 0);
  for (const ScheduledTraining& training : given)
    for (const TrainingIndex dependency : training.dependencies) ++group_end.at(dependency);
  std::uint32_t sum = 0;
  for (std::uint32_t& end : group_end) end = sum += end;
  dependants_.resize(sum);
  for (std::size_t i = total; i-- > 0;)
    for (const TrainingIndex dependency : given[i].dependencies)
      dependants_[--group_end[dependency]] = static_cast<TrainingIndex>(i);
  for (std::size_t i = 0; i < total; ++i) trainings_[i].first_dependant = group_end[i];

  // Kahn's order gives the longest paths backwards, and finds cycles.
  order_.reserve(total);
  std::vector<std::uint32_t> open(total);
  for (std::size_t i = 0; i < total; ++i) {
    open[i] = static_cast<std::uint32_t>(given[i].dependencies.size());
    if (open[i] == 0) order_.push_back(static_cast<TrainingIndex>(i));
    trainings_[i].seconds = given[i].done ? 0 : given[i].seconds;
    trainings_[i].candidates = given[i].candidates;
  }
  for (std::size_t next = 0; next < order_.size(); ++next)
    for (const TrainingIndex dependant : dependants_of(order_[next]))
      if (--open[dependant] == 0) order_.push_back(dependant);
  if (order_.size() != total) throw std::logic_error("trainings depend on each other in a circle");
  find_paths();
  for (std::size_t i = total; i-- > 0;) {
    const TrainingIndex index = order_[i];
    const std::span<const TrainingIndex> dependants = dependants_of(index);
    trainings_[index].wave = given[index].wave;
    if (!dependants.empty())
      trainings_[index].wave = std::ranges::min(
          dependants | std::views::transform([&](TrainingIndex other) { return trainings_[other].wave; }));
  }

  for (std::size_t i = 0; i < total; ++i) {
    if (given[i].done) change_state(static_cast<TrainingIndex>(i), TrainingState::kDone);
    for (const TrainingIndex dependency : given[i].dependencies)
      if (!given[dependency].done) ++trainings_[i].unfinished;
  }
  for (std::size_t i = 0; i < total; ++i)
    if (trainings_[i].state == TrainingState::kWaiting && trainings_[i].unfinished == 0)
      make_ready(static_cast<TrainingIndex>(i));
}

void Scheduler::find_paths() {
  for (std::size_t i = order_.size(); i-- > 0;) {
    double longest = 0;
    for (const TrainingIndex dependant : dependants_of(order_[i]))
      longest = std::max(longest, trainings_[dependant].path_seconds);
    trainings_[order_[i]].path_seconds = trainings_[order_[i]].seconds + longest;
  }
}

void Scheduler::reprice(std::span<const double> seconds) {
  for (std::size_t i = 0; i < trainings_.size(); ++i)
    trainings_[i].seconds = trainings_[i].state == TrainingState::kDone ? 0 : seconds[i];
  find_paths();
  std::vector<Place> ready;
  for (std::size_t i = 0; i < trainings_.size(); ++i)
    if (trainings_[i].state == TrainingState::kReady)
      ready.push_back(place_of(static_cast<TrainingIndex>(i)));
  ready_ = std::priority_queue<Place>({}, std::move(ready));
}

std::optional<TrainingIndex> Scheduler::assign(int worker) {
  if (by_worker_.contains(worker))
    throw std::logic_error(
        fmt::format("worker {} asks for work but has training {}", worker, by_worker_[worker]));
  while (!ready_.empty()) {
    const TrainingIndex next = ready_.top().training;
    ready_.pop();
    if (trainings_[next].state != TrainingState::kReady) continue;
    change_state(next, TrainingState::kRunning);
    trainings_[next].worker = worker;
    by_worker_[worker] = next;
    return next;
  }
  return std::nullopt;
}

void Scheduler::finished(TrainingIndex index) {
  Training& training = trainings_[index];
  if (training.state == TrainingState::kDone) return;
  if (training.state == TrainingState::kFailed) retry(index);
  leave_worker(index);
  change_state(index, TrainingState::kDone);
  for (const TrainingIndex dependant : dependants_of(index)) dependency_is_settled(dependant);
}

void Scheduler::dependency_is_settled(TrainingIndex dependant) {
  if (--trainings_[dependant].unfinished == 0 && trainings_[dependant].state == TrainingState::kWaiting)
    make_ready(dependant);
}

void Scheduler::wait_again(TrainingIndex dependant) {
  ++trainings_[dependant].unfinished;
  if (trainings_[dependant].state == TrainingState::kReady)  // its place in the queue is then passed over
    change_state(dependant, TrainingState::kWaiting);
}

// Only of what has diverged: a dependant of which it is a candidate, and not the last.
bool Scheduler::goes_on_without(TrainingIndex dependant, TrainingIndex diverged) const {
  if (!trainings_[dependant].candidates) return false;
  const Candidates& candidates = choices_[*trainings_[dependant].candidates];
  return std::ranges::find(candidates, diverged) != candidates.end() &&
         !std::ranges::all_of(candidates, [&](TrainingIndex other) { return trainings_[other].diverged; });
}

std::vector<TrainingIndex> Scheduler::failed(TrainingIndex index, const std::string& reason, bool diverged) {
  const TrainingState state = trainings_[index].state;
  std::vector<TrainingIndex> blocked;
  if (state == TrainingState::kDone || state == TrainingState::kFailed) return blocked;
  leave_worker(index);
  change_state(index, TrainingState::kFailed);
  failures_.push_back({index, reason});
  trainings_[index].diverged = diverged;
  block_dependants(index, blocked);
  if (diverged)
    for (const TrainingIndex dependant : dependants_of(index))
      if (goes_on_without(dependant, index)) dependency_is_settled(dependant);
  return blocked;
}

std::optional<TrainingIndex> Scheduler::lost(int worker, const std::string& evidence) {
  const std::optional<TrainingIndex> index = running_on(worker);
  if (!index) return std::nullopt;
  Training& training = trainings_[*index];
  if (!evidence.empty()) evidence_[*index] += (training.losses == 0 ? ": " : "; ") + evidence;
  if (++training.losses >= crash_limit_)
    failed(*index,
           fmt::format("{} workers were lost while they ran it{}", training.losses, evidence_[*index]));
  else
    released(*index);
  return index;
}

void Scheduler::released(TrainingIndex index) {
  const TrainingState state = trainings_[index].state;
  if (state != TrainingState::kRunning && state != TrainingState::kElsewhere) return;
  leave_worker(index);
  if (trainings_[index].unfinished == 0)
    make_ready(index);
  else
    change_state(index, TrainingState::kWaiting);
}

void Scheduler::elsewhere(TrainingIndex index) {
  if (trainings_[index].state != TrainingState::kRunning) return;
  leave_worker(index);
  change_state(index, TrainingState::kElsewhere);
}

void Scheduler::undone(TrainingIndex index) {
  if (trainings_[index].state != TrainingState::kDone) return;
  for (const TrainingIndex dependant : dependants_of(index)) wait_again(dependant);
  if (trainings_[index].unfinished == 0)
    make_ready(index);
  else
    change_state(index, TrainingState::kWaiting);
}

void Scheduler::retry(TrainingIndex index) {
  if (trainings_[index].state != TrainingState::kFailed) return;
  std::erase_if(failures_, [&](const Failure& failure) { return failure.training == index; });
  trainings_[index].losses = 0;
  evidence_.erase(index);
  // Whose dependants may hope again: the training's own, and those of the last of its fellow candidates.
  std::set<TrainingIndex> causes = {index};
  if (trainings_[index].diverged)
    for (const TrainingIndex dependant : dependants_of(index)) {
      if (goes_on_without(dependant, index)) wait_again(dependant);
      if (trainings_[dependant].state == TrainingState::kBlocked) causes.insert(trainings_[dependant].cause);
    }
  trainings_[index].diverged = false;
  for (std::size_t i = 0; i < trainings_.size(); ++i)
    if (trainings_[i].state == TrainingState::kBlocked && causes.contains(trainings_[i].cause))
      change_state(static_cast<TrainingIndex>(i), TrainingState::kWaiting);
  if (trainings_[index].unfinished == 0)
    make_ready(index);
  else
    change_state(index, TrainingState::kWaiting);
  std::vector<TrainingIndex> blocked;  // again, by other failures
  for (const Failure& failure : failures_) block_dependants(failure.training, blocked);
}

std::optional<int> Scheduler::worker_of(TrainingIndex index) const {
  const Training& training = trainings_[index];
  if (training.state != TrainingState::kRunning) return std::nullopt;
  return training.worker;
}

std::optional<TrainingIndex> Scheduler::running_on(int worker) const {
  const auto found = by_worker_.find(worker);
  return found == by_worker_.end() ? std::nullopt : std::optional(found->second);
}

Scheduler::Counts Scheduler::counts() const {
  return counts_;
}

double Scheduler::eta_seconds(int workers) const {
  double work = 0, longest = 0;
  for (const Training& training : trainings_) {
    const bool pending =
        training.state == TrainingState::kWaiting || training.state == TrainingState::kReady ||
        training.state == TrainingState::kRunning || training.state == TrainingState::kElsewhere;
    if (!pending) continue;
    work += training.seconds;
    longest = std::max(longest, training.path_seconds);
  }
  return std::max(longest, work / std::max(workers, 1));
}

std::span<const TrainingIndex> Scheduler::dependants_of(TrainingIndex index) const {
  const std::size_t begin = trainings_[index].first_dependant;
  const std::size_t end =
      index + 1 < trainings_.size() ? trainings_[index + 1].first_dependant : dependants_.size();
  return std::span(dependants_).subspan(begin, end - begin);
}

std::size_t& Scheduler::count_of(TrainingState state) {
  switch (state) {
    case TrainingState::kWaiting:
      return counts_.waiting;
    case TrainingState::kReady:
      return counts_.ready;
    case TrainingState::kRunning:
      return counts_.running;
    case TrainingState::kElsewhere:
      return counts_.elsewhere;
    case TrainingState::kDone:
      return counts_.done;
    case TrainingState::kFailed:
      return counts_.failed;
    case TrainingState::kBlocked:
      return counts_.blocked;
  }
  throw std::logic_error("a training is in no state");
}

void Scheduler::change_state(TrainingIndex index, TrainingState state) {
  --count_of(trainings_[index].state);
  ++count_of(state);
  trainings_[index].state = state;
}

Scheduler::Place Scheduler::place_of(TrainingIndex index) const {
  return {trainings_[index].wave, trainings_[index].path_seconds, index};
}

void Scheduler::make_ready(TrainingIndex index) {
  change_state(index, TrainingState::kReady);
  ready_.push(place_of(index));
}

void Scheduler::leave_worker(TrainingIndex index) {
  if (trainings_[index].state != TrainingState::kRunning) return;
  by_worker_.erase(trainings_[index].worker);
  trainings_[index].worker = -1;
}

void Scheduler::block_dependants(TrainingIndex cause, std::vector<TrainingIndex>& blocked) {
  std::vector<TrainingIndex> open = {cause};
  while (!open.empty()) {
    const TrainingIndex index = open.back();
    open.pop_back();
    for (const TrainingIndex dependant : dependants_of(index)) {
      if (trainings_[dependant].state != TrainingState::kWaiting) continue;
      if (trainings_[index].diverged && goes_on_without(dependant, index)) continue;
      change_state(dependant, TrainingState::kBlocked);
      trainings_[dependant].cause = cause;
      blocked.push_back(dependant);
      open.push_back(dependant);
    }
  }
}

double makespan_seconds(std::vector<ScheduledTraining> trainings, int workers) {
  std::vector<double> seconds;
  seconds.reserve(trainings.size());
  for (const ScheduledTraining& training : trainings) seconds.push_back(training.seconds);
  return makespan_seconds(Scheduler(std::move(trainings)), seconds, workers);
}

double makespan_seconds(Scheduler scheduler, std::span<const double> seconds, int workers) {
  using End = std::pair<double, int>;  // when, which worker
  std::priority_queue<End, std::vector<End>, std::greater<>> ends;
  std::vector<int> idle;
  for (int worker = workers; worker-- > 0;) idle.push_back(worker);
  double now = 0;
  while (true) {
    while (!idle.empty()) {
      const std::optional<TrainingIndex> next = scheduler.assign(idle.back());
      if (!next) break;
      ends.push({now + seconds[*next], idle.back()});
      idle.pop_back();
    }
    if (ends.empty()) return now;
    const auto [end, worker] = ends.top();
    ends.pop();
    now = end;
    scheduler.finished(*scheduler.running_on(worker));
    idle.push_back(worker);
  }
}

}  // namespace impsweep
