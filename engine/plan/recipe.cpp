#include "engine/plan/recipe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "agents/config/dqn_config.hpp"
#include "engine/job/external_task.hpp"
#include "envs/external/definition.hpp"
#include "io/digest.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

constexpr int kRecipeVersion = 1;

bool is_idle_pruning(std::string_view key, const ImpConfig& imp) {
  if (key == "imp.normalise") return imp.criterion != Criterion::kNormalised;
  if (key == "imp.movement") return imp.criterion != Criterion::kMovement;
  if (key == "imp.temperature") return imp.criterion != Criterion::kGrasp;
  if (key == "imp.prune_fraction") return !imp.densities.empty() || !imp.mask_from.empty();
  return key == "imp.densities" && !imp.mask_from.empty();
}

bool is_idle_sparsity(std::string_view key, const Settings& settings) {
  if (key == "sparse.method") return false;
  if (!has_changing_masks(settings)) return true;
  const bool is_gradual = settings.sparse.method == SparseMethod::kGradual;
  if (key == "sparse.start") return !is_gradual;
  if (key == "sparse.fraction" || key == "sparse.grow") return is_gradual;
  return key == "sparse.align" && !algorithm_of(settings).work(settings.agent).has_rollouts;
}

// Keys that change nothing as long as another key has its present value.
bool is_idle(std::string_view key, const Settings& settings) {
  const AgentConfig& agent = settings.agent;
  if (key == "network.input_scale") return agent.network.init != Init::kKaimingInScaled;
  if (key == "network.hidden_gain" || key == "network.actor_gain" || key == "network.output_gain")
    return agent.network.init != Init::kOrthogonal;
  if (key == "network.filters" || key == "network.kernel")
    return agent.network.architecture != Architecture::kCnn;
  if (key.starts_with("imp.")) return is_idle_pruning(key, settings.imp);
  if (key.starts_with("sparse.")) return is_idle_sparsity(key, settings);
  if (key == "reg.l2_mode") return agent.regularisation.weight_decay == 0;
  if (key == "reg.dropout_target") return agent.regularisation.dropout == 0;
  if (key == "inputs.complement" || key == "inputs.mode") return !settings.inputs.restricts();
  if (key == "eval.max_steps") return agent.evaluation.mode != EvaluationMode::kRlpyt;
  return algorithm_of(settings).is_idle(key, agent);
}

// Where data lie, and by which code the same result is computed.
bool concerns_the_run_only(std::string_view key) {
  return key == "digits.path" ||  // digits.content says what lies there
         key == "locomotion.solver" || external::is_without_bearing(key);
}

bool has_critic(const ModelSpec& model) {
  return std::ranges::any_of(model.parts, [](const MlpSpec& part) { return part.name == "critic"; });
}

bool takes_initial_values(const Settings& settings, Baseline baseline) {
  return !info_of(baseline).redraws || settings.imp.reinit_scope == ReinitScope::kPrunable;
}

bool enters_pruned_round(std::string_view key, const Settings& settings, Baseline baseline) {
  const BaselineInfo& info = info_of(baseline);
  const bool rewinds = settings.imp.rewind_step > 0;
  const bool shortens = rewinds && settings.imp.rewind_budget == RewindBudget::kRemaining;
  if (key == "imp.scope") return has_critic(model_of(settings));
  if (key == "imp.prune_bias") return true;
  const ImpConfig& imp = settings.imp;
  const bool prunes = info.prunes && imp.mask_from.empty();
  if (key == "imp.prune_fraction") return prunes && !imp.counts_are_given();
  if (key == "imp.prune_rule" || key == "imp.criterion" || key == "imp.distribution" || key == "imp.unit")
    return prunes;
  if (key == "imp.keep_layers") return prunes || !info.prunes;
  if (key == "imp.normalise" || key == "imp.movement" || key == "imp.temperature")
    return prunes && !is_idle_pruning(key, imp);
  if (key == "imp.reset_unpruned") return influences(settings, baseline, 1).values_parent;
  if (key == "imp.rewind_step") return shortens || (rewinds && takes_initial_values(settings, baseline));
  if (key == "imp.rewind_budget") return rewinds;
  return key == info.own_option && key != "imp.perm_round0";
}

bool enters_round0(std::string_view key, const Settings& settings, bool permuted) {
  if (key == "imp.rewind_step") return std::ranges::count(kSnapshotSteps, settings.imp.rewind_step) == 0;
  // A ticket's inputs leave weights to be counted, and the count is of those that may be pruned.
  const bool counts = settings.inputs.ticket_round > 0;
  if (!permuted && !counts) return false;
  if (key == "imp.scope") return has_critic(model_of(settings));
  return key == "imp.prune_bias" || (permuted && key == "imp.perm_round0");
}

// Where the mask changes, which weights may be pruned, and nothing else of iterative pruning.
bool enters_changing(std::string_view key, const Settings& settings) {
  return key == "imp.best_tie" || (key == "imp.scope" && has_critic(model_of(settings)));
}

bool enters(std::string_view key, const Settings& settings, Baseline baseline, int round) {
  if (key.starts_with("teacher.") || key.starts_with("bc.teacher_")) return false;  // recipe.teacher says it
  if (concerns_the_run_only(key)) return false;
  if (key == "sparse.density") return false;  // recipe.kept says it
  const bool changes = changes_mask(settings, round);
  if (key.starts_with("sparse.")) return changes && !is_idle(key, settings);
  if (!key.starts_with("imp.")) return !is_idle(key, settings);
  if (changes) return enters_changing(key, settings);
  if (key == "imp.best_tie" || key == "imp.prune_from") return true;  // both change what a training keeps
  if (round > 0) return enters_pruned_round(key, settings, baseline);
  return enters_round0(key, settings, influences(settings, baseline, 0).baseline.has_value());
}

std::string quoted(const std::string& text) {
  return to_toml(JobValue{text});
}

// Puts the lines of a recipe together in the order of their keys: its own fields, which come in that order,
// and between them the options, which are sorted.
class CanonicalLines {
 public:
  explicit CanonicalLines(const Recipe& recipe)
      : next_option_(recipe.keys.begin()), last_option_(recipe.keys.end()) {
    bytes_.reserve(512);
  }

  void number(std::string_view key, std::int64_t value) { add_field(key, std::to_string(value)); }
  void text(std::string_view key, const std::string& text) {
    if (!text.empty()) add_field(key, quoted(text));
  }
  void digest(std::string_view key, const TrainingId& digest) {
    if (!digest.empty()) add_field(key, fmt::format("\"{}\"", std::string_view(digest)));
  }
  void add_field(std::string_view key, std::string_view value) {
    while (next_option_ != last_option_ && next_option_->first < key) add_option();
    add(key, value);
  }
  std::string take() {
    while (next_option_ != last_option_) add_option();
    return std::move(bytes_);
  }

 private:
  void add_option() {
    add(next_option_->first, next_option_->second);
    ++next_option_;
  }
  void add(std::string_view key, std::string_view value) {
    bytes_.append(key).append(" = ").append(value).push_back('\n');
  }

  std::string bytes_;
  std::vector<std::pair<std::string, std::string>>::const_iterator next_option_, last_option_;
};

// Takes the recipe's own fields out of the lines that were read; what remains are option keys.
class FieldReader {
 public:
  FieldReader(std::map<std::string, std::string> lines, const std::string& origin)
      : lines_(std::move(lines)), origin_(origin) {}

  std::string text(const char* key) {
    std::string value = take(key);
    if (value.empty()) return value;
    if (value.size() < 2 || value.front() != '"' || value.back() != '"')
      throw InputError("{}: field '{}' of the recipe is not a text", origin_, key);
    return value.substr(1, value.size() - 2);
  }
  TrainingId digest(const char* key) {
    const std::string digest = text(key);
    if (digest.size() > TrainingId::kLength)
      throw InputError("{}: field '{}' of the recipe is '{}', not a digest", origin_, key, digest);
    return TrainingId(digest);
  }
  template <class Integer>
  Integer integer(const char* key, Integer if_absent) {
    const std::string value = take(key);
    if (value.empty()) return if_absent;
    Integer result{};
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (error != std::errc{} || end != value.data() + value.size())
      throw InputError("{}: field '{}' of the recipe is '{}', not an integer", origin_, key, value);
    return result;
  }
  const std::map<std::string, std::string>& remaining() const { return lines_; }

 private:
  std::string take(const char* key) {
    const auto found = lines_.find(key);
    if (found == lines_.end()) return {};
    std::string value = found->second;
    lines_.erase(found);
    return value;
  }
  std::map<std::string, std::string> lines_;
  const std::string& origin_;
};

}  // namespace

std::string canonical_bytes(const Recipe& recipe) {
  CanonicalLines lines(recipe);
  lines.text("algorithm", recipe.algorithm);
  lines.number("algorithm_semantics", recipe.algorithm_semantics);
  lines.text("baseline", recipe.baseline);
  if (recipe.imp_semantics != 0) lines.number("imp_semantics", recipe.imp_semantics);
  lines.digest("inputs_parent", recipe.inputs_parent);
  if (recipe.kept) lines.number("kept", *recipe.kept);
  lines.digest("mask_from", recipe.mask_from);
  lines.digest("mask_parent", recipe.mask_parent);
  lines.add_field("master_seed", std::to_string(recipe.master_seed));
  lines.number("recipe_version", kRecipeVersion);
  lines.digest("rewind_parent", recipe.rewind_parent);
  lines.number("round", recipe.round);
  lines.number("seed", recipe.seed);
  lines.text("task", recipe.task);
  lines.number("task_semantics", recipe.task_semantics);
  lines.digest("teacher", recipe.teacher);
  lines.digest("values_parent", recipe.values_parent);
  return lines.take();
}

TrainingId digest_of_bytes(std::string_view canonical) {
  return TrainingId(std::string_view(sha256_hex(bytes_of(canonical))).substr(0, TrainingId::kLength));
}

TrainingId digest_of(const Recipe& recipe) {
  return digest_of_bytes(canonical_bytes(recipe));
}

Recipe parse_recipe(std::string_view canonical, const std::string& origin) {
  std::map<std::string, std::string> lines;
  for (std::size_t begin = 0; begin < canonical.size();) {
    const std::size_t end = std::min(canonical.find('\n', begin), canonical.size());
    const std::string_view line = canonical.substr(begin, end - begin);
    const std::size_t separator = line.find(" = ");
    if (separator == std::string_view::npos)
      throw InputError(
          "{}: the recipe has the line '{}', which is not 'key = value'; the file is damaged or of "
          "another program",
          origin, line);
    lines.emplace(line.substr(0, separator), line.substr(separator + 3));
    begin = end + 1;
  }
  FieldReader fields(std::move(lines), origin);
  const int version = fields.integer("recipe_version", 0);
  if (version != kRecipeVersion)
    throw InputError(
        "{}: the recipe has version {}, this program reads version {}; use the version of impsweep "
        "that wrote it",
        origin, version, kRecipeVersion);
  Recipe recipe;
  recipe.task = fields.text("task");
  recipe.task_semantics = fields.integer("task_semantics", 0);
  recipe.algorithm = fields.text("algorithm");
  recipe.algorithm_semantics = fields.integer("algorithm_semantics", 0);
  recipe.imp_semantics = fields.integer("imp_semantics", 0);
  recipe.master_seed = fields.integer<std::uint64_t>("master_seed", 0);
  recipe.seed = fields.integer<std::int64_t>("seed", -1);
  recipe.round = fields.integer("round", -1);
  recipe.baseline = fields.text("baseline");
  if (const std::int64_t kept = fields.integer<std::int64_t>("kept", -1); kept >= 0) recipe.kept = kept;
  recipe.mask_from = fields.digest("mask_from");
  recipe.mask_parent = fields.digest("mask_parent");
  recipe.values_parent = fields.digest("values_parent");
  recipe.rewind_parent = fields.digest("rewind_parent");
  recipe.inputs_parent = fields.digest("inputs_parent");
  recipe.teacher = fields.digest("teacher");
  recipe.keys.assign(fields.remaining().begin(), fields.remaining().end());
  if (canonical_bytes(recipe) != canonical)
    throw InputError("{}: the recipe is not in canonical form; the file is damaged or was edited", origin);
  return recipe;
}

Settings settings_of(const Recipe& recipe, const std::string& origin) {
  register_task_of_recipe(recipe.keys, origin);
  const TaskInfo& task = known_task(recipe.task, origin);
  const AlgorithmInfo& algorithm = available_algorithm(recipe.algorithm, recipe.task, origin);
  const auto require = [&](const std::string& what, int found, int known) {
    if (found != known)
      throw InputError(
          "{}: it was computed with semantics {} of {}, this version has {}; use the version of impsweep "
          "that "
          "wrote it, or train again in a new store",
          origin, found, what, known);
  };
  require("task '" + recipe.task + "'", recipe.task_semantics, task.semantics);
  require("algorithm '" + recipe.algorithm + "'", recipe.algorithm_semantics, algorithm.semantics);
  if (recipe.imp_semantics != 0) require("pruning", recipe.imp_semantics, kImpSemantics);
  if (!recipe.baseline.empty() && !find_baseline(recipe.baseline))
    throw InputError("{}: unknown baseline '{}'; use the version of impsweep that wrote it", origin,
                     recipe.baseline);
  Settings settings = declared_settings(recipe.task, recipe.algorithm);
  settings.master_seed = recipe.master_seed;
  for (const auto& [key, value] : recipe.keys)
    if (!set_option(settings, key, parse_assignment(key + "=" + value).value, origin))
      throw InputError("{}: this version knows no option '{}'; use the version of impsweep that wrote it",
                       origin, key);
  return settings;
}

bool has_bearing(std::string_view key, const Settings& settings) {
  return !concerns_the_run_only(key) && !is_idle(key, settings);
}

TrainingId teacher_digest(const std::vector<TrainingId>& candidates) {
  std::string bytes = "rule = \"highest re-evaluated return, the first wins\"\nteacher_version = 1\n";
  for (const TrainingId& candidate : candidates)
    bytes += fmt::format("candidate = \"{}\"\n", std::string_view(candidate));
  return digest_of_bytes(bytes);
}

bool changes_mask(const Settings& settings, int round) {
  return has_changing_masks(settings) && (round > 0 || settings.sparse.density.front() < 1);
}

Influences influences(const Settings& settings, Baseline baseline, int round) {
  Influences result;
  if (changes_mask(settings, round)) {
    result.kept = true;
    return result;
  }
  result.inputs_parent = settings.inputs.ticket_round > 0;
  if (round == 0) {
    if (settings.imp.perm_round0 && info_of(baseline).own_option == "imp.perm_round0")
      result.baseline = baseline;
    return result;
  }
  result.baseline = baseline;
  result.mask_from = !settings.imp.mask_from.empty();
  result.mask_parent = info_of(baseline).prunes && !settings.imp.prunes_at_start() && !result.mask_from;
  result.kept = !result.mask_from && (!result.mask_parent || settings.imp.counts_are_given());
  result.rewind_parent = settings.imp.rewind_step > 0 && takes_initial_values(settings, baseline);
  if (!settings.imp.reset_unpruned) {
    const ModelSpec model = model_of(settings);
    const std::vector<Tensor> tensors = tensors_of(model);
    result.values_parent =
        has_unpruned_network(model, tensors, prunable_tensors(tensors, model, settings.imp));
  }
  return result;
}

Recipe recipe_template(const Settings& settings, Baseline baseline, int round, std::int64_t seed) {
  Recipe recipe;
  recipe.task = settings.task;
  recipe.algorithm = settings.algorithm;
  recipe.task_semantics = known_task(settings.task, "recipe").semantics;
  recipe.algorithm_semantics = available_algorithm(settings.algorithm, settings.task, "recipe").semantics;
  recipe.master_seed = settings.master_seed;
  recipe.seed = seed;
  recipe.round = round;
  const std::optional<Baseline> influence = influences(settings, baseline, round).baseline;
  if (influence) {
    recipe.baseline = info_of(*influence).name;
    recipe.imp_semantics = kImpSemantics;
  }
  if (changes_mask(settings, round)) recipe.imp_semantics = kImpSemantics;
  for (const OptionState& state : list_settings(settings)) {
    const bool always = state.option.key == "network.hidden";
    if (always || (!state.at_default() && enters(state.option.key, settings, baseline, round)))
      recipe.keys.emplace_back(state.option.key, canonical_text(state.value));
  }
  std::ranges::sort(recipe.keys);
  return recipe;
}

std::int64_t training_steps(const Settings& settings, int round) {
  const std::int64_t steps = settings.agent.sampler.steps;
  const bool remaining = settings.imp.rewind_budget == RewindBudget::kRemaining;
  return round > 0 && remaining ? steps - settings.imp.rewind_step : steps;
}

}  // namespace impsweep
