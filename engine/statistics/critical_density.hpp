// engine/statistics/critical_density.hpp - down to which density an agent can be pruned: d*(alpha) of one
// seed's curve of performance over rounds, when the curve is noisy and may end too early.
//
// The first round below alpha of a noisy curve comes too early, since any round's noise can end it: where the
// truth is 15, noise of .05 gives 12.0 on average, noise of .1 4.7. So a curve that never rises is fitted
// first (isotonic least squares): 14.8 and 14.7.
//
// Positions are counted in rounds, equal steps of the density's logarithm; a mean of densities would be the
// density of the least pruned seed. A curve that never falls below alpha is censored: its agent survives all
// rounds there are, and perhaps more.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace impsweep::statistics {

// The non-increasing sequence nearest to y in least squares, equal weights, by pooling adjacent violators.
// O(n). NaN and infinity throw std::invalid_argument.
std::vector<double> isotonic_non_increasing(std::span<const double> y);

struct CriticalRound {
  std::size_t survived = 0;  // rounds, counted from round 0, whose fit is alpha or more
  bool censored = false;     // all of them: the agent survives `survived` rounds at least
};
// Nothing if a value is missing (NaN).
std::optional<CriticalRound> critical_round(std::span<const double> performance, double alpha);

// The smallest density with performance alpha, of densities by round; an upper bound where censored. Nothing
// if not even the dense agent has it.
std::optional<double> critical_density(const CriticalRound&, std::span<const double> density);

// Over seeds. Censored ones enter with what they survived, so the mean is a lower bound if there are any; the
// median is exact as long as fewer than half of the seeds are censored.
struct CriticalSummary {
  std::size_t n = 0, censored = 0;
  double mean = 0, median = 0;
  bool mean_is_lower_bound = false, median_is_lower_bound = false;
};
CriticalSummary summarise(std::span<const CriticalRound>);  // one seed at least

}  // namespace impsweep::statistics
