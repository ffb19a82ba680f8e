#include "engine/replay/replay_oracle.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "io/error.hpp"

namespace impsweep {

void OracleComparison::note(const std::string& quantity, double error, double allowed, std::size_t place,
                            double got, double want) {
  double& worst = replay_.max_abs_error[quantity];
  worst = std::isnan(error) ? error : std::max(worst, error);
  if (error <= allowed || replay_.first_divergence) return;
  replay_.first_divergence = {case_index_, quantity,
                              fmt::format("element {}: {} instead of {}", place, got, want)};
}

void OracleComparison::compare(const std::string& quantity, std::span<const float> got,
                               std::span<const float> want, double absolute, double relative) {
  if (got.size() != want.size())
    throw InputError("case {}: '{}' has {} elements instead of {}; the recording is inconsistent",
                     case_index_, quantity, want.size(), got.size());
  double scale = 0;
  for (const float value : want) scale = std::max(scale, std::abs(static_cast<double>(value)));
  const double allowed = tolerance_ > 0 ? tolerance_ : absolute + relative * scale;
  for (std::size_t i = 0; i < got.size(); ++i)
    note(quantity, std::abs(static_cast<double>(got[i]) - want[i]), allowed, i, got[i], want[i]);
}

void OracleComparison::compare_relative(const std::string& quantity, std::span<const float> got,
                                        std::span<const float> want, double relative) {
  if (got.size() != want.size())
    throw InputError("case {}: '{}' has {} elements instead of {}; the recording is inconsistent",
                     case_index_, quantity, want.size(), got.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    note(quantity, std::abs(static_cast<double>(got[i]) - want[i]),
         tolerance_ > 0 ? tolerance_ : relative * std::abs(static_cast<double>(want[i])), i, got[i], want[i]);
}

void OracleComparison::compare(const std::string& quantity, std::span<const double> got,
                               std::span<const double> want, double absolute) {
  if (got.size() != want.size())
    throw InputError("case {}: '{}' has {} elements instead of {}; the recording is inconsistent",
                     case_index_, quantity, want.size(), got.size());
  const double allowed = tolerance_ > 0 ? tolerance_ : absolute;
  for (std::size_t i = 0; i < got.size(); ++i)
    note(quantity, std::abs(got[i] - want[i]), allowed, i, got[i], want[i]);
}

void OracleComparison::compare(const std::string& quantity, double got, double want, double absolute) {
  note(quantity, std::abs(got - want), tolerance_ > 0 ? tolerance_ : absolute, 0, got, want);
}

void OracleComparison::compare_exactly(const std::string& quantity, std::span<const std::int64_t> got,
                                       std::span<const std::int64_t> want) {
  if (got.size() != want.size())
    throw InputError("case {}: '{}' has {} elements instead of {}; the recording is inconsistent",
                     case_index_, quantity, want.size(), got.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    note(quantity, std::abs(static_cast<double>(got[i] - want[i])), 0, i, static_cast<double>(got[i]),
         static_cast<double>(want[i]));
}

namespace {

// Statistics name their kind in each case: several share a file.
std::vector<std::string> statistics_cases(const Hdf5File& file) {
  std::vector<std::string> cases;
  for (const std::string& child : file.children())
    if (child.starts_with("case_") && file.is_group(child) && file.has_attribute(child, "kind"))
      cases.push_back(child);
  return cases;
}

}  // namespace

bool is_oracle(const std::string& path) {
  const Hdf5File file = Hdf5File::open_readonly(path);
  return file.has_attribute("", "kind") || !statistics_cases(file).empty();
}

OracleReplay replay_oracle(const std::string& path, double tolerance) {
  const Hdf5File file = Hdf5File::open_readonly(path);
  OracleReplay replay;
  replay.file = path;
  OracleComparison comparison(replay, tolerance);
  if (!file.has_attribute("", "kind")) {
    replay.kind = "statistics";
    for (const std::string& group : statistics_cases(file)) {
      comparison.start_case(static_cast<int>(replay.cases++));
      replay_statistics_case(file, group, comparison);
    }
    return replay;
  }
  replay.kind = file.attribute_string("", "kind");
  replay.cases = file.attribute_int("", "num_cases");
  const auto drive = replay.kind == "ppo-update"           ? replay_ppo_case
                     : replay.kind == "dqn-update"         ? replay_dqn_case
                     : replay.kind == "prioritized-replay" ? replay_memory_case
                     : replay.kind == "prune"              ? replay_prune_case
                     : replay.kind == "distillation-loss"  ? replay_distillation_case
                     : replay.kind == "sparse-methods"     ? replay_sparse_case
                                                           : nullptr;
  if (drive == nullptr)
    throw InputError(
        "{}: this version cannot drive recordings of kind '{}'; it knows ppo-update, "
        "dqn-update, prioritized-replay, prune, distillation-loss and sparse-methods",
        path, replay.kind);
  if (file.attribute_int("", "format_version") != 1)
    throw InputError("{}: format version {} is not known; this version reads format 1", path,
                     file.attribute_int("", "format_version"));
  for (int c = 0; c < replay.cases; ++c) {
    comparison.start_case(c);
    drive(file, fmt::format("case_{:03}", c), comparison);
  }
  return replay;
}

void to_json(nlohmann::json& json, const OracleReplay& replay) {
  json = {{"file", replay.file},
          {"kind", replay.kind},
          {"cases", replay.cases},
          {"max_abs_error", replay.max_abs_error},
          {"first_divergence", nullptr}};
  if (replay.first_divergence)
    json["first_divergence"] = {{"case", replay.first_divergence->case_index},
                                {"quantity", replay.first_divergence->quantity},
                                {"place", replay.first_divergence->place}};
}

}  // namespace impsweep
