// engine/statistics/resampling.hpp - bootstrap resamples of one sample or of several at once.
//
// Draws come from the stream that the caller names (envs/random.hpp), so the same values under the same name
// give the same resamples on every machine, and two intervals under one name share theirs. Of R resamples the
// error of a quantile falls with sqrt(R): an end of a 95 % interval from 10,000 moves by about one percent of
// the width from name to name.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace impsweep::statistics {

inline constexpr int kResamples = 10'000;
inline constexpr int kLeastResamples = 2'000;  // below, the outer quantiles rest on fewer than 50 resamples

struct Resampling {
  std::string stream;  // "report/cartpole.ppo/mask-weights/round-5/return"
  int resamples = kResamples;
};

// Independent samples, each resampled for itself: [task or setting][seed].
using Strata = std::vector<std::vector<double>>;

// Calls `visit` with each resample in turn. Strata keep their sizes. With `strata_too`, the strata themselves
// are drawn with replacement first, and a stratum drawn twice is resampled twice: the question is then
// about a population of tasks. Throws std::invalid_argument for less than kLeastResamples, a stream without
// a name, no stratum, an empty one, and values that are not finite.
void for_each_resample(const Strata&, const Resampling&, bool strata_too,
                       const std::function<void(const Strata&)>& visit);

// A statistic of every resample, ascending.
std::vector<double> sorted_resamples(const Strata&, const Resampling&, bool strata_too,
                                     const std::function<double(const Strata&)>& statistic);

// The same for the mean of a single sample, without detours.
std::vector<double> sorted_resampled_means(std::span<const double>, const Resampling&);

// Every resample of a single sample: mean and standard error, and whether all values drawn were equal.
struct ResampledMean {
  double mean = 0, standard_error = 0;
  bool constant = false;
};
void for_each_resampled_mean(std::span<const double>, const Resampling&,
                             const std::function<void(const ResampledMean&)>& visit);

}  // namespace impsweep::statistics
