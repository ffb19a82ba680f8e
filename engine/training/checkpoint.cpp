#include "engine/training/checkpoint.hpp"

#include <fmt/format.h>

#include "envs/archive.hpp"
#include "io/error.hpp"
#include "io/process.hpp"

namespace impsweep {
namespace {

constexpr std::int64_t kFormat = 1;

}  // namespace

Checkpoint::Checkpoint(const Store& store, const Plan& plan, TrainingIndex training, Clock::duration interval,
                       const Fingerprint& numerics)
    : store_(store),
      digest_(plan.trainings[training].digest),
      recipe_(canonical_bytes(recipe_of(plan, training))),
      numerics_(numerics),
      interval_(interval),
      start_(Clock::now()),
      last_save_(start_),
      cpu_start_(thread_cpu_seconds()) {}

TimeSpent Checkpoint::spent() const {
  return {before_.wall_seconds + std::chrono::duration<double>(Clock::now() - start_).count(),
          before_.cpu_seconds + thread_cpu_seconds() - cpu_start_};
}

std::unique_ptr<TrainingSession> Checkpoint::start(const TrainingRequest& request) {
  auto session = std::make_unique<TrainingSession>(request);
  const std::optional<Record> record = store_.load_checkpoint(digest_);
  if (!record) return session;
  std::string reason;
  try {
    restore(*record, *session);
    return session;
  } catch (const NewerFormat&) {
    throw;  // the version that made it goes on from there
  } catch (const InputError& error) {
    reason = error.what();
  } catch (const ArchiveError& error) {
    reason = error.what();
  }
  store_.refuse_checkpoint(digest_,
                           fmt::format("the training cannot go on from it and starts again: {}", reason));
  before_ = {};
  start_step_ = 0;
  return std::make_unique<TrainingSession>(request);  // the other may be half loaded
}

void Checkpoint::save_if_due(const TrainingSession& session) {
  if (Clock::now() - last_save_ >= interval_) save(session);
}

void Checkpoint::save(const TrainingSession& session) {
  store_.save_checkpoint(digest_, encode(session));
  last_save_ = Clock::now();
}

Record Checkpoint::encode(const TrainingSession& session) const {
  StateWriter writer;
  session.save(writer);
  const std::vector<std::byte> bytes = writer.take();
  const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const TimeSpent spent = this->spent();
  Record record;
  auto& root = record.attributes[""];
  root["format"] = kFormat;
  root["step"] = session.env_steps();
  root["recipe"] = recipe_;
  root["wall_seconds"] = spent.wall_seconds;
  root["cpu_seconds"] = spent.cpu_seconds;
  for (const Fingerprint* entries : {&store_.fingerprint(), &std::as_const(numerics_)})
    for (const auto& [name, value] : *entries) record.attributes["fingerprint"][name] = value;
  record.arrays["state"] = Array::vector(std::vector<std::uint8_t>(first, first + bytes.size()));
  return record;
}

void Checkpoint::restore(const Record& record, TrainingSession& session) {
  const std::int64_t format = record.integer("", "format");
  if (format > kFormat) throw NewerFormat(record.origin, format, kFormat);
  if (format != kFormat) throw InputError("it has format {}, this version reads {}", format, kFormat);
  if (record.text("", "recipe") != recipe_) throw InputError("it belongs to another recipe");
  const auto require = [&](const std::string& name, const std::string& value) {
    if (const std::string& theirs = record.text("fingerprint", name); theirs != value)
      throw InputError("it was computed with {} = '{}', here it is '{}'", name, theirs, value);
  };
  for (const auto& [name, value] : store_.fingerprint()) require(name, value);
  // Earlier versions did not say what one training depends on.
  for (const auto& [name, value] : numerics_)
    if (record.has_attribute("fingerprint", name)) require(name, value);
  const auto& state = record.values<std::uint8_t>("state");
  StateReader reader(reinterpret_cast<const std::byte*>(state.data()), state.size());
  session.load(reader);
  if (!reader.at_end()) throw ArchiveError("saved state holds more than was expected");
  before_ = {record.number("", "wall_seconds"), record.number("", "cpu_seconds")};
  start_step_ = record.integer("", "step");
}

}  // namespace impsweep
