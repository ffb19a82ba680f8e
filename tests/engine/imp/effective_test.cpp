#include "engine/imp/effective.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "agents/native/aligned.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/native_network.hpp"
#include "agents/network/model.hpp"
#include "envs/random.hpp"

using namespace impsweep;

namespace {

ModelSpec small_policy(std::vector<std::int64_t> hidden, bool shared_trunk, bool continuous = false) {
  NetworkConfig network;
  network.hidden = std::move(hidden);
  network.shared_trunk = shared_trunk;
  return policy_model({5, 3, continuous}, network, true);
}

ModelSpec small_board(bool shared_trunk) {
  NetworkConfig network;
  network.architecture = Architecture::kCnn;
  network.filters = 3;
  network.kernel = 2;
  network.hidden = {6};
  network.shared_trunk = shared_trunk;
  TaskInfo task;
  task.observation_size = 2 * 4 * 4;
  task.rows = task.columns = 4;
  task.channel_names = {"a", "b"};
  return with_convolutions(policy_model({task.observation_size, 3, false}, network, true), task, network);
}

Mask random_mask(const std::vector<Tensor>& tensors, double density, std::uint64_t draw) {
  Stream stream("mask " + std::to_string(draw));
  Mask mask;
  for (const Tensor& tensor : tensors)
    for (std::size_t i = 0; i < tensor.size; ++i)
      mask.push_back(!tensor.is_weight || stream.uniform() < density ? 1 : 0);
  return mask;
}

// What a gradient reaches: with positive inputs and weights and no biases every unit on a path is positive
// and passes its gradient on, and the gradient of a weight is that of its outputs' sum. Each part by itself.
Mask with_gradient(const ModelSpec& model, const std::vector<Tensor>& tensors, const Mask& mask) {
  const auto network = make_native_network(model, mask, {.max_batch = 1, .remove_unreachable = false});
  std::vector<float> weights(mask.size(), 0.0f);
  for (const Tensor& tensor : tensors)
    if (tensor.is_weight)
      for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) weights[i] = 0.125f * mask[i];
  network->gather(weights, network->parameters());
  network->parameters_changed();
  const int stride = round_up_to_lanes(1);
  Mask reached(mask.size(), 0);
  for (int part = 0; part < static_cast<int>(model.parts.size()); ++part) {
    const MlpSpec& spec = model.parts[static_cast<std::size_t>(part)];
    AlignedFloats inputs(static_cast<std::size_t>(network->input_size(0)) * stride, 1.0f);
    AlignedFloats outputs(static_cast<std::size_t>(spec.sizes.back()) * stride, 0.0f),
        ones(outputs.size(), 1.0f);
    if (spec.trunk) {  // what backward leaves in the trunk is not this part's to count
      AlignedFloats trunk_outputs(
          static_cast<std::size_t>(model.parts[static_cast<std::size_t>(*spec.trunk)].sizes.back()) * stride,
          0.0f);
      network->forward(*spec.trunk, 1, {inputs.data(), stride}, {trunk_outputs.data(), stride});
    }
    network->forward(part, 1, {inputs.data(), stride}, {outputs.data(), stride});
    network->backward(part, 1, {ones.data(), stride});
    std::vector<float> gradient(mask.size(), 0.0f);
    network->scatter(network->gradients(), gradient);
    for (const Tensor& tensor : tensors)
      if (tensor.part == part && tensor.is_weight)
        for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i)
          reached[i] = gradient[i] != 0;
  }
  return reached;
}

}  // namespace

TEST_CASE("effective weights are those that a gradient reaches in a network without biases") {
  int ineffective = 0;
  for (const ModelSpec& model : {small_policy({8, 7}, false), small_policy({8, 7, 6}, true),
                                 small_policy({4}, false), small_board(false), small_board(true)}) {
    const std::vector<Tensor> tensors = tensors_of(model);
    for (const double density : {0.05, 0.15, 0.3, 1.0})
      for (std::uint64_t draw = 0; draw < 8; ++draw) {
        const Mask mask = random_mask(tensors, density, draw);
        const Mask effective = effective_parameters(model, tensors, mask),
                   reached = with_gradient(model, tensors, mask);
        for (const Tensor& tensor : tensors) {
          if (!tensor.is_weight) continue;
          for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
            REQUIRE_MESSAGE(effective[i] == reached[i], tensor.name, " entry ", i - tensor.offset);
            ineffective += mask[i] - effective[i];
          }
        }
      }
  }
  CHECK(ineffective > 1000);
}

TEST_CASE("a unit that only its bias reaches is not effective, and neither is what hangs on it") {
  const ModelSpec model = small_policy({2}, false, true);
  const std::vector<Tensor> tensors = tensors_of(model);
  Mask mask(parameter_count(model), 1);
  // Unit 0 of the actor reads nothing; unit 1 reads input 3 alone and is read by output 2 alone.
  const Tensor &first = tensors[0], &first_bias = tensors[1], &last = tensors[2], &last_bias = tensors[3];
  REQUIRE(last.name == "actor/1/weight");
  std::fill_n(mask.begin(), first.size, 0);
  mask[first.offset + 5 + 3] = 1;
  std::fill_n(mask.begin() + static_cast<std::ptrdiff_t>(last.offset), last.size, 0);
  for (int output = 0; output < 3; ++output) mask[last.offset + static_cast<std::size_t>(output) * 2] = 1;
  mask[last.offset + 2 * 2 + 1] = 1;
  const Mask effective = effective_parameters(model, tensors, mask);
  const auto count = [&](const Tensor& tensor) {
    return std::count(effective.begin() + static_cast<std::ptrdiff_t>(tensor.offset),
                      effective.begin() + static_cast<std::ptrdiff_t>(tensor.offset + tensor.size), 1);
  };
  CHECK(count(first) == 1);
  CHECK(count(first_bias) == 1);
  CHECK(count(last) == 1);
  CHECK(count(last_bias) == 1);
  CHECK(effective[first.offset + 8] == 1);
  CHECK(effective[last.offset + 5] == 1);
  CHECK(count(tensors.back()) == 3);  // log_std
}
