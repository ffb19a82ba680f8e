// Recorded PPO updates: the samples are given, everything after them is computed by the code that trains.
#include <fmt/format.h>

#include <vector>

#include "agents/config/ppo_config.hpp"
#include "agents/learning/ppo.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/native_network.hpp"
#include "engine/replay/recorded_values.hpp"
#include "engine/replay/replay_oracle.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

ModelSpec recorded_model(const Hdf5File& file, const std::string& group) {
  const auto number = [&](const char* name) { return static_cast<int>(file.attribute_int(group, name)); };
  const auto network = [&](const char* name, int outputs) {
    MlpSpec spec;
    spec.name = name;
    spec.sizes = recorded_sizes(file, group, number("observation_size"), outputs);
    spec.activation = recorded_activation(file, group);
    return spec;
  };
  MlpSpec actor = network("actor", number("action_size"));
  const MlpSpec critic = network("critic", 1);
  const bool continuous = number("continuous") != 0;
  if (continuous) {
    const std::string mean_activation = file.attribute_string(group, "mean_activation");
    actor.tanh_output = mean_activation == "tanh";
    if (!actor.tanh_output && mean_activation != "none")
      throw InputError("{}: {}: mean_activation '{}' is neither tanh nor none", file.name(), group,
                       mean_activation);
  }
  return {.parts = {actor, critic}, .log_std = continuous ? number("action_size") : 0};
}

// [T,B] recorded time-major into sample order, i = b * T + t; and back.
template <class Target, class Source>
void from_time_major(int T, int B, const std::vector<Source>& source, Target* target) {
  for (int t = 0; t < T; ++t)
    for (int b = 0; b < B; ++b)
      target[b * T + t] = static_cast<Target>(source[static_cast<std::size_t>(t) * B + b]);
}
std::vector<float> to_time_major(int T, int B, const AlignedFloats& source) {
  std::vector<float> target(static_cast<std::size_t>(T) * B);
  for (int t = 0; t < T; ++t)
    for (int b = 0; b < B; ++b) target[static_cast<std::size_t>(t) * B + b] = source[b * T + t];
  return target;
}

// A recorded [T,B,rows] as feature-major rows in sample order.
void to_rows(const Samples& s, const std::vector<float>& recorded, int rows, AlignedFloats& target) {
  for (int t = 0; t < s.T; ++t)
    for (int b = 0; b < s.B; ++b)
      for (int r = 0; r < rows; ++r)
        target[static_cast<std::size_t>(r) * s.stride + static_cast<std::size_t>(b) * s.T + t] =
            recorded[(static_cast<std::size_t>(t) * s.B + b) * rows + r];
}

// log_std is recorded for every sample; it must not depend on the observation.
std::vector<float> recorded_log_std(const Hdf5File& file, const std::string& path, std::size_t count,
                                    int actions) {
  const auto values = read_sized<float>(file, path, count * static_cast<std::size_t>(actions));
  std::vector<float> log_std(values.begin(), values.begin() + actions);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] != log_std[i % static_cast<std::size_t>(actions)])
      throw InputError("{}: '{}' varies from sample to sample; policies here have one log_std", file.name(),
                       path);
  return log_std;
}

Samples recorded_samples(const Hdf5File& file, const std::string& group, int T, int B,
                         const ModelSpec& model) {
  const int features = model.parts[0].sizes.front(), actions = model.parts[0].sizes.back();
  Samples s(T, B, features, actions, model.log_std > 0);
  const auto count = static_cast<std::size_t>(T) * B;
  const auto path = [&](const char* name) { return fmt::format("{}/samples/{}", group, name); };
  const auto read_rows = [&](const char* name, int rows, AlignedFloats& target) {
    to_rows(s, read_sized<float>(file, path(name), count * static_cast<std::size_t>(rows)), rows, target);
  };
  const auto observations =
      read_sized<float>(file, path("observation"), count * static_cast<std::size_t>(features));
  for (int t = 0; t < T; ++t)
    for (int b = 0; b < B; ++b)
      std::copy_n(observations.begin() + (std::ptrdiff_t{t} * B + b) * features, features,
                  s.observation.begin() + (std::ptrdiff_t{b} * T + t) * s.observation_stride);
  if (s.continuous) {
    read_rows("action", actions, s.continuous_action);
    read_rows("old_mean", actions, s.mean);
    s.log_std = recorded_log_std(file, path("old_log_std"), count, actions);
    kernels().gaussian_log_likelihood(actions, s.size(), s.mean.data(), s.continuous_action.data(), s.stride,
                                      s.log_std.data(), s.log_likelihood.data());
  } else {
    read_rows("old_probability", actions, s.probability);
    from_time_major(T, B, read_sized<std::int32_t>(file, path("action"), count), s.action.data());
  }
  from_time_major(T, B, read_sized<float>(file, path("reward"), count), s.reward.data());
  from_time_major(T, B, read_sized<float>(file, path("value"), count), s.value.data());
  from_time_major(T, B, read_sized<std::uint8_t>(file, path("done"), count), s.done.data());
  const auto bootstrap = read_sized<float>(file, path("bootstrap_value"), static_cast<std::size_t>(B));
  std::copy(bootstrap.begin(), bootstrap.end(), s.bootstrap_value.begin());
  for (const std::int32_t action : s.action)
    if (action < 0 || action >= actions)
      throw InputError("{}: '{}' holds action {} of {} actions", file.name(), path("action"), action,
                       actions);
  return s;
}

}  // namespace

void replay_ppo_case(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  const auto real = [&](const char* name) { return file.attribute_double(group, name); };
  const auto integer = [&](const char* name) { return file.attribute_int(group, name); };
  const ModelSpec model = recorded_model(file, group);
  const std::vector<Tensor> tensors = tensors_of(model);
  const int T = static_cast<int>(integer("T")), B = static_cast<int>(integer("B"));

  AgentConfig config;
  config.options<PpoConfig>() = {.learning_rate = real("learning_rate"),
                                 .discount = real("discount"),
                                 .gae_lambda = real("gae_lambda"),
                                 .value_coefficient = real("value_loss_coeff"),
                                 .entropy_coefficient = real("entropy_loss_coeff"),
                                 .ratio_clip = real("ratio_clip"),
                                 .epochs = integer("epochs"),
                                 .minibatches = integer("minibatches"),
                                 .normalize_advantage = integer("normalize_advantage") != 0,
                                 .clip_grad_norm = real("clip_grad_norm"),
                                 .linear_schedule = integer("linear_schedule") != 0};
  config.adam = {.beta1 = real("adam_beta1"), .beta2 = real("adam_beta2"), .epsilon = real("adam_eps")};
  if (T < 1 || B < 1 || config.options<PpoConfig>().minibatches < 1 ||
      config.options<PpoConfig>().minibatches > T * B)
    throw InputError("{}: {}: T, B and minibatches do not fit each other", file.name(), group);

  Samples samples = recorded_samples(file, group, T, B, model);
  estimate_advantages(samples, config.options<PpoConfig>().discount, config.options<PpoConfig>().gae_lambda,
                      config.options<PpoConfig>().normalize_advantage);
  comparison.compare("advantage", to_time_major(T, B, samples.advantage),
                     file.read<float>(group + "/advantage"), 1e-6, 5e-6);
  comparison.compare("return", to_time_major(T, B, samples.return_), file.read<float>(group + "/return"),
                     1e-6, 5e-6);

  const auto mask = read_tree<std::uint8_t>(file, group + "/mask", tensors, 1);
  const MinibatchPlan minibatch(samples.size(), config.options<PpoConfig>().minibatches);
  NativeNetwork network(model, mask, {.max_batch = minibatch.size});
  network.gather(read_tree<float>(file, group + "/initial", tensors, 0), network.parameters());
  PpoLearner learner(network, model, config, minibatch, integer("n_itr"));
  const auto scattered = [&](std::span<const float> arena) { return dense_values(network, model, arena); };

  for (int i = 0; i < integer("num_iterations"); ++i) {
    const std::string iteration = fmt::format("iteration_{}", i), path = group + "/" + iteration;
    comparison.compare(iteration + "/learning_rate", learner.learning_rate(),
                       file.attribute_double(path, "learning_rate"), 1e-12);
    comparison.compare(iteration + "/ratio_clip", learner.ratio_clip(),
                       file.attribute_double(path, "ratio_clip"), 1e-12);
    const auto index = read_sized<std::int32_t>(
        file, path + "/index", static_cast<std::size_t>(config.options<PpoConfig>().epochs) * samples.size());
    for (const std::int32_t entry : index)
      if (entry < 0 || entry >= samples.size())
        throw InputError("{}: '{}/index' holds {} of {} samples", file.name(), path, entry, samples.size());
    std::vector<float> loss, entropy, norm;
    for (std::int64_t epoch = 0; epoch < config.options<PpoConfig>().epochs; ++epoch) {
      for (int m = 0; m < minibatch.per_epoch; ++m) {
        const UpdateReport report = learner.learn_minibatch(
            samples, index.data() + epoch * samples.size() + static_cast<std::ptrdiff_t>(m) * minibatch.size);
        if (i == 0 && loss.empty())
          comparison.compare("first_gradient", scattered(network.gradients()),
                             read_tree<float>(file, path + "/first_gradient", tensors, 0), 1e-6, 1e-5);
        loss.push_back(report.loss);
        entropy.push_back(report.entropy);
        norm.push_back(report.gradient_norm);
      }
    }
    learner.finish_iteration();
    comparison.compare(iteration + "/loss", loss, file.read<float>(path + "/loss"), 1e-5, 1e-5);
    comparison.compare(iteration + "/entropy", entropy, file.read<float>(path + "/entropy"), 1e-5, 1e-5);
    comparison.compare_relative(iteration + "/gradient_norm", norm, file.read<float>(path + "/gradient_norm"),
                                2e-5);
    comparison.compare(iteration + "/parameters", scattered(network.parameters()),
                       read_tree<float>(file, path + "/parameters", tensors, 0), 5e-6, 0);
    comparison.compare(iteration + "/adam_m", scattered(learner.optimizer().first_moment()),
                       read_tree<float>(file, path + "/adam_m", tensors, 0), 1e-6, 1e-5);
    comparison.compare(iteration + "/sqrt_adam_v",
                       square_roots(scattered(learner.optimizer().second_moment())),
                       square_roots(read_tree<float>(file, path + "/adam_v", tensors, 0)), 1e-6, 1e-5);
    comparison.compare(iteration + "/adam_step", static_cast<double>(learner.optimizer().steps()),
                       static_cast<double>(file.attribute_int(path, "adam_step")), 0);
    comparison.compare(iteration + "/next_learning_rate", learner.learning_rate(),
                       file.attribute_double(path, "next_learning_rate"), 1e-12);
    comparison.compare(iteration + "/next_ratio_clip", learner.ratio_clip(),
                       file.attribute_double(path, "next_ratio_clip"), 1e-12);
  }

  const auto done = file.read<std::int64_t>(group + "/schedule/iterations_done");
  const auto rate = read_sized<double>(file, group + "/schedule/learning_rate", done.size());
  const auto clip = read_sized<double>(file, group + "/schedule/ratio_clip", done.size());
  for (std::size_t k = 0; k < done.size(); ++k) {
    learner.start_at_iteration(done[k]);
    comparison.compare("schedule/learning_rate", learner.learning_rate(), rate[k], 1e-12);
    comparison.compare("schedule/ratio_clip", learner.ratio_clip(), clip[k], 1e-12);
  }
}

}  // namespace impsweep
