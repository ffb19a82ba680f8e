// Agents that are given some of their inputs: keys, plans, masks, baselines.
#include "engine/job/inputs.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "agents/network/initialisation.hpp"
#include "engine/imp/baseline.hpp"
#include "engine/job/job.hpp"
#include "engine/plan/plan.hpp"
#include "io/error.hpp"

using namespace impsweep;

namespace {

JobFile job_of(const std::string& lines, const std::string& task = "cartpole",
               const std::string& algorithm = "ppo") {
  return parse_job("[[sweep]]\ntasks = [\"" + task + "\"]\nalgorithms = [\"" + algorithm +
                       "\"]\nseeds = 2\nbaselines = [\"mask/weights\"]\n" + lines,
                   "job.toml");
}

Plan plan_of(const std::string& lines, const std::string& task = "cartpole") {
  const JobFile job = job_of(lines, task);
  return make_plan({&job, 1});
}

std::string error_of(const std::string& lines, const std::string& task = "cartpole",
                     const std::string& algorithm = "ppo") {
  try {
    const JobFile job = job_of(lines, task, algorithm);
    make_plan({&job, 1});
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return true;
  MESSAGE("'", text, "' does not contain '", part, "'");
  return false;
}

// Kept weights of each input of a part's first layer.
std::vector<std::int64_t> kept_by_input(const RestrictedModel& model, const std::string& tensor_name) {
  for (const Tensor& tensor : tensors_of(model.model)) {
    if (tensor.name != tensor_name) continue;
    std::vector<std::int64_t> kept(static_cast<std::size_t>(tensor.shape[1]), 0);
    for (std::size_t i = 0; i < tensor.size; ++i) kept[i % kept.size()] += model.available[tensor.offset + i];
    return kept;
  }
  FAIL("no tensor " << tensor_name);
  return {};
}

using Counts = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("inputs are named by number or by name, in any order") {
  const auto select = [](const std::string& list, const std::string& task) {
    return plan_of("rounds = 1\ninputs.select = " + list + "\n", task).settings.front().inputs.select;
  };
  CHECK(select("[3, 2]", "cartpole") == Counts{2, 3});
  CHECK(select("[\"pole angular velocity\", 2]", "cartpole") == Counts{2, 3});
  CHECK(select("[\"angular velocity 1\"]", "acrobot") == Counts{4});
  const JobFile maze = job_of("rounds = 1\ninputs.select = [\"agent\"]\n", "mazegrid", "dqn");
  const Counts cells = make_plan({&maze, 1}).settings.front().inputs.select;
  CHECK(cells.size() == 200);
  CHECK(cells.front() == 200);
  CHECK(cells.back() == 399);
}

TEST_CASE("impossible restrictions are errors with key and remedy") {
  const std::string one = "rounds = 1\n";
  CHECK(contains(error_of(one + "inputs.select = [4]\n"),
                 "'inputs.select' has input 4, which is outside 0..3 (cart position, cart velocity"));
  CHECK(contains(error_of(one + "inputs.select = [\"pole angel\"]\n"), "did you mean 'pole angle'?"));
  CHECK(contains(error_of(one + "inputs.select = [1, 1]\n"), "has input 1 twice"));
  CHECK(contains(error_of(one + "inputs.select = [2]\ninputs.ticket_round = 3\n"), "exclude each other"));
  CHECK(contains(error_of(one + "inputs.complement = true\n"), "nothing to complement"));
  CHECK(contains(error_of(one + "inputs.select = [0, 1, 2, 3]\ninputs.complement = true\n"), "is none"));
  CHECK(contains(error_of(one + "inputs.select = [2]\ninputs.mode = \"elementwise\"\n"),
                 "needs the mask of a ticket"));
  CHECK(contains(error_of(one + "inputs.ticket_round = 2\ninputs.complement = true\n"
                                "inputs.mode = \"elementwise\"\n"),
                 "use the mode drop"));
  CHECK(contains(error_of("rounds = 2\ninputs.ticket_round = 2\n"), "set rounds = 1"));
  CHECK(contains(error_of(one + "inputs.ticket_round = 20\nimp.prune_fraction = 0.9\n"),
                 "no weight of network 128-128 is left"));
  CHECK(contains(error_of(one + "inputs.select = [2]\nimp.prune_rule = \"quantile\"\n"), "use \"exact\""));
  CHECK(contains(error_of(one + "inputs.select = [2]\nnetwork.architecture = \"cnn\"\n", "mazegrid"), "mlp"));
  CHECK(contains(error_of(one + "inputs.select = [2]\n", "cartpole", "bc"),
                 "cannot be had with algorithm 'bc'"));
}

TEST_CASE("a dense transfer depends on its ticket, whose chain need not be in the job") {
  const Plan plan = plan_of("rounds = 1\ninputs.ticket_round = 3\n");
  REQUIRE(plan.chains.size() == 2);
  CHECK(plan.trainings.size() == 2 * (4 + 1));
  const TrainingNode& node = plan.trainings[plan.chains[1].rounds.front()];
  REQUIRE(node.inputs_parent.has_value());
  const TrainingNode& ticket = plan.trainings[*node.inputs_parent];
  CHECK(
      std::ranges::equal(plan.dependencies(plan.chains[1].rounds.front()), std::array{*node.inputs_parent}));
  CHECK(ticket.round == 3);
  CHECK(ticket.seed == 1);
  CHECK_FALSE(plan.settings[ticket.settings].inputs.restricts());
  // It is the very chain that a plain sweep has.
  const Plan plain = plan_of("rounds = 4\n");
  CHECK(ticket.digest == plain.trainings[plain.chains[1].rounds[3]].digest);
  const Recipe recipe = recipe_of(plan, plan.chains[1].rounds.front());
  CHECK(recipe.inputs_parent == ticket.digest);
  CHECK(digest_of(recipe) == node.digest);
  CHECK(parse_recipe(canonical_bytes(recipe), "test") == recipe);
  const Plan other = plan_of("rounds = 1\ninputs.ticket_round = 2\n");
  CHECK(other.trainings[other.chains[1].rounds[0]].digest != node.digest);
}

TEST_CASE("chosen inputs: weights, fan-in and counts are those of a network without the others") {
  Settings settings = paper_settings("cartpole", "ppo");
  settings.inputs.select = {2, 3};
  const RestrictedModel kept = restricted_model_of(settings);
  CHECK(kept_by_input(kept, "actor/0/weight") == Counts{0, 0, 128, 128});
  CHECK(kept_by_input(kept, "critic/0/weight") == Counts{0, 0, 128, 128});
  CHECK(prunable_entries(settings) == 2 * 128 + 128 * 128 + 128 * 2);
  const std::vector<Tensor> tensors = tensors_of(kept.model);
  CHECK(tensors[0].fan_in == 2);
  CHECK(tensors[2].fan_in == 128);
  CHECK(initial_bound(tensors[0], settings.agent.network) == doctest::Approx(1 / std::sqrt(2.0)));
  CHECK(initial_bound(tensors[1], settings.agent.network) == doctest::Approx(1 / std::sqrt(2.0)));
  settings.inputs.complement = true;
  CHECK(kept_by_input(restricted_model_of(settings), "actor/0/weight") == Counts{128, 128, 0, 0});
}

TEST_CASE("a ticket's inputs: whole, the others, or weight by weight") {
  const Settings settings = paper_settings("cartpole", "ppo");
  const ModelSpec model = model_of(settings);
  Mask ticket(parameter_count(model), 1);
  for (std::size_t i = 0; i < 4 * 128; ++i) ticket[i] = i % 4 == 1 || (i % 4 == 2 && i / 4 < 5);
  InputsConfig inputs;
  inputs.ticket_round = 7;
  const RestrictedModel whole = with_ticket_inputs(model, inputs, ticket);
  CHECK(kept_by_input(whole, "actor/0/weight") == Counts{0, 128, 128, 0});
  CHECK(tensors_of(whole.model)[0].fan_in == 2);
  inputs.mode = InputsMode::kElementwise;
  const RestrictedModel elementwise = with_ticket_inputs(model, inputs, ticket);
  CHECK(kept_by_input(elementwise, "actor/0/weight") == Counts{0, 128, 5, 0});
  CHECK(kept_by_input(elementwise, "critic/0/weight") == Counts{0, 128, 128, 0});
  CHECK(tensors_of(elementwise.model)[0].fan_in == 4);
  inputs.mode = InputsMode::kDrop;
  inputs.complement = true;
  CHECK(kept_by_input(with_ticket_inputs(model, inputs, ticket), "actor/0/weight") == Counts{128, 0, 0, 128});
  const Mask dense(parameter_count(model), 1);
  CHECK_THROWS_WITH_AS(with_ticket_inputs(model, inputs, dense),
                       doctest::Contains("reads every input, so that no input is left"),
                       std::invalid_argument);
}

TEST_CASE("no baseline gives back an input that was taken away") {
  Settings settings = paper_settings("cartpole", "ppo");
  settings.agent.network.hidden = {16, 16};
  settings.inputs.select = {2, 3};
  for (const MaskPermutation permutation : {MaskPermutation::kElement, MaskPermutation::kAxis0}) {
    settings.imp.mask_perm = permutation;
    const RestrictedModel restricted = restricted_model_of(settings);
    const std::vector<Tensor> tensors = tensors_of(restricted.model);
    const std::vector<std::size_t> prunable = prunable_tensors(tensors, restricted.model, settings.imp);
    StreamNames streams = stream_names(settings, Baseline::kMaskWeights, 0, 1);
    const std::vector<float> initial =
        initial_parameters(restricted.model, settings.agent.network,
                           [&](std::string_view tensor) { return streams.initial_weights(tensor); });
    Mask mask = restricted.available;
    prune_exact(initial, tensors, prunable, 0.5, mask);
    std::int64_t kept = 0;
    for (const std::int64_t count : kept_per_tensor(tensors, prunable, mask)) kept += count;
    CHECK(kept == (2 * 16 + 16 * 16 + 16 * 2) / 2);
    for (const Baseline baseline : baselines()) {
      CAPTURE(info_of(baseline).name);
      streams.baseline = info_of(baseline).name;
      const RoundStart start = prepare(baseline, {.model = &restricted.model,
                                                  .tensors = &tensors,
                                                  .prunable = prunable,
                                                  .network = &settings.agent.network,
                                                  .imp = &settings.imp,
                                                  .streams = &streams,
                                                  .round = 1,
                                                  .available = restricted.available,
                                                  .mask = mask,
                                                  .kept = kept,
                                                  .initial = initial,
                                                  .previous = {}});
      std::int64_t after = 0;
      for (const std::int64_t count : kept_per_tensor(tensors, prunable, start.mask)) after += count;
      CHECK(after == kept);
      for (std::size_t i = 0; i < start.mask.size(); ++i)
        if (restricted.available[i] == 0) {
          CHECK(start.mask[i] == 0);
          CHECK(start.parameters[i] == 0);
        }
    }
  }
}
