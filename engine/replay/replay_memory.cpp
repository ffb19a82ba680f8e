// Recorded operations of a prioritized replay memory: time steps, uniforms and new priorities are given,
// everything else is computed by the memory that trains.
#include <cmath>
#include <map>
#include <vector>

#include "agents/learning/replay_memory.hpp"
#include "engine/replay/recorded_values.hpp"
#include "engine/replay/replay_oracle.hpp"

namespace impsweep {
namespace {

enum Operation : std::uint8_t { kAppend = 0, kSample = 1, kUpdate = 2 };

// Rows of the lists are taken in the order of the operations.
class RecordedMemory {
 public:
  RecordedMemory(const Hdf5File& file, const std::string& group, const ReplayOptions& options)
      : B_(static_cast<std::size_t>(options.B)),
        options_(options),
        memory_(options),
        step_(options.features, 0, options.B),
        observation_(file.read<float>(group + "/append/observation")),
        reward_(read_sized<float>(file, group + "/append/reward", observation_.size())),
        action_(read_sized<std::int32_t>(file, group + "/append/action", observation_.size())),
        done_(read_sized<std::uint8_t>(file, group + "/append/done", observation_.size())),
        uniform_(file.read<double>(group + "/sample/uniform")),
        error_(file.read<float>(group + "/update/td_abs_error")) {}

  const ReplayMemory& memory() const { return memory_; }
  bool is_complete() const {
    return appended_ == observation_.size() && sampled_ == uniform_.size() && updated_ == error_.size();
  }

  void append(std::size_t steps) {
    for (std::size_t s = 0; s < steps; ++s, appended_ += B_) {
      require(appended_ + B_ <= observation_.size(), "append");
      std::copy_n(&observation_[appended_], B_, step_.dense().data);
      memory_.observe(step_);
      memory_.append({&action_[appended_], B_}, {&reward_[appended_], B_}, {&done_[appended_], B_});
    }
  }

  void sample(std::size_t count, double beta) {
    require(sampled_ + count <= uniform_.size() && memory_.can_sample(), "sample");
    batch_ = ReplayBatch(options_, static_cast<int>(count));
    memory_.sample({&uniform_[sampled_], count}, beta, batch_);
    sampled_ += count;
    for (std::size_t j = 0; j < count; ++j) {
      const std::size_t t = batch_.slot[j] / B_, b = batch_.slot[j] % B_;
      drawn["sample/t_index"].push_back(static_cast<double>(t));
      drawn["sample/b_index"].push_back(static_cast<double>(b));
      drawn["sample/priority"].push_back(batch_.priority[j]);
      drawn["sample/weight"].push_back(batch_.weight[j]);
      drawn["sample/observation"].push_back(batch_.observation.dense().data[j]);
      drawn["sample/action"].push_back(batch_.action[j]);
      drawn["sample/return"].push_back(batch_.return_[j]);
      drawn["sample/done_n"].push_back(batch_.done_n[j]);
      // After an end this is the next episode's in the ring, and whatever the recording has.
      drawn["sample/next_observation"].push_back(
          batch_.done_n[j] != 0 ? std::nan("") : batch_.next_observation.dense().data[j]);
    }
  }

  void update(std::size_t count) {
    require(updated_ + count <= error_.size() && count == batch_.slot.size(), "update");
    memory_.set_priorities(batch_, {&error_[updated_], count});
    updated_ += count;
  }

  std::map<std::string, std::vector<double>> drawn;  // by recorded quantity

 private:
  static void require(bool condition, const char* list) {
    if (!condition) throw InputError("the operations and the rows of '{}' do not fit each other", list);
  }

  std::size_t B_;
  ReplayOptions options_;
  ReplayMemory memory_;
  ReplayBatch batch_;
  ObservationColumns step_;
  std::vector<float> observation_, reward_;
  std::vector<std::int32_t> action_;
  std::vector<std::uint8_t> done_;
  std::vector<double> uniform_;
  std::vector<float> error_;
  std::size_t appended_ = 0, sampled_ = 0, updated_ = 0;
};

// Leaves of 0 cannot be drawn and must be exactly that.
std::int64_t wrong_zeros(std::span<const double> got, std::span<const double> want) {
  std::int64_t wrong = 0;
  for (std::size_t i = 0; i < got.size(); ++i) wrong += (got[i] == 0) != (want[i] == 0);
  return wrong;
}

void compare_drawn(const Hdf5File& file, const std::string& group, RecordedMemory& recorded,
                   OracleComparison& comparison) {
  static const std::map<std::string, double> kTolerance = {
      {"sample/priority", 5e-7}, {"sample/weight", 1e-6}, {"sample/return", 2e-6}};
  for (auto& [quantity, got] : recorded.drawn) {
    std::vector<double> want = read_sized<double>(file, group + "/" + quantity, got.size());
    for (std::size_t i = 0; i < got.size(); ++i)
      if (std::isnan(got[i])) got[i] = want[i] = 0;
    const auto tolerance = kTolerance.find(quantity);
    if (tolerance != kTolerance.end()) {
      comparison.compare(quantity, got, want, tolerance->second);
    } else {
      comparison.compare_exactly(quantity, std::vector<std::int64_t>(got.begin(), got.end()),
                                 std::vector<std::int64_t>(want.begin(), want.end()));
    }
  }
}

}  // namespace

void replay_memory_case(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  const auto real = [&](const char* name) { return file.attribute_double(group, name); };
  const auto integer = [&](const char* name) {
    const std::int64_t value = file.attribute_int(group, name);
    if (value < 1 || value > 1'000'000'000)
      throw InputError("{}: {}: '{}' = {} is outside 1..1000000000", file.name(), group, name, value);
    return value;
  };
  ReplayOptions options;
  options.size = integer("size");
  options.B = static_cast<int>(integer("B"));
  options.n_step = static_cast<int>(integer("n_step"));
  options.discount = real("discount");
  options.features = 1;
  options.alpha = real("alpha");
  options.initial_priority = real("default_priority");
  if (options.size / options.B < options.n_step + 2)
    throw InputError("{}: {}: the memory is shorter than its n-step returns", file.name(), group);

  const auto type = file.read<std::uint8_t>(group + "/operation/type");
  const auto count = read_sized<std::int32_t>(file, group + "/operation/count", type.size());
  const auto beta = read_sized<double>(file, group + "/operation/beta", type.size());
  const auto cursor = read_sized<std::int64_t>(file, group + "/operation/cursor", type.size());
  const auto total = read_sized<double>(file, group + "/operation/total", type.size());
  RecordedMemory recorded(file, group, options);
  const std::size_t leaves = recorded.memory().leaves().size();
  const auto wanted_leaves = read_sized<double>(file, group + "/operation/leaves", type.size() * leaves);
  comparison.compare("T_buffer", static_cast<double>(recorded.memory().T()),
                     static_cast<double>(integer("T_buffer")), 0);
  for (std::size_t k = 0; k < type.size(); ++k) {
    if (count[k] < 1) throw InputError("{}: {}: operation {} has no rows", file.name(), group, k);
    const auto rows = static_cast<std::size_t>(count[k]);
    if (type[k] == kAppend)
      recorded.append(rows);
    else if (type[k] == kSample)
      recorded.sample(rows, beta[k]);
    else if (type[k] == kUpdate)
      recorded.update(rows);
    else
      throw InputError("{}: {}: operation {} is of unknown type {}", file.name(), group, k, type[k]);
    const ReplayMemory& memory = recorded.memory();
    const std::span<const double> wanted(&wanted_leaves[k * leaves], leaves);
    comparison.compare("operation/cursor", static_cast<double>(memory.cursor()),
                       static_cast<double>(cursor[k]), 0);
    comparison.compare("operation/leaves", memory.leaves(), wanted, 5e-7);
    comparison.compare("operation/leaves that are 0",
                       static_cast<double>(wrong_zeros(memory.leaves(), wanted)), 0, 0);
    comparison.compare("operation/total", memory.total(), total[k], 5e-7 * total[k]);
  }
  if (!recorded.is_complete())
    throw InputError("{}: {}: rows are left over after the last operation", file.name(), group);
  compare_drawn(file, group, recorded, comparison);
}

}  // namespace impsweep
