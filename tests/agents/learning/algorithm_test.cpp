// What every row of the list of algorithms must keep, on every task that it learns.
#include "agents/learning/algorithm.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <string>

#include "agents/config/paper_defaults.hpp"
#include "agents/learning/session.hpp"
#include "agents/native/subnormals.hpp"
#include "agents/network/initialisation.hpp"
#include "tests/agents/learning/whole_training.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

std::vector<std::string> keys_of(AlgorithmOptions options) {
  std::vector<OptionField> fields;
  options.append(fields);
  std::vector<std::string> keys;
  for (const OptionField& field : fields) keys.push_back(field.key);
  return keys;
}

Digits made_up_images() {
  Digits digits;
  for (LabelledImages* images : {&digits.training, &digits.test}) {
    images->count = 70;
    images->rows = images->columns = LabelledImages::kSide;
    images->pixels.assign(70 * 28 * 28, 64);
    images->labels.assign(70, 3);
  }
  return digits;
}

TrainingRequest small_request(const AlgorithmInfo& algorithm, const std::string& name) {
  const TaskInfo& task = *find_task(name);
  TrainingRequest request;
  request.task = name;
  request.algorithm = &algorithm;
  request.config.own = algorithm.options;
  request.config.network.hidden = {12};
  request.config.sampler = {.steps = 1024, .batch_B = 4, .batch_T = 64, .decorrelation_steps = 5};
  request.config.evaluation = {.interval = 512, .episodes = 2, .reevaluation_episodes = 2};
  std::vector<OptionField> fields;
  request.config.own.append(fields);
  for (const OptionField& field : fields)
    if (field.key.ends_with("min_steps_learn")) *std::get<std::int64_t*>(field.place) = 256;
  request.model = model_on_task(algorithm, task, request.config);
  const std::size_t count = parameter_count(request.model);
  request.mask.assign(count, 1);
  request.mask[1] = request.mask[7] = 0;
  request.initial_parameters = initial_parameters(
      request.model, request.config.network, [](std::string_view tensor) { return std::string(tensor); });
  request.initial_parameters[1] = request.initial_parameters[7] = 0;
  request.stream_prefix = "battery";
  if (algorithm.has_teacher) {
    const AlgorithmInfo& teacher = *find_algorithm(teacher_algorithm(task), task);
    AgentConfig config = request.config;
    config.own = teacher.options;
    request.teacher_model = model_on_task(teacher, task, config);
    request.teacher_parameters =
        initial_parameters(request.teacher_model, config.network,
                           [](std::string_view tensor) { return "teacher" + std::string(tensor); });
  }
  if (task.is_data_set) request.data_set = std::make_shared<const Digits>(made_up_images());
  return request;
}

}  // namespace

TEST_CASE("rows of one name never learn the same task, and every task has one that learns it") {
  for (const std::string& name : task_names()) {
    CAPTURE(name);
    std::set<std::string_view> names;
    for (const AlgorithmInfo* algorithm : algorithms_for(*find_task(name)))
      CHECK(names.insert(algorithm->name).second);
    CHECK(!names.empty());
  }
}

TEST_CASE("an algorithm's own options have names of their own, and the paper's are of its kind") {
  std::vector<OptionField> shared;
  AgentConfig any;
  append_fields(any, shared);
  for (const AlgorithmInfo& algorithm : algorithms()) {
    CAPTURE(algorithm.name);
    CHECK(algorithm.semantics >= 1);
    CHECK(!algorithm.description.empty());
    CHECK(!algorithm.needs.empty());
    const std::vector<std::string> keys = keys_of(algorithm.options);
    CHECK(!keys.empty());
    CHECK(std::set<std::string>(keys.begin(), keys.end()).size() == keys.size());
    for (const std::string& key : keys) {
      CHECK(key.starts_with(std::string(algorithm.name) + "."));
      for (const OptionField& field : shared) CHECK(field.key != key);
    }
    for (const std::string& name : task_names()) {
      if (!algorithm.learns(*find_task(name))) continue;
      CAPTURE(name);
      AgentConfig config = paper_defaults(*find_task(name), algorithm.name);
      if (config.own.empty()) config.own = algorithm.options;
      CHECK(keys_of(config.own) == keys);
      CHECK_NOTHROW(algorithm.check(config, ""));
      const LearningWork work = algorithm.work(config);
      CHECK(work.steps_per_iteration > 0);
      CHECK(work.updates_per_iteration >= 1);
      CHECK(work.batch >= 1);
      CHECK(work.teacher_acts == algorithm.has_teacher);
    }
  }
}

TEST_CASE(
    "every algorithm trains on a task of each kind, keeps pruned weights at zero, and plays what it "
    "learned") {
  for (const AlgorithmInfo& algorithm : algorithms()) {
    for (const char* name : {"cartpole", "mazegrid", "hopper", "digits"}) {
      const TaskInfo& task = *find_task(name);
      if (!algorithm.learns(task)) continue;
      CAPTURE(algorithm.name);
      CAPTURE(name);
      TrainingRequest request = small_request(algorithm, name);
      // Asked between steps and updates, it stands for what else runs there: environments above all.
      int asked = 0;
      request.interruption = [&asked] {
        ++asked;
        CHECK_FALSE(FlushSubnormals::is_on());
        return false;
      };
      TrainingSession session(request);
      while (session.advance()) {
      }
      const TrainingOutcome& outcome = session.outcome();
      CHECK(outcome.updates > 0);
      CHECK((asked > 0 || task.is_data_set));
      CHECK(outcome.env_steps >= 1024);
      CHECK(outcome.final_parameters.size() == parameter_count(request.model));
      CHECK(outcome.final_parameters[1] == 0.0f);
      CHECK(outcome.final_parameters[7] == 0.0f);
      CHECK(outcome.final_parameters != request.initial_parameters);
      CHECK(!outcome.best_returns.empty());
      const std::unique_ptr<Evaluator> greedy = make_evaluator(request, 2, true);
      CHECK(greedy->lanes() == 2);
    }
  }
}

// Criteria of pruning derive this loss twice, in double precision and by another path than learning does.
TEST_CASE("the first loss of every algorithm has the gradient of its first update") {
  for (const AlgorithmInfo& algorithm : algorithms()) {
    for (const char* name : {"cartpole", "mazegrid", "minatar-breakout", "hopper", "digits"}) {
      if (!algorithm.learns(*find_task(name))) continue;
      CAPTURE(algorithm.name);
      CAPTURE(name);
      TrainingRequest request = small_request(algorithm, name);
      std::vector<OptionField> fields;
      request.config.own.append(fields);
      for (const OptionField& field : fields) {  // one update of an iteration, on all of its batch
        if (field.key.ends_with(".epochs") || field.key.ends_with(".minibatches"))
          *std::get<std::int64_t*>(field.place) = 1;
        if (field.key.ends_with(".replay_ratio")) *std::get<double*>(field.place) = 1e-3;
      }
      const std::unique_ptr<Trainer> trainer = make_trainer(request, 3);
      while (trainer->updates() == 0) trainer->iterate();
      REQUIRE(trainer->updates() == 1);
      std::vector<float> learned(request.mask.size());
      trainer->network().scatter(trainer->network().gradients(), learned);
      const BatchLoss loss = make_trainer(request, 3)->first_loss(1);
      const std::vector<double> ours = loss_gradient(request.model, request.initial_parameters, loss);
      double product = 0, own = 0, theirs = 0;  // gradients may be clipped, so that only directions agree
      for (const Tensor& tensor : tensors_of(request.model)) {
        if (tensor.part < 0) continue;
        for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
          if (request.mask[i] == 0) continue;
          product += ours[i] * static_cast<double>(learned[i]);
          own += ours[i] * ours[i];
          theirs += static_cast<double>(learned[i]) * static_cast<double>(learned[i]);
        }
      }
      CHECK(own > 0);
      CHECK(product / std::sqrt(own * theirs) > 1 - 1e-6);
    }
  }
}

// A state that is refused would be trained anew, and silently.
TEST_CASE(
    "every algorithm on every task: any state that it saves is accepted and continued to the same bits") {
  std::vector<std::string> tasks = environment_names();
  tasks.emplace_back("digits");
  for (const AlgorithmInfo& algorithm : algorithms()) {
    for (const std::string& name : tasks) {
      if (!algorithm.learns(*find_task(name))) continue;
      CAPTURE(algorithm.name);
      CAPTURE(name);
      const TrainingRequest request = small_request(algorithm, name);
      const std::vector<std::byte> expected = bytes_of(outcome_of(request));
      auto session = std::make_unique<TrainingSession>(request);
      for (int calls = 0; session->advance(); ++calls) {
        if (calls > 12 && calls % 7 != 0) continue;
        const std::vector<std::byte> state = saved(*session);
        session = std::make_unique<TrainingSession>(request);
        StateReader reader(state.data(), state.size());
        REQUIRE_NOTHROW(session->load(reader));
        REQUIRE(reader.at_end());
        REQUIRE(saved(*session) == state);
      }
      CHECK(bytes_of(session->outcome()) == expected);
    }
  }
}
