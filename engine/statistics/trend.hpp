// engine/statistics/trend.hpp - one number from the curve of one seed over rounds; seeds, not rounds, are the
// repetitions.
//
// A line through all points of all seeds treats rounds as independent, and with errors that persist from
// round to round (AR(1), .6) claims trends in 29 % of curves without one. One slope for each seed and t
// over the seeds claims 5 %, so: slopes here, intervals in intervals.hpp.
//
// Nothing is returned where a value is missing (NaN), and for fewer than two different x: a mean of fewer
// rounds is another quantity. Infinite values throw std::invalid_argument.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace impsweep::statistics {

// sum((x - mean x) (y - mean y)) / sum((x - mean x)^2): y per unit of x. For y per natural logarithm of the
// density give the logarithms as x.
std::optional<double> least_squares_slope(std::span<const double> x, std::span<const double> y);

// Against the number of the round: y per round.
std::optional<double> slope_per_round(std::span<const double> y);

// Median of the slopes between all pairs with different x. One collapsed round in ten does not move it.
std::optional<double> theil_sen_slope(std::span<const double> x, std::span<const double> y);

// (concordant - discordant) / sqrt((pairs - ties in x) (pairs - ties in y)), tau-b.
std::optional<double> kendall_tau(std::span<const double> x, std::span<const double> y);

// y at `at` on the polyline through points of ascending x; nothing outside of it. NaN of an end spreads.
std::optional<double> interpolate(std::span<const double> x, std::span<const double> y, double at);

// Mean over rounds first to last, both included: the area under the curve over the logarithm of the density,
// as rounds are equal steps of it, divided by its length. The range must be common to all arms and stated
// before.
std::optional<double> mean_over_rounds(std::span<const double> y, std::size_t first, std::size_t last);

// The same less the seed's own round 0, for claims about what moderate pruning does.
std::optional<double> rise_over_dense(std::span<const double> y, std::size_t first, std::size_t last);

}  // namespace impsweep::statistics
