#include "agents/network/model.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

#include "agents/config/cloning_config.hpp"
#include "agents/learning/algorithm.hpp"
#include "agents/network/initialisation.hpp"

using namespace impsweep;

namespace {

AgentConfig config_with(std::vector<std::int64_t> hidden) {
  AgentConfig config;
  config.network.hidden = std::move(hidden);
  return config;
}

std::size_t elements(const ModelSpec& model, const std::string& part, bool weights) {
  std::size_t count = 0;
  for (const Tensor& tensor : tensors_of(model))
    if (tensor.name.starts_with(part) && tensor.is_weight == weights) count += tensor.size;
  return count;
}

}  // namespace

TEST_CASE("sizes of the paper's networks") {
  struct Row {
    int observation, actions;
    std::vector<std::int64_t> hidden;
    std::size_t actor_weights, critic_weights, biases;
  };
  for (const Row& row :
       {Row{4, 2, {64, 64}, 4480, 4416, 259}, Row{4, 2, {128, 128}, 17152, 17024, 515},
        Row{4, 2, {256, 256}, 67072, 66816, 1027}, Row{6, 3, {128, 64}, 9152, 9024, 388},
        Row{6, 3, {256, 128}, 34688, 34432, 772}, Row{6, 3, {512, 256}, 134912, 134400, 1540},
        Row{28, 8, {64, 64}, 6400, 5952, 265}}) {
    const ModelSpec model =
        policy_model({row.observation, row.actions}, config_with(row.hidden).network, true);
    CHECK(elements(model, "actor", true) == row.actor_weights);
    CHECK(elements(model, "critic", true) == row.critic_weights);
    CHECK(elements(model, "", false) == row.biases);
    CHECK(parameter_count(model) == row.actor_weights + row.critic_weights + row.biases);
  }
}

TEST_CASE("tensors stand in dense order") {
  const ModelSpec model = policy_model({4, 2, true}, config_with({8}).network, true);
  const std::vector<Tensor> tensors = tensors_of(model);
  std::vector<std::string> names;
  std::size_t offset = 0;
  for (const Tensor& tensor : tensors) {
    names.push_back(tensor.name);
    CHECK(tensor.offset == offset);
    offset += tensor.size;
  }
  CHECK(names == std::vector<std::string>{"actor/0/weight", "actor/0/bias", "actor/1/weight", "actor/1/bias",
                                          "critic/0/weight", "critic/0/bias", "critic/1/weight",
                                          "critic/1/bias", "log_std"});
  CHECK(tensors[0].shape == std::vector<int>{8, 4});
  CHECK(tensors[1].fan_in == 4);
  CHECK(tensors[8].shape == std::vector<int>{2});
  CHECK(tensors[8].part == -1);
  CHECK(model.parts[0].tanh_output);
  CHECK_FALSE(model.parts[1].tanh_output);
}

TEST_CASE("students have a critic only if they distil one") {
  AgentConfig config = config_with({8, 8});
  const AlgorithmInfo& cloning = *find_algorithm("bc", *find_task("cartpole"));
  CHECK(cloning.model({4, 2}, config).parts.size() == 1);
  config.options<PolicyCloningConfig>().critic = CloningCritic::kDistill;
  const ModelSpec model = cloning.model({4, 2}, config);
  REQUIRE(model.parts.size() == 2);
  CHECK(model.parts[1].name == "critic");
  CHECK(model.parts[1].sizes.back() == 1);
  CHECK(classifier_model({4, 2}, config.network).parts.at(0).name == "classifier");
  CHECK(parameter_count(ModelSpec{}) == 0);
}

TEST_CASE("value learners have a network q; dueling adds one for the value of the state") {
  const AgentConfig config = config_with({8, 8});
  const ModelSpec q = value_model({4, 3}, config.network, false);
  REQUIRE(q.parts.size() == 1);
  CHECK(tensors_of(q).front().name == "q/0/weight");
  CHECK(q.parts[0].sizes == std::vector<int>{4, 8, 8, 3});
  CHECK(learns_values(q));
  CHECK(learns_values(find_algorithm("bc", *find_task("mazegrid"))->model({4, 3}, {})));
  CHECK_FALSE(learns_values(policy_model({4, 3}, config.network, false)));
  CHECK_THROWS_AS(value_model({4, 3, true}, config.network, false), std::invalid_argument);
  const ModelSpec dueling = value_model({4, 3}, config.network, true);
  REQUIRE(dueling.parts.size() == 2);
  CHECK(dueling.parts[1].sizes.back() == 1);
}

TEST_CASE("bounds of the initial weights, by scheme") {
  // 4-128-128-2: input, hidden, output layer.
  const std::vector<Tensor> tensors = tensors_of(policy_model({4, 2}, AgentConfig{}.network, false));
  NetworkConfig network;
  const auto bounds = [&](Init init) {
    network.init = init;
    std::vector<double> list;
    for (const Tensor& tensor : tensors)
      if (tensor.is_weight) list.push_back(initial_bound(tensor, network));
    return list;
  };
  const auto check = [](const std::vector<double>& found, std::vector<double> expected) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i)
      CHECK(found[i] == doctest::Approx(expected[i]).epsilon(0.006));
  };
  check(bounds(Init::kKaiming), {0.500, 0.0884, 0.0884});
  check(bounds(Init::kKaimingInScaled), {0.050, 0.0884, 0.0884});
  check(bounds(Init::kXavier), {0.213, 0.153, 0.215});
  check(bounds(Init::kHe), {1.2247, 0.2165, 0.2165});
  network.init = Init::kXavier;
  CHECK(initial_bound(tensors[1], network) == 0.5);  // biases keep PyTorch's default
}

TEST_CASE("orthogonal weights have orthonormal rows or columns, times their gain, and biases are 0") {
  AgentConfig config = config_with({20, 9});
  config.network.init = Init::kOrthogonal;
  config.network.hidden_gain = 1.5;
  const ModelSpec model = policy_model({6, 4, true}, config.network, true);
  const auto name = [](std::string_view tensor) { return "test/" + std::string(tensor); };
  const std::vector<float> parameters = initial_parameters(model, config.network, name);
  for (const Tensor& tensor : tensors_of(model)) {
    CAPTURE(tensor.name);
    const float* const values = parameters.data() + tensor.offset;
    if (!tensor.is_weight) {
      CHECK(std::all_of(values, values + tensor.size, [](float value) { return value == 0; }));
      continue;
    }
    const double gain = tensor.layer < 2 ? 1.5 : tensor.part == 0 ? 0.01 : 1;
    CHECK(initial_bound(tensor, config.network) == gain);
    const int rows = tensor.shape[0], columns = tensor.shape[1];
    const auto at = [&](int vector, int i) {
      return double{rows < columns ? values[vector * columns + i] : values[i * columns + vector]};
    };
    for (int a = 0; a < std::min(rows, columns); ++a)
      for (int b = 0; b <= a; ++b) {
        double product = 0;
        for (int i = 0; i < std::max(rows, columns); ++i) product += at(a, i) * at(b, i);
        CHECK(std::abs(product / (gain * gain) - (a == b ? 1 : 0)) < 1e-6);
      }
  }
  CHECK(initial_parameters(model, config.network, name) == parameters);
}

TEST_CASE("moments of observations stand behind everything else, at mean 0 and variance 1") {
  ModelSpec model = policy_model({3, 2, true}, config_with({4}).network, true);
  const std::size_t before = parameter_count(model);
  model.observation_moments = 3;
  const std::vector<Tensor> tensors = tensors_of(model);
  CHECK(parameter_count(model) == before + 7);
  CHECK(tensors[tensors.size() - 3].name == "observation_mean");
  CHECK(tensors[tensors.size() - 2].name == "observation_variance");
  CHECK(tensors.back().name == "observation_count");
  const std::vector<float> parameters = initial_parameters(
      model, AgentConfig{}.network, [](std::string_view tensor) { return std::string(tensor); });
  CHECK(std::vector<float>(parameters.end() - 7, parameters.end()) ==
        std::vector<float>{0, 0, 0, 1, 1, 1, 1e-4f});
}

TEST_CASE("initial parameters fill their bounds and share draws") {
  AgentConfig config;
  const ModelSpec actor_critic = policy_model({4, 2, true}, config.network, true);
  const ModelSpec actor = policy_model({4, 2}, config.network, false);
  const auto name = [](std::string_view tensor) { return "test/" + std::string(tensor); };
  const std::vector<float> both = initial_parameters(actor_critic, config.network, name);
  const std::vector<float> one = initial_parameters(actor, config.network, name);
  CHECK(both.size() == parameter_count(actor_critic));
  CHECK(std::equal(one.begin(), one.end(), both.begin()));
  for (const Tensor& tensor : tensors_of(actor_critic)) {
    const double bound = initial_bound(tensor, config.network);
    double largest = 0, sum_of_squares = 0;
    for (std::size_t i = 0; i < tensor.size; ++i) {
      const double value = both[tensor.offset + i];
      largest = std::max(largest, std::abs(value));
      sum_of_squares += value * value;
    }
    CHECK(largest <= bound);
    if (tensor.name == "log_std") CHECK(largest == 0);
    if (tensor.size > 1000)  // variance of U(-b, b) is b^2 / 3
      CHECK(sum_of_squares / static_cast<double>(tensor.size) ==
            doctest::Approx(bound * bound / 3).epsilon(0.05));
  }
  config.network.init = Init::kKaimingInScaled;
  const std::vector<float> scaled = initial_parameters(actor, config.network, name);
  for (std::size_t i = 0; i < 512; ++i) CHECK(scaled[i] == doctest::Approx(0.1 * one[i]));
  CHECK(std::equal(scaled.begin() + 512, scaled.end(), one.begin() + 512));
}
