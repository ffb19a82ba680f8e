#include "engine/store/tables.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <optional>

#include "engine/training/round_record.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

// The columns that say what a row is of.
class RowHeads {
 public:
  explicit RowHeads(const Plan& plan) : plan_(plan) {}

  void add(const Chain& chain, const TrainingNode& node) {
    chain_.push_back(chain.name);
    round_.push_back(node.round);
    task_.push_back(chain.task);
    algorithm_.push_back(chain.algorithm);
    network_.push_back(chain.network);
    variant_.push_back(chain.variant);
    baseline_.emplace_back(info_of(chain.baseline).name);
    seed_.push_back(chain.seed);
    density_.push_back(node.density);
    settings_.push_back(node.settings);
  }

  // The heads, then these columns, then the settings that were asked for.
  Table table(std::vector<Column> columns, const std::vector<std::string>& with) && {
    Table table{{{"chain", std::move(chain_)},
                 {"round", std::move(round_)},
                 {"task", std::move(task_)},
                 {"algorithm", std::move(algorithm_)},
                 {"network", std::move(network_)},
                 {"variant", std::move(variant_)},
                 {"baseline", std::move(baseline_)},
                 {"seed", std::move(seed_)},
                 {"density", std::move(density_)}}};
    for (Column& column : columns) table.columns.push_back(std::move(column));
    add_setting_columns(plan_, settings_, with, table);
    return table;
  }

 private:
  const Plan& plan_;
  std::vector<std::string> chain_, task_, algorithm_, network_, variant_, baseline_;
  std::vector<std::int64_t> round_, seed_;
  std::vector<double> density_;
  std::vector<std::uint32_t> settings_;
};

template <class Visit>
void for_each_finished_round(const Store& store, const Plan& plan, Visit visit) {
  const Digests finished = store.finished();
  for (const Chain& chain : plan.chains)
    for (const TrainingIndex training : chain.rounds) {
      const TrainingNode& node = plan.trainings[training];
      if (!finished.contains(node.digest.digits())) continue;
      if (const std::optional<Record> record = store.load(node.digest)) visit(chain, node, *record);
    }
}

}  // namespace

Table curves_table(const Store& store, const Plan& plan, const std::vector<std::string>& with) {
  RowHeads heads(plan);
  std::vector<std::int64_t> steps;
  std::vector<double> means, deviations;
  for_each_finished_round(store, plan,
                          [&](const Chain& chain, const TrainingNode& node, const Record& record) {
                            require_whole_curve(record);
                            const auto& step = record.values<std::int64_t>("curve/step");
                            const std::vector<double> mean = curve_means(record);
                            const auto& deviation = record.values<double>("curve/deviation");
                            for (std::size_t i = 0; i < step.size(); ++i) {
                              heads.add(chain, node);
                              steps.push_back(step[i]);
                              means.push_back(mean[i]);
                              deviations.push_back(std::isnan(mean[i]) ? mean[i] : deviation.at(i));
                            }
                          });
  return std::move(heads).table(
      {{"step", std::move(steps)}, {"mean_return", std::move(means)}, {"deviation", std::move(deviations)}},
      with);
}

Table inputs_table(const Store& store, const Plan& plan, const std::vector<std::string>& with) {
  RowHeads heads(plan);
  std::vector<std::int64_t> inputs, kept, effective;
  std::vector<std::string> names;
  std::vector<double> magnitudes;
  for_each_finished_round(
      store, plan, [&](const Chain& chain, const TrainingNode& node, const Record& record) {
        const auto& magnitude = record.values<double>("result/input_magnitude");
        const NetworkCounts counts = network_counts(record, model_of(plan.settings[node.settings]));
        if (magnitude.size() != counts.input_kept.size())
          throw InputError(
              "{}: 'result/input_magnitude' holds {} inputs where the network has {}; remove the file and "
              "run "
              "again",
              record.origin, magnitude.size(), counts.input_kept.size());
        const auto& known_names = find_task(chain.task)->observation_names;
        for (std::size_t i = 0; i < magnitude.size(); ++i) {
          heads.add(chain, node);
          inputs.push_back(static_cast<std::int64_t>(i));
          names.push_back(i < known_names.size() ? known_names[i] : fmt::format("input {}", i));
          magnitudes.push_back(magnitude[i]);
          kept.push_back(counts.input_kept[i]);
          effective.push_back(counts.input_effective[i]);
        }
      });
  return std::move(heads).table({{"input", std::move(inputs)},
                                 {"name", std::move(names)},
                                 {"magnitude", std::move(magnitudes)},
                                 {"kept", std::move(kept)},
                                 {"effective", std::move(effective)}},
                                with);
}

Table layers_table(const Store& store, const Plan& plan, const std::vector<std::string>& with) {
  RowHeads heads(plan);
  std::vector<std::string> names;
  std::vector<std::int64_t> sizes, kept, effective;
  std::vector<double> magnitudes, means;
  for_each_finished_round(store, plan,
                          [&](const Chain& chain, const TrainingNode& node, const Record& record) {
                            const ModelSpec model = model_of(plan.settings[node.settings]);
                            const std::vector<Tensor> tensors = tensors_of(model);
                            const NetworkCounts counts = network_counts(record, model);
                            for (std::size_t i = 0; i < tensors.size(); ++i) {
                              heads.add(chain, node);
                              names.push_back(tensors[i].name);
                              sizes.push_back(counts.entries[i]);
                              kept.push_back(counts.kept[i]);
                              effective.push_back(counts.effective[i]);
                              magnitudes.push_back(counts.magnitude[i]);
                              means.push_back(counts.magnitude[i] /
                                              static_cast<double>(counts.kept[i]));  // NaN where none is left
                            }
                          });
  return std::move(heads).table({{"tensor", std::move(names)},
                                 {"entries", std::move(sizes)},
                                 {"kept", std::move(kept)},
                                 {"effective", std::move(effective)},
                                 {"magnitude", std::move(magnitudes)},
                                 {"mean_magnitude", std::move(means)}},
                                with);
}

void add_setting_columns(const Plan& plan, const std::vector<std::uint32_t>& settings,
                         const std::vector<std::string>& keys, Table& table) {
  if (keys.empty()) return;
  std::vector<std::map<std::string, std::string>> values;  // by settings
  for (const Settings& known : plan.settings) {
    auto& of_these = values.emplace_back();
    of_these["master_seed"] = std::to_string(known.master_seed);
    for (const OptionState& state : list_settings(known))
      of_these[state.option.key] = canonical_text(state.value);
  }
  for (const std::string& key : keys) {
    bool found = false;
    std::vector<std::string> column;
    for (const auto& of_these : values) found |= of_these.contains(key);
    if (!found)
      throw InputError("export: --with {}: no chain of this store has such a key{}", key,
                       suggestion(key, known_keys()));
    for (const std::uint32_t index : settings) {
      const auto value = values[index].find(key);
      column.push_back(value == values[index].end() ? "" : value->second);
    }
    table.columns.push_back({key, std::move(column)});
  }
}

}  // namespace impsweep
