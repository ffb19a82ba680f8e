#include "engine/statistics/rules.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
#include <vector>

#include "engine/statistics/power.hpp"

using namespace impsweep::statistics;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const std::vector<double> kAbove = {1.2, 0.9, 1.5, 1.1, 0.8}, kNear = {0.1, -0.2, 0.15, -0.05, 0.02};

std::vector<double> moved(std::vector<double> values, double by, double scale = 1) {
  for (double& value : values) value = scale * value + by;
  return values;
}

}  // namespace

TEST_CASE("rules: an order is supported, contradicted or undecided by the side of the interval") {
  const Decision above = decide_order(kAbove);
  CHECK(above.outcome == Outcome::kSupported);
  CHECK(*above.estimate == doctest::Approx(1.1));
  CHECK(above.n == 5);
  CHECK(above.interval->low == student_t_interval(kAbove)->low);
  CHECK(*above.n_for_80_percent_power == 5);
  CHECK(above.reason.empty());
  CHECK(decide_order(moved(kAbove, 0, -1)).outcome == Outcome::kContradicted);
  CHECK(decide_order(kAbove, {.claimed = Side::kBelow}).outcome == Outcome::kContradicted);
  CHECK(decide_order(moved(kAbove, 0, -1), {.claimed = Side::kBelow}).outcome == Outcome::kSupported);
  const Decision near = decide_order(kNear);
  CHECK(near.outcome == Outcome::kUndecided);
  CHECK(near.reason.empty());
  CHECK(decide_order(kAbove, kSkewedOrder).interval->width() > above.interval->width());
  CHECK(decide_order(kAbove, kSingleRoundOrder).outcome == Outcome::kUndecided);
}

TEST_CASE("rules: the number of seeds is that of 80 % power at the estimate") {
  const std::vector<double> weak = {1, -0.5, 0.8, 0.3, -0.4, 0.6};
  const Decision decision = decide_order(weak);
  const Description sample = describe(weak);
  const double delta = sample.mean / sample.deviation;
  const int n = *decision.n_for_80_percent_power;
  CHECK(paired_t_power(n, delta) >= 0.8);
  CHECK(paired_t_power(n - 1, delta) < 0.8);
}

TEST_CASE("rules: too few seeds, none, no variance and mostly zeros decide nothing, and say why") {
  CHECK(decide_order({}).outcome == Outcome::kNotRun);
  CHECK(decide_order(std::vector<double>{kNaN, kNaN}).outcome == Outcome::kNotRun);
  CHECK(decide_order(std::vector<double>{kNaN, kNaN}).dropped == 2);
  const Decision few = decide_order(std::vector<double>{5, 6, 7, 8, kNaN});
  CHECK(few.outcome == Outcome::kUndecided);
  CHECK(few.n == 4);
  CHECK(few.dropped == 1);
  CHECK(!few.interval);
  CHECK(few.reason == "4 seeds are too few, 5 needed");
  const Decision constant = decide_order(std::vector<double>(6, 2.0));
  CHECK(constant.outcome == Outcome::kUndecided);
  CHECK(!constant.p_greater);
  CHECK(!constant.interval);
  CHECK(!constant.n_for_80_percent_power);
  CHECK(constant.reason == "the seeds do not vary");
  CHECK(decide_order(std::vector<double>{0, 0, 0, 3, 4}).reason == "3 of 5 differences are exactly 0");
  CHECK(decide_order(std::vector<double>{0, 0, 3, 4, 5}).reason.empty());
  CHECK_THROWS_AS(decide_order(std::vector<double>{1, 2, std::numeric_limits<double>::infinity()}),
                  std::invalid_argument);
}

TEST_CASE("rules: equivalence within a margin") {
  const Decision same = decide_equivalence(kNear, 0.5);
  CHECK(same.outcome == Outcome::kEquivalent);
  CHECK(outcome_text(same.outcome) == "equivalent");
  CHECK(decide_equivalence(kNear, 0.1).outcome == Outcome::kUndecided);
  CHECK(*decide_equivalence(kNear, 0.1).n_for_80_percent_power > 5);
  CHECK(decide_equivalence(kAbove, 0.5).outcome == Outcome::kContradicted);
  CHECK(decide_equivalence(moved(kAbove, 0, -1), 0.5).outcome == Outcome::kContradicted);
  // A mean beyond the margin will never be shown within it.
  CHECK(!decide_equivalence(kAbove, 1).n_for_80_percent_power);
  CHECK_THROWS_AS(decide_equivalence(kNear, 0), std::invalid_argument);
  CHECK(decide_equivalence(std::vector<double>(5, 0.0), 1).outcome == Outcome::kUndecided);
}

TEST_CASE("rules: no loss beyond a margin") {
  CHECK(decide_no_loss(kNear, 0.5).outcome == Outcome::kSupported);
  CHECK(decide_no_loss(kAbove, 0.5).outcome == Outcome::kSupported);
  CHECK(decide_no_loss(moved(kAbove, 0, -1), 0.5).outcome == Outcome::kContradicted);
  CHECK(decide_no_loss(moved(kAbove, 0, -1), 1).outcome == Outcome::kUndecided);
  CHECK_THROWS_AS(decide_no_loss(kNear, -1), std::invalid_argument);
}

TEST_CASE("rules: a share needs its total") {
  const std::vector<double> total = {10, 12, 9, 14, 11}, most = {8, 9.5, 7, 11, 9};
  const Decision above = decide_share(most, total, 0.5);
  CHECK(above.outcome == Outcome::kSupported);
  CHECK(*above.estimate == doctest::Approx(44.5 / 56));
  CHECK(above.interval->contains(*above.estimate));
  CHECK(decide_share(most, total, 0.9).outcome == Outcome::kContradicted);
  CHECK(decide_share(most, total, 0.9, {.claimed = Side::kBelow}).outcome == Outcome::kSupported);
  CHECK(decide_share(most, total, 0.8).outcome == Outcome::kUndecided);
  const Decision without = decide_share(most, kNear, 0.5);
  CHECK(without.outcome == Outcome::kUndecided);
  CHECK(without.reason == "the total is not above 0");
  CHECK(!without.interval);
  CHECK(decide_share({}, {}, 0.5).outcome == Outcome::kNotRun);
}

TEST_CASE("rules: in all, on the whole and in some settings") {
  const Strata all = {kAbove, moved(kAbove, 1), moved(kAbove, 0, 2)};
  CHECK(decide_everywhere(all).overall.outcome == Outcome::kSupported);
  CHECK(decide_on_the_whole(all).overall.outcome == Outcome::kSupported);
  CHECK(decide_somewhere(all).overall.outcome == Outcome::kSupported);

  const Strata all_but_one = {kAbove, kNear, kAbove};
  const SettingsDecision everywhere = decide_everywhere(all_but_one);
  CHECK(everywhere.overall.outcome == Outcome::kUndecided);
  CHECK(*everywhere.deciding == 1);
  CHECK(*everywhere.overall.estimate == *decide_order(kNear).estimate);
  CHECK(everywhere.settings[0].outcome == Outcome::kSupported);
  CHECK(decide_somewhere(all_but_one).overall.outcome == Outcome::kSupported);

  const Strata one_against = {kAbove, moved(kAbove, 0, -1), kAbove};
  CHECK(decide_everywhere(one_against).overall.outcome == Outcome::kContradicted);
  const SettingsDecision both = decide_somewhere(one_against);
  CHECK(both.overall.outcome == Outcome::kUndecided);
  CHECK(both.overall.reason == "settings lie on both sides");
  CHECK(decide_somewhere({kNear, moved(kAbove, 0, -1)}).overall.outcome == Outcome::kContradicted);
  CHECK(decide_somewhere({kNear, moved(kAbove, 0, -1)}, Side::kBelow).overall.outcome == Outcome::kSupported);
  CHECK(decide_everywhere({}).overall.outcome == Outcome::kNotRun);
  CHECK(decide_on_the_whole({{}, {}}).overall.outcome == Outcome::kNotRun);
}

TEST_CASE("rules: settings without a verdict stand in the way of all, not of some") {
  const Strata short_one = {kAbove, {1, 2, 3}};
  CHECK(decide_everywhere(short_one).overall.outcome == Outcome::kUndecided);
  CHECK(decide_everywhere(short_one).overall.reason ==
        "a setting has no verdict: 3 seeds are too few, 5 needed");
  CHECK(decide_on_the_whole(short_one).overall.outcome == Outcome::kUndecided);
  CHECK(decide_on_the_whole(short_one).overall.reason == "a setting has 3 seeds, 5 needed");
  CHECK(decide_somewhere(short_one).overall.outcome == Outcome::kSupported);
  CHECK(decide_somewhere(short_one).adjusted_p[1] == 1);
}

TEST_CASE("rules: one setting out of line does not contradict all without Holm") {
  // One-sided p of about .015: R1 alone contradicts, four settings together do not.
  const std::vector<double> mild = {-1.2, -0.3, -0.9, -0.2, -0.7};
  CHECK(decide_order(mild).outcome == Outcome::kContradicted);
  const SettingsDecision four = decide_everywhere({kAbove, kAbove, kAbove, mild});
  CHECK(four.overall.outcome == Outcome::kUndecided);
  CHECK(four.adjusted_p_other_side[3] > 0.025);
}

TEST_CASE("rules: curves") {
  Strata falling, flat;
  for (int seed = 0; seed < 6; ++seed) {
    falling.emplace_back();
    flat.emplace_back();
    for (int round = 0; round < 8; ++round) {
      const double wobble = 0.02 * ((seed * 7 + round * 5) % 11 - 5);
      falling.back().push_back(1 - 0.05 * round + wobble);
      flat.back().push_back(1 + wobble);
    }
  }
  CHECK(decide_slope(falling, {.claimed = Side::kBelow}).outcome == Outcome::kSupported);
  CHECK(decide_slope(falling).outcome == Outcome::kContradicted);
  CHECK(decide_equivalence(slopes_per_round(flat), 0.1 / 7).outcome == Outcome::kEquivalent);
  CHECK(decide_rise(falling, 3, 7).outcome == Outcome::kContradicted);
  CHECK(decide_rise(falling, 3, 7, {.claimed = Side::kBelow}).outcome == Outcome::kSupported);
  CHECK(decide_rise_anywhere(falling, 4, 7).decision.outcome == Outcome::kContradicted);
  Strata rising = flat;
  for (std::vector<double>& curve : rising) curve[3] += 1;
  const RiseDecision rise = decide_rise_anywhere(rising, 1, 7);
  CHECK(rise.decision.outcome == Outcome::kSupported);
  CHECK(*rise.round == 3);
  const RiseDecision flips = decide_rise_anywhere(rising, 1, 7, MaximumTest::kSignFlip);
  CHECK(flips.decision.outcome == Outcome::kSupported);
  CHECK(flips.adjusted_p <= 2.0 / 64);
  // A seed that misses a round is left out, whole.
  rising[2][5] = kNaN;
  CHECK(decide_slope(rising).dropped == 1);
  CHECK(decide_slope(rising).n == 5);
  CHECK(decide_rise(rising, 1, 4).n == 6);
  CHECK(decide_rise_anywhere(rising, 1, 7).decision.dropped == 1);
  CHECK_THROWS_AS(decide_rise_anywhere(rising, 0, 3), std::invalid_argument);
  CHECK(decide_rise_anywhere({}, 1, 3).decision.outcome == Outcome::kNotRun);
}

TEST_CASE("rules: counts of seeds against chance") {
  for (const auto& [n, least] : {std::pair(5, 3), {10, 5}, {15, 6}}) {
    CHECK(decide_count(least, n, 1.0 / 6).outcome == Outcome::kSupported);
    CHECK(decide_count(least - 1, n, 1.0 / 6).outcome == Outcome::kUndecided);
  }
  CHECK(decide_count(0, 40, 1.0 / 6).outcome == Outcome::kContradicted);
  CHECK(decide_count(4, 4, 1.0 / 6).outcome == Outcome::kUndecided);
  CHECK(decide_count(0, 0, 1.0 / 6).outcome == Outcome::kNotRun);
  CHECK(decide_count(2, 5, 1.0 / 6).interval->high == doctest::Approx(0.8534).epsilon(1e-3));
  CHECK_THROWS_AS(decide_count(6, 5, 0.5), std::invalid_argument);
}

TEST_CASE("rules: survival of pruning") {
  using Rounds = std::vector<std::optional<CriticalRound>>;
  const Rounds longer = {{{20, false}}, {{21, false}}, {{19, false}},
                         {{22, true}},  {{20, false}}, std::nullopt};
  const Rounds shorter = {{{12, false}}, {{10, false}}, {{11, false}},
                          {{14, false}}, {{12, false}}, {{9, false}}};
  const Decision decision = decide_survival(longer, shorter);
  CHECK(decision.outcome == Outcome::kSupported);
  CHECK(decision.dropped == 1);
  CHECK(*decision.estimate == doctest::Approx(8.6));
  CHECK(decision.size_is_lower_bound);
  const Rounds censored = {{{22, true}}, {{22, true}},  {{22, true}},
                           {{22, true}}, {{21, false}}, {{20, false}}};
  const Decision both = decide_survival(censored, censored);
  CHECK(both.outcome == Outcome::kUndecided);
  CHECK(both.reason == "both arms survive all rounds in 4 of 6 seeds: more rounds are needed");
}

TEST_CASE("rules: words of the outcomes") {
  CHECK(outcome_text(Outcome::kSupported) == "supported");
  CHECK(outcome_text(Outcome::kContradicted) == "contradicted");
  CHECK(outcome_text(Outcome::kUndecided) == "undecided");
  CHECK(outcome_text(Outcome::kNotRun) == "not_run");
}

TEST_CASE("equivalence and no loss of several settings together are those of the pooled mean") {
  const Strata settings = {{0.01, -0.02, 0.03, 0.00, -0.01}, {0.05, 0.03, 0.06, 0.04, 0.02}};
  const Decision pooled = decide_pooled(settings);
  REQUIRE(pooled.interval);
  CHECK(*pooled.estimate == doctest::Approx(0.021));
  CHECK(decide_on_the_whole(settings).overall.interval->low == pooled.interval->low);
  CHECK(decide_equivalence_on_the_whole(settings, 0.05).outcome == Outcome::kEquivalent);
  CHECK(decide_equivalence_on_the_whole(settings, 0.02).outcome == Outcome::kUndecided);
  CHECK(decide_equivalence_on_the_whole(settings, 0.001).outcome == Outcome::kContradicted);
  CHECK(decide_no_loss_on_the_whole(settings, 0.001).outcome == Outcome::kSupported);
  Strata lower = settings;
  for (std::vector<double>& setting : lower)
    for (double& value : setting) value -= 1;
  CHECK(decide_no_loss_on_the_whole(lower, 0.1).outcome == Outcome::kContradicted);
  CHECK_THROWS_AS(decide_no_loss_on_the_whole(settings, 0), std::invalid_argument);
  CHECK(decide_equivalence_on_the_whole({{0.1, 0.2}}, 1).outcome == Outcome::kUndecided);
}

TEST_CASE("a count at another level") {
  CHECK(decide_count(5, 5, 0.5).outcome == Outcome::kSupported);  // 3.1 %
  CHECK(decide_count(5, 5, 0.5, 0.03).outcome == Outcome::kUndecided);
  CHECK_THROWS_AS(decide_count(5, 5, 0.5, 0), std::invalid_argument);
}
