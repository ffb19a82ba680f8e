#include "engine/store/index.hpp"

#include <fmt/format.h>

#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <string>

#include "engine/store/tables.hpp"
#include "io/error.hpp"
#include "io/files.hpp"
#include "io/hdf5_writer.hpp"
#include "io/record_columns.hpp"
#include "io/record_file.hpp"

namespace impsweep {
namespace {

// A round of a chain, or a teacher's training, that is finished.
struct Row {
  std::string chain, round;
  std::string variant, baseline;
  TrainingIndex training;
};

Row chain_row(const Chain& chain, std::size_t round) {
  return {chain.name, fmt::format("r{:02}", round), chain.variant, std::string(info_of(chain.baseline).name),
          chain.rounds[round]};
}

// The digest tells apart teachers that differ in more than their size.
Row teacher_row(const Plan& plan, TrainingIndex teacher) {
  const TrainingNode& node = plan.trainings[teacher];
  const Settings& settings = plan.settings[node.settings];
  return {fmt::format("expert-{}.{}.{}.{}.s{}", settings.task, settings.algorithm,
                      network_name(settings.agent.network), node.digest.digits().substr(0, 8), node.seed),
          "r00", "expert", "dense", teacher};
}

// A round of a ticket whose inputs other agents are given (inputs.ticket_round), trained for them alone.
Row ticket_row(const Plan& plan, TrainingIndex ticket) {
  const TrainingNode& node = plan.trainings[ticket];
  const Settings& settings = plan.settings[node.settings];
  return {fmt::format("ticket-{}.{}.{}.{}.s{:02}", settings.task, settings.algorithm,
                      network_name(settings.agent.network), node.digest.digits().substr(0, 8), node.seed),
          fmt::format("r{:02}", node.round), "ticket", std::string(info_of(node.baseline).name), ticket};
}

std::set<TrainingIndex> teachers_of(const Plan& plan) {
  std::set<TrainingIndex> teachers;
  for (const TeacherChoice& choice : plan.choices)
    teachers.insert(choice.candidates.begin(), choice.candidates.end());
  return teachers;
}

// The row of a training that no chain asks for, or of a teacher.
std::optional<Row> row_beside_chains(const Plan& plan, const std::set<TrainingIndex>& teachers,
                                     TrainingIndex training) {
  if (teachers.contains(training)) return teacher_row(plan, training);
  if (!plan.first_chain[training]) return ticket_row(plan, training);
  return std::nullopt;
}

std::vector<Row> finished_rows(const Plan& plan, const RoundSummaries& summaries) {
  std::vector<Row> rows;
  for (const Chain& chain : plan.chains)
    for (std::size_t round = 0; round < chain.rounds.size(); ++round)
      if (summaries.contains(chain.rounds[round])) rows.push_back(chain_row(chain, round));
  const std::set<TrainingIndex> teachers = teachers_of(plan);
  for (TrainingIndex training = 0; training < plan.trainings.size(); ++training)
    if (summaries.contains(training))
      if (std::optional<Row> row = row_beside_chains(plan, teachers, training))
        rows.push_back(std::move(*row));
  return rows;
}

std::vector<IndexLink> links_of(const Plan& plan, const std::vector<Row>& rows) {
  std::vector<IndexLink> links;
  links.reserve(rows.size());
  for (const Row& row : rows)
    links.push_back({row.chain, row.round, Store::round_file(plan.trainings[row.training].digest)});
  return links;
}

Table table_of(const Plan& plan, const RoundSummaries& summaries, const std::vector<Row>& rows) {
  Table table;
  const auto texts = [&](const char* name, auto&& value) {
    std::vector<std::string> column;
    column.reserve(rows.size());
    for (const Row& row : rows) column.push_back(value(row));
    table.columns.push_back({name, std::move(column)});
  };
  const auto integers = [&](const char* name, auto&& value) {
    std::vector<std::int64_t> column;
    column.reserve(rows.size());
    for (const Row& row : rows) column.push_back(value(row));
    table.columns.push_back({name, std::move(column)});
  };
  const auto numbers = [&](const char* name, auto&& value) {
    std::vector<double> column;
    column.reserve(rows.size());
    for (const Row& row : rows) column.push_back(value(row));
    table.columns.push_back({name, std::move(column)});
  };
  const auto node = [&](const Row& row) -> const TrainingNode& { return plan.trainings[row.training]; };
  const auto settings = [&](const Row& row) -> const Settings& { return plan.settings[node(row).settings]; };
  const auto summary = [&](const Row& row) -> const RoundSummary& { return summaries.at(row.training); };

  texts("chain", [&](const Row& row) { return row.chain; });
  integers("round", [&](const Row& row) { return static_cast<std::int64_t>(node(row).round); });
  texts("task", [&](const Row& row) { return settings(row).task; });
  texts("algorithm", [&](const Row& row) { return settings(row).algorithm; });
  texts("network", [&](const Row& row) { return network_name(settings(row).agent.network); });
  texts("variant", [&](const Row& row) { return row.variant; });
  texts("baseline", [&](const Row& row) { return row.baseline; });
  integers("seed", [&](const Row& row) { return node(row).seed; });
  numbers("density", [&](const Row& row) { return node(row).density; });
  integers("kept",
           [&](const Row& row) { return summary(row).kept > 0 ? summary(row).kept : node(row).kept; });
  numbers("best_return", [&](const Row& row) { return summary(row).best_return; });
  numbers("best_deviation", [&](const Row& row) { return summary(row).best_deviation; });
  integers("best_step", [&](const Row& row) { return summary(row).best_step; });
  numbers("reevaluated_return", [&](const Row& row) { return summary(row).reevaluated_return; });
  numbers("reevaluated_deviation", [&](const Row& row) { return summary(row).reevaluated_deviation; });
  numbers("final_return", [&](const Row& row) { return summary(row).final_return; });
  numbers("final_deviation", [&](const Row& row) { return summary(row).final_deviation; });
  integers("inputs_left", [&](const Row& row) { return summary(row).inputs_left; });
  numbers("effective_inputs", [&](const Row& row) {
    return summary(row).effective_inputs < 0 ? std::numeric_limits<double>::quiet_NaN()
                                             : static_cast<double>(summary(row).effective_inputs);
  });
  numbers("effective_density", [&](const Row& row) { return summary(row).effective_density; });
  integers("env_steps", [&](const Row& row) { return summary(row).env_steps; });
  integers("updates", [&](const Row& row) { return summary(row).updates; });
  integers("evaluation_episodes", [&](const Row& row) { return summary(row).evaluation_episodes; });
  integers("episodes", [&](const Row& row) { return summary(row).evaluation_episodes; });
  integers("episodes_cut", [&](const Row& row) { return summary(row).episodes_cut; });
  numbers("wall_seconds", [&](const Row& row) { return summary(row).wall_seconds; });
  numbers("train_flops", [&](const Row& row) { return summary(row).train_flops; });
  numbers("cpu_seconds", [&](const Row& row) { return summary(row).cpu_seconds; });
  texts("digest", [&](const Row& row) { return std::string(node(row).digest.digits()); });
  return table;
}

}  // namespace

Table rounds_table(const Plan& plan, const RoundSummaries& summaries, const std::vector<std::string>& with) {
  const std::vector<Row> rows = finished_rows(plan, summaries);
  Table table = table_of(plan, summaries, rows);
  std::vector<std::uint32_t> settings;
  settings.reserve(rows.size());
  for (const Row& row : rows) settings.push_back(plan.trainings[row.training].settings);
  add_setting_columns(plan, settings, with, table);
  return table;
}

StoreIndex::StoreIndex(const Store& store, const Plan& plan)
    : plan_(plan), use_begin_(plan.trainings.size() + 1), file_(store.directory() / "index.h5") {
  for (const Chain& chain : plan.chains)
    for (const TrainingIndex training : chain.rounds) ++use_begin_[training];
  // Counts become ends, and filling from the last chain on moves the ends to the begins.
  std::inclusive_scan(use_begin_.begin(), use_begin_.end(), use_begin_.begin());
  uses_.resize(use_begin_.back());
  for (std::size_t chain = plan.chains.size(); chain-- > 0;)
    for (std::size_t round = plan.chains[chain].rounds.size(); round-- > 0;)
      uses_[--use_begin_[plan.chains[chain].rounds[round]]] = {static_cast<std::uint32_t>(chain),
                                                               static_cast<std::uint32_t>(round)};
}

void StoreIndex::write(const RoundSummaries& summaries) {
  const std::vector<Row> rows = finished_rows(plan_, summaries);
  file_.replace(table_of(plan_, summaries, rows), links_of(plan_, rows));
  written_ = true;
}

void StoreIndex::add(std::span<const TrainingIndex> finished, const RoundSummaries& summaries) {
  if (!written_) return write(summaries);
  const std::set<TrainingIndex> teachers = teachers_of(plan_);
  std::vector<Row> rows;
  for (const TrainingIndex training : finished) {
    for (std::size_t use = use_begin_[training]; use < use_begin_[training + 1]; ++use)
      rows.push_back(chain_row(plan_.chains[uses_[use].first], uses_[use].second));
    if (std::optional<Row> row = row_beside_chains(plan_, teachers, training))
      rows.push_back(std::move(*row));
  }
  if (!file_.append(table_of(plan_, summaries, rows), links_of(plan_, rows))) write(summaries);
}

namespace {

Record whole_record(const Store& store, const Plan& plan, const Row& row) {
  std::optional<Record> record = store.load(plan.trainings[row.training].digest);
  if (!record)
    throw InputError("{}: {} {} was damaged; run the job again, then pack", store.directory().string(),
                     row.chain, row.round);
  require_whole_curve(*record);
  return std::move(*record);
}

void write_rounds(Hdf5Writer& writer, const Store& store, const Plan& plan, const std::vector<Row>& rows) {
  std::map<TrainingIndex, std::string> packed;  // where a training lies that several chains share
  for (const Row& row : rows) {
    const std::string path = fmt::format("chains/{}/{}", row.chain, row.round);
    const auto [first, is_new] = packed.emplace(row.training, path);
    if (is_new)
      write_record(writer, path, whole_record(store, plan, row));
    else
      writer.link(path, first->second);
  }
}

void write_summaries(Hdf5Writer& writer, const Store& store, const Plan& plan, const std::vector<Row>& rows) {
  std::set<TrainingIndex> packed;
  std::vector<Record> records;
  for (const Row& row : rows)
    if (packed.insert(row.training).second)
      records.push_back(without_weights(whole_record(store, plan, row),
                                        model_of(plan.settings[plan.trainings[row.training].settings])));
  write_record_columns(writer, kPackRecords, records);
}

}  // namespace

void write_pack(const Store& store, const Plan& plan, const RoundSummaries& summaries, PackKind kind,
                const std::filesystem::path& file) {
  using Effort = Hdf5Writer::Effort;
  Hdf5Writer writer(kUserBlockBytes, kind == PackKind::kSummary ? Effort::kSmallest : Effort::kFast);
  writer.table(kPackTable, rounds_table(plan, summaries));
  const std::vector<Row> rows = finished_rows(plan, summaries);
  if (kind == PackKind::kSummary)
    write_summaries(writer, store, plan, rows);
  else
    write_rounds(writer, store, plan, rows);
  for (const FrozenJob& job : store.jobs()) writer.attribute("jobs", job.digest, job.text);
  for (const auto& [entry, value] : store.fingerprint()) writer.attribute("fingerprint", entry, value);
  for (const auto& [entry, value] : store.pins()) writer.attribute("numerics", entry, value);
  Bytes bytes = writer.image();
  write_user_block(bytes);
  write_output(file, bytes);
}

}  // namespace impsweep
