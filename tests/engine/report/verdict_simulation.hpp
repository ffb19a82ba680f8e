// tests/engine/report/verdict_simulation.hpp - how often the verdicts on the paper's claims err, by
// simulation of what is measured of every seed.
//
// The null of a part is the boundary of what it claims: no difference, a loss of just the margin, a share
// of just the bound, as many seeds as by chance. Two ways to stand there:
//
//   false support        one part stands at its boundary (of several settings that must all hold, one), and
//                        all else is true beyond doubt: the worst that can happen to a claim of several
//                        parts. The worst part counts
//   false contradiction  every part and every setting stands at its boundary
//
// Measurements are normal, or skewed to either side (a difference of exponential values with means 2 and 1,
// as when one arm collapses): the worse side counts. Sign tests and counts know no distribution. Samples
// come from streams named by claim, scenario and number, so a table can be made again to the digit.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/report/claims/claims.hpp"

namespace impsweep::claims::simulation {

enum class Noise { kNormal, kSkewedUp, kSkewedDown };

// Percent of the trials.
struct Rates {
  double supported = 0, contradicted = 0;  // "equivalent" counts as support
};
Rates false_rates(const Claim&, int seeds, int trials, bool skewed);

// How often the claim is supported where the effects are those seen on Cart-Pole; nothing for claims that it
// cannot speak to.
std::optional<double> power_on_cartpole(const Claim&, int seeds, int trials);

// Three standard errors of a percentage from so many trials.
double tolerance(double percent, int trials);

// Rows of docs/verdicts.md: the claims with estimands, rules and margins; and the rates of one claim at 5, 10
// and 15 seeds.
std::string claims_markdown();
std::string rates_markdown(const Claim&, int trials);
const char* rates_header();

}  // namespace impsweep::claims::simulation
