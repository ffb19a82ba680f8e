// Recorded updates of double DQN: batches are given, everything after them is computed by the code that
// trains.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "agents/config/dqn_config.hpp"
#include "agents/learning/dqn.hpp"
#include "agents/native/native_network.hpp"
#include "engine/replay/recorded_values.hpp"
#include "engine/replay/replay_oracle.hpp"

namespace impsweep {
namespace {

struct Sizes {
  std::size_t updates, batch, features, actions, n_step;
};

ModelSpec recorded_model(const Hdf5File& file, const std::string& group, const Sizes& sizes) {
  MlpSpec q;
  q.name = "q";
  q.sizes = recorded_sizes(file, group, static_cast<int>(sizes.features), static_cast<int>(sizes.actions));
  q.activation = recorded_activation(file, group);
  return {.parts = {q}};
}

AgentConfig recorded_config(const Hdf5File& file, const std::string& group) {
  const auto real = [&](const char* name) { return file.attribute_double(group, name); };
  const auto integer = [&](const char* name) { return file.attribute_int(group, name); };
  AgentConfig config;
  config.options<DqnConfig>().learning_rate = real("learning_rate");
  config.options<DqnConfig>().discount = real("discount");
  config.options<DqnConfig>().batch_size = integer("batch_size");
  config.options<DqnConfig>().n_step = integer("n_step");
  config.options<DqnConfig>().double_dqn = integer("double_dqn") != 0;
  config.options<DqnConfig>().target_update_interval = integer("target_update_interval");
  config.options<DqnConfig>().delta_clip = real("delta_clip");
  config.options<DqnConfig>().clip_grad_norm = real("clip_grad_norm");
  config.options<DqnConfig>().adam_epsilon = real("adam_eps");
  config.adam.beta1 = real("adam_beta1");
  config.adam.beta2 = real("adam_beta2");
  return config;
}

// The recorded batches of all updates.
class RecordedBatches {
 public:
  RecordedBatches(const Hdf5File& file, const std::string& group, const Sizes& sizes)
      : sizes_(sizes),
        rows_(sizes.updates * sizes.batch),
        observation_(read<std::uint8_t>(file, group, "observation", rows_ * sizes.features)),
        next_(read<std::uint8_t>(file, group, "next_observation", rows_ * sizes.features)),
        done_(read<std::uint8_t>(file, group, "done", rows_ * sizes.n_step)),
        reward_(read<float>(file, group, "reward", rows_ * sizes.n_step)),
        weight_(read<float>(file, group, "weight", rows_)),
        action_(read<std::int32_t>(file, group, "action", rows_)) {
    for (const std::int32_t action : action_)
      if (action < 0 || action >= static_cast<std::int32_t>(sizes.actions))
        throw InputError("{}: '{}/batch/action' holds action {} of {} actions", file.name(), group, action,
                         sizes.actions);
    const auto is_bit = [](std::uint8_t value) { return value <= 1; };
    if (!std::ranges::all_of(observation_, is_bit) || !std::ranges::all_of(next_, is_bit))
      throw InputError("{}: {}: observations must be binary", file.name(), group);
  }

  // As the memory would have given it.
  ReplayBatch batch(std::size_t update, double discount) const {
    ReplayOptions options;
    options.features = options.max_active = static_cast<int>(sizes_.features);
    ReplayBatch batch(options, static_cast<int>(sizes_.batch));
    for (std::size_t j = 0; j < sizes_.batch; ++j) {
      const std::size_t row = update * sizes_.batch + j;
      append_column(observation_, row, batch.observation);
      append_column(next_, row, batch.next_observation);
      NStepReturn total;
      for (std::size_t k = row * sizes_.n_step; k < (row + 1) * sizes_.n_step; ++k)
        total.add(reward_[k], done_[k] != 0, discount);
      batch.action[j] = action_[row];
      batch.weight[j] = weight_[row];
      batch.return_[j] = static_cast<float>(total.sum);
      batch.done_n[j] = total.done;
    }
    return batch;
  }

 private:
  template <class T>
  static std::vector<T> read(const Hdf5File& file, const std::string& group, const char* name,
                             std::size_t size) {
    return read_sized<T>(file, group + "/batch/" + name, size);
  }

  void append_column(const std::vector<std::uint8_t>& rows, std::size_t row,
                     ObservationColumns& columns) const {
    std::uint16_t* features = columns.next_column();
    int active = 0;
    for (std::size_t f = 0; f < sizes_.features; ++f)
      if (rows[row * sizes_.features + f] != 0) features[active++] = static_cast<std::uint16_t>(f);
    columns.finish_column(active);
  }

  Sizes sizes_;
  std::size_t rows_;
  std::vector<std::uint8_t> observation_, next_, done_;
  std::vector<float> reward_, weight_;
  std::vector<std::int32_t> action_;
};

}  // namespace

void replay_dqn_case(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  const auto size = [&](const char* name) {
    const std::int64_t value = file.attribute_int(group, name);
    if (value < 1 || value > 65535)
      throw InputError("{}: {}: '{}' = {} is outside 1..65535", file.name(), group, name, value);
    return static_cast<std::size_t>(value);
  };
  const Sizes sizes = {size("num_updates"), size("batch_size"), size("observation_size"), size("num_actions"),
                       size("n_step")};
  const ModelSpec model = recorded_model(file, group, sizes);
  const AgentConfig config = recorded_config(file, group);
  const std::vector<Tensor> tensors = tensors_of(model);
  const RecordedBatches batches(file, group, sizes);

  const auto mask = read_tree<std::uint8_t>(file, group + "/mask", tensors, 1);
  const NetworkOptions options{.max_batch = static_cast<int>(sizes.batch)};
  NativeNetwork online(model, mask, options), target(model, mask, options);
  online.gather(read_tree<float>(file, group + "/initial", tensors, 0), online.parameters());
  target.gather(read_tree<float>(file, group + "/initial_target", tensors, 0), target.parameters());
  DqnLearner learner(online, target, model, config);
  const auto scattered = [&](std::span<const float> arena) { return dense_values(online, model, arena); };

  std::vector<float> returns, q, loss, error, norm;
  std::vector<std::int64_t> done_n;
  for (std::size_t update = 0; update < sizes.updates; ++update) {
    const ReplayBatch batch = batches.batch(update, config.options<DqnConfig>().discount);
    const UpdateReport report = learner.learn(batch);
    const ConstBatch values = learner.q();
    for (std::size_t j = 0; j < sizes.batch; ++j) {
      returns.push_back(batch.return_[j]);
      done_n.push_back(batch.done_n[j]);
      error.push_back(learner.td_abs_error()[j]);
      for (std::size_t a = 0; a < sizes.actions; ++a)
        q.push_back(values.data[a * static_cast<std::size_t>(values.stride) + j]);
    }
    loss.push_back(report.loss);
    norm.push_back(report.gradient_norm);
    if (update == 0)
      comparison.compare("first_gradient", scattered(online.gradients()),
                         read_tree<float>(file, group + "/first_gradient", tensors, 0), 1e-7, 1e-5);
    const std::string after = fmt::format("{}/after_update_{}", group, update + 1);
    if (!file.exists(after)) continue;
    const auto compare_tree = [&](const char* name, std::span<const float> arena, double absolute,
                                  double relative) {
      comparison.compare(fmt::format("after_update_{}/{}", update + 1, name), scattered(arena),
                         read_tree<float>(file, after + "/" + name, tensors, 0), absolute, relative);
    };
    compare_tree("parameters", online.parameters(), 2e-6, 0);
    compare_tree("target", target.parameters(), 2e-6, 0);
    compare_tree("adam_m", learner.optimizer().first_moment(), 1e-7, 1e-5);
    comparison.compare(fmt::format("after_update_{}/sqrt_adam_v", update + 1),
                       square_roots(scattered(learner.optimizer().second_moment())),
                       square_roots(read_tree<float>(file, after + "/adam_v", tensors, 0)), 1e-7, 1e-5);
  }
  comparison.compare("return", returns, file.read<float>(group + "/batch/return"), 1e-6, 1e-6);
  comparison.compare_exactly("done_n", done_n, file.read<std::int64_t>(group + "/batch/done_n"));
  comparison.compare("q", q, file.read<float>(group + "/q"), 1e-6, 5e-6);
  comparison.compare("loss", loss, file.read<float>(group + "/loss"), 1e-6, 1e-5);
  comparison.compare("td_abs_error", error, file.read<float>(group + "/td_abs_error"), 2e-6, 0);
  comparison.compare_relative("gradient_norm", norm, file.read<float>(group + "/gradient_norm"), 1e-5);
}

}  // namespace impsweep
