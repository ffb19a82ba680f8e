// engine/replay/replay_oracle.hpp - drives the code that trains with recorded updates of rlpyt and PyTorch,
// and the statistics with recorded results of rliable, scipy and statsmodels; compares every recorded result.
//
// A file of updates is recognised by its root attribute `kind`:
//   ppo-update           advantages, losses, gradient norms, parameters, Adam moments, schedules
//   dqn-update           n-step returns, values, losses, errors, gradients, parameters of both networks
//   prioritized-replay   leaves after every operation, draws, importance weights, what was drawn
//   prune                masks and counts of global magnitude pruning, exactly
//   distillation-loss    the three cloning losses and their gradients
// A file of statistics has a `kind` at each of its cases, and counts as of kind "statistics":
//   aggregate, paired, holm, meta, trend, power, proportion     quantities are named "paired/t/p_greater"
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>

#include "io/hdf5.hpp"

namespace impsweep {

struct OracleDivergence {
  int case_index = 0;
  std::string quantity;  // "iteration_0/parameters"
  std::string place;     // which element, and both values
};

struct OracleReplay {
  std::string file, kind;
  std::int64_t cases = 0;
  std::map<std::string, double> max_abs_error;  // by quantity, over all cases
  std::optional<OracleDivergence> first_divergence;
};

// Whether the file is one of these, rather than the recording of an environment.
bool is_oracle(const std::string& path);

// Throws InputError if the file is damaged, incomplete, or of a kind that this version cannot drive.
// tolerance 0: the tolerance that belongs to each quantity; else the largest absolute difference of all of
// them.
OracleReplay replay_oracle(const std::string& path, double tolerance = 0);

// {file, kind, cases, max_abs_error: {quantity: error}, first_divergence: null or {case, quantity, place}}
void to_json(nlohmann::json& json, const OracleReplay& replay);

// Collects differences; what the replays of the kinds share.
class OracleComparison {
 public:
  OracleComparison(OracleReplay& replay, double tolerance) : replay_(replay), tolerance_(tolerance) {}
  void start_case(int case_index) { case_index_ = case_index; }

  // Every element: |got - want| <= absolute + relative * max|want|.
  void compare(const std::string& quantity, std::span<const float> got, std::span<const float> want,
               double absolute, double relative);
  // Every element: |got - want| <= relative * |want|.
  void compare_relative(const std::string& quantity, std::span<const float> got, std::span<const float> want,
                        double relative);
  void compare(const std::string& quantity, std::span<const double> got, std::span<const double> want,
               double absolute);
  void compare(const std::string& quantity, double got, double want, double absolute);
  void compare_exactly(const std::string& quantity, std::span<const std::int64_t> got,
                       std::span<const std::int64_t> want);

 private:
  void note(const std::string& quantity, double error, double allowed, std::size_t place, double got,
            double want);
  OracleReplay& replay_;
  double tolerance_;
  int case_index_ = 0;
};

// One function per kind; `group` is the case's group in the file.
void replay_ppo_case(const Hdf5File&, const std::string& group, OracleComparison&);
void replay_dqn_case(const Hdf5File&, const std::string& group, OracleComparison&);
void replay_memory_case(const Hdf5File&, const std::string& group, OracleComparison&);
void replay_prune_case(const Hdf5File&, const std::string& group, OracleComparison&);
void replay_distillation_case(const Hdf5File&, const std::string& group, OracleComparison&);
void replay_sparse_case(const Hdf5File&, const std::string& group, OracleComparison&);
void replay_statistics_case(const Hdf5File&, const std::string& group, OracleComparison&);

}  // namespace impsweep
