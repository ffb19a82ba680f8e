#include "envs/external/gymnasium_environment.hpp"

#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <utility>

namespace impsweep::external {
namespace {

constexpr std::size_t kExpectedSteps = 1000;  // of an episode without a limit, for which room is made

}  // namespace

GymnasiumEnvironment::GymnasiumEnvironment(TaskInfo info, Definition definition, int lanes)
    : info_(std::move(info)),
      definition_(std::move(definition)),
      spaces_(read_spaces(definition_.spaces)),
      scales_(definition_.actions == "scale"),
      lanes_(static_cast<std::size_t>(lanes)) {
  for (const double bound : spaces_.low) low_.push_back(static_cast<float>(bound));
  for (const double bound : spaces_.high) high_.push_back(static_cast<float>(bound));
  const std::size_t steps =
      spaces_.max_steps > 0 ? static_cast<std::size_t>(spaces_.max_steps) : kExpectedSteps;
  for (Lane& lane : lanes_) {
    if (spaces_.continuous)
      lane.numbers.reserve(steps * low_.size());
    else
      lane.actions.reserve(steps);
  }
}

GymnasiumEnvironment::~GymnasiumEnvironment() {
  for (auto& worker : workers_) GymnasiumWorker::give_back(std::move(worker));
}

GymnasiumEnvironment::Lane& GymnasiumEnvironment::at(int lane) {
  assert(lane >= 0 && lane < lanes());
  return lanes_[static_cast<std::size_t>(lane)];
}

bool GymnasiumEnvironment::share_among_processes(int processes) {
  processes_ = std::min(static_cast<std::size_t>(std::max(processes, 1)), lanes_.size());
  return true;
}

void GymnasiumEnvironment::start() {
  if (!workers_.empty()) return;
  std::vector<std::unique_ptr<GymnasiumWorker>> workers;
  for (std::size_t w = 0; w < processes_; ++w)
    workers.push_back(GymnasiumWorker::get(
        definition_, spaces_, static_cast<int>((lanes_.size() - w + processes_ - 1) / processes_)));
  workers_ = std::move(workers);
  used_.assign(processes_, 0);
}

std::string GymnasiumEnvironment::external_program() const {
  if (workers_.empty()) return {};
  const std::string& interpreter = workers_.front()->interpreter();
  const std::size_t version = interpreter.rfind('(');
  return packages_text(definition_) + (version == std::string::npos ? "" : " " + interpreter.substr(version));
}

void GymnasiumEnvironment::throw_fault(int index, const std::string& what) const {
  const Lane& lane = lanes_[static_cast<std::size_t>(index)];
  const std::string task =
      definition_.is_python() ? definition_.file + ", " + definition_.name : definition_.name;
  throw EnvironmentFault(task + ": lane " + std::to_string(index) + ", " +
                         (lane.steps == 0 ? "reset" : "step " + std::to_string(lane.steps)) +
                         " of its episode " + std::to_string(lane.episodes) + " (seed " +
                         std::to_string(lane.seed) + "): " + what);
}

void GymnasiumEnvironment::finish(std::size_t worker) {
  try {
    workers_[worker]->finish();
  } catch (const EnvironmentFault& fault) {
    const int index =
        workers_[worker]->current_lane() * static_cast<int>(workers_.size()) + static_cast<int>(worker);
    Lane& lane = at(index);
    if (workers_[worker]->is_resetting()) begin_episode(lane, seed_of_next_episode(lane));
    throw_fault(index, fault.what());
  }
}

void GymnasiumEnvironment::begin_episode(Lane& lane, std::int64_t seed) {
  lane.seed = seed;
  ++lane.episodes;
  lane.steps = 0;
  lane.phase = Phase::kUnused;
  lane.actions.clear();
  lane.numbers.clear();
}

// Without drawing it: a checkpoint before the reset must not differ.
std::int64_t GymnasiumEnvironment::seed_of_next_episode(const Lane& lane) const {
  const auto* stream = expects_resets_ ? dynamic_cast<const Stream*>(lane.draws) : nullptr;
  return stream == nullptr ? kNoReset : Stream(*stream).below(kSeeds);
}

void GymnasiumEnvironment::reset(int index, int column, ObservationBatch observations) {
  Lane& lane = at(index);
  assert(lane.draws != nullptr && (observations.data == nullptr || column < observations.stride));
  const std::int64_t seed = lane.draws->below(kSeeds);
  if (seed != lane.next_seed) return reset_with(index, seed, column, observations);
  begin_episode(lane, seed);
  lane.next_seed = kNoReset;
  take_row(workers_[worker_of(index)]->first_row(lane_there(index)), index, column, observations);
  lane.phase = Phase::kPlaying;
}

void GymnasiumEnvironment::reset_with(int index, std::int64_t seed, int column,
                                      ObservationBatch observations) {
  start();
  Lane& lane = at(index);
  begin_episode(lane, seed);
  lane.next_seed = kNoReset;
  lane.place = 0;
  GymnasiumWorker& worker = *workers_[worker_of(index)];
  worker.lanes()[0] = static_cast<std::uint32_t>(lane_there(index));
  worker.seeds()[0] = seed;
  worker.begin(GymnasiumWorker::Operation::kReset, 1);
  finish(worker_of(index));
  take_row(worker.row(0), index, column, observations);
  lane.phase = Phase::kPlaying;
}

void GymnasiumEnvironment::give_actions(GymnasiumWorker& worker, std::size_t place, Lane& lane,
                                        const ActionBatch& actions, std::size_t column) {
  if (!spaces_.continuous) {
    lane.actions.push_back(actions.discrete[column]);
    worker.actions()[place] = actions.discrete[column];
    return;
  }
  const std::size_t count = low_.size();
  float* out = worker.action_numbers().data() + place * count;
  for (std::size_t d = 0; d < count; ++d) {
    float number = actions.continuous[d * static_cast<std::size_t>(actions.stride) + column];
    if (scales_) number = low_[d] + (std::clamp(number, -1.0f, 1.0f) + 1) / 2 * (high_[d] - low_[d]);
    out[d] = std::clamp(number, low_[d], high_[d]);
    lane.numbers.push_back(out[d]);
  }
}

void GymnasiumEnvironment::step(std::span<const std::int32_t> lanes, ActionBatch actions,
                                ObservationBatch observations, std::span<StepResult> results) {
  assert(results.size() >= lanes.size());
  std::ranges::fill(used_, std::size_t{0});
  for (std::size_t column = 0; column < lanes.size(); ++column) {
    Lane& lane = at(lanes[column]);
    GymnasiumWorker& worker = *workers_[worker_of(lanes[column])];
    lane.place = used_[worker_of(lanes[column])]++;
    worker.lanes()[lane.place] = static_cast<std::uint32_t>(lane_there(lanes[column]));
    worker.seeds()[lane.place] = seed_of_next_episode(lane);
    give_actions(worker, lane.place, lane, actions, column);
    ++lane.steps;
  }
  for (std::size_t w = 0; w < workers_.size(); ++w)
    if (used_[w] > 0) workers_[w]->begin(GymnasiumWorker::Operation::kStep, used_[w]);
  for (std::size_t w = 0; w < workers_.size(); ++w)
    if (used_[w] > 0) finish(w);
  for (std::size_t column = 0; column < lanes.size(); ++column) {
    const int index = lanes[column];
    Lane& lane = at(index);
    GymnasiumWorker& worker = *workers_[worker_of(index)];
    take_row(worker.row(lane.place), index, static_cast<int>(column), observations);
    const auto reward = static_cast<float>(worker.rewards()[lane.place]);
    if (!std::isfinite(reward)) throw_fault(index, "the reward is " + std::to_string(reward));
    const unsigned flags = worker.flags()[lane.place];
    results[column] = {.reward = reward, .terminated = (flags & 1) != 0, .truncated = (flags & 2) != 0};
    lane.phase = flags != 0 ? Phase::kOver : Phase::kPlaying;
    lane.next_seed = flags != 0 ? worker.seeds()[lane.place] : kNoReset;
  }
}

template <class Number>
void GymnasiumEnvironment::write_numbers(const std::byte* row, int index, int column,
                                         ObservationBatch observations) {
  const auto count = static_cast<std::size_t>(spaces_.inputs);
  const auto stride = static_cast<std::size_t>(observations.stride);
  float* out = observations.data == nullptr ? nullptr : observations.data + column;
  float sum = 0;  // of zeros, unless a number is not finite
  for (std::size_t i = 0; i < count; ++i) {
    Number number;
    std::memcpy(&number, row + i * sizeof number, sizeof number);
    const auto value = static_cast<float>(number);
    sum += value * 0;
    if (out != nullptr) out[i * stride] = value;
  }
  if (sum == 0) return;
  for (std::size_t i = 0; i < count; ++i) {
    Number number;
    std::memcpy(&number, row + i * sizeof number, sizeof number);
    if (std::isfinite(static_cast<float>(number))) continue;
    const bool is_named =
        i < info_.observation_names.size() && info_.observation_names[i] != std::to_string(i);
    throw_fault(index, "input " + std::to_string(i) + " of " + std::to_string(count) +
                           (is_named ? " ('" + info_.observation_names[i] + "')" : "") + " is " +
                           std::to_string(static_cast<double>(number)) +
                           ", which is no number to learn from");
  }
}

void GymnasiumEnvironment::take_row(const std::byte* row, int index, int column,
                                    ObservationBatch observations) {
  Lane& lane = at(index);
  lane.row = row;
  lane.last_row = XXH3_64bits(row, spaces_.row_bytes());
  if (spaces_.row == Spaces::Row::kIndex) {
    std::int64_t chosen = 0;
    std::memcpy(&chosen, row, sizeof chosen);
    for (std::ptrdiff_t i = 0; i < spaces_.inputs && observations.data != nullptr; ++i)
      observations.data[i * observations.stride + column] = i == chosen ? 1.0f : 0.0f;
    return;
  }
  const auto write = [&]<class Number>(Number) { write_numbers<Number>(row, index, column, observations); };
  const bool is_natural = spaces_.kind == 'u' || spaces_.kind == 'b';
  if (spaces_.kind == 'f') return spaces_.bytes == 8 ? write(double{}) : write(float{});
  switch (spaces_.bytes) {
    case 1:
      return is_natural ? write(std::uint8_t{}) : write(std::int8_t{});
    case 2:
      return is_natural ? write(std::uint16_t{}) : write(std::int16_t{});
    case 4:
      return is_natural ? write(std::uint32_t{}) : write(std::int32_t{});
    default:
      return is_natural ? write(std::uint64_t{}) : write(std::int64_t{});
  }
}

std::span<const std::byte> GymnasiumEnvironment::raw_row(int lane) {
  return {at(lane).row, spaces_.row_bytes()};
}

double GymnasiumEnvironment::raw_reward(int lane) {
  return workers_[worker_of(lane)]->rewards()[at(lane).place];
}

std::string GymnasiumEnvironment::generator(int lane) {
  return workers_[worker_of(lane)]->generator(static_cast<int>(lane_there(lane)));
}

void GymnasiumEnvironment::save(StateWriter& writer) const {
  writer("lanes", lanes_.size());
  writer("is_reproducible", info_.is_reproducible);
  for (const Lane& lane : lanes_) writer("lane", lane);
}

void GymnasiumEnvironment::load(StateReader& reader) {
  std::size_t count = 0;
  bool is_reproducible = false;
  reader("lanes", count);
  if (count != lanes_.size()) throw ArchiveError("saved environment has another number of lanes");
  reader("is_reproducible", is_reproducible);
  for (int index = 0; index < lanes(); ++index) {
    Lane& lane = at(index);
    lane.next_seed = kNoReset;
    reader("lane", lane);
    const std::size_t discrete = spaces_.continuous ? 0 : static_cast<std::size_t>(lane.steps);
    const std::size_t continuous =
        spaces_.continuous ? static_cast<std::size_t>(lane.steps) * low_.size() : 0;
    reader.require("actions", [&] {
      return lane.actions.size() == discrete && lane.numbers.size() == continuous &&
             std::ranges::all_of(lane.actions,
                                 [&](int action) { return action >= 0 && action < spaces_.actions; });
    });
    if (!info_.is_reproducible && lane.phase == Phase::kPlaying)
      throw ArchiveError("episodes of " + definition_.name + " do not repeat, and some were under way");
  }
  for (int index = 0; index < lanes(); ++index)
    if (at(index).phase == Phase::kPlaying) replay(index);
}

// Plays the episode of a loaded lane again.
void GymnasiumEnvironment::replay(int index) {
  Lane& lane = at(index);
  const Lane loaded = lane;
  StepResult result;
  reset_with(index, loaded.seed, 0, {});
  lane.episodes = loaded.episodes;
  const std::size_t count = low_.size();
  for (std::size_t step = 0; step < static_cast<std::size_t>(loaded.steps); ++step) {
    GymnasiumWorker& worker = *workers_[worker_of(index)];
    worker.lanes()[0] = static_cast<std::uint32_t>(lane_there(index));
    worker.seeds()[0] = kNoReset;
    // As it was given: within bounds already.
    if (spaces_.continuous) {
      const float* numbers = loaded.numbers.data() + step * count;
      std::copy(numbers, numbers + count, worker.action_numbers().begin());
    } else {
      worker.actions()[0] = loaded.actions[step];
    }
    ++lane.steps;
    worker.begin(GymnasiumWorker::Operation::kStep, 1);
    finish(worker_of(index));
  }
  take_row(workers_[worker_of(index)]->row(0), index, 0, {});
  if (lane.last_row != loaded.last_row)
    throw ArchiveError("the episode of lane " + std::to_string(index) + " of " + definition_.name +
                       " did not repeat: after " + std::to_string(loaded.steps) +
                       " steps from the same seed it is somewhere else");
  lane = loaded;
}

}  // namespace impsweep::external
