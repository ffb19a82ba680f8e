#include "engine/plan/work_counts.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "agents/network/initialisation.hpp"
#include "agents/sparsity/mask_schedule.hpp"
#include "engine/imp/sparse_start.hpp"

namespace impsweep {
namespace {

using enum WorkKind;

constexpr double kLanes = 16;            // samples that the kernels compute at once
constexpr double kEvaluationLanes = 64;  // episodes that an evaluation plays at once
constexpr double kTestImages = 10'000;   // of a data set
constexpr double kNearWeights = 1e6;     // weights whose passes and steps stay in near caches
// How far training moves a weight, in learning rates by the root of the number of updates; those of the last
// layer go farther. As seen in rounds of Cart-Pole.
constexpr double kMovedPerStep = 1, kMovedOfLast = 4;
constexpr double kNearActivations = 1'000'000;  // bytes of a layer's inputs and outputs that do

// The rule of agents/native/masked_layer.cpp.
constexpr double kBreakEvenDensity = 0.55, kRowsPerProduct = 1.6;

double whole_lanes(double n) {
  return std::ceil(n / kLanes) * kLanes;
}

enum class Form { kDense, kRows, kSparse };

struct Layer {
  double inputs = 0, outputs = 0, kept = 0;  // that matter
  Form form = Form::kDense;
  double ones = 0;            // of a binary input
  bool drops_inputs = false;  // some inputs do not matter, and are left out
  bool is_hidden = true;      // an activation follows
};

struct Part {
  std::vector<Layer> layers;
  double convolution_flop = 0, convolution_gradient_flop = 0;  // of one sample
  double convolution_units = 0;
  double inputs = 0, ones = 0, outputs = 0;
  double trained = 0;  // parameters that the optimizer steps
  bool is_tanh = false;
};

struct NetworkWork {
  std::vector<Part> parts;
  double parameters = 0;  // all, in dense order
};

double ones_of(const TaskInfo& task) {
  if (!task.binary) return 0;
  return task.usual_active > 0 ? task.usual_active : task.max_active;
}

// A layer's weights before they are pruned: uniform in +-bound, moved by training as far as random steps
// would move them.
struct WeightSpread {
  double count = 0, bound = 0, moved = 0;

  // Which part of them is larger than this.
  double part_above(double size) const {
    const auto integral = [](double x) {  // of the normal distribution function
      return x * 0.5 * std::erfc(-x / std::sqrt(2.0)) +
             std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
    };
    if (moved < 1e-3 * bound) return std::max(1 - size / bound, 0.0);
    return std::min(moved / bound * (integral((bound - size) / moved) - integral((-bound - size) / moved)),
                    1.0);
  }
};

bool is_pruned(const MlpSpec& spec, const Settings& settings) {
  return spec.name != "critic" || settings.imp.scope == PruneScope::kActorCritic;
}

// The density of every weight tensor, by part and layer. Random masks have one for all; those of magnitudes
// take most from layers that begin with small weights, the more so the less training has moved them.
std::vector<std::vector<double>> layer_densities(const ModelSpec& model, const Settings& settings,
                                                 double density, bool is_random, double moved) {
  std::vector<std::vector<double>> densities(model.parts.size());
  std::vector<WeightSpread> spreads;
  double all = 0;
  for (const Tensor& tensor : tensors_of(model)) {
    if (!tensor.is_weight) continue;
    const auto part = static_cast<std::size_t>(tensor.part);
    const bool pruned = is_pruned(model.parts[part], settings);
    densities[part].push_back(pruned ? density : 1.0);
    const auto count = static_cast<double>(tensor.size);
    const bool is_last = tensor.layer + 2 == std::ssize(model.parts[part].sizes);
    spreads.push_back({.count = pruned ? count : 0,
                       .bound = initial_bound(tensor, settings.agent.network),
                       .moved = (is_last ? kMovedOfLast : 1) * moved});
    all += spreads.back().count;
  }
  if (density >= 1 || is_random || !(all > 0)) return densities;
  double low = 0, high = 1;
  for (const WeightSpread& spread : spreads) high = std::max(high, spread.bound + 8 * spread.moved);
  for (int step = 0; step < 40; ++step) {
    const double middle = (low + high) / 2;
    double kept = 0;
    for (const WeightSpread& spread : spreads) kept += spread.count * spread.part_above(middle);
    (kept > density * all ? low : high) = middle;
  }
  auto spread = spreads.begin();
  for (std::vector<double>& of_part : densities)
    for (double& each : of_part) {
      if (spread->count > 0) each = std::max(spread->part_above(low), 1e-9);
      ++spread;
    }
  return densities;
}

// A part of a training's gradient steps, and the densities of its weight tensors by part and layer.
struct Stretch {
  double part = 1;
  std::vector<std::vector<double>> densities;
};

std::vector<std::vector<double>> dense_densities(const ModelSpec& model) {
  std::vector<std::vector<double>> densities;
  for (const MlpSpec& part : model.parts) densities.emplace_back(part.sizes.size() - 1, 1.0);
  return densities;
}

// Those of masks that change, in the order of time: gradual ones in stretches of their schedule.
std::vector<Stretch> changing_densities(const ModelSpec& model, const Settings& settings,
                                        const TrainingNode& node) {
  const std::vector<Tensor> tensors = tensors_of(model);
  const std::vector<std::size_t> prunable = prunable_tensors(tensors, model, settings.imp);
  const std::vector<std::int64_t> counts =
      sparse_counts(tensors, prunable, restricted_model_of(settings).available, node.kept);
  const auto pruned_by = [&](double part) {
    std::vector<std::vector<double>> densities = dense_densities(model);
    for (std::size_t i = 0; i < prunable.size(); ++i) {
      const Tensor& tensor = tensors[prunable[i]];
      const double last = static_cast<double>(counts[i]) / static_cast<double>(tensor.size);
      densities[static_cast<std::size_t>(tensor.part)][static_cast<std::size_t>(tensor.layer)] =
          1 - part * (1 - last);
    }
    return densities;
  };
  const SparseConfig& sparse = settings.sparse;
  if (sparse.method != SparseMethod::kGradual) return {{1, pruned_by(1)}};
  constexpr std::int64_t kStretches = 8;
  std::vector<Stretch> stretches = {{sparse.start, pruned_by(0)}};
  for (std::int64_t i = 0; i < kStretches; ++i)
    stretches.push_back({(sparse.end - sparse.start) / kStretches,
                         pruned_by(cubic_sparsity(2 * i + 1, 0, 2 * kStretches, 0, 1))});
  stretches.push_back({1 - sparse.end, pruned_by(1)});
  return stretches;
}

double mask_changes(const SparseConfig& sparse, double updates) {
  const double until = sparse.method == SparseMethod::kGradual ? sparse.end - sparse.start : sparse.end;
  return std::floor(until * updates / static_cast<double>(sparse.interval));
}

double parameters_of(const ModelSpec& model) {
  return static_cast<double>(parameter_count(model));
}

Part part_of(const MlpSpec& spec, const std::vector<double>& densities, double ones,
             bool remove_unreachable) {
  Part part;
  part.is_tanh = spec.activation == Activation::kTanh;
  part.inputs = spec.sizes.front();
  part.outputs = spec.sizes.back();
  part.ones = spec.convolutions.empty() && !spec.trunk ? ones : 0;
  for (std::size_t c = 0; c < spec.convolutions.size(); ++c) {
    const ConvolutionSpec& convolution = spec.convolutions[c];
    const double kept =
        densities[c] * convolution.filters * convolution.channels * convolution.kernel * convolution.kernel;
    const double flop = 2 * kept * convolution.positions();
    part.convolution_flop += flop;
    part.convolution_gradient_flop += (c == 0 ? 1 : 2) * flop;
    part.convolution_units += spec.sizes[c] + spec.sizes[c + 1];
    part.trained += kept + convolution.filters;
  }
  const std::vector<int> sizes(spec.sizes.begin() + std::ssize(spec.convolutions), spec.sizes.end());
  const auto density = [&](std::size_t layer) { return densities[spec.convolutions.size() + layer]; };
  std::vector<double> live(sizes.begin(), sizes.end());
  if (spec.connected_inputs > 0 && spec.convolutions.empty()) live.front() = spec.connected_inputs;
  const double given = live.front();
  if (remove_unreachable)
    for (std::size_t level = sizes.size() - 1; level-- > 0;)
      if (density(level) < 1) live[level] *= 1 - std::pow(1 - density(level), live[level + 1]);
  for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
    Layer layer;
    layer.inputs = live[l];
    layer.outputs = live[l + 1];
    // A kept weight into a unit that matters makes its own unit matter.
    layer.kept = density(l) * (l == 0 ? given : sizes[l]) * layer.outputs;
    layer.is_hidden = l + 2 < sizes.size();
    if (l == 0) {
      layer.ones = given > 0 ? part.ones * live[0] / given : 0;
      layer.drops_inputs = live[0] < sizes[0] - 0.5;
    }
    const double all = layer.inputs * layer.outputs;
    const double dense = layer.ones > 0 ? std::min(all, kRowsPerProduct * layer.ones * layer.outputs) : all;
    layer.form = layer.kept < kBreakEvenDensity * dense ? Form::kSparse
                 : layer.ones > 0                       ? Form::kRows
                                                        : Form::kDense;
    part.trained += (layer.form == Form::kSparse ? layer.kept : layer.inputs * whole_lanes(layer.outputs)) +
                    whole_lanes(layer.outputs);
    part.layers.push_back(layer);
  }
  return part;
}

// The density belongs to the prunable networks; the others stay dense.
NetworkWork network_of(const ModelSpec& model, const std::vector<std::vector<double>>& densities, double ones,
                       bool remove_unreachable) {
  NetworkWork network;
  for (std::size_t p = 0; p < model.parts.size(); ++p)
    network.parts.push_back(part_of(model.parts[p], densities[p], ones, remove_unreachable));
  for (const Tensor& tensor : tensors_of(model)) network.parameters += static_cast<double>(tensor.size);
  return network;
}

enum class Direction { kForward, kBoth };

// A network passes over `batch` samples.
WorkCounts pass(const Part& part, double batch, Direction direction) {
  WorkCounts counts;
  const bool both = direction == Direction::kBoth;
  const double lanes = whole_lanes(batch);
  counts[kPasses] += 1;
  counts[kBackwardPasses] += both ? 1 : 0;
  counts[kConvolutions] += lanes * (part.convolution_flop + (both ? part.convolution_gradient_flop : 0));
  counts[kUnits] += lanes * part.convolution_units;
  counts[kUnitGradients] += both ? lanes * part.convolution_units : 0;
  if (part.ones == 0) counts[kUnits] += part.inputs;
  bool is_first = true;
  for (const Layer& layer : part.layers) {
    const double gradients = is_first && part.convolution_flop == 0 ? 1 : 2;
    const double all = 2 * layer.inputs * layer.outputs, kept = 2 * layer.kept;
    const double rows = 2 * layer.ones * whole_lanes(layer.outputs) * batch;
    if (layer.ones > 0) {
      if (layer.drops_inputs) counts[kLists] += part.ones * batch;
      if (layer.form == Form::kSparse) counts[kExpanded] += layer.inputs * lanes;
      if (layer.form == Form::kRows && both) counts[kLists] += layer.ones * batch;
    }
    switch (layer.form) {
      case Form::kDense:
        if (batch < kLanes)
          counts[kFewProducts] += 2 * layer.inputs * whole_lanes(layer.outputs) * batch;
        else
          counts[kProducts] += all * lanes;
        if (both) counts[kProductGradients] += gradients * all * lanes;
        if (all > 2 * kNearWeights) counts[kFarWeights] += all / 2 * (both ? 1 + gradients : 1);
        break;
      case Form::kRows:
        counts[kRows] += rows;
        if (both) counts[kRowGradients] += rows;
        break;
      case Form::kSparse:
        counts[kSparse] += kept * lanes;
        counts[kSegments] += layer.outputs + (both ? layer.inputs : 0);
        if (both) {
          counts[kSparseGradients] += gradients * kept * lanes;
          counts[kWeightSums] += layer.kept;
        }
        if (4 * lanes * (layer.inputs + layer.outputs) > kNearActivations)
          counts[kWideSparse] += (both ? 1 + gradients : 1) * kept * lanes;
        break;
    }
    counts[kUnits] += (layer.inputs + layer.outputs) * lanes;
    if (both) counts[kUnitGradients] += (layer.inputs + layer.outputs) * lanes;
    if (part.is_tanh && layer.is_hidden) counts[kTanh] += layer.outputs * lanes;
    is_first = false;
  }
  return counts;
}

WorkCounts passes(const NetworkWork& network, double batch, Direction direction) {
  WorkCounts counts;
  for (const Part& part : network.parts) counts.add(pass(part, batch, direction));
  return counts;
}

// One update from a batch.
WorkCounts update(const NetworkWork& network, const LearningWork& work, const TaskInfo& task,
                  const Part* teacher) {
  WorkCounts counts = passes(network, work.batch, Direction::kBoth);
  counts.add(passes(network, work.batch, Direction::kForward), work.inferences);
  if (teacher != nullptr)
    counts.add(pass(*teacher, work.batch, Direction::kForward), work.teacher_inferences);
  double trained = 0;
  for (const Part& part : network.parts) {
    trained += part.trained;
    counts[kLosses] += part.outputs * work.batch;
  }
  counts[kUpdates] += 1;
  counts[kOptimizer] += trained;
  if (trained > kNearWeights) counts[kFarOptimizer] += trained;
  const double ones = ones_of(task), numbers = ones > 0 ? ones : task.observation_size;
  if (work.draws > 0) {
    counts[kDraws] += work.batch;
    counts[kDrawnOnes] += work.draws * work.batch * (task.code_size > 0 ? task.max_active : numbers);
    // What is kept as a code becomes an observation as it does in the environment, less close to the core.
    if (task.code_size > 0 && !task.binary)
      counts[kSteps] += 2 * work.draws * work.batch * task.seconds_per_step;
  } else {
    counts[kGathered] += work.batch * task.observation_size;
  }
  if (work.target_updates > 0) counts[kParameters] += network.parameters / work.target_updates / 100;
  return counts;
}

bool is_robot(const TaskInfo& task) {
  return task.family == "locomotion";
}

double seconds_per_step(const Settings& settings, const TaskInfo& task) {
  double factor = 1;
  for (const auto& [options, times] : task.slower_steps) {
    const bool applies = std::ranges::all_of(options, [&](const auto& option) {
      const auto given = settings.task_options.find(option.first);
      return given != settings.task_options.end() && given->second == option.second;
    });
    if (applies) factor = std::max(factor, times);
  }
  return factor * task.seconds_per_step;
}

// A step of `lanes` lanes: the network acts, the environments go on.
WorkCounts step(const Part& actor, const Settings& settings, const TaskInfo& task, double lanes) {
  WorkCounts counts = pass(actor, lanes, Direction::kForward);
  counts[kActions] += lanes * (task.continuous ? task.actions : 1);
  counts[is_robot(task) ? kPhysics : kSteps] += lanes * seconds_per_step(settings, task);
  return counts;
}

// Students are soon as good as their teachers.
EpisodeLength episode_length(const Settings& settings, bool has_teacher) {
  constexpr double kTaughtPart = 0.1;  // of the steps that others need
  const TaskInfo& task = known_task(settings.task, "cost model");
  const EvaluationConfig& evaluation = settings.agent.evaluation;
  double most = task.max_steps > 0 ? task.max_steps : 1e9;
  const auto limit = settings.task_options.find(task.family + ".max_steps");
  if (limit != settings.task_options.end())
    if (const auto* steps = std::get_if<std::int64_t>(&limit->second); steps != nullptr && *steps > 0)
      most = static_cast<double>(*steps);
  if (evaluation.max_episode_steps > 0)
    most = std::min(most, static_cast<double>(evaluation.max_episode_steps));
  const double last = task.usual_episode_steps > 0 ? task.usual_episode_steps : most;
  const double first = task.first_episode_steps > 0 ? task.first_episode_steps : last;
  return {.first = std::min(first, most),
          .last = std::min(last, most),
          .half_way = std::max(task.steps_to_learn * (has_teacher ? kTaughtPart : 1), 1.0)};
}

// One evaluation of episodes of a length, or of a test set.
WorkCounts evaluation(const Part& actor, const Settings& settings, const TaskInfo& task, double episodes,
                      double length) {
  const EvaluationConfig& config = settings.agent.evaluation;
  WorkCounts counts;
  if (task.is_data_set) {
    counts.add(pass(actor, kEvaluationLanes, Direction::kForward), kTestImages / kEvaluationLanes);
    counts[kStored] += kTestImages * task.observation_size;
    return counts;
  }
  double lanes = std::min(kEvaluationLanes, episodes), steps = episodes * length;
  if (config.mode == EvaluationMode::kRlpyt) {
    lanes = static_cast<double>(settings.agent.sampler.batch_B);
    steps = std::min(steps, static_cast<double>(config.max_steps));
  }
  counts.add(step(actor, settings, task, lanes), steps / lanes);
  counts[kEpisodes] += episodes;
  return counts;
}

}  // namespace

std::string_view name_of(WorkKind kind) {
  constexpr std::array<std::string_view, kWorkKinds> kNames = {"products",
                                                               "products of few samples",
                                                               "gradients of products",
                                                               "sparse products",
                                                               "sparse gradients",
                                                               "wide sparse products",
                                                               "sums of gradients",
                                                               "sparse rows",
                                                               "rows of ones",
                                                               "gradients of rows",
                                                               "lists of ones",
                                                               "written-out observations",
                                                               "activations",
                                                               "gradients of activations",
                                                               "hyperbolic tangents",
                                                               "passes",
                                                               "backward passes",
                                                               "convolutions",
                                                               "far weights",
                                                               "optimizer",
                                                               "optimizer of large networks",
                                                               "updates",
                                                               "minibatches",
                                                               "losses",
                                                               "draws",
                                                               "drawn observations",
                                                               "actions",
                                                               "kept observations",
                                                               "environments",
                                                               "physics",
                                                               "episodes",
                                                               "trainings",
                                                               "parameters"};
  return kNames[static_cast<std::size_t>(kind)];
}

double EpisodeLength::at(double steps) const {
  return last + (first - last) * std::exp2(-steps / half_way);
}

double EpisodeLength::mean_until(double steps) const {
  const double halvings = steps / half_way;
  if (halvings < 1e-6) return first;
  const double left = (1 - std::exp2(-halvings)) / (halvings * std::log(2.0));
  return last + (first - last) * left;
}

WorkCounts TrainingWork::total() const {
  WorkCounts counts = start;
  for (const WorkCounts* each : {&playing, &learning, &evaluation, &conclusion}) counts.add(*each);
  return counts;
}

double evaluations(const AgentConfig& agent, double env_steps) {
  return std::ceil(env_steps / static_cast<double>(agent.evaluation.interval)) + 1;
}

TrainingWork work_of(const Plan& plan, TrainingIndex index) {
  const TrainingNode& node = plan.trainings[index];
  const Settings& settings = plan.settings[node.settings];
  const TaskInfo& task = known_task(settings.task, "cost model");
  const AlgorithmInfo& algorithm = algorithm_of(settings);
  const LearningWork work = algorithm.work(settings.agent);
  const double ones = ones_of(task);
  TrainingWork training;
  const auto whole = static_cast<double>(std::max<std::int64_t>(work.steps_per_iteration, 1));
  const double iterations = std::ceil(static_cast<double>(node.env_steps) / whole);
  training.steps = iterations * whole;
  training.first_learning_step = std::min(work.first_step, training.steps);
  training.episode = episode_length(settings, algorithm.has_teacher);

  const double updates = work.updates_per_iteration * (training.steps - training.first_learning_step) / whole;

  const ModelSpec model = model_of(settings);
  const bool changes = changes_mask(settings, node.round);
  const bool remove_unreachable = settings.agent.regularisation.weight_decay == 0 && !changes;
  const std::vector<Stretch> stretches =
      changes
          ? changing_densities(model, settings, node)
          : std::vector<Stretch>{
                {1, layer_densities(model, settings, node.density, !info_of(node.baseline).prunes,
                                    kMovedPerStep * work.learning_rate * std::sqrt(std::max(updates, 0.0)))}};
  // Those who learn from whole batches of steps see numbers; evaluations and memories see lists.
  const double learned_ones = work.draws > 0 ? ones : 0;
  std::optional<NetworkWork> teacher;
  if (algorithm.has_teacher) {
    const Settings of_teacher = teacher_settings(settings);
    const ModelSpec taught_by = model_of(of_teacher);
    teacher = network_of(taught_by, layer_densities(taught_by, of_teacher, 1.0, true, 0), learned_ones,
                         remove_unreachable);
  }

  training.start[kTrainings] = 1;
  const double parameters = parameters_of(model);
  training.start[kParameters] = parameters + (teacher ? teacher->parameters : 0);

  const auto lanes = static_cast<double>(settings.agent.sampler.batch_B);
  const EvaluationConfig& config = settings.agent.evaluation;
  // One of the untrained network, one after every iteration that reaches a multiple of the interval, and one
  // at the end unless that has just been evaluated.
  const double steps = training.steps, interval = static_cast<double>(config.interval);
  const double reached = std::floor(steps / interval);
  const double at_end = std::floor((steps - whole) / interval) < reached ? 0 : 1;
  const double many = std::min(1 + reached + at_end, iterations + 1);
  const double played = work.fixed_steps > 0 ? static_cast<double>(work.fixed_steps) : steps;
  for (const Stretch& stretch : stretches) {
    const NetworkWork learner = network_of(model, stretch.densities, learned_ones, remove_unreachable);
    const NetworkWork player = network_of(model, stretch.densities, ones, remove_unreachable);
    if (!task.is_data_set) {
      const Part& actor = work.teacher_acts ? teacher->parts.front() : learner.parts.front();
      training.playing.add(step(actor, settings, task, lanes), stretch.part * played / lanes);
      if (work.valued_per_step > 0) {
        const NetworkWork& values = work.teacher_acts ? *teacher : learner;
        constexpr double kValuedAtOnce = kEvaluationLanes;
        training.playing.add(pass(values.parts.back(), kValuedAtOnce, Direction::kForward),
                             stretch.part * work.valued_per_step * played / kValuedAtOnce);
      }
    }
    training.learning.add(update(learner, work, task, teacher ? &teacher->parts.front() : nullptr),
                          stretch.part * updates);
    training.evaluation.add(
        evaluation(player.parts.front(), settings, task, static_cast<double>(config.episodes),
                   training.episode.mean_until(steps)),
        stretch.part * many);
  }
  if (!task.is_data_set) {
    training.playing[kStored] += played * (work.draws > 0 && ones > 0 ? ones : task.observation_size);
    training.playing[kGathered] += work.valued_per_step * played * task.observation_size;
    // Up to so many steps of one lane, on the average half of them.
    const auto decorrelation = static_cast<double>(settings.agent.sampler.decorrelation_steps);
    training.start[is_robot(task) ? kPhysics : kSteps] +=
        0.5 * decorrelation * lanes * seconds_per_step(settings, task);
  }
  if (changes) {
    const double changes_made = mask_changes(settings.sparse, updates);
    const bool reads_gradients = settings.sparse.method == SparseMethod::kRigl;
    training.learning[kParameters] += changes_made * parameters * (reads_gradients ? 2 : 1);
    if (reads_gradients)
      training.learning.add(passes(network_of(model, dense_densities(model), learned_ones, false), work.batch,
                                   Direction::kBoth),
                            changes_made);
  }

  EvaluationConfig fresh = config;
  fresh.mode = EvaluationMode::kEpisodes;
  Settings concluding = settings;
  concluding.agent.evaluation = fresh;
  const NetworkWork last = network_of(model, stretches.back().densities, ones, remove_unreachable);
  training.conclusion.add(
      evaluation(last.parts.front(), concluding, task, static_cast<double>(config.reevaluation_episodes),
                 training.episode.at(steps)),
      2);
  return training;
}

}  // namespace impsweep
