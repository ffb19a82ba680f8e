#include "engine/plan/recipe_plan.hpp"

#include "engine/job/external_task.hpp"
#include "io/error.hpp"

namespace impsweep {

Plan plan_of_recipe(const Recipe& recipe, const std::string& origin) {
  const auto require_job = [&](const char* reason) {
    throw InputError(
        "{}: {} only the job knows; take the file where it lies in its store, or name with --store one whose "
        "jobs ask for this training",
        origin, reason);
  };
  if (!recipe.teacher.empty()) require_job("it learned from a teacher, whose candidates");
  register_task_of_recipe(recipe.keys, origin);
  if (recipe.task.starts_with("python-") && find_task(recipe.task) != nullptr)
    require_job("it was played by a class in a file of Python, whose place");
  if (known_task(recipe.task, origin).is_data_set) require_job("it learned a data set, whose directory");
  Plan plan;
  plan.settings.push_back(settings_of(recipe, origin));
  Settings& settings = plan.settings.front();

  TrainingNode node;
  const auto add_parent = [&](const TrainingId& digest) -> std::optional<TrainingIndex> {
    if (digest.empty()) return std::nullopt;
    for (TrainingIndex known = 0; known < plan.trainings.size(); ++known)
      if (plan.trainings[known].digest == digest) return known;
    TrainingNode parent;
    parent.digest = digest;
    plan.trainings.push_back(parent);
    return static_cast<TrainingIndex>(plan.trainings.size() - 1);
  };
  node.mask_parent = add_parent(recipe.mask_parent);
  node.values_parent = add_parent(recipe.values_parent);
  node.rewind_parent = add_parent(recipe.rewind_parent);
  node.inputs_parent = add_parent(recipe.inputs_parent);
  node.mask_from = add_parent(recipe.mask_from);
  for (TrainingIndex parent = 0; parent < plan.trainings.size(); ++parent)
    plan.dependency_list.push_back(parent);

  if (const std::optional<Baseline> baseline = find_baseline(recipe.baseline)) node.baseline = *baseline;
  node.seed = recipe.seed;
  node.round = recipe.round;
  node.env_steps = training_steps(settings, recipe.round);
  const std::int64_t entries = prunable_entries(settings);
  node.kept = recipe.kept
                  ? *recipe.kept
                  : kept_after(entries, settings.imp.prune_fraction, recipe.round, settings.imp.prune_rule);
  node.density = static_cast<double>(node.kept) / static_cast<double>(entries);
  // Recipes say what schedules and names of chains came to, and that is all that is asked of them here.
  if (recipe.kept && recipe.round > 0)
    settings.imp.densities.assign(static_cast<std::size_t>(recipe.round), node.density);
  if (node.mask_from) settings.imp.mask_from = "given";
  node.digest = digest_of(recipe);
  plan.trainings.push_back(node);
  plan.first_chain.resize(plan.trainings.size());

  // What was read must say the same again, or something of it was not understood.
  if (recipe_of(plan, static_cast<TrainingIndex>(plan.trainings.size() - 1)) != recipe)
    throw InputError(
        "{}: this version reads its recipe in another way; use the version of impsweep that "
        "wrote it",
        origin);
  return plan;
}

}  // namespace impsweep
