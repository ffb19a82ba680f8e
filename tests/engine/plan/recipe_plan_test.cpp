#include "engine/plan/recipe_plan.hpp"

#include <doctest/doctest.h>

#include "io/error.hpp"

using namespace impsweep;

namespace {

constexpr const char* kEveryKind = R"(
[[sweep]]
tasks = ["acrobot"]
algorithms = ["ppo"]
baselines = ["mask/weights", "mask/permuted", "permuted/permuted", "random/re-init"]
seeds = [3]
rounds = 4
network.hidden = [16, 8]
imp.prune_fraction = 0.3

[[sweep.variant]]
name = "both"
imp.scope = "actor_critic"
imp.prune_bias = true
imp.prune_rule = "quantile"

[[sweep.variant]]
name = "late"
imp.rewind_step = 50000
imp.rewind_budget = "remaining"

[[sweep.variant]]
name = "keeps"
imp.reset_unpruned = false
imp.perm_round0 = true
imp.mask_source = "ticket"
imp.prune_from = "final"

[[sweep.variant]]
name = "start"
imp.criterion = "grasp"
imp.temperature = 3
imp.keep_layers = [-1]

[[sweep.variant]]
name = "schedule"
imp.criterion = "movement"
imp.movement = "distance"
imp.distribution = "erk"
imp.densities = [0.5, 0.25, 0.1]

[[sweep.variant]]
name = "neurons"
imp.unit = "neuron"
imp.mask_source = "ticket"

[[sweep.variant]]
name = "elsewhere"
rounds = 2
imp.mask_from = "acrobot.ppo.16-8.schedule.mask-weights:2"

[[sweep.variant]]
name = "given"
inputs.ticket_round = 2
rounds = 1
)";

Plan plan_of(const char* text) {
  const JobFile job = parse_job(text, "job.toml");
  return make_plan(std::span(&job, 1));
}

std::vector<std::string_view> parents_of(const Plan& plan, const TrainingNode& node) {
  std::vector<std::string_view> digests;
  for (const auto& parent :
       {node.mask_parent, node.values_parent, node.rewind_parent, node.inputs_parent, node.mask_from})
    digests.push_back(parent ? plan.trainings[*parent].digest.digits() : "");
  return digests;
}

}  // namespace

TEST_CASE("a recipe alone gives the training that the job planned") {
  const Plan plan = plan_of(kEveryKind);
  CHECK(plan.trainings.size() > 40);
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
    CAPTURE(training_name(plan, i));
    const Plan alone = plan_of_recipe(recipe_of(plan, i), "round.h5");
    const TrainingNode &wanted = plan.trainings[i], &found = alone.trainings.back();
    CHECK(found.digest == wanted.digest);
    if (!wanted.mask_from) {                                   // whose mask says it
      if (wanted.round > 0) CHECK(found.kept == wanted.kept);  // dense recipes do not say what is prunable
      CHECK(found.density == wanted.density);
    }
    CHECK(found.env_steps == wanted.env_steps);
    CHECK(parents_of(alone, found) == parents_of(plan, wanted));
    CHECK(alone.dependencies(static_cast<TrainingIndex>(alone.trainings.size() - 1)).size() ==
          plan.dependencies(i).size());
    CHECK(recipe_of(alone, static_cast<TrainingIndex>(alone.trainings.size() - 1)) == recipe_of(plan, i));
  }
}

TEST_CASE("teachers and data sets are known by the job only, and another semantics is refused") {
  const Plan plan = plan_of(
      "[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"bc\"]\nbaselines = [\"mask/weights\"]\n"
      "seeds = 1\nrounds = 1\n");
  Recipe student = recipe_of(plan, plan.chains.front().rounds.front());
  CHECK_THROWS_WITH_AS(plan_of_recipe(student, "round.h5"), doctest::Contains("name with --store"),
                       InputError);
  Recipe teacher = recipe_of(plan, plan.choices.front().candidates.front());
  CHECK(plan_of_recipe(teacher, "round.h5").trainings.size() == 1);
  teacher.task_semantics = 7;
  CHECK_THROWS_WITH_AS(plan_of_recipe(teacher, "round.h5"), doctest::Contains("semantics 7"), InputError);
  Recipe images = teacher;
  images.task = "digits";
  CHECK_THROWS_WITH_AS(plan_of_recipe(images, "round.h5"), doctest::Contains("directory only the job knows"),
                       InputError);
}
