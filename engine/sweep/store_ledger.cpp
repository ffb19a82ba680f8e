#include "engine/sweep/store_ledger.hpp"

#include <sys/stat.h>

#include <algorithm>

#include "engine/store/return_table.hpp"
#include "engine/store/summary_cache.hpp"

namespace impsweep {
namespace {

// A directory that is moved keeps its number, and one of the same name has another. 0 if there is none.
std::uint64_t number_of(const std::filesystem::path& directory) {
  struct stat status {};
  return ::stat(directory.c_str(), &status) == 0 ? status.st_ino : 0;
}

}  // namespace

StoreLedger::StoreLedger(const Plan& plan, const Store& store, int ranks,
                         std::chrono::milliseconds lease_interval)
    : plan_(plan),
      store_(store),
      directory_(number_of(store.directory())),
      contents_(read_contents(store)),
      journal_(store, ranks),
      leases_(store.lease_directory(), journal_.run(), lease_interval),
      index_(store, contents_.plan),
      lease_ticker_(lease_interval, [this] { leases_.refresh(); }) {
  if (contents_.opened > 0) write_summary_cache(store, contents_.plan, contents_.summaries);
}

std::vector<bool> StoreLedger::finished_before() const {
  std::vector<bool> finished;
  finished.reserve(plan_.trainings.size());
  for (const TrainingNode& node : plan_.trainings) finished.push_back(contents_.find(node.digest) != nullptr);
  return finished;
}

CostModel StoreLedger::learned_costs() const {
  return impsweep::learned_costs(plan_, [&](TrainingIndex training) { return contents_.find(id(training)); });
}

std::map<TrainingIndex, Failure> StoreLedger::earlier_failures() const {
  std::map<TrainingIndex, Failure> failures;
  const History history = read_history(store_);
  if (history.failures.empty()) return failures;
  for (TrainingIndex i = 0; i < plan_.trainings.size(); ++i)
    if (const auto found = history.failures.find(id(i)); found != history.failures.end())
      failures[i] = found->second;
  return failures;
}

bool StoreLedger::has(TrainingIndex training) {
  return store_.has(id(training));
}

std::optional<RoundSummary> StoreLedger::read(TrainingIndex training) {
  const std::optional<Record> record = store_.load(id(training), RecordPart::kAttributes);
  if (!record) return std::nullopt;
  return read_summary(*record);
}

void StoreLedger::add(TrainingIndex training, const RoundSummary& summary) {
  const TrainingIndex place = contents_.index.at(id(training));
  const auto [known, is_new] = contents_.summaries.insert_or_assign(place, summary);
  known->second.file = store_.stamp(id(training));
  if (is_new) not_in_index_.push_back(place);
}

void StoreLedger::remove(TrainingIndex training) {
  const TrainingIndex place = contents_.index.at(id(training));
  contents_.summaries.erase(place);
  std::erase(not_in_index_, place);
}

std::vector<bool> StoreLedger::results() {
  const Digests finished = store_.finished();
  std::vector<bool> stored;
  stored.reserve(plan_.trainings.size());
  for (const TrainingNode& node : plan_.trainings) stored.push_back(finished.contains(node.digest.digits()));
  return stored;
}

bool StoreLedger::is_there() {
  return number_of(store_.directory()) == directory_ && file_exists(store_.directory() / "store.toml");
}

bool StoreLedger::take_lease(TrainingIndex training) {
  return leases_.take(id(training));
}

void StoreLedger::release_lease(TrainingIndex training) {
  leases_.release(id(training));
}

void StoreLedger::run_predicted(const Forecast& forecast) {
  journal_.run_predicted(forecast.seconds, forecast.low_seconds, forecast.high_seconds);
}

void StoreLedger::training_started(TrainingIndex training, int rank) {
  journal_.training_started(id(training), rank);
}

void StoreLedger::training_done(TrainingIndex training, double wall_seconds) {
  journal_.training_done(id(training), wall_seconds);
}

void StoreLedger::training_failed(TrainingIndex training, const Failure& failure) {
  journal_.training_failed(id(training), failure);
}

void StoreLedger::rank_lost(int rank, const std::string& evidence) {
  journal_.rank_lost(rank, evidence);
}

void StoreLedger::heartbeat() {
  journal_.heartbeat();
}

void StoreLedger::heartbeat(const std::vector<RunningTraining>& running, double env_steps_per_second) {
  journal_.heartbeat(running, env_steps_per_second);
}

void StoreLedger::run_ended(const std::string& outcome) {
  journal_.run_ended(outcome);
}

void StoreLedger::update_index() {
  index_.add(not_in_index_, contents_.summaries);
  not_in_index_.clear();
  write_summary_cache(store_, contents_.plan, contents_.summaries);
}

void StoreLedger::write_index() {
  index_.write(contents_.summaries);
  not_in_index_.clear();
  write_summary_cache(store_, contents_.plan, contents_.summaries);
}

std::string StoreLedger::return_tables() const {
  return impsweep::return_tables(contents_.plan, contents_.summaries, Metric::kReevaluated);
}

std::size_t StoreLedger::without_path() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      contents_.summaries, [](const auto& known) { return known.second.effective_inputs == 0; }));
}

}  // namespace impsweep
