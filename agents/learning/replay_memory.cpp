#include "agents/learning/replay_memory.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "agents/native/kernels/kernels.hpp"

namespace impsweep {
namespace {

constexpr int kWordBits = 64;

// Writes the positions of the ones of `words`, ascending, and returns their number. Eight at a time, whatever
// their number is, spares most branches; hence the slack behind the target.
int active_bits(const std::uint64_t* words, std::size_t count, std::uint16_t* target) {
  static_assert(ObservationColumns::kSlack >= 8);
  constexpr std::uint64_t kSentinel = std::uint64_t{1} << 63;  // gives the places behind the last one a value
  int active = 0;
  for (std::size_t w = 0; w < count; ++w) {
    std::uint64_t word = words[w];
    const int ones = std::popcount(word);
    for (int done = 0; done < ones; done += 8) {
      std::uint16_t* place = target + active + done;
      for (int i = 0; i < 8; ++i) {
        const int bit = std::countr_zero(word | kSentinel);
        place[i] = static_cast<std::uint16_t>(w * kWordBits + static_cast<std::size_t>(bit));
        word &= word - 1;
      }
    }
    active += ones;
  }
  return active;
}

}  // namespace

ReplayBatch::ReplayBatch(const ReplayOptions& options, int size)
    : size(size),
      done_n(static_cast<std::size_t>(size)),
      slot(static_cast<std::size_t>(size)),
      next_row(slot.size()),
      priority(static_cast<std::size_t>(size)) {
  const int seen = options.expand ? 0 : options.max_active;
  observation = ObservationColumns(options.features, seen, size);
  next_observation = ObservationColumns(options.features, seen, size);
  if (options.expand) kept = ObservationColumns(options.code_size, options.max_active, size);
  const auto columns = static_cast<std::size_t>(round_up_to_lanes(size));
  action.assign(columns, 0);
  return_.assign(columns, 0.0f);
  weight.assign(columns, 1.0f);
  bootstrap.assign(columns, 1.0f);
}

void importance_weights(std::span<const double> priority, double beta, std::span<float> weight) {
  // The largest weight belongs to the smallest leaf: weights need no second look.
  const double smallest = *std::ranges::min_element(priority) + 1e-6;
  for (std::size_t j = 0; j < priority.size(); ++j)
    weight[j] = static_cast<float>(std::pow(smallest / (priority[j] + 1e-6), beta));
}

ReplayMemory::ReplayMemory(ReplayOptions options) : options_(std::move(options)) {
  const auto B = static_cast<std::int64_t>(options_.B);
  T_ = static_cast<int>((options_.size + B - 1) / B);
  if (options_.n_step < 1 || T_ < options_.n_step + 2)
    throw std::invalid_argument("a replay memory must be longer than its n-step returns");
  const auto slots = static_cast<std::size_t>(T_) * static_cast<std::size_t>(B);
  action_.assign(slots, 0);
  reward_.assign(slots, 0.0f);
  done_.assign(slots, 0);
  const std::size_t rows = options_.bootstraps_timeouts ? 2 * slots : slots;
  const auto features = static_cast<std::size_t>(options_.kept_features());
  const std::size_t words = (features + kWordBits - 1) / kWordBits;
  const auto list = static_cast<std::size_t>(options_.max_active) + 1;
  if (options_.max_active == 0) {
    row_size_ = features;
    dense_.assign(rows * row_size_, 0.0f);
  } else if (list * sizeof(std::uint16_t) <= 2 * words * sizeof(std::uint64_t)) {
    form_ = Form::kLists;
    row_size_ = list;
    lists_.assign(rows * row_size_, 0);
  } else {
    form_ = Form::kBits;
    row_size_ = words;
    bits_.assign(rows * row_size_, 0);
  }
  if (options_.prioritized) tree_ = SumTree(slots);
}

std::int64_t ReplayMemory::transitions() const {
  return std::min<std::int64_t>(written_, T_) * options_.B;
}

ReplayMemory::Steps ReplayMemory::drawable() const {
  const std::int64_t first = std::max<std::int64_t>(1, written_ - T_ + 1);
  return {first, std::max(first, written_ - options_.n_step)};
}

bool ReplayMemory::can_sample() const {
  const Steps steps = drawable();
  return options_.prioritized ? total() > 0 : steps.first < steps.end;
}

void ReplayMemory::write_row(std::size_t row, const ObservationColumns& seen, std::size_t column) {
  const std::size_t place = row * row_size_;
  if (form_ == Form::kDense) {
    const ConstBatch batch = seen.dense();
    for (std::size_t f = 0; f < row_size_; ++f)
      dense_[place + f] = batch.data[f * static_cast<std::size_t>(batch.stride) + column];
    return;
  }
  const ActiveBatch active = seen.active();
  const std::span<const std::uint16_t> features(active.feature + active.begin[column],
                                                active.begin[column + 1] - active.begin[column]);
  if (form_ == Form::kLists) {
    assert(features.size() < row_size_);
    lists_[place] = static_cast<std::uint16_t>(features.size());
    std::ranges::copy(features, lists_.begin() + static_cast<std::ptrdiff_t>(place) + 1);
  } else {
    std::fill_n(bits_.begin() + static_cast<std::ptrdiff_t>(place), row_size_, std::uint64_t{0});
    for (const std::uint16_t f : features)
      bits_[place + f / kWordBits] |= std::uint64_t{1} << (f % kWordBits);
  }
}

void ReplayMemory::observe(const ObservationColumns& seen) {
  const std::size_t first = static_cast<std::size_t>(cursor()) * static_cast<std::size_t>(options_.B);
  for (std::size_t b = 0; b < static_cast<std::size_t>(options_.B); ++b) write_row(first + b, seen, b);
}

void ReplayMemory::observe_ends(const ObservationColumns& seen, std::span<const std::uint8_t> done) {
  assert(options_.bootstraps_timeouts);
  const std::size_t first =
      action_.size() + static_cast<std::size_t>(cursor()) * static_cast<std::size_t>(options_.B);
  for (std::size_t b = 0; b < static_cast<std::size_t>(options_.B); ++b)
    if (done[b] == kEndsByLimit) write_row(first + b, seen, b);
}

void ReplayMemory::append(std::span<const std::int32_t> action, std::span<const float> reward,
                          std::span<const std::uint8_t> done) {
  const auto B = static_cast<std::size_t>(options_.B);
  assert(action.size() >= B && reward.size() >= B && done.size() >= B);
  const std::size_t first = static_cast<std::size_t>(cursor()) * B;
  const auto place = static_cast<std::ptrdiff_t>(first);
  std::copy_n(action.begin(), B, action_.begin() + place);
  std::copy_n(reward.begin(), B, reward_.begin() + place);
  std::copy_n(done.begin(), B, done_.begin() + place);
  ++written_;
  if (!options_.prioritized) return;
  const std::int64_t completed = written_ - 1 - options_.n_step;
  if (completed >= 1)
    tree_.fill(static_cast<std::size_t>(row(completed)) * B, B,
               std::pow(options_.initial_priority, options_.alpha));
  tree_.fill(static_cast<std::size_t>(cursor()) * B, B, 0.0);
}

std::size_t ReplayMemory::later(std::uint32_t slot, int steps) const {
  const std::size_t shifted = slot + static_cast<std::size_t>(steps) * static_cast<std::size_t>(options_.B);
  return shifted < action_.size() ? shifted : shifted - action_.size();
}

void ReplayMemory::draw(std::span<const double> uniform, ReplayBatch& batch) {
  if (options_.prioritized) {
    tree_.draw(uniform, batch.slot);
    for (std::size_t j = 0; j < uniform.size(); ++j) batch.priority[j] = tree_.leaf(batch.slot[j]);
    return;
  }
  const Steps steps = drawable();
  const double count = static_cast<double>((steps.end - steps.first) * options_.B);
  const auto first = static_cast<std::uint64_t>(steps.first * options_.B);
  for (std::size_t j = 0; j < uniform.size(); ++j)
    batch.slot[j] =
        static_cast<std::uint32_t>((first + static_cast<std::uint64_t>(uniform[j] * count)) % action_.size());
}

bool ReplayMemory::observations_are_possible() const {
  const auto features = static_cast<std::size_t>(options_.kept_features());
  const auto most = static_cast<std::size_t>(options_.max_active);
  for (std::size_t place = 0; place < lists_.size(); place += row_size_) {
    const std::size_t count = lists_[place];
    if (count > most) return false;
    for (std::size_t i = 1; i <= count; ++i)
      if (lists_[place + i] >= features || (i > 1 && lists_[place + i] <= lists_[place + i - 1]))
        return false;
  }
  for (std::size_t place = 0; place < bits_.size(); place += row_size_) {
    std::size_t count = 0;
    for (std::size_t w = 0; w < row_size_; ++w)
      count += static_cast<std::size_t>(std::popcount(bits_[place + w]));
    const std::size_t spare = row_size_ * kWordBits - features;  // the highest bits of the last word
    if (count > most || (spare > 0 && bits_[place + row_size_ - 1] >> (kWordBits - spare) != 0)) return false;
  }
  return true;
}

void ReplayMemory::read_columns(std::span<const std::uint32_t> rows, ObservationColumns& target) const {
  constexpr std::size_t kAhead = 8;  // cache lines on their way while one column is read
  target.clear();
  for (std::size_t j = 0; j < rows.size(); ++j) {
    const std::size_t place = rows[j] * row_size_;
    const std::size_t ahead = rows[std::min(j + kAhead, rows.size() - 1)] * row_size_;
    if (form_ == Form::kDense) {
      __builtin_prefetch(&dense_[ahead]);
      const MutableBatch batch = target.dense();
      for (std::size_t f = 0; f < row_size_; ++f)
        batch.data[f * static_cast<std::size_t>(batch.stride) + j] = dense_[place + f];
    } else if (form_ == Form::kLists) {
      __builtin_prefetch(&lists_[ahead]);
      std::copy_n(&lists_[place + 1], lists_[place], target.next_column());
      target.finish_column(lists_[place]);
    } else {
      for (std::size_t w = 0; w < row_size_; w += 8) __builtin_prefetch(&bits_[ahead + w]);
      target.finish_column(active_bits(&bits_[place], row_size_, target.next_column()));
    }
  }
}

void ReplayMemory::read_observations(ReplayBatch& batch, std::span<const std::uint32_t> rows,
                                     ObservationColumns& target) const {
  if (!options_.expand) return read_columns(rows, target);
  read_columns(rows, batch.kept);
  options_.expand(batch.kept.active(), batch.size, target.dense());
}

void ReplayMemory::sample(std::span<const double> uniform, double beta, ReplayBatch& batch) {
  assert(static_cast<int>(uniform.size()) == batch.size && can_sample());
  draw(uniform, batch);
  if (options_.prioritized) importance_weights(batch.priority, beta, batch.weight);
  for (std::size_t j = 0; j < batch.slot.size(); ++j) {
    NStepReturn total;
    std::size_t last = 0;  // slot of the last step that counts
    int steps = 0;
    for (; steps < options_.n_step && !total.done; ++steps) {
      last = later(batch.slot[j], steps);
      total.add(reward_[last], done_[last] != kRuns, options_.discount);
    }
    const bool is_cut = total.done && done_[last] == kEndsByLimit;
    batch.action[j] = action_[batch.slot[j]];
    batch.return_[j] = static_cast<float>(total.sum);
    batch.done_n[j] = total.done && !is_cut;
    batch.bootstrap[j] =
        is_cut ? static_cast<float>(std::pow(options_.discount, steps - options_.n_step)) : 1.0f;
    batch.next_row[j] =
        static_cast<std::uint32_t>(is_cut ? action_.size() + last : later(batch.slot[j], options_.n_step));
  }
  read_observations(batch, batch.slot, batch.observation);
  read_observations(batch, batch.next_row, batch.next_observation);
}

void ReplayMemory::set_priorities(const ReplayBatch& batch, std::span<const float> priority) {
  assert(options_.prioritized && priority.size() >= batch.slot.size());
  new_leaf_.resize(batch.slot.size());
  for (std::size_t j = 0; j < new_leaf_.size(); ++j)
    new_leaf_[j] = std::pow(static_cast<double>(priority[j]), options_.alpha);
  tree_.assign(batch.slot, new_leaf_);
}

std::size_t ReplayMemory::bytes() const {
  const auto size_of = [](const auto& values) { return values.size() * sizeof(values[0]); };
  return size_of(action_) + size_of(reward_) + size_of(done_) + size_of(dense_) + size_of(lists_) +
         size_of(bits_) + 2 * std::bit_ceil(tree_.leaves().size()) * sizeof(double);
}

}  // namespace impsweep
