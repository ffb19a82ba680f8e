// Trainings whose mask changes: exact density at every step, what goes and comes in network and optimizer,
// the same bits through saves, interruptions and instruction sets, and RigL's growth by LibTorch's gradients.
#include "agents/learning/mask_updates.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "agents/config/dqn_config.hpp"
#include "agents/config/paper_defaults.hpp"
#include "agents/config/ppo_config.hpp"
#include "agents/learning/algorithm.hpp"
#include "agents/network/initialisation.hpp"
#include "agents/sparsity/mask_update.hpp"
#include "tests/agents/learning/whole_training.hpp"
#include "tests/agents/random_arrays.hpp"
#include "tests/agents/torch/torch_fixture.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

struct Kind {
  const char* algorithm;
  const char* task;
};
constexpr Kind kKinds[] = {{"ppo", "cartpole"}, {"ppo", "hopper"},  {"dqn", "cartpole"},
                           {"dqn", "mazegrid"}, {"bc", "cartpole"}, {"bc", "mazegrid"}};
constexpr SparseMethod kMethods[] = {SparseMethod::kGradual, SparseMethod::kSet, SparseMethod::kRigl};

// A quarter of every weight matrix is kept in the end.
TrainingRequest request_of(const Kind& kind, SparseMethod method) {
  const TaskInfo& task = *find_task(kind.task);
  const AlgorithmInfo& algorithm = *find_algorithm(kind.algorithm, task);
  TrainingRequest request;
  request.task = kind.task;
  request.algorithm = &algorithm;
  request.config.own = algorithm.options;
  request.config.network.hidden = {12, 10};
  request.config.sampler = {.steps = 1024, .batch_B = 4, .batch_T = 32, .decorrelation_steps = 5};
  request.config.evaluation = {.interval = 256, .episodes = 2, .reevaluation_episodes = 2};
  std::vector<OptionField> fields;
  request.config.own.append(fields);
  for (const OptionField& field : fields) {
    if (field.key.ends_with("min_steps_learn")) *std::get<std::int64_t*>(field.place) = 256;
    if (field.key.ends_with("batch_size")) *std::get<std::int64_t*>(field.place) = 32;
    if (field.key.ends_with("target_update_interval")) *std::get<std::int64_t*>(field.place) = 7;
  }
  request.model = model_on_task(algorithm, task, request.config);
  request.initial_parameters = initial_parameters(
      request.model, request.config.network, [](std::string_view tensor) { return std::string(tensor); });
  request.stream_prefix = "changing";
  if (algorithm.has_teacher) {
    const AlgorithmInfo& teacher = *find_algorithm(teacher_algorithm(task), task);
    AgentConfig config = request.config;
    config.own = teacher.options;
    request.teacher_model = model_on_task(teacher, task, config);
    request.teacher_parameters =
        initial_parameters(request.teacher_model, config.network,
                           [](std::string_view tensor) { return "teacher" + std::string(tensor); });
  }
  const std::vector<Tensor> tensors = tensors_of(request.model);
  const LearningWork work = algorithm.work(request.config);
  const auto updates = static_cast<std::int64_t>(
      (1024 - work.first_step) / static_cast<double>(work.steps_per_iteration) * work.updates_per_iteration);
  MaskPlan plan;
  plan.schedule = {method, updates / 5, updates * 3 / 4, std::max<std::int64_t>(updates / 12, 1)};
  plan.fraction = 0.4;
  request.mask.assign(request.initial_parameters.size(), 1);
  Stream first("first mask");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (!tensors[i].is_weight) continue;
    plan.tensors.push_back(i);
    plan.counts.push_back(static_cast<std::int64_t>(tensors[i].size / 4));
    if (method == SparseMethod::kGradual) continue;
    const std::span<std::uint8_t> own = std::span(request.mask).subspan(tensors[i].offset, tensors[i].size);
    std::ranges::fill(own, std::uint8_t{0});
    grow_at_random(first, {}, plan.counts.back(), own);
  }
  for (std::size_t i = 0; i < request.mask.size(); ++i)
    if (request.mask[i] == 0) request.initial_parameters[i] = 0;
  request.mask_plan = plan;
  return request;
}

std::vector<std::byte> bytes_with_masks(const TrainingOutcome& outcome) {
  StateWriter writer;
  writer("outcome", outcome);
  writer("masks", outcome.masks);
  writer("flop", outcome.train_flop);
  return writer.take();
}

std::vector<std::int64_t> counts_of(const TrainingRequest& request, std::span<const std::uint8_t> mask) {
  const std::vector<Tensor> tensors = tensors_of(request.model);
  std::vector<std::int64_t> counts;
  for (const std::size_t index : request.mask_plan->tensors)
    counts.push_back(kept_in(mask.subspan(tensors[index].offset, tensors[index].size)));
  return counts;
}

}  // namespace

TEST_CASE("densities are exact at every step, and what is pruned is zero, also in the end") {
  for (const Kind& kind : kKinds) {
    for (const SparseMethod method : kMethods) {
      CAPTURE(kind.algorithm);
      CAPTURE(kind.task);
      CAPTURE(static_cast<int>(method));
      const TrainingRequest request = request_of(kind, method);
      const std::unique_ptr<Trainer> trainer = make_trainer(request, 5);
      std::vector<std::int64_t> before = counts_of(request, request.mask);
      std::vector<std::uint8_t> mask(request.mask);
      int changes = 0;
      std::vector<float> dense(request.mask.size());
      while (!trainer->finished()) {
        trainer->iterate();
        Network& network = trainer->network();
        const std::vector<std::int64_t> counts = counts_of(request, network.mask());
        for (std::size_t i = 0; i < counts.size(); ++i) {
          CHECK(counts[i] <= before[i]);
          CHECK(counts[i] >= request.mask_plan->counts[i]);
          if (method != SparseMethod::kGradual) CHECK(counts[i] == before[i]);
        }
        before = counts;
        if (!std::ranges::equal(mask, network.mask())) ++changes;
        mask.assign(network.mask().begin(), network.mask().end());
        network.scatter(network.parameters(), dense);
        for (std::size_t i = 0; i < mask.size(); ++i)
          if (mask[i] == 0) REQUIRE(dense[i] == 0.0f);
      }
      CHECK(changes >= 3);
      CHECK(before == request.mask_plan->counts);
      CHECK(trainer->masks().has_final_counts());
    }
  }
}

TEST_CASE("any state is continued to the same bits, across changes of the mask") {
  for (const Kind& kind : kKinds) {
    for (const SparseMethod method : kMethods) {
      CAPTURE(kind.algorithm);
      CAPTURE(kind.task);
      CAPTURE(static_cast<int>(method));
      const TrainingRequest request = request_of(kind, method);
      const TrainingOutcome whole = outcome_of(request);
      CHECK(whole.masks.density.size() == whole.curve.size());
      CHECK(counts_of(request, whole.masks.best) == request.mask_plan->counts);
      CHECK(counts_of(request, whole.masks.final) == request.mask_plan->counts);
      auto session = std::make_unique<TrainingSession>(request);
      while (session->advance()) {
        const std::vector<std::byte> state = saved(*session);
        session = std::make_unique<TrainingSession>(request);
        StateReader reader(state.data(), state.size());
        REQUIRE_NOTHROW(session->load(reader));
        REQUIRE(reader.at_end());
        REQUIRE(saved(*session) == state);
      }
      CHECK(bytes_with_masks(session->outcome()) == bytes_with_masks(whole));
    }
  }
}

TEST_CASE("interrupted at any place, it goes on to the same bits") {
  for (const SparseMethod method : kMethods) {
    check_same_bits_through_interruptions(request_of({"ppo", "cartpole"}, method));
    check_same_bits_through_interruptions(request_of({"dqn", "mazegrid"}, method));
  }
}

TEST_CASE("the same bits on every instruction set") {
  struct Restored {
    ~Restored() { select_kernels("auto"); }
  } restored;
  for (const Kind& kind : {kKinds[0], kKinds[3]}) {
    for (const SparseMethod method : kMethods) {
      std::vector<std::byte> expected;
      for (const Kernels* k : usable_kernels()) {
        CAPTURE(k->name);
        REQUIRE(select_kernels(k->name));
        const std::vector<std::byte> got = bytes_with_masks(outcome_of(request_of(kind, method)));
        if (expected.empty()) expected = got;
        CHECK(got == expected);
      }
    }
  }
}

TEST_CASE("operations of a training are those of the weights that it had") {
  for (const Kind& kind : {kKinds[0], kKinds[3], kKinds[4]}) {
    CAPTURE(kind.algorithm);
    for (const SparseMethod method : kMethods) {
      TrainingRequest request = request_of(kind, method);
      const LearningWork work = request.algorithm->work(request.config);
      const TrainingOutcome sparse = outcome_of(request);
      const double passes = 3 + work.inferences;
      const double of_first = 2 * work.batch * passes * weight_products(request.model, request.mask);
      const auto steps = static_cast<double>(sparse.updates);
      if (method == SparseMethod::kSet) CHECK(sparse.train_flop == of_first * steps);
      if (method == SparseMethod::kGradual) {
        CHECK(sparse.train_flop < of_first * steps);
        CHECK(sparse.train_flop > 0.25 * of_first * steps);
      }
      if (method == SparseMethod::kRigl) {
        const double dense = 2 * work.batch * 3 * weight_products(request.model, {});
        const double changes = (sparse.train_flop - of_first * steps) / dense;
        CHECK(changes == std::floor(changes));
        CHECK(changes >= 3);
      }
      request.mask_plan.reset();
      const TrainingOutcome fixed = outcome_of(request);
      CHECK(fixed.train_flop == of_first * static_cast<double>(fixed.updates));
      CHECK(fixed.masks.density.empty());
    }
  }
}

TEST_CASE("what comes starts at zero or as it began; what goes loses its moments; what stays keeps all") {
  for (const bool grows_initial : {false, true}) {
    TrainingRequest request = request_of({"ppo", "cartpole"}, SparseMethod::kSet);
    std::vector<float> grown(request.mask.size());
    for (std::size_t i = 0; i < grown.size(); ++i) grown[i] = 1 + static_cast<float>(i);
    if (grows_initial) request.mask_plan->grown = grown;
    const std::size_t size = request.mask.size();
    const std::unique_ptr<Network> network =
        make_native_network(request.model, request.mask, {.max_batch = 16, .remove_unreachable = false});
    Stream stream("values");
    std::vector<float> weights = random_values(stream, size);
    for (std::size_t i = 0; i < size; ++i)
      if (request.mask[i] == 0) weights[i] = 0;
    network->gather(weights, network->parameters());
    Adam adam({}, {}, network->gradients().size());
    std::ranges::fill(network->gradients(), 0.0f);
    network->gather(random_values(stream, size), network->gradients());
    adam.clip_and_step(*network, 1e-3, 1e9);
    network->scatter(network->parameters(), weights);
    Adam::DenseMoments before{std::vector<float>(size), std::vector<float>(size)}, after = before;
    adam.scatter(*network, before);
    const std::vector<std::uint8_t> mask_before(request.mask);
    MaskUpdates masks(request);
    masks.change(*network, adam, [] { FAIL("SET asks for no gradients"); });
    CHECK(network->mask().size() == size);

    request.mask_plan->schedule = {SparseMethod::kSet, 0, 100, 1};
    MaskUpdates due(request);
    REQUIRE(due.is_due(1));
    due.change(*network, adam, [] { FAIL("SET asks for no gradients"); });
    const std::span<const std::uint8_t> mask = network->mask();
    std::vector<float> now(size);
    network->scatter(network->parameters(), now);
    adam.scatter(*network, after);
    CHECK(adam.steps() == 1);
    int came = 0, went = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const bool was = mask_before[i] != 0, is = mask[i] != 0;
      came += is && !was ? 1 : 0;
      went += was && !is ? 1 : 0;
      CHECK(now[i] == (!is ? 0.0f : was ? weights[i] : grows_initial ? grown[i] : 0.0f));
      CHECK(after.first[i] == (is && was ? before.first[i] : 0.0f));
      CHECK(after.second[i] == (is && was ? before.second[i] : 0.0f));
    }
    CHECK(came > 0);
    CHECK(came == went);
  }
}

TEST_CASE("RigL grows where LibTorch's gradient is largest" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  ModelSpec model;
  model.parts = {{.name = "q", .sizes = {9, 16, 12, 4}}};
  const std::vector<Tensor> tensors = tensors_of(model);
  Stream stream("dense gradients");
  const std::vector<std::uint8_t> mask = random_mask(stream, model, 0.2);
  std::vector<float> weights = random_values(stream, mask.size(), 0.5);
  for (std::size_t i = 0; i < mask.size(); ++i)
    if (mask[i] == 0) weights[i] = 0;
  constexpr int kBatch = 32;
  const AlignedFloats inputs = widened(random_values(stream, 9 * kBatch), 9, kBatch);
  const AlignedFloats seed = widened(random_values(stream, 4 * kBatch), 4, kBatch);
  const auto dense_gradients = [&](Network& network) {
    network.gather(weights, network.parameters());
    network.parameters_changed();
    network.recompile({});
    AlignedFloats outputs = zeros(4, kBatch);
    network.forward(0, kBatch, {inputs.data(), kBatch}, {outputs.data(), kBatch});
    network.backward(0, kBatch, {seed.data(), kBatch});
    std::vector<float> gradients(mask.size());
    network.scatter(network.gradients(), gradients);
    return gradients;
  };
  const NetworkOptions options{.max_batch = kBatch, .remove_unreachable = false};
  const std::vector<float> ours = dense_gradients(*make_native_network(model, mask, options));
  const std::vector<float> theirs = dense_gradients(*make_torch_network(model, mask, options));
  int beyond_mask = 0;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    CHECK(ours[i] == doctest::Approx(theirs[i]).epsilon(1e-4));
    beyond_mask += mask[i] == 0 && ours[i] != 0 ? 1 : 0;
  }
  CHECK(beyond_mask > 100);
  for (const Tensor& tensor : tensors) {
    if (!tensor.is_weight) continue;
    CAPTURE(tensor.name);
    const auto grown = [&](const std::vector<float>& gradients) {
      std::vector<std::uint8_t> own(mask.begin() + static_cast<std::ptrdiff_t>(tensor.offset),
                                    mask.begin() + static_cast<std::ptrdiff_t>(tensor.offset + tensor.size));
      grow_largest(std::span(gradients).subspan(tensor.offset, tensor.size), {}, 6, own);
      return own;
    };
    CHECK(grown(ours) == grown(theirs));
  }
}

TEST_CASE("recompiled networks are those that are made anew" * doctest::skip(!kHasTorch)) {
  use_built_torch_module();
  ModelSpec model;
  model.parts = {{.name = "actor", .sizes = {6, 40, 33, 3}}, {.name = "critic", .sizes = {6, 40, 33, 1}}};
  model.log_std = 2;
  Stream stream("recompiled");
  const std::vector<std::uint8_t> first = random_mask(stream, model, 0.3),
                                  second = random_mask(stream, model, 0.1);
  const std::vector<float> weights = random_values(stream, first.size());
  for (const auto make : {make_native_network, make_torch_network}) {
    const std::unique_ptr<Network> one = make(model, first, {.max_batch = 16});
    const std::unique_ptr<Network> other = make(model, second, {.max_batch = 16});
    one->gather(weights, one->parameters());
    one->parameters_changed();
    one->recompile(second);
    std::vector<float> expected(weights);
    for (std::size_t i = 0; i < expected.size(); ++i)
      if (first[i] == 0 || second[i] == 0) expected[i] = 0;
    other->gather(expected, other->parameters());
    other->parameters_changed();
    CHECK(std::ranges::equal(one->mask(), second));
    CHECK(std::ranges::equal(one->parameters(), other->parameters()));
    CHECK(one->gradients().size() == other->gradients().size());
    CHECK(one->log_std_offset() == other->log_std_offset());
    CHECK_THROWS_AS(one->recompile(std::vector<std::uint8_t>(3, 1)), std::invalid_argument);
  }
}
