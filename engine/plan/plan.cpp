#include "engine/plan/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "engine/job/round_counts.hpp"
#include "engine/plan/elsewhere.hpp"
#include "engine/plan/identity.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

// Everything about the trainings of one grid point, baseline and kind of round that does not depend on the
// seed: worked out once, as grids have many seeds and rounds.
struct RoundTemplate {
  Recipe recipe;  // seed, round, kept and parents are filled in for each training
  Influences influence;
};

struct Counts {
  std::int64_t entries = 0;        // prunable
  std::vector<std::int64_t> kept;  // by round
};

// A point of the grid, and the trainings of it that are in the plan already.
struct Point {
  const GridPoint* grid = nullptr;
  std::uint32_t settings = 0;            // index into Plan::settings
  std::optional<std::uint32_t> teacher;  // index into Plan::choices
  Counts counts;
  std::map<std::int64_t, TrainingIndex> tickets;  // by seed: whose inputs are given
  std::map<std::pair<Baseline, int>, RoundTemplate> templates;
  std::map<Baseline, std::unordered_map<std::int64_t, std::vector<TrainingIndex>>> trainings;  // by seed
  std::string network;
};

class Expansion {
 public:
  explicit Expansion(std::vector<GridPoint> points) { plan_.points = std::move(points); }

  Plan run() {
    std::size_t chains = 0, trainings = 0;  // if nothing is shared
    for (const GridPoint& point : plan_.points) {
      chains += point.baselines.size() * point.seeds.size();
      trainings += point.baselines.size() * point.seeds.size() * static_cast<std::size_t>(point.rounds);
    }
    plan_.chains.reserve(chains);
    by_name_.reserve(chains);
    plan_.trainings.reserve(trainings);
    by_digest_.reserve(trainings);
    for (std::size_t index = 0; index < plan_.points.size(); ++index) add_point(index);
    plan_.first_chain.resize(plan_.trainings.size());
    for (std::size_t chain = plan_.chains.size(); chain-- > 0;)
      for (const TrainingIndex training : plan_.chains[chain].rounds)
        plan_.first_chain[training] = static_cast<std::uint32_t>(chain);
    return std::move(plan_);
  }

 private:
  void add_point(std::size_t index) {
    const GridPoint& point = plan_.points[index];
    enter(index);
    for (const Baseline baseline : point.baselines)
      for (const std::int64_t seed : point.seeds) add_chain(baseline, seed);
  }

  // Makes a point the current one, with what all its trainings need.
  void enter(std::size_t index) {
    if (const auto known = entered_.find(index); known != entered_.end()) {
      current_ = std::move(known->second);
      entered_.erase(known);
      return;
    }
    const GridPoint& point = plan_.points[index];
    current_ = open(point);
    if (algorithm_of(point.settings).has_teacher) current_.teacher = add_teacher();
    if (point.settings.inputs.ticket_round > 0) current_.tickets = add_tickets(point);
  }

  // The training that a key like imp.mask_from names, with all that it depends on: a round of another chain
  // of the job, in the place of which the point under way is left for a while.
  TrainingIndex round_elsewhere(const std::string& key, const std::string& text, std::int64_t seed) {
    const GridPoint& reader = *current_.grid;
    const ElsewhereRound found = find_elsewhere(plan_.points, key, text, seed, reader.place);
    if (++depth_ > plan_.points.size())
      throw InputError("{}: '{}' = \"{}\" goes round in a circle: that chain depends on this one",
                       reader.place, key, text);
    Point own = std::exchange(current_, Point());
    enter(found.point);
    const TrainingIndex training = training_of(found.baseline, found.seed, found.round);
    entered_[found.point] = std::exchange(current_, std::move(own));
    --depth_;
    return training;
  }

  // The point as it is before any of its trainings has been added.
  Point open(const GridPoint& grid) {
    Point point;
    point.grid = &grid;
    point.settings = add_settings(grid.settings);
    point.network = network_name(grid.settings.agent.network);
    point.counts.kept = kept_by_round(grid.settings, grid.rounds);
    point.counts.entries = prunable_entries(grid.settings);
    return point;
  }

  std::uint32_t add_settings(const Settings& settings) {
    plan_.settings.push_back(settings);
    return static_cast<std::uint32_t>(plan_.settings.size() - 1);
  }

  // By seed: the trainings whose inputs the agents of this point are given. They are those of a chain of
  // their own that the job need not ask for.
  std::map<std::int64_t, TrainingIndex> add_tickets(const GridPoint& point) {
    GridPoint source = point;
    source.settings = ticket_settings(point.settings);
    source.rounds = static_cast<int>(point.settings.inputs.ticket_round) + 1;
    std::map<std::int64_t, TrainingIndex> tickets;
    const Point agents = std::exchange(current_, open(source));
    for (const std::int64_t seed : point.seeds)
      tickets[seed] = training_of(Baseline::kMaskWeights, seed, source.rounds - 1);
    current_ = agents;
    return tickets;
  }

  // The dense trainings of which the best becomes the teacher of this point's students.
  std::uint32_t add_teacher() {
    const TeacherChoiceConfig& choice_of = current_.grid->settings.teacher_choice;
    const Settings settings = teacher_settings(current_.grid->settings);
    Recipe recipe = recipe_template(settings, Baseline::kMaskWeights, 0, 0);
    TeacherChoice choice;
    std::vector<TrainingId> digests;
    const std::uint32_t own = add_settings(settings);
    for (std::int64_t i = 0; i < choice_of.candidates; ++i) {
      TrainingNode node;
      node.seed = recipe.seed = choice_of.seed + i;
      node.env_steps = training_steps(settings, 0);
      node.settings = own;
      node.kept = prunable_entries(settings);
      choice.candidates.push_back(add_training(node, recipe));
      digests.push_back(plan_.trainings[choice.candidates.back()].digest);
    }
    choice.digest = teacher_digest(digests);
    const auto found = std::ranges::find(plan_.choices, choice.digest, &TeacherChoice::digest);
    if (found != plan_.choices.end()) return static_cast<std::uint32_t>(found - plan_.choices.begin());
    plan_.choices.push_back(std::move(choice));
    return static_cast<std::uint32_t>(plan_.choices.size() - 1);
  }

  RoundTemplate& round_template(Baseline baseline, int round) {
    const auto key = std::pair(baseline, std::min(round, 1));
    auto found = current_.templates.find(key);
    if (found == current_.templates.end()) {
      const Settings& settings = current_.grid->settings;
      RoundTemplate made{recipe_template(settings, baseline, round, 0),
                         influences(settings, baseline, round)};
      if (current_.teacher) made.recipe.teacher = plan_.choices[*current_.teacher].digest;
      found = current_.templates.emplace(key, std::move(made)).first;
    }
    return found->second;
  }

  // The training of a round, with all that it depends on.
  TrainingIndex training_of(Baseline baseline, std::int64_t seed, int round) {
    std::vector<TrainingIndex>& known = current_.trainings[baseline][seed];
    if (known.empty()) known.reserve(static_cast<std::size_t>(round) + 1);
    while (static_cast<int>(known.size()) <= round)
      known.push_back(add_round(baseline, seed, static_cast<int>(known.size())));
    return known[static_cast<std::size_t>(round)];
  }

  TrainingIndex add_round(Baseline baseline, std::int64_t seed, int round) {
    const RoundTemplate& shape = round_template(baseline, round);
    TrainingNode node;
    node.baseline = baseline;
    node.round = round;
    node.seed = seed;
    node.settings = current_.settings;
    node.env_steps = training_steps(current_.grid->settings, round);
    node.kept = current_.counts.kept[static_cast<std::size_t>(round)];
    node.density = static_cast<double>(node.kept) / static_cast<double>(current_.counts.entries);
    node.teacher = current_.teacher;
    if (shape.influence.mask_parent) {
      const bool from_ticket = current_.grid->settings.imp.mask_source == MaskSource::kTicket;
      node.mask_parent = training_of(from_ticket ? Baseline::kMaskWeights : baseline, seed, round - 1);
    }
    if (shape.influence.values_parent) node.values_parent = training_of(baseline, seed, round - 1);
    if (shape.influence.rewind_parent) node.rewind_parent = training_of(baseline, seed, 0);
    if (shape.influence.inputs_parent) node.inputs_parent = current_.tickets.at(seed);
    if (shape.influence.mask_from) {
      const ImpConfig& imp = current_.grid->settings.imp;
      node.mask_from = round_elsewhere("imp.mask_from", imp.mask_from, seed);
      const TrainingNode& source = plan_.trainings[*node.mask_from];
      require_same_shape(plan_.settings[source.settings], current_.grid->settings, current_.grid->place);
      node.density = source.density;  // of its networks together; what this one has of them the mask says
      node.kept = round_half_even(source.density * static_cast<double>(current_.counts.entries));
    }
    Recipe& recipe = round_template(baseline, round).recipe;
    recipe.round = round;
    recipe.seed = seed;
    if (shape.influence.kept) recipe.kept = node.kept;
    if (node.mask_parent) recipe.mask_parent = plan_.trainings[*node.mask_parent].digest;
    if (node.values_parent) recipe.values_parent = plan_.trainings[*node.values_parent].digest;
    if (node.rewind_parent) recipe.rewind_parent = plan_.trainings[*node.rewind_parent].digest;
    if (node.inputs_parent) recipe.inputs_parent = plan_.trainings[*node.inputs_parent].digest;
    if (node.mask_from) recipe.mask_from = plan_.trainings[*node.mask_from].digest;
    return add_training(node, recipe);
  }

  TrainingIndex add_training(TrainingNode node, const Recipe& recipe) {
    node.digest = digest_of(recipe);
    if (const auto known = by_digest_.find(node.digest); known != by_digest_.end()) return *known;
    std::vector<TrainingIndex>& list = plan_.dependency_list;
    node.first_dependency = static_cast<std::uint32_t>(list.size());
    for (const auto& parent :
         {node.mask_parent, node.values_parent, node.rewind_parent, node.inputs_parent, node.mask_from})
      if (parent) list.push_back(*parent);
    if (node.teacher) {
      const std::vector<TrainingIndex>& candidates = plan_.choices[*node.teacher].candidates;
      list.insert(list.end(), candidates.begin(), candidates.end());
    }
    const auto own = list.begin() + static_cast<std::ptrdiff_t>(node.first_dependency);
    std::sort(own, list.end());
    list.erase(std::unique(own, list.end()), list.end());
    const auto index = static_cast<TrainingIndex>(plan_.trainings.size());
    plan_.trainings.push_back(node);
    by_digest_.insert(index);
    return index;
  }

  void add_chain(Baseline baseline, std::int64_t seed) {
    Chain chain;
    chain.task = current_.grid->settings.task;
    chain.algorithm = current_.grid->settings.algorithm;
    chain.network = current_.network;
    chain.variant = current_.grid->variant;
    chain.baseline = baseline;
    chain.seed = seed;
    chain.settings = current_.settings;
    chain.name = fmt::format("{}.{}.{}.{}.{}.s{:02}", chain.task, chain.algorithm, chain.network,
                             chain.variant, info_of(baseline).chain_name, seed);
    training_of(baseline, seed, current_.grid->rounds - 1);
    const std::vector<TrainingIndex>& trainings = current_.trainings[baseline][seed];
    chain.rounds.assign(trainings.begin(), trainings.begin() + current_.grid->rounds);
    const auto found = by_name_.find(chain.name);
    if (found == by_name_.end()) {
      plan_.chains.push_back(std::move(chain));
      by_name_.emplace(plan_.chains.back().name, plan_.chains.size() - 1);
      return;
    }
    Chain& known = plan_.chains[found->second];
    if (chain.rounds.size() > known.rounds.size()) std::swap(chain.rounds, known.rounds);
    if (!std::ranges::equal(chain.rounds, std::span(known.rounds).first(chain.rounds.size())))
      throw std::logic_error("chain '" + chain.name + "' has two meanings under equal settings");
  }

  // Trainings are looked up by digest, which only the plan keeps: jobs have millions of them.
  struct HashByDigest {
    using is_transparent = void;
    const Plan* plan;
    std::size_t operator()(TrainingIndex index) const { return (*this)(plan->trainings[index].digest); }
    std::size_t operator()(const TrainingId& digest) const { return std::hash<TrainingId>{}(digest); }
  };
  struct EqualByDigest {
    using is_transparent = void;
    const Plan* plan;
    bool operator()(TrainingIndex a, TrainingIndex b) const { return a == b; }
    bool operator()(const TrainingId& digest, TrainingIndex index) const {
      return digest == plan->trainings[index].digest;
    }
    bool operator()(TrainingIndex index, const TrainingId& digest) const { return (*this)(digest, index); }
  };

  Plan plan_;
  std::unordered_set<TrainingIndex, HashByDigest, EqualByDigest> by_digest_{0, HashByDigest{&plan_},
                                                                            EqualByDigest{&plan_}};
  std::unordered_map<std::string_view, std::size_t> by_name_;  // the chains' own names, which stay in place

  Point current_;                         // to which trainings are being added
  std::map<std::size_t, Point> entered_;  // points that were entered and left, by their index
  std::size_t depth_ = 0;                 // of round_elsewhere()
};

}  // namespace

Plan expand(std::vector<GridPoint> points) {
  if (const std::vector<IdentityClash> clashes = identity_clashes({}, points); !clashes.empty())
    throw ChainClash(
        "{}: chains of '{}' are also described at {}, with other settings ({}); give one of the two sweeps a "
        "[[sweep.variant]] with a name of its own",
        clashes.front().other->place, group_of(*clashes.front().other).name(), clashes.front().known->place,
        clashes.front().keys);
  return Expansion(std::move(points)).run();
}

Plan make_plan(std::span<const JobFile> files, std::span<const JobEntry> overrides,
               std::vector<std::string>* missing_data) {
  return expand(resolve(files, overrides, missing_data));
}

Plan read_plan(std::span<const std::string> paths, std::span<const std::string> assignments,
               std::vector<std::string>* missing_data) {
  std::vector<JobFile> files;
  for (const std::string& path : paths) files.push_back(read_job_file(path));
  std::vector<JobEntry> overrides;
  for (const std::string& text : assignments) overrides.push_back(parse_assignment(text));
  return make_plan(files, overrides, missing_data);
}

Recipe recipe_of(const Plan& plan, TrainingIndex index) {
  const TrainingNode& node = plan.trainings[index];
  const Settings& settings = plan.settings[node.settings];
  const Influences influence = influences(settings, node.baseline, node.round);
  Recipe recipe = recipe_template(settings, node.baseline, node.round, node.seed);
  const auto digest = [&](const std::optional<TrainingIndex>& parent) {
    return parent ? plan.trainings[*parent].digest : TrainingId();
  };
  if (influence.kept) recipe.kept = node.kept;
  recipe.mask_parent = digest(node.mask_parent);
  recipe.values_parent = digest(node.values_parent);
  recipe.rewind_parent = digest(node.rewind_parent);
  recipe.inputs_parent = digest(node.inputs_parent);
  recipe.mask_from = digest(node.mask_from);
  if (node.teacher) recipe.teacher = plan.choices[*node.teacher].digest;
  return recipe;
}

const TaskInfo& task_of(const Plan& plan, TrainingIndex training) {
  return *find_task(plan.settings[plan.trainings[training].settings].task);
}

std::string training_name(const Plan& plan, TrainingIndex index) {
  const TrainingNode& node = plan.trainings[index];
  if (const std::optional<std::uint32_t> chain = plan.first_chain[index])
    return fmt::format("{} r{:02}", plan.chains[*chain].name, node.round);
  const Settings& settings = plan.settings[node.settings];
  const std::string network = network_name(settings.agent.network);
  const bool is_teacher = std::ranges::any_of(plan.choices, [&](const TeacherChoice& choice) {
    return std::ranges::count(choice.candidates, index) > 0;
  });
  if (is_teacher)
    return fmt::format("teacher {}.{}.{} s{}", settings.task, settings.algorithm, network, node.seed);
  return fmt::format("{}.{}.{}.{}.s{:02} r{:02}", settings.task, settings.algorithm, network,
                     info_of(node.baseline).chain_name, node.seed, node.round);
}

StreamNames stream_names(const Settings& settings, Baseline baseline, std::int64_t seed, int round) {
  StreamNames names;
  names.master_seed = settings.master_seed;
  names.task = settings.task;
  names.algorithm = settings.algorithm;
  names.network = network_name(settings.agent.network);
  names.seed = seed;
  names.round = round;
  names.baseline = info_of(baseline).name;
  return names;
}

}  // namespace impsweep
