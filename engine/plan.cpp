#include "engine/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

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

class Expansion {
 public:
  explicit Expansion(std::vector<GridPoint> points) { plan_.points = std::move(points); }

  Plan run() {
    std::size_t most = 0;  // if nothing is shared
    for (const GridPoint& point : plan_.points)
      most += point.baselines.size() * point.seeds.size() * static_cast<std::size_t>(point.rounds);
    plan_.trainings.reserve(most);
    by_digest_.reserve(most);
    for (std::size_t index = 0; index < plan_.points.size(); ++index) add_point(index);
    plan_.first_chain.resize(plan_.trainings.size());
    for (std::size_t chain = plan_.chains.size(); chain-- > 0;)
      for (const TrainingIndex training : plan_.chains[chain].rounds)
        plan_.first_chain[training] = static_cast<std::uint32_t>(chain);
    return std::move(plan_);
  }

 private:
  void add_point(std::size_t index) {
    point_ = &plan_.points[index];
    settings_ = static_cast<std::uint32_t>(plan_.settings.size());
    plan_.settings.push_back(point_->settings);
    trainings_.clear();
    templates_.clear();
    count_weights();
    teacher_.reset();
    if (point_->settings.algorithm == "bc") {
      const std::uint32_t students = settings_;
      teacher_ = add_teacher();
      settings_ = students;
    }
    for (const Baseline baseline : point_->baselines)
      for (const std::int64_t seed : point_->seeds) add_chain(baseline, seed);
  }

  void count_weights() {
    const ModelSpec model = model_of(point_->settings);
    const std::vector<Tensor> tensors = tensors_of(model);
    const ImpConfig& imp = point_->settings.imp;
    counts_.entries = entry_count(tensors, prunable_tensors(tensors, model, imp));
    counts_.kept.clear();
    for (int round = 0; round < point_->rounds; ++round)
      counts_.kept.push_back(kept_after(counts_.entries, imp.prune_fraction, round, imp.prune_rule));
  }

  // The dense trainings of which the best becomes the expert of this point's students.
  std::uint32_t add_teacher() {
    const CloningConfig& cloning = point_->settings.agent.cloning;
    const Settings settings = teacher_settings(point_->settings);
    Recipe recipe = recipe_template(settings, Baseline::kMaskWeights, 0, 0);
    TeacherChoice choice;
    std::vector<Digest> digests;
    settings_ = static_cast<std::uint32_t>(plan_.settings.size());
    plan_.settings.push_back(settings);
    const ModelSpec model = model_of(settings);
    const std::vector<Tensor> tensors = tensors_of(model);
    for (std::int64_t i = 0; i < cloning.teacher_candidates; ++i) {
      TrainingNode node;
      node.seed = recipe.seed = cloning.teacher_seed + i;
      node.env_steps = training_steps(settings, 0);
      node.kept = entry_count(tensors, prunable_tensors(tensors, model, settings.imp));
      choice.candidates.push_back(add_training(std::move(node), recipe));
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
    auto found = templates_.find(key);
    if (found == templates_.end()) {
      RoundTemplate made{recipe_template(point_->settings, baseline, round, 0),
                         influences(point_->settings, baseline, round)};
      if (teacher_) made.recipe.teacher = plan_.choices[*teacher_].digest;
      found = templates_.emplace(key, std::move(made)).first;
    }
    return found->second;
  }

  // The training of a round, with all that it depends on.
  TrainingIndex training_of(Baseline baseline, std::int64_t seed, int round) {
    std::vector<TrainingIndex>& known = trainings_[{baseline, seed}];
    while (static_cast<int>(known.size()) <= round)
      known.push_back(add_round(baseline, seed, static_cast<int>(known.size())));
    return known[static_cast<std::size_t>(round)];
  }

  TrainingIndex add_round(Baseline baseline, std::int64_t seed, int round) {
    RoundTemplate& shape = round_template(baseline, round);
    TrainingNode node;
    node.baseline = baseline;
    node.round = round;
    node.seed = seed;
    node.env_steps = training_steps(point_->settings, round);
    node.kept = counts_.kept[static_cast<std::size_t>(round)];
    node.density = static_cast<double>(node.kept) / static_cast<double>(counts_.entries);
    node.teacher = teacher_;
    if (shape.influence.mask_parent) {
      const bool from_ticket = point_->settings.imp.mask_source == MaskSource::kTicket;
      node.mask_parent = training_of(from_ticket ? Baseline::kMaskWeights : baseline, seed, round - 1);
    }
    if (shape.influence.values_parent) node.values_parent = training_of(baseline, seed, round - 1);
    if (shape.influence.rewind_parent) node.rewind_parent = training_of(baseline, seed, 0);
    Recipe& recipe = shape.recipe;
    recipe.round = round;
    recipe.seed = seed;
    if (shape.influence.kept) recipe.kept = node.kept;
    if (node.mask_parent) recipe.mask_parent = plan_.trainings[*node.mask_parent].digest;
    if (node.values_parent) recipe.values_parent = plan_.trainings[*node.values_parent].digest;
    if (node.rewind_parent) recipe.rewind_parent = plan_.trainings[*node.rewind_parent].digest;
    return add_training(std::move(node), recipe);
  }

  TrainingIndex add_training(TrainingNode node, const Recipe& recipe) {
    node.digest = digest_of(recipe);
    if (const auto known = by_digest_.find(node.digest); known != by_digest_.end()) return *known;
    node.settings = settings_;
    for (const auto& parent : {node.mask_parent, node.values_parent, node.rewind_parent})
      if (parent) node.dependencies.push_back(*parent);
    if (node.teacher) {
      const std::vector<TrainingIndex>& candidates = plan_.choices[*node.teacher].candidates;
      node.dependencies.insert(node.dependencies.end(), candidates.begin(), candidates.end());
    }
    std::ranges::sort(node.dependencies);
    node.dependencies.erase(std::unique(node.dependencies.begin(), node.dependencies.end()),
                            node.dependencies.end());
    const auto index = static_cast<TrainingIndex>(plan_.trainings.size());
    plan_.trainings.push_back(std::move(node));
    by_digest_.insert(index);
    return index;
  }

  void add_chain(Baseline baseline, std::int64_t seed) {
    Chain chain;
    chain.task = point_->settings.task;
    chain.algorithm = point_->settings.algorithm;
    chain.network = network_name(point_->settings.agent.network);
    chain.variant = point_->variant;
    chain.baseline = baseline;
    chain.seed = seed;
    chain.name = fmt::format("{}.{}.{}.{}.{}.s{:02}", chain.task, chain.algorithm, chain.network,
                             chain.variant, info_of(baseline).chain_name, seed);
    training_of(baseline, seed, point_->rounds - 1);
    chain.rounds = trainings_[{baseline, seed}];
    chain.rounds.resize(static_cast<std::size_t>(point_->rounds));
    const auto [found, is_new] = by_name_.emplace(chain.name, plan_.chains.size());
    if (is_new) {
      places_.push_back(point_);
      plan_.chains.push_back(std::move(chain));
      return;
    }
    Chain& known = plan_.chains[found->second];
    if (chain.rounds.size() > known.rounds.size()) std::swap(chain.rounds, known.rounds);
    if (!std::ranges::equal(chain.rounds, std::span(known.rounds).first(chain.rounds.size())))
      throw ChainClash(
          "{}: chain '{}' is also described at {}, with other settings ({}); give one of the two sweeps a "
          "[[sweep.variant]] with a name of its own",
          point_->place, chain.name, places_[found->second]->place,
          difference(point_->settings, places_[found->second]->settings));
  }

  static std::string difference(const Settings& a, const Settings& b) {
    if (a.master_seed != b.master_seed)
      return fmt::format("master_seed {} and {}", a.master_seed, b.master_seed);
    const std::vector<OptionState> left = list_settings(a), right = list_settings(b);
    for (std::size_t i = 0; i < left.size(); ++i)
      if (left[i].value != right[i].value)
        return fmt::format("{} = {} and {}", left[i].option.key, canonical_text(left[i].value),
                           canonical_text(right[i].value));
    return "none of its options";
  }

  // Trainings are looked up by digest, which only the plan keeps: jobs have millions of them.
  struct HashByDigest {
    using is_transparent = void;
    const Plan* plan;
    std::size_t operator()(TrainingIndex index) const { return (*this)(plan->trainings[index].digest); }
    std::size_t operator()(std::string_view digest) const { return std::hash<std::string_view>{}(digest); }
  };
  struct EqualByDigest {
    using is_transparent = void;
    const Plan* plan;
    bool operator()(TrainingIndex a, TrainingIndex b) const { return a == b; }
    bool operator()(std::string_view digest, TrainingIndex index) const {
      return digest == plan->trainings[index].digest;
    }
    bool operator()(TrainingIndex index, std::string_view digest) const { return (*this)(digest, index); }
  };

  Plan plan_;
  std::unordered_set<TrainingIndex, HashByDigest, EqualByDigest> by_digest_{0, HashByDigest{&plan_},
                                                                            EqualByDigest{&plan_}};
  std::unordered_map<std::string, std::size_t> by_name_;
  std::vector<const GridPoint*> places_;  // by chain

  // Of the point that is being added.
  const GridPoint* point_ = nullptr;
  std::uint32_t settings_ = 0;
  std::optional<std::uint32_t> teacher_;
  Counts counts_;
  std::map<std::pair<Baseline, int>, RoundTemplate> templates_;
  std::map<std::pair<Baseline, std::int64_t>, std::vector<TrainingIndex>> trainings_;
};

}  // namespace

Plan expand(std::vector<GridPoint> points) {
  return Expansion(std::move(points)).run();
}

Plan make_plan(std::span<const JobFile> files, std::span<const JobEntry> overrides) {
  return expand(resolve(files, overrides));
}

Recipe recipe_of(const Plan& plan, TrainingIndex index) {
  const TrainingNode& node = plan.trainings[index];
  const Settings& settings = plan.settings[node.settings];
  const Influences influence = influences(settings, node.baseline, node.round);
  Recipe recipe = recipe_template(settings, node.baseline, node.round, node.seed);
  const auto digest = [&](const std::optional<TrainingIndex>& parent) {
    return parent ? plan.trainings[*parent].digest : Digest();
  };
  if (influence.kept) recipe.kept = node.kept;
  recipe.mask_parent = digest(node.mask_parent);
  recipe.values_parent = digest(node.values_parent);
  recipe.rewind_parent = digest(node.rewind_parent);
  if (node.teacher) recipe.teacher = plan.choices[*node.teacher].digest;
  return recipe;
}

std::string training_name(const Plan& plan, TrainingIndex index) {
  const TrainingNode& node = plan.trainings[index];
  if (const std::optional<std::uint32_t> chain = plan.first_chain[index])
    return fmt::format("{} r{:02}", plan.chains[*chain].name, node.round);
  const Settings& settings = plan.settings[node.settings];
  const std::string network = network_name(settings.agent.network);
  const bool is_expert = std::ranges::any_of(plan.choices, [&](const TeacherChoice& choice) {
    return std::ranges::count(choice.candidates, index) > 0;
  });
  if (is_expert)
    return fmt::format("expert {}.{}.{} s{}", settings.task, settings.algorithm, network, node.seed);
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
