// Whole gradient steps of PPO - forward, loss, backward, norm clip, Adam, of actor and critic - against
// LibTorch alone, and against our own dense form under the masks of a real chain.
#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "agents/config/paper_defaults.hpp"
#include "agents/learning/algorithm.hpp"
#include "agents/learning/ppo.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/native_network.hpp"
#include "agents/network/model.hpp"
#include "agents/torch/eager_ppo.hpp"
#include "engine/bench/aged.hpp"
#include "engine/bench/bench.hpp"
#include "engine/bench/bench_chain.hpp"

namespace impsweep {
namespace {

constexpr int kMinibatches = 4;  // of the samples

// Answers are compared with the largest parameter, which is the bias of a dead unit: about five hundred times
// what others are.
constexpr double kOfUsualSize = 2e-3, kTolerance = 1e-3 * kOfUsualSize;

struct UpdateShape {
  int observation;
  std::vector<std::int64_t> hidden;
  int actions, minibatch;
  double libtorch_target;  // ratio at density 1
  std::string name() const {
    return fmt::format("{}-{}-{}/minibatch-{}", observation, fmt::join(hidden, "-"), actions, minibatch);
  }
};

const std::vector<UpdateShape>& shapes() {
  static const std::vector<UpdateShape> kShapes = {
      {28, {64, 64}, 8, 64, 8.0}, {4, {128, 128}, 2, 64, 4.0}, {4, {128, 128}, 2, 256, 2.3}};
  return kShapes;
}

// Observations, actions and targets as no policy would make them, but of the right size and magnitude.
Samples random_samples(const UpdateShape& shape) {
  Stream stream("bench/samples");
  Samples s(shape.minibatch, kMinibatches, shape.observation, shape.actions);
  for (float& value : s.observation) value = static_cast<float>(2 * stream.uniform() - 1);
  for (int i = 0; i < s.size(); ++i) {
    for (int a = 0; a < shape.actions; ++a)
      s.probability[static_cast<std::size_t>(a) * s.stride + i] = 1.0f / static_cast<float>(shape.actions);
    s.action[i] = static_cast<std::int32_t>(stream.below(shape.actions));
    s.advantage[i] = static_cast<float>(2 * stream.uniform() - 1);
    s.return_[i] = static_cast<float>(2 * stream.uniform() - 1);
  }
  return s;
}

// A learner with its own network, and minibatches one after the other.
class NativeUpdates {
 public:
  NativeUpdates(const ModelSpec& model, const std::vector<std::uint8_t>& mask,
                const std::vector<float>& start, const Samples& samples, const AgentConfig& config)
      : samples_(samples),
        minibatch_(samples.size(), kMinibatches),
        network_(model, mask, {.max_batch = minibatch_.size}),
        learner_(network_, model, config, minibatch_, 1'000'000),
        order_(static_cast<std::size_t>(samples.size())) {
    network_.gather(start, network_.parameters());
    network_.parameters_changed();
    std::iota(order_.begin(), order_.end(), 0);
  }
  const std::int32_t* next() {
    part_ = (part_ + 1) % kMinibatches;
    return order_.data() + std::ptrdiff_t{part_} * minibatch_.size;
  }
  void step() { learner_.learn_minibatch(samples_, next()); }
  void age() {
    Ageing ageing(network_);
    learner_.visit(ageing);
  }
  std::vector<float> parameters(std::size_t count) {
    std::vector<float> dense(count);
    network_.scatter(network_.parameters(), dense);
    return dense;
  }
  const NativeNetwork& network() const { return network_; }
  int size() const { return minibatch_.size; }

 private:
  const Samples& samples_;
  MinibatchPlan minibatch_;
  NativeNetwork network_;
  PpoLearner learner_;
  std::vector<std::int32_t> order_;
  int part_ = 0;
};

AgentConfig config_of(const UpdateShape& shape) {
  AgentConfig config = paper_defaults("cartpole", "ppo");
  config.network.hidden = shape.hidden;
  config.options<PpoConfig>().linear_schedule = false;
  return config;
}

// Forward pass, and both gradients except that of the inputs.
double update_flop(const ModelSpec& model, int batch) {
  double flop = 0;
  for (const Tensor& tensor : tensors_of(model))
    if (tensor.is_weight) flop += (tensor.layer == 0 ? 4.0 : 6.0) * static_cast<double>(tensor.size) * batch;
  return flop;
}

std::vector<BenchRow> dense_update(const UpdateShape& shape) {
  const AgentConfig config = config_of(shape);
  const ModelSpec model = policy_model({shape.observation, shape.actions}, config.network, true);
  const Samples samples = random_samples(shape);
  const std::vector<std::uint8_t> mask(parameter_count(model), 1);
  std::vector<float> start(mask.size());
  Stream stream("bench/start");
  for (float& value : start) value = static_cast<float>((2 * stream.uniform() - 1) / 11);
  kill_units(model, start);
  NativeUpdates ours(model, mask, start, samples, config);
  const auto eager = make_eager_ppo(model, {}, start, samples, config);
  require_openblas_behind_libtorch();
  const auto eager_step = [&](const std::int32_t* order) {
    eager->learn_minibatch({order, static_cast<std::size_t>(shape.minibatch)});
  };
  for (int update = 0; update < 20; ++update) {
    ours.step();
  }
  {
    NativeUpdates again(model, mask, start, samples, config);
    for (int update = 0; update < 20; ++update) eager_step(again.next());
  }
  const std::string name = "update/ppo/" + shape.name() + "/density-1";
  require_close(name, ours.parameters(mask.size()), eager->parameters(), kTolerance);
  ours.age();
  const std::vector<double> seconds = measure({[&] { ours.step(); }, [&] { eager_step(ours.next()); }});
  const double gflops = update_flop(model, shape.minibatch) / seconds[0] * 1e-9;
  BenchRow row = comparison(name, "LibTorch eager", seconds);
  row.target = shape.libtorch_target;
  row.note = fmt::format("{:.0f} GFLOP/s, Adam and loss included", gflops);
  return {row,
          {.name = name + "/rate",
           .value = gflops,
           .unit = "GFLOP/s",
           .target = 0.7 * peak_gflops(),
           .kernel = std::string(kernels().name),
           .note = "target: 0.70 of the peak"}};
}

// Masks of a real chain, in which actor and critic were pruned in one ranking.
std::vector<BenchRow> sparse_update(double density, double target) {
  BenchChain& chain = cartpole_chain();
  const int round = round_of_density(chain, density);
  const TrainingRequest request = chain.request(round);
  const UpdateShape shape{4, {128, 128}, 2, 64, 0};
  const AgentConfig config = config_of(shape);
  const Samples samples = random_samples(shape);
  const std::vector<std::uint8_t> all(request.mask.size(), 1);
  std::vector<float> start = request.initial_parameters, dense_start = chain.request(0).initial_parameters;
  kill_units(request.model, start);
  kill_units(request.model, dense_start);
  NativeUpdates sparse(request.model, request.mask, start, samples, config);
  NativeUpdates dense(request.model, all, dense_start, samples, config);
  dense.step();
  dense.age();
  const auto eager = make_eager_ppo(request.model, request.mask, start, samples, config);
  require_openblas_behind_libtorch();
  const std::string name = fmt::format("update/ppo/{}/density-{:.2g}", shape.name(), density);
  {
    NativeUpdates again(request.model, request.mask, start, samples, config);
    for (int update = 0; update < 20; ++update) {
      sparse.step();
      eager->learn_minibatch({again.next(), static_cast<std::size_t>(shape.minibatch)});
    }
  }
  require_close(name, sparse.parameters(all.size()), eager->parameters(), kTolerance);
  sparse.age();
  const std::vector<double> seconds =
      measure({[&] { sparse.step(); }, [&] { dense.step(); },
               [&] {
                 eager->learn_minibatch({dense.next(), static_cast<std::size_t>(shape.minibatch)});
               }});
  const NativeNetwork::Effective effective = sparse.network().effective();
  BenchRow row = comparison(name, "own dense", seconds);
  row.target = target;
  row.note = fmt::format("round {}: {} weights kept, {} effective; {:.0f}x LibTorch eager", round,
                         effective.kept, effective.trained, seconds[2] / seconds[0]);
  return {row};
}

// The convolutional network of Atari games, of which all weights but those of the critic's head have the same
// chance to be kept.
std::vector<BenchRow> atari_update(double density) {
  const TaskInfo& task = *find_task("atari-breakout");
  AgentConfig config = paper_defaults(task.name, "ppo");
  config.options<PpoConfig>().linear_schedule = false;
  const ModelSpec model = model_on_task(*find_algorithm("ppo", task), task, config);
  const UpdateShape shape{task.observation_size, {}, task.actions, 320, 0};
  const Samples samples = random_samples(shape);
  Stream stream("bench/atari");
  std::vector<std::uint8_t> mask;
  std::vector<float> start;
  for (const Tensor& tensor : tensors_of(model)) {
    const double bound = 1 / std::sqrt(tensor.fan_in);
    for (std::size_t i = 0; i < tensor.size; ++i) {
      const bool kept = !tensor.is_weight || tensor.part > 0 || stream.uniform() < density;
      mask.push_back(kept);
      start.push_back(kept ? static_cast<float>((2 * stream.uniform() - 1) * bound) : 0.0f);
    }
  }
  kill_units(model, start);
  NativeUpdates ours(model, mask, start, samples, config);
  const auto eager = make_eager_ppo(model, mask, start, samples, config);
  require_openblas_behind_libtorch();
  const auto eager_step = [&] {
    eager->learn_minibatch({ours.next(), static_cast<std::size_t>(shape.minibatch)});
  };
  for (int update = 0; update < kMinibatches; ++update) ours.step();
  for (int update = 0; update < kMinibatches; ++update) eager_step();  // on the same, as they come round
  const std::string name = fmt::format("update/ppo/atari/minibatch-{}/density-{}", shape.minibatch, density);
  // Where gradients vanish, Adam makes whole steps of their rounding.
  require_close(name, ours.parameters(mask.size()), eager->parameters(), 2e-2 * kOfUsualSize);
  ours.age();
  const std::vector<double> seconds = measure({[&] { ours.step(); }, eager_step}, 4);
  return {comparison(name, "LibTorch eager", seconds)};
}

}  // namespace

std::vector<BenchCase> update_cases() {
  std::vector<BenchCase> cases;
  for (const UpdateShape& shape : shapes())
    cases.push_back({"update/ppo/" + shape.name() + "/density-1", [&shape] { return dense_update(shape); }});
  for (const double density : {1.0, 0.107, 0.035})
    cases.push_back({fmt::format("update/ppo/atari/minibatch-320/density-{}", density),
                     [density] { return atari_update(density); }});
  const std::vector<std::pair<double, double>> densities = {
      {0.21, 3.5}, {0.107, 6.0}, {0.055, 10.0}, {0.014, 20.0}};
  for (const auto& [density, target] : densities)
    cases.push_back({fmt::format("update/ppo/4-128-128-2/minibatch-64/density-{:.2g}", density),
                     [density = density, target = target] { return sparse_update(density, target); }});
  return cases;
}

}  // namespace impsweep
