#include "engine/store_plan.hpp"

#include <fmt/format.h>

#include <set>
#include <unordered_map>

#include "io/error.hpp"
#include "io/files.hpp"
#include "io/hdf5_writer.hpp"
#include "io/index_file.hpp"
#include "io/record_file.hpp"

namespace impsweep {
namespace {

// A round of a chain, or an expert's training, that is finished.
struct Row {
  std::string chain, round;
  std::string variant, baseline;
  TrainingIndex training;
};

std::vector<Row> finished_rows(const Plan& plan, const RoundSummaries& summaries) {
  std::vector<Row> rows;
  for (const Chain& chain : plan.chains)
    for (std::size_t round = 0; round < chain.rounds.size(); ++round)
      if (summaries.contains(chain.rounds[round]))
        rows.push_back({chain.name, fmt::format("r{:02}", round), chain.variant,
                        std::string(info_of(chain.baseline).name), chain.rounds[round]});
  std::set<TrainingIndex> experts;
  for (const TeacherChoice& choice : plan.choices)
    experts.insert(choice.candidates.begin(), choice.candidates.end());
  for (const TrainingIndex expert : experts) {
    if (!summaries.contains(expert)) continue;
    const Settings& settings = plan.settings[plan.trainings[expert].settings];
    // The digest tells apart experts that differ in more than their size.
    rows.push_back({fmt::format("expert-{}.{}.{}.{}.s{}", settings.task, settings.algorithm,
                                network_name(settings.agent.network),
                                plan.trainings[expert].digest.substr(0, 8), plan.trainings[expert].seed),
                    "r00", "expert", "dense", expert});
  }
  return rows;
}

}  // namespace

Plan plan_of_store(const Store& store) {
  std::vector<GridPoint> points;
  std::unordered_map<std::string, std::vector<Digest>> chains;
  for (const FrozenJob& job : store.jobs()) {
    const JobFile file = parse_job(job.text, (store.directory() / "jobs" / (job.digest + ".toml")).string());
    std::vector<GridPoint> own = resolve({&file, 1});
    const Plan plan = expand(own);
    std::set<std::string> clashing;
    for (const Chain& chain : plan.chains) {
      std::vector<Digest> digests;
      for (const TrainingIndex training : chain.rounds) digests.push_back(plan.trainings[training].digest);
      const auto [known, is_new] = chains.emplace(chain.name, digests);
      if (is_new) continue;
      const std::size_t common = std::min(known->second.size(), digests.size());
      if (!std::equal(digests.begin(), digests.begin() + static_cast<std::ptrdiff_t>(common),
                      known->second.begin()))
        clashing.insert(chain.variant);
      else if (digests.size() > common)
        known->second = digests;
    }
    for (GridPoint& point : own) {
      if (clashing.contains(point.variant)) point.variant += "-job" + job.digest.substr(0, 8);
      points.push_back(std::move(point));
    }
  }
  return expand(std::move(points));
}

void read_summaries(const Store& store, const Plan& plan, RoundSummaries& known) {
  const std::set<std::string> finished = store.finished();
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
    if (known.contains(i) || !finished.contains(plan.trainings[i].digest)) continue;
    if (const std::optional<Record> record = store.load(plan.trainings[i].digest, Part::kAttributes))
      known[i] = read_summary(*record);
  }
}

bool StoreContents::has(const Digest& digest) const {
  const auto found = index.find(digest);
  return found != index.end() && summaries.contains(found->second);
}

StoreContents read_contents(const Store& store) {
  StoreContents contents;
  contents.plan = plan_of_store(store);
  read_summaries(store, contents.plan, contents.summaries);
  for (TrainingIndex i = 0; i < contents.plan.trainings.size(); ++i)
    contents.index[contents.plan.trainings[i].digest] = i;
  return contents;
}

CostModel learned_costs(const Plan& plan, const StoreContents& contents) {
  CostModel costs;
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i)
    if (const Digest& digest = plan.trainings[i].digest; contents.has(digest))
      costs.observe(plan, i, contents.summaries.at(contents.index.at(digest)).wall_seconds);
  return costs;
}

Table rounds_table(const Plan& plan, const RoundSummaries& summaries) {
  const std::vector<Row> rows = finished_rows(plan, summaries);
  Table table;
  const auto texts = [&](const char* name, auto&& value) {
    std::vector<std::string> column;
    for (const Row& row : rows) column.push_back(value(row));
    table.columns.push_back({name, std::move(column)});
  };
  const auto integers = [&](const char* name, auto&& value) {
    std::vector<std::int64_t> column;
    for (const Row& row : rows) column.push_back(value(row));
    table.columns.push_back({name, std::move(column)});
  };
  const auto numbers = [&](const char* name, auto&& value) {
    std::vector<double> column;
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
  integers("env_steps", [&](const Row& row) { return summary(row).env_steps; });
  integers("updates", [&](const Row& row) { return summary(row).updates; });
  integers("evaluation_episodes", [&](const Row& row) { return summary(row).evaluation_episodes; });
  numbers("wall_seconds", [&](const Row& row) { return summary(row).wall_seconds; });
  numbers("cpu_seconds", [&](const Row& row) { return summary(row).cpu_seconds; });
  texts("digest", [&](const Row& row) { return node(row).digest; });
  return table;
}

void write_index(const Store& store, const Plan& plan, const RoundSummaries& summaries) {
  std::vector<IndexLink> links;
  for (const Row& row : finished_rows(plan, summaries))
    links.push_back({row.chain, row.round, Store::round_file(plan.trainings[row.training].digest)});
  write_index_file(store.directory() / "index.h5", rounds_table(plan, summaries), links);
}

void write_pack(const Store& store, const Plan& plan, const RoundSummaries& summaries,
                const std::filesystem::path& file) {
  Hdf5Writer writer;
  writer.table("rounds", rounds_table(plan, summaries));
  std::map<TrainingIndex, std::string> packed;  // where a training lies that several chains share
  for (const Row& row : finished_rows(plan, summaries)) {
    const std::string path = fmt::format("chains/{}/{}", row.chain, row.round);
    const auto [first, is_new] = packed.emplace(row.training, path);
    if (!is_new) {
      writer.link(path, first->second);
      continue;
    }
    const std::optional<Record> record = store.load(plan.trainings[row.training].digest);
    if (!record)
      throw InputError("{}: {} was damaged; run the job again, then pack", store.directory().string(), path);
    write_record(writer, path, *record);
  }
  for (const FrozenJob& job : store.jobs()) writer.attribute("jobs", job.digest, job.text);
  for (const auto& [entry, value] : store.fingerprint()) writer.attribute("fingerprint", entry, value);
  replace_atomically(file, writer.image());
}

}  // namespace impsweep
