// engine/statistics/multiplicity.hpp - many tests at once.
//
// Adjusted p-values stand in the order of the given ones; reject where adjusted <= level. p outside [0, 1] or
// NaN throws std::invalid_argument: a test that could not be made is left out, not counted as 1.
#pragma once

#include <span>
#include <vector>

namespace impsweep::statistics {

// Bounds the chance of any false rejection, whatever the dependence (Holm 1979):
// adjusted_(i) = max over j <= i of min(1, (m - j + 1) p_(j)).
std::vector<double> holm(std::span<const double> p);

// Bounds the expected share of false ones among the rejections, for independent or positively dependent tests
// (Benjamini and Hochberg 1995): adjusted_(i) = min over j >= i of min(1, m p_(j) / j).
std::vector<double> benjamini_hochberg(std::span<const double> p);

}  // namespace impsweep::statistics
