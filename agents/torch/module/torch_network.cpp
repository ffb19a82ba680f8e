// The LibTorch backend of agents/network/network.hpp, the oracles of agents/torch/torch_oracle.hpp, and the entry of the
// module that torch_loader.cpp opens.
#include <torch/torch.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdio>
#include <numbers>
#include <stdexcept>
#include <string>
#include <utility>

#include "agents/native/aligned.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/torch/module/torch_guard.hpp"
#include "agents/torch/torch_module.hpp"

namespace impsweep {
namespace {

// ---- network -----------------------------------------------------------------------------------------

// [features][stride] as a [batch, features] view; nothing is copied.
at::Tensor batch_view(const float* data, int features, int batch, int stride) {
  return torch::from_blob(const_cast<float*>(data), {features, batch}, {stride, 1}).t();
}

class TorchNetwork final : public Network {
 public:
  TorchNetwork(const ModelSpec& spec, std::span<const std::uint8_t> mask, NetworkOptions options)
      : max_batch_(options.max_batch), mask_(mask.begin(), mask.end()) {
    std::size_t size = 0;
    for (const MlpSpec& part : spec.parts) {
      parts_.push_back({.spec = part, .begin = size});
      for (std::size_t layer = 0; layer + 1 < part.sizes.size(); ++layer) {
        const std::vector<int> shape = weight_shape(part, layer);
        std::size_t weights = 1;
        for (const int extent : shape) weights *= static_cast<std::size_t>(extent);
        size += weights + static_cast<std::size_t>(shape[0]);
      }
      parts_.back().end = size;
    }
    log_std_offset_ = size;
    size += static_cast<std::size_t>(spec.log_std);
    if (!mask_.empty() && mask_.size() != size)
      throw std::invalid_argument("the mask has " + std::to_string(mask_.size()) +
                                  " entries, the model has " + std::to_string(size) + " parameters");
    dense_size_ = size;
    const std::size_t arena_size = (size + kLanes - 1) / kLanes * kLanes;
    parameters_.assign(arena_size, 0.0f);
    gradients_.assign(arena_size, 0.0f);
    for (Part& part : parts_) make_views(part);
  }

  int input_size(int part) const override {
    const MlpSpec& spec = parts_.at(static_cast<std::size_t>(part)).spec;
    return spec.trunk ? input_size(*spec.trunk) : spec.sizes.front();
  }
  std::span<float> parameters() override { return parameters_; }
  std::span<float> gradients() override { return gradients_; }
  void parameters_changed() override { apply_mask(std::span(parameters_).first(dense_size_), 0); }
  std::size_t log_std_offset() const override { return log_std_offset_; }

  // The arena is in dense order, with zeros behind it up to whole lanes.
  void gather(std::span<const float> dense, std::span<float> arena) const override {
    assert(dense.size() == dense_size_ && arena.size() == parameters_.size());
    const auto padding = std::ranges::copy(dense, arena.begin()).out;
    std::fill(padding, arena.end(), 0.0f);
    apply_mask(arena.first(dense_size_), 0);
  }
  void scatter(std::span<const float> arena, std::span<float> dense) const override {
    assert(dense.size() == dense_size_ && arena.size() == parameters_.size());
    std::ranges::copy(arena.first(dense_size_), dense.begin());
    apply_mask(dense, 0);
  }

  void infer(int part, int batch, ConstBatch inputs, MutableBatch outputs) override {
    guarded([&] {
      const c10::InferenceMode no_graph;
      Part& chosen = at(part);
      const std::optional<int> trunk = chosen.spec.trunk;
      const at::Tensor x = batch_view(inputs.data, input_size(part), batch, inputs.stride);
      write(
          trunk ? run(chosen, run(at(*trunk), x, false).hidden, false).output : run(chosen, x, false).output,
          outputs);
    });
  }

  void forward(int part, int batch, ConstBatch inputs, MutableBatch outputs) override {
    guarded([&] {
      Part& chosen = at(part);
      const std::optional<int> trunk = chosen.spec.trunk;
      const at::Tensor x =
          trunk ? at(*trunk).pass.hidden : batch_view(inputs.data, input_size(part), batch, inputs.stride);
      assert(x.size(0) == batch && batch <= max_batch_);
      chosen.pass = run(chosen, x, true);
      write(chosen.pass.output, outputs);
    });
  }

  void set_hidden_factors(int part, ConstBatch factors) override { at(part).factors = factors; }

  // Gradients of heads need those of their trunk's graph: they wait for its part.
  void backward(int part, int batch, ConstBatch output_gradients) override {
    guarded([&] {
      Part& chosen = at(part);
      assert(chosen.pass.output.defined() && chosen.pass.output.size(0) == batch);
      const at::Tensor seed =
          batch_view(output_gradients.data, chosen.spec.sizes.back(), batch, output_gradients.stride);
      if (chosen.spec.trunk) {
        chosen.seed = seed.clone();
        return;
      }
      std::vector<Part*> together = {&chosen};
      for (Part& head : parts_)
        if (head.spec.trunk == part && head.seed.defined()) together.push_back(&head);
      chosen.seed = seed;
      std::vector<at::Tensor> outputs, seeds, leaves;
      for (Part* each : together) {
        outputs.push_back(std::exchange(each->pass, {}).output);
        seeds.push_back(std::exchange(each->seed, {}));
        leaves.insert(leaves.end(), each->leaves.begin(), each->leaves.end());
      }
      const auto gradients = torch::autograd::grad(outputs, leaves, seeds);
      auto gradient = gradients.begin();
      for (Part* each : together) {
        for (at::Tensor& leaf_gradient : each->leaf_gradients) leaf_gradient.copy_(*gradient++);
        apply_mask(std::span(gradients_).subspan(each->begin, each->end - each->begin), each->begin);
      }
    });
  }

 private:
  struct Pass {
    at::Tensor hidden, output;  // of the last hidden layer, and the end of the graph
  };
  struct Part {
    MlpSpec spec;
    std::size_t begin = 0, end = 0;               // in the arena
    std::vector<at::Tensor> leaves = {};          // weight, bias of each layer: views of the parameters
    std::vector<at::Tensor> leaf_gradients = {};  // views of the gradients, in the same order
    ConstBatch factors = {};                      // on hidden activations, or null
    Pass pass = {};                               // between forward and backward
    at::Tensor seed = {};                         // gradients of the outputs of a head that waits
  };

  Part& at(int part) { return parts_.at(static_cast<std::size_t>(part)); }

  void make_views(Part& part) {
    std::size_t offset = part.begin;
    const auto add = [&](const std::vector<std::int64_t>& shape) {
      part.leaves.push_back(torch::from_blob(parameters_.data() + offset, shape).requires_grad_());
      part.leaf_gradients.push_back(torch::from_blob(gradients_.data() + offset, shape));
      offset += static_cast<std::size_t>(part.leaves.back().numel());
    };
    for (std::size_t layer = 0; layer + 1 < part.spec.sizes.size(); ++layer) {
      const std::vector<int> shape = weight_shape(part.spec, layer);
      add({shape.begin(), shape.end()});
      add({shape[0]});
    }
  }

  Pass run(const Part& part, at::Tensor x, bool keeps_graph) const {
    Pass pass;
    const float* factors = keeps_graph ? part.factors.data : nullptr;
    for (std::size_t leaf = 0; leaf < part.leaves.size(); leaf += 2) {
      x = leaf / 2 < part.spec.convolutions.size()
              ? convolve(part, leaf, x)
              : torch::linear(x, part.leaves[leaf], part.leaves[leaf + 1]);
      if (leaf + 2 < part.leaves.size()) {
        x = drop(part.spec.activation == Activation::kTanh ? torch::tanh(x) : torch::relu(x),
                 part.factors.stride, factors);
        pass.hidden = x;
      } else if (part.spec.tanh_output) {
        x = torch::tanh(x);
      }
    }
    pass.output = x;
    return pass;
  }

  static void write(const at::Tensor& x, MutableBatch outputs) {
    const auto batch = static_cast<int>(x.size(0)), features = static_cast<int>(x.size(1));
    batch_view(outputs.data, features, batch, outputs.stride).copy_(x.detach());
  }

  // Flat boards to flat maps, both [batch][channel, row, column].
  static at::Tensor convolve(const Part& part, std::size_t leaf, const at::Tensor& x) {
    const ConvolutionSpec& c = part.spec.convolutions[leaf / 2];
    const at::Tensor boards = x.reshape({x.size(0), c.channels, c.rows, c.columns});
    return torch::conv2d(boards, part.leaves[leaf], part.leaves[leaf + 1], c.stride, c.padding).flatten(1);
  }

  // Multiplies by the next hidden layer's factors and moves on to those behind them.
  static at::Tensor drop(const at::Tensor& x, int stride, const float*& factors) {
    if (factors == nullptr) return x;
    const auto batch = static_cast<int>(x.size(0)), units = static_cast<int>(x.size(1));
    const at::Tensor dropped = x * batch_view(factors, units, batch, stride);
    factors += static_cast<std::ptrdiff_t>(units) * stride;
    return dropped;
  }

  // `values` starts at `offset` of the arena.
  void apply_mask(std::span<float> values, std::size_t offset) const {
    if (mask_.empty()) return;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (mask_[offset + i] == 0) values[i] = 0;
  }

  [[maybe_unused]] int max_batch_;  // only asserted: LibTorch allocates as it goes
  std::vector<std::uint8_t> mask_;  // dense order, empty if all are kept
  AlignedFloats parameters_, gradients_;
  std::vector<Part> parts_;
  std::size_t dense_size_ = 0, log_std_offset_ = 0;
};

// ---- oracles -----------------------------------------------------------------------------------------

constexpr double kEpsilon = 1e-8;  // rlpyt's EPS

// A double-precision copy, [batch, features] of feature-major values.
at::Tensor matrix(std::span<const float> values, int features, int batch) {
  assert(values.size() == static_cast<std::size_t>(features) * static_cast<std::size_t>(batch));
  return batch_view(values.data(), features, batch, batch).to(torch::kFloat64).clone();
}
at::Tensor vector(std::span<const float> values) {
  const auto size = static_cast<std::int64_t>(values.size());
  return torch::from_blob(const_cast<float*>(values.data()), {size}).to(torch::kFloat64).clone();
}

std::vector<double> values_of(const at::Tensor& tensor) {
  const at::Tensor flat = tensor.contiguous();
  return {flat.data_ptr<double>(), flat.data_ptr<double>() + flat.numel()};
}

std::vector<double> feature_major(const at::Tensor& batch_major) {
  return values_of(batch_major.t());
}

// What the losses of both policies have in common.
at::Tensor ppo_loss(const at::Tensor& ratio, const at::Tensor& values, const at::Tensor& mean_entropy,
                    const PpoTargets& targets) {
  const at::Tensor advantage = vector(targets.advantage);
  const at::Tensor clipped = torch::clamp(ratio, 1 - targets.ratio_clip, 1 + targets.ratio_clip);
  const at::Tensor policy_loss = -torch::mean(torch::min(ratio * advantage, clipped * advantage));
  const at::Tensor value_loss = torch::mean(0.5 * torch::square(values - vector(targets.returns)));
  return policy_loss + targets.value_coefficient * value_loss - targets.entropy_coefficient * mean_entropy;
}

class Adam final : public TorchAdam {
 public:
  Adam(std::span<const float> parameters, const TorchAdamOptions& options)
      : parameters_(vector(parameters).to(torch::kFloat32).requires_grad_()) {
    const auto betas = std::make_tuple(options.beta1, options.beta2);
    if (options.decoupled)
      optimizer_ = std::make_unique<torch::optim::AdamW>(std::vector<at::Tensor>{parameters_},
                                                         torch::optim::AdamWOptions(options.learning_rate)
                                                             .betas(betas)
                                                             .eps(options.epsilon)
                                                             .weight_decay(options.weight_decay));
    else
      optimizer_ = std::make_unique<torch::optim::Adam>(std::vector<at::Tensor>{parameters_},
                                                        torch::optim::AdamOptions(options.learning_rate)
                                                            .betas(betas)
                                                            .eps(options.epsilon)
                                                            .weight_decay(options.weight_decay));
  }

  void set_learning_rate(double rate) override { optimizer_->param_groups().front().options().set_lr(rate); }

  void step(std::span<const float> gradients) override {
    guarded([&] {
      parameters_.mutable_grad() = vector(gradients).to(torch::kFloat32);
      optimizer_->step();
    });
  }

  std::vector<float> parameters() const override {
    return {parameters_.data_ptr<float>(), parameters_.data_ptr<float>() + parameters_.numel()};
  }

 private:
  at::Tensor parameters_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

class Oracle final : public TorchOracle {
 public:
  OracleLoss discrete_ppo(const DiscretePpoCase& c) const override {
    return guarded([&] {
      const at::Tensor logits = matrix(c.logits, c.actions, c.batch).requires_grad_();
      const at::Tensor values = vector(c.targets.values).requires_grad_();
      const at::Tensor action =
          torch::from_blob(const_cast<std::int32_t*>(c.action.data()), {c.batch, 1}, torch::kInt32)
              .to(torch::kInt64);
      const at::Tensor probability = torch::softmax(logits, 1);
      const at::Tensor old_probability = matrix(c.old_probability, c.actions, c.batch);
      const at::Tensor ratio =
          (probability.gather(1, action) + kEpsilon) / (old_probability.gather(1, action) + kEpsilon);
      const at::Tensor entropy = -torch::sum(probability * torch::log(probability + kEpsilon), 1).mean();
      const at::Tensor loss = ppo_loss(ratio.squeeze(1), values, entropy, c.targets);
      const auto gradient = torch::autograd::grad({loss}, {logits, values});
      return OracleLoss{loss.item<double>(),
                        entropy.item<double>(),
                        feature_major(gradient[0]),
                        values_of(gradient[1]),
                        {}};
    });
  }

  OracleLoss gaussian_ppo(const GaussianPpoCase& c) const override {
    return guarded([&] {
      const at::Tensor mean = matrix(c.mean, c.dimensions, c.batch).requires_grad_();
      const at::Tensor log_std = vector(c.log_std).requires_grad_();
      const at::Tensor values = vector(c.targets.values).requires_grad_();
      const at::Tensor action = matrix(c.action, c.dimensions, c.batch);
      const auto log_likelihood = [&](const at::Tensor& m, const at::Tensor& s) {  // without its constant
        return -torch::sum(s + 0.5 * torch::square((action - m) / (torch::exp(s) + kEpsilon)), 1);
      };
      const at::Tensor old = log_likelihood(matrix(c.old_mean, c.dimensions, c.batch), vector(c.old_log_std));
      const at::Tensor ratio = torch::exp(log_likelihood(mean, log_std) - old);
      const double per_dimension = 0.5 * std::log(2 * std::numbers::pi * std::numbers::e);
      const at::Tensor entropy = torch::sum(log_std + per_dimension);
      const at::Tensor loss = ppo_loss(ratio, values, entropy, c.targets);
      const auto gradient = torch::autograd::grad({loss}, {mean, values, log_std});
      return OracleLoss{loss.item<double>(), entropy.item<double>(), feature_major(gradient[0]),
                        values_of(gradient[1]), values_of(gradient[2])};
    });
  }

  OracleLoss cross_entropy(const CrossEntropyCase& c) const override {
    return guarded([&] {
      const at::Tensor logits = matrix(c.student_logits, c.actions, c.batch).requires_grad_();
      const at::Tensor teacher = matrix(c.teacher_probability, c.actions, c.batch);
      const at::Tensor loss = -torch::sum(teacher * torch::log_softmax(logits, 1), 1).mean();
      const auto gradient = torch::autograd::grad({loss}, {logits});
      return OracleLoss{loss.item<double>(), 0, feature_major(gradient[0]), {}, {}};
    });
  }

  OracleLoss gaussian_kl(const GaussianKlCase& c) const override {
    return guarded([&] {
      const at::Tensor mean = matrix(c.student_mean, c.dimensions, c.batch).requires_grad_();
      const at::Tensor log_std = vector(c.student_log_std).requires_grad_();
      const at::Tensor teacher_mean = matrix(c.teacher_mean, c.dimensions, c.batch);
      const at::Tensor teacher_log_std = vector(c.teacher_log_std);
      const at::Tensor variance = torch::exp(2 * log_std);
      const at::Tensor numerator =
          torch::square(teacher_mean - mean) + torch::exp(2 * teacher_log_std) - variance;
      const at::Tensor loss = torch::sum(numerator / (2 * variance) + log_std - teacher_log_std, 1).mean();
      const auto gradient = torch::autograd::grad({loss}, {mean, log_std});
      return OracleLoss{loss.item<double>(), 0, feature_major(gradient[0]), {}, values_of(gradient[1])};
    });
  }

  OracleLoss huber(const HuberCase& c) const override {
    return guarded([&] {
      const at::Tensor student = matrix(c.student, c.outputs, c.batch).requires_grad_();
      const at::Tensor loss =
          torch::huber_loss(student, matrix(c.target, c.outputs, c.batch), at::Reduction::Mean, c.delta);
      const auto gradient = torch::autograd::grad({loss}, {student});
      return OracleLoss{loss.item<double>(), 0, feature_major(gradient[0]), {}, {}};
    });
  }

  OracleLoss q_loss(const QLossCase& c) const override {
    return guarded([&] {
      const at::Tensor q = matrix(c.q, c.actions, c.batch).requires_grad_();
      const at::Tensor best = matrix(c.next_selector, c.actions, c.batch).argmax(1, true);
      const at::Tensor next = matrix(c.next_value, c.actions, c.batch).gather(1, best).squeeze(1);
      const at::Tensor target = vector(c.returns) + c.discount * vector(c.running) * next;
      const std::vector<std::int64_t> action(c.action.begin(), c.action.end());
      const at::Tensor taken = q.gather(1, torch::tensor(action).unsqueeze(1)).squeeze(1);
      const at::Tensor loss =
          (vector(c.weight) * torch::huber_loss(taken, target, at::Reduction::None, c.delta)).mean();
      const auto gradient = torch::autograd::grad({loss}, {q});
      return OracleLoss{loss.item<double>(), 0, feature_major(gradient[0]), {}, {}};
    });
  }

  double clip_gradient_norm(std::span<float> gradients, std::span<const std::size_t> tensor_sizes,
                            double limit) const override {
    return guarded([&] {
      std::vector<at::Tensor> tensors;
      std::size_t offset = 0;
      for (const std::size_t size : tensor_sizes) {
        const auto length = static_cast<std::int64_t>(size);
        tensors.push_back(torch::zeros({length}).requires_grad_());
        tensors.back().mutable_grad() = torch::from_blob(gradients.data() + offset, {length});
        offset += size;
      }
      assert(offset == gradients.size());
      return torch::nn::utils::clip_grad_norm_(tensors, limit);
    });
  }

  std::unique_ptr<TorchAdam> make_adam(std::span<const float> parameters,
                                       const TorchAdamOptions& options) const override {
    return guarded([&] { return std::make_unique<Adam>(parameters, options); });
  }
};

class Module final : public TorchModule {
 public:
  Module() { at::set_num_threads(1); }
  std::unique_ptr<Network> make_network(const ModelSpec& spec, std::span<const std::uint8_t> mask,
                                        NetworkOptions options) override {
    return guarded([&] { return std::make_unique<TorchNetwork>(spec, mask, options); });
  }
  std::unique_ptr<EagerPpo> make_eager_ppo(const ModelSpec& spec, std::span<const std::uint8_t> mask,
                                           std::span<const float> parameters, const Samples& samples,
                                           const AgentConfig& config) override {
    return make_libtorch_ppo(spec, mask, parameters, samples, config);
  }
  std::unique_ptr<EagerDqn> make_eager_dqn(const ModelSpec& spec, std::span<const std::uint8_t> mask,
                                           std::span<const float> parameters,
                                           const AgentConfig& config) override {
    return make_libtorch_dqn(spec, mask, parameters, config);
  }
  const TorchOracle& oracle() const override { return oracle_; }
  std::vector<char> tensor_file(const TensorFile& file) override { return libtorch_file(file); }

 private:
  Oracle oracle_;
};

}  // namespace
}  // namespace impsweep

extern "C" impsweep::TorchModule* impsweep_torch_module(int interface, char* error, std::size_t error_size) {
  if (interface != impsweep::kTorchModuleInterface) {
    std::snprintf(error, error_size, "the module was built for interface %d, the program for %d",
                  impsweep::kTorchModuleInterface, interface);
    return nullptr;
  }
  try {
    static impsweep::Module module;
    return &module;
  } catch (const std::exception& failure) {
    std::snprintf(error, error_size, "%s", failure.what());
    return nullptr;
  }
}
