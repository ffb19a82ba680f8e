// engine/statistics/rules.hpp - from paired values to a word: supported, contradicted, equivalent, undecided.
//
// Each rule is a pure function. Seeds are the repetitions: one value for each seed, NaN where a seed has none
// (it is left out and counted). Five seeds at least, or the outcome is undecided; not run without any.
// Undecided as well, with the reason, where values do not vary, and where more than half of the differences
// are exactly 0: two arms at one bound cannot be told apart.
//
//   rule  function                question                             decides by
//   R1    decide_order            A > B                                95 % paired t beyond 0
//   R2    decide_equivalence      |A - B| < margin                     95 % interval within the margin
//   R3    decide_no_loss          A > B - margin                       lower end of the 90 % interval
//   R4    decide_share            a part is more (less) than r         R1 on part - r total, and on the total
//                                 of a total
//   R5    decide_everywhere       in all settings                      R1 in each, uncorrected (intersection)
//   R6    decide_on_the_whole     on average over these settings       Satterthwaite's pooled interval
//   R7    decide_somewhere        in some, and nowhere the other way   smallest one-sided p, Holm
//   R8    decide_slope            a trend over rounds                  slope of each seed, R1
//   R9    decide_rise             moderate pruning helps               mean of a range less round 0, R1
//   R10   decide_rise_anywhere    some round is above round 0          largest t against t(1 - .05 / K), or
//                                                                      sign flips of the maximum
//   R11   decide_count            more seeds than by chance            binomial tail
//
// False verdicts when nothing is there, supported + contradicted in percent at 5 / 10 / 15 seeds
// (docs/statistics.md). Skewed: exp(2) - exp(1), with the long tail on the side that is claimed.
//
//         normal                             skewed
//   R1    2.5 / 2.4 / 2.5 + 2.4 / 2.7 / 2.7  0.6 / 0.8 / 0.9 + 6.1 / 5.9 / 5.2
//   R1s   1.4 / 1.4 / 1.5 + 1.7 / 1.5 / 1.7  0.4 / 0.3 / 0.3 + 4.1 / 3.9 / 3.8  (97 %: kSkewedOrder)
//   R6    2.8 / 2.6 / 2.7 + 2.5 / 2.8 / 2.5  0.8 / 0.9 / 1.0 + 5.5 / 5.0 / 4.8  (four settings)
//   R7    2.5 / 2.4 / 2.7 + 2.4 / 2.7 / 2.6  0.5 / 0.3 / 0.4 + 7.5 / 8.4 / 7.5  (at .01: 3.4 / 4.0 / 4.2)
//   R8    2.7 / 2.6 / 2.6 + 2.8 / 2.5 / 2.8  and where errors persist, AR(1) .6: 2.5 + 2.5
//   R10   4.3 / 3.8 / 3.9 + 0
//
// Single rounds of cloning have heavy tails of collapse, where R1 and R7 err in 23 / 9 / 7 %: decide on means
// over rounds, or with kSingleRoundOrder. Over 36 claims one or two false ones are to be expected at 5 %.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/statistics/cell.hpp"
#include "engine/statistics/critical_density.hpp"

namespace impsweep::statistics {

enum class Outcome { kSupported, kContradicted, kEquivalent, kUndecided, kNotRun };
std::string_view outcome_text(Outcome);  // "supported", "contradicted", "equivalent", "undecided", "not_run"

struct Decision {
  Outcome outcome = Outcome::kNotRun;
  std::optional<double> estimate;
  std::optional<Interval> interval;
  double confidence = 0.95;         // of the interval
  std::size_t n = 0, dropped = 0;   // seeds that took part (pooled: of the smallest setting); without a value
  std::optional<double> p_greater;  // one-sided, of the side above 0
  std::optional<double> p_less;
  // Seeds with which a true effect as large as the estimate is found with 80 % power; five at least. Nothing
  // if a thousand would not do, or nothing varies.
  std::optional<int> n_for_80_percent_power;
  // The estimate is shrunk towards 0, as curves ended before their agents failed.
  bool size_is_lower_bound = false;
  std::string reason;  // why it stayed undecided though there were seeds; empty if the numbers say so
};

enum class Side { kAbove, kBelow };  // the claimed one

struct OrderRule {
  Side claimed = Side::kAbove;
  double confidence = 0.95;
  std::size_t least_seeds = kLeastSeeds;
};
// Where skewed differences are likely, because one arm collapses and the other does not (R1s).
inline constexpr OrderRule kSkewedOrder{Side::kAbove, 0.97, kLeastSeeds};
// At a single density: heavy tails.
inline constexpr OrderRule kSingleRoundOrder{Side::kAbove, 0.98, 15};

// R1. Contradicted if the interval lies on the other side of 0.
Decision decide_order(std::span<const double> differences, const OrderRule& = {});

// R2. Stricter than two one-sided tests at 5 %, which take the 90 % interval. Contradicted if the interval
// lies beyond the margin; the order may then be decided. Margin > 0, else std::invalid_argument (R3 too).
Decision decide_equivalence(std::span<const double> differences, double margin, double confidence = 0.95);

// R3. Contradicted if the 95 % interval lies below -margin: a loss of just the margin is no loss beyond it,
// and called one in 2.5 %. Skewed differences: confidence .97.
Decision decide_no_loss(std::span<const double> differences, double margin, double confidence = 0.90);

// R4. The total must be above 0 by R1 itself; where it is not, no share is decided. Estimate and interval are
// Fieller's (shares.hpp).
Decision decide_share(std::span<const double> part, std::span<const double> total, double share,
                      const OrderRule& = {});

// Several settings, [setting][seed] of differences.
struct SettingsDecision {
  Decision overall;
  std::vector<Decision> settings;  // R1 of each, uncorrected
  std::vector<double> adjusted_p;  // Holm, on the claimed side; 1 where there is none
  std::vector<double> adjusted_p_other_side;
  std::optional<std::size_t> deciding;  // the setting that `overall` shows; none if it is pooled
};

// R5. Contradicted if one setting is on the other side after Holm, at one side of the confidence; merely
// out of line is a note. Shows the weakest setting.
SettingsDecision decide_everywhere(const Strata& differences, const OrderRule& = {});

// R6. Five seeds in each setting, values normalised.
SettingsDecision decide_on_the_whole(const Strata& differences, const OrderRule& = {});
Decision decide_pooled(const Strata& differences, const OrderRule& = {});  // the same without the settings

// R2 and R3 of the same pooled mean.
Decision decide_equivalence_on_the_whole(const Strata& differences, double margin, double confidence = 0.95);
Decision decide_no_loss_on_the_whole(const Strata& differences, double margin, double confidence = 0.90);

// R7. Supported: Holm-significant somewhere at one-sided `level` and nowhere on the other side; contradicted:
// the reverse; both: undecided. "Nowhere" is absence of evidence. Level .01 where differences are skewed.
// Shows the strongest setting.
SettingsDecision decide_somewhere(const Strata& differences, Side claimed = Side::kAbove,
                                  double level = 0.025);

// R8. [seed][round]; a seed that misses a round is left out. Flatness: R2 on slopes_per_round().
Decision decide_slope(const Strata& curves, const OrderRule& = {});
std::vector<double> slopes_per_round(const Strata& curves);  // NaN where a round is missing

// R9. Rounds first to last against each seed's own round 0; the range is stated before looking.
Decision decide_rise(const Strata& curves, std::size_t first, std::size_t last, const OrderRule& = {});

// R10. One-sided .05 over all K rounds of the range together. kSignFlip needs 6 to 16 seeds and is exact for
// exchangeable arms; outside it, kMaximumT is taken. Shows the round with the largest t, with the
// interval that holds for all rounds at once; its estimate is biased upwards by the choice. Contradicted if
// every round is below its round 0 by R1.
enum class MaximumTest { kMaximumT, kSignFlip };
struct RiseDecision {
  Decision decision;
  std::optional<std::size_t> round;
  double adjusted_p = 1;
};
RiseDecision decide_rise_anywhere(const Strata& curves, std::size_t first, std::size_t last,
                                  MaximumTest = MaximumTest::kMaximumT);

// R11. `successes` of n seeds did what a seed does by chance with probability `chance`. Supported if as many
// come by chance in at most 5 % (3 of 5, 5 of 10, 6 of 15 for a chance of 1/6); contradicted if as few come
// in at most what that leaves of the 5 %. Shows the share with its Clopper-Pearson interval. `level` is put
// in the place of the 5 %.
Decision decide_count(int successes, int n, double chance, double level = 0.05);

// The arm a survives more rounds of pruning than b (critical_density.hpp), paired by seed: R1 on rounds. A
// seed without both curves (no value) is left out. Undecided if most seeds are censored in both arms.
Decision decide_survival(std::span<const std::optional<CriticalRound>> a,
                         std::span<const std::optional<CriticalRound>> b, const OrderRule& = {});

}  // namespace impsweep::statistics
