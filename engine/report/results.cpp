#include "engine/report/results.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "engine/imp/effective.hpp"
#include "engine/imp/pruning.hpp"
#include "engine/plan/identity.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

// Masks of models with more parameters are not read as a whole: claims ask which inputs are effective of
// classic control alone.
constexpr std::size_t kSmallModel = 100'000;

bool is_small(const std::vector<Tensor>& tensors) {
  return tensors.back().offset + tensors.back().size <= kSmallModel;
}

// What read_facts() looks at; a store of a whole sweep holds ten thousand files and more.
std::vector<std::string> places_to_read(const std::vector<Tensor>& tensors) {
  std::vector<std::string> places = {"result",
                                     std::string(kProvenance),
                                     "curve/step",
                                     "curve/mean",
                                     "curve/returns",
                                     "result/kept_per_tensor",
                                     "result/effective_per_tensor",
                                     "result/input_magnitude",
                                     "result/input_kept",  // of summaries, in place of masks
                                     "result/input_effective"};
  for (const Tensor& tensor : tensors)
    if (is_small(tensors) || &tensor == &tensors.front()) places.push_back("mask/" + tensor.name);
  return places;
}

RoundFacts read_facts(const Record& record, const ModelSpec& model, const std::vector<Tensor>& tensors) {
  const Tensor& first_layer = tensors.front();
  RoundFacts facts;
  facts.summary = read_summary(record);
  const auto& step = record.values<std::int64_t>("curve/step");
  facts.curve_step.assign(step.begin(), step.end());
  facts.curve_mean = curve_means(record);
  facts.kept_per_tensor = record.values<std::int64_t>("result/kept_per_tensor");
  if (record.has_array("result/effective_per_tensor"))
    facts.effective_per_tensor = record.values<std::int64_t>("result/effective_per_tensor");
  const auto& magnitude = record.values<double>("result/input_magnitude");
  facts.input_magnitude.assign(magnitude.begin(), magnitude.end());
  const bool is_summary = record.has_array("result/input_kept");
  const std::string path = "mask/" + first_layer.name;
  const std::vector<std::uint8_t> mask = record.has_array(path)
                                             ? record.values<std::uint8_t>(path)
                                             : std::vector<std::uint8_t>(first_layer.size, 1);
  if (facts.curve_step.size() != facts.curve_mean.size() || facts.curve_step.empty() ||
      facts.input_magnitude.size() != static_cast<std::size_t>(first_layer.shape[1]) ||
      mask.size() != first_layer.size ||
      (!facts.effective_per_tensor.empty() && facts.effective_per_tensor.size() != tensors.size()))
    throw InputError("{}: its arrays do not fit together; remove the file and run again", record.origin);
  const std::vector<std::int64_t> kept =
      is_summary ? record.values<std::int64_t>("result/input_kept") : kept_per_input(first_layer, mask);
  facts.input_kept.assign(kept.begin(), kept.end());
  if (is_small(tensors))
    for (const std::int64_t paths :
         is_summary
             ? record.values<std::int64_t>("result/input_effective")
             : kept_per_input(tensors, effective_parameters(model, tensors, read_mask(record, tensors))))
      facts.input_effective.push_back(paths > 0 ? 1 : 0);
  if (facts.input_kept.size() != facts.input_magnitude.size() ||
      (is_small(tensors) && facts.input_effective.size() != facts.input_magnitude.size()))
    throw InputError("{}: its arrays do not fit together; restore a copy", record.origin);
  return facts;
}

class Reader {
 public:
  void read(const std::filesystem::path& path) {
    StoreFacts& facts = results_.stores.emplace_back();
    facts.path = path.string();
    std::vector<std::string> damage;
    const Store store = Store::open(path, [&](const std::string& message) { damage.push_back(message); });
    const Plan plan = plan_of_store(store);
    facts.fingerprint = store.fingerprint();
    facts.fingerprint.merge(store.pins());
    require_same_numerics(facts);
    facts.status = read_status(store, plan);
    facts.jobs = store.jobs();
    finished_ = store.finished();
    for (const Chain& chain : plan.chains) {
      Group& group = group_with(plan, chain);
      ChainFacts& rounds = group.chains[chain.baseline][chain.seed];
      rounds.resize(group.rounds());
      for (std::size_t round = 0; round < chain.rounds.size(); ++round)
        if (!rounds[round])
          rounds[round] = load(store, plan.trainings[chain.rounds[round]].digest, group, facts, damage);
    }
    facts.damage = std::move(damage);
  }

  Results take() && { return std::move(results_); }

 private:
  // Trainings of other backends, of kernels or evaluations of another generation, are not repetitions of one
  // experiment.
  void require_same_numerics(const StoreFacts& facts) const {
    const StoreFacts& first = results_.stores.front();
    for (const char* entry : {"backend", "evaluation"}) {
      const auto of = [&](const StoreFacts& store) {
        const auto found = store.fingerprint.find(entry);
        return found == store.fingerprint.end() ? std::string("nothing") : "'" + found->second + "'";
      };
      if (of(facts) != of(first))
        throw InputError(
            "report: {} was computed with {} = {} and {} with {}, whose results are not pooled; report each "
            "of them on its own",
            facts.path, entry, of(facts), first.path, of(first));
    }
  }

  // The group that the chain belongs to, with as many rounds as the longest of its chains.
  Group& group_with(const Plan& plan, const Chain& chain) {
    ChainGroup key = group_of(chain);
    const Settings& settings = plan.settings[chain.settings];
    for (auto known = places_.find(key); known != places_.end(); known = places_.find(key)) {
      if (differences(results_.groups[known->second].settings, settings).empty()) break;
      key.variant += fmt::format("-store{}", results_.stores.size());
    }
    const auto [place, is_new] = places_.emplace(key, results_.groups.size());
    if (is_new) results_.groups.push_back(make_group(plan, chain, key));
    Group& group = results_.groups[place->second];
    for (std::size_t round = group.rounds(); round < chain.rounds.size(); ++round) {
      group.density.push_back(plan.trainings[chain.rounds[round]].density);
      group.kept.push_back(plan.trainings[chain.rounds[round]].kept);
      for (auto& [baseline, seeds] : group.chains)
        for (auto& [seed, rounds] : seeds) rounds.resize(group.rounds());
    }
    return group;
  }

  static Group make_group(const Plan& plan, const Chain& chain, const ChainGroup& key) {
    Group group;
    static_cast<ChainGroup&>(group) = key;
    const TrainingNode& first = plan.trainings[chain.rounds.front()];
    group.settings = plan.settings[chain.settings];
    group.env_steps = first.env_steps;
    group.info = find_task(key.task);
    const ModelSpec model = model_of(group.settings);
    group.tensors = tensors_of(model);
    group.prunable = prunable_tensors(group.tensors, model, group.settings.imp);
    return group;
  }

  std::shared_ptr<const RoundFacts> load(const Store& store, const TrainingId& digest, const Group& group,
                                         StoreFacts& facts, std::vector<std::string>& damage) {
    const auto known = loaded_.find(digest);
    if (known != loaded_.end()) return known->second;
    if (!finished_.contains(digest.digits())) return nullptr;
    std::shared_ptr<const RoundFacts> round;
    try {
      const std::vector<std::string> places = places_to_read(group.tensors);
      if (const std::optional<Record> record = store.load(digest, places)) {
        round = std::make_shared<RoundFacts>(read_facts(*record, model_of(group.settings), group.tensors));
        const auto provenance = [&](const char* name) {
          const std::string group_name(kProvenance);
          return record->has_attribute(group_name, name) ? record->text(group_name, name) : "unknown";
        };
        ++facts.hosts[provenance("host")];
        ++facts.versions[provenance("impsweep version") + ", commit " + provenance("impsweep commit")];
        facts.cpu_seconds += round->summary.cpu_seconds;
      }
    } catch (const InputError& error) {
      damage.push_back(error.what());
    }
    loaded_[digest] = round;
    return round;
  }

  Results results_;
  std::map<ChainGroup, std::size_t> places_;
  std::unordered_map<TrainingId, std::shared_ptr<const RoundFacts>> loaded_;
  Digests finished_;  // of the store that is being read
};

}  // namespace

Results read_results(const std::vector<std::filesystem::path>& stores) {
  Reader reader;
  for (const std::filesystem::path& store : stores) reader.read(store);
  return std::move(reader).take();
}

double setting_number(const Settings& settings, const std::string& key) {
  for (const OptionState& state : list_settings(settings)) {
    if (state.option.key != key) continue;
    if (const double* real = std::get_if<double>(&state.value)) return *real;
    if (const std::int64_t* integer = std::get_if<std::int64_t>(&state.value))
      return static_cast<double>(*integer);
  }
  return 0;
}

}  // namespace impsweep
