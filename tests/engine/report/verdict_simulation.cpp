#include "verdict_simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <map>

#include "../statistics/simulation.hpp"

namespace impsweep::claims::simulation {
namespace {

using statistics::Outcome;
using statistics::Side;
using statistics::simulation::exponential;
using statistics::simulation::normal;

constexpr std::size_t kMostSettings = 4;
constexpr double kSmall = 0.3;  // deviation at a margin, in margins: small enough for a false equivalence
constexpr double kTotal = 3;    // mean of a total, in its deviations
constexpr double kSure = 0.98;  // chance of a seed that does what is claimed
constexpr double kFarAway = 8;  // from a boundary, in deviations

// Variance 1 and mean 0.
double draw(Stream& stream, Noise noise) {
  if (noise == Noise::kNormal) return normal(stream);
  const double difference = (2 * (exponential(stream) - 1) - (exponential(stream) - 1)) / std::sqrt(5.0);
  return noise == Noise::kSkewedUp ? difference : -difference;
}

// In how many settings a part is measured.
std::size_t settings_of(const Claim& claim, const Part& part) {
  static const std::map<std::string, std::size_t> kNamed = {{"H8", 2}, {"H10", 5}, {"H25", 3}, {"H23", 3}};
  const auto named = kNamed.find(claim.id);
  if (named != kNamed.end()) return named->second;
  if (std::string(claim.id) == "H26") return 1;
  return part.rule.quantifier == Quantifier::kEverywhere && std::string(claim.id) == "H16"
             ? 2
             : std::min(kMostSettings, claim.settings.size());
}

double claimed_sign(const Rule& rule) {
  return rule.side == Side::kAbove ? 1 : -1;
}

// `side` of the margin of an equivalence, at which all settings of a part stand: those on different sides
// would be equal on the whole.
Measurement measured(const Rule& rule, bool at_boundary, double side, int seeds, Noise noise,
                     Stream& stream) {
  Measurement measurement;
  const double sign = claimed_sign(rule);
  const double away = at_boundary ? 0 : kFarAway;
  for (int seed = 0; seed < seeds; ++seed) {
    const double error = draw(stream, noise);
    switch (rule.test) {
      case Test::kOrder:
        measurement.values.push_back(rule.bound + sign * away + error);
        break;
      case Test::kEquivalence:
        measurement.values.push_back(at_boundary ? rule.bound * (side + kSmall * error)
                                                 : 0.1 * kSmall * rule.bound * error);
        break;
      case Test::kNoLoss:
        measurement.values.push_back(sign * rule.bound * (at_boundary ? -1 : kFarAway) +
                                     kSmall * rule.bound * error);
        break;
      case Test::kShare: {
        const double total = kTotal + draw(stream, Noise::kNormal);
        measurement.total.push_back(at_boundary ? total : kFarAway + 0.1 * total);
        measurement.values.push_back(rule.bound * measurement.total.back() + sign * away + 0.5 * error);
        break;
      }
      case Test::kMajority: {
        const bool success = stream.uniform() < (at_boundary ? 0.5 : kSure);
        measurement.values.push_back(rule.bound + (success ? sign : -sign) * std::abs(error));
        break;
      }
      case Test::kCount:
        measurement.values.push_back(stream.uniform() < (at_boundary ? rule.bound : kSure) ? 1 : 0);
        break;
    }
  }
  return measurement;
}

// Which measurements stand at their boundary: those of part `only` (of all parts without one), and of several
// settings that must all hold the first, unless `all_settings`.
Outcome verdict(const Claim& claim, std::optional<std::size_t> only, bool all_settings, int seeds,
                Noise noise, Stream& stream) {
  std::vector<Rule> rules;
  std::vector<Measurements> measurements;
  for (std::size_t i = 0; i < claim.parts.size(); ++i) {
    const Part& part = claim.parts[i];
    rules.push_back(part.rule);
    Measurements& own = measurements.emplace_back();
    const std::size_t settings = settings_of(claim, part);
    const double side = stream.below(2) == 0 ? -1 : 1;
    for (std::size_t s = 0; s < settings; ++s) {
      const bool everywhere = part.rule.quantifier == Quantifier::kEverywhere;
      const bool at_boundary = (!only || *only == i) && (all_settings || !everywhere || s == 0);
      own.push_back(measured(part.rule, at_boundary, side, seeds, noise, stream));
    }
  }
  return decide_claim(rules, measurements).outcome;
}

bool is_support(Outcome outcome) {
  return outcome == Outcome::kSupported || outcome == Outcome::kEquivalent;
}

double percent(int count, int trials) {
  return 100.0 * count / trials;
}

// What was seen on Cart-Pole, jobs/baselines.toml, five seeds: contributions of weights, mask and layer
// ratios to the AUC over rounds 1-16, re-evaluated, and what else the claims measure. Mean and deviation of a
// seed.
struct Seen {
  double mean, deviation;
};
using Contributions = std::array<Seen, 3>;
constexpr Contributions kPpo = {{{0.0205, 0.0105}, {0.047, 0.024}, {0.322, 0.039}}},
                        kCloning = {{{0.0120, 0.0056}, {0.119, 0.024}, {0.365, 0.033}}};

// The values of a part, and their total, as sums of contributions; or something of its own.
struct SeenPart {
  std::array<double, 3> values, total = {0, 0, 0};
  Seen own = {0, 0};
};
struct SeenClaim {
  Contributions contributions;
  std::vector<SeenPart> parts;
};
const std::map<std::string, SeenClaim>& seen_on_cartpole() {
  static const std::map<std::string, SeenClaim> kSeen = {
      {"H1", {kPpo, {{{1, 1, 1}}}}},
      {"H2", {kPpo, {{{0, 0, 0}, {0, 0, 0}, {4.2, 2.8}}}}},
      {"H3", {kPpo, {{{0, 1, 0}, {1, 1, 0}}, {{1, 0, 0}, {1, 1, 1}}}}},
      {"H4", {kCloning, {{{0, 0, 1}}}}},
      {"H5", {kCloning, {{{1, 0, 0}}, {{0, 1, 0}}, {{0, 0, 1}}}}},
      {"H31", {kCloning, {{{0, 0, 0}, {0, 0, 0}, {0.224, 0.043}}}}},
  };
  return kSeen;
}

}  // namespace

Rates false_rates(const Claim& claim, int seeds, int trials, bool skewed) {
  const std::vector<Noise> kinds =
      skewed ? std::vector{Noise::kSkewedUp, Noise::kSkewedDown} : std::vector{Noise::kNormal};
  Rates worst;
  for (const Noise noise : kinds) {
    const std::string name = fmt::format("verdicts/{}/{}/{}", claim.id, seeds, static_cast<int>(noise));
    for (std::size_t part = 0; part < claim.parts.size(); ++part) {
      int supported = 0;
      for (int trial = 0; trial < trials; ++trial) {
        Stream stream(fmt::format("{}/support/{}/{}", name, part, trial));
        supported += is_support(verdict(claim, part, false, seeds, noise, stream)) ? 1 : 0;
      }
      worst.supported = std::max(worst.supported, percent(supported, trials));
    }
    int contradicted = 0;
    for (int trial = 0; trial < trials; ++trial) {
      Stream stream(fmt::format("{}/contradiction/{}", name, trial));
      contradicted +=
          verdict(claim, std::nullopt, true, seeds, noise, stream) == Outcome::kContradicted ? 1 : 0;
    }
    worst.contradicted = std::max(worst.contradicted, percent(contradicted, trials));
  }
  return worst;
}

std::optional<double> power_on_cartpole(const Claim& claim, int seeds, int trials) {
  const auto seen = seen_on_cartpole().find(claim.id);
  if (seen == seen_on_cartpole().end()) return std::nullopt;
  std::vector<Rule> rules;
  for (const Part& part : claim.parts) rules.push_back(part.rule);
  int supported = 0;
  for (int trial = 0; trial < trials; ++trial) {
    Stream stream(fmt::format("verdicts/{}/{}/power/{}", claim.id, seeds, trial));
    std::vector<Measurements> measurements(claim.parts.size(), Measurements(1));
    for (int seed = 0; seed < seeds; ++seed) {
      std::array<double, 3> drawn{};
      for (std::size_t c = 0; c < drawn.size(); ++c) {
        const Seen& contribution = seen->second.contributions[c];
        drawn[c] = contribution.mean + contribution.deviation * normal(stream);
      }
      for (std::size_t i = 0; i < claim.parts.size(); ++i) {
        const SeenPart& part = seen->second.parts[i];
        double value = part.own.mean + part.own.deviation * normal(stream), total = 0;
        for (std::size_t c = 0; c < drawn.size(); ++c) {
          value += part.values[c] * drawn[c];
          total += part.total[c] * drawn[c];
        }
        measurements[i].front().values.push_back(value);
        if (total != 0) measurements[i].front().total.push_back(total);
      }
    }
    supported += is_support(decide_claim(rules, measurements).outcome) ? 1 : 0;
  }
  return percent(supported, trials);
}

double tolerance(double percentage, int trials) {
  return 3 * std::sqrt(percentage * (100 - percentage) / trials);
}

std::string claims_markdown() {
  std::string text = "| claim | says | chains | of every seed | rule |\n|---|---|---|---|---|\n";
  for (const Claim& claim : table())
    for (const Part& part : claim.parts) {
      const bool first = &part == &claim.parts.front();
      std::string says = claim.text;
      if (*claim.remark != '\0') says += fmt::format(" *{}*", claim.remark);
      text +=
          fmt::format("| {} | {} | {} | {} {} | {} |\n", first ? claim.id : "", first ? says : "",
                      first ? claim.chains : "", part.estimand, claim_text(part.rule), rule_text(part.rule));
    }
  return text;
}

const char* rates_header() {
  return "| claim | supported, normal | skewed | contradicted, normal | skewed | power on Cart-Pole |\n"
         "|---|---|---|---|---|---|\n";
}

std::string rates_markdown(const Claim& claim, int trials) {
  std::string supported, supported_skewed, contradicted, contradicted_skewed, power;
  for (const int seeds : {5, 10, 15}) {
    const char* separator = seeds == 5 ? "" : " / ";
    const Rates usual = false_rates(claim, seeds, trials, false),
                skewed = false_rates(claim, seeds, trials, true);
    supported += fmt::format("{}{:.1f}", separator, usual.supported);
    supported_skewed += fmt::format("{}{:.1f}", separator, skewed.supported);
    contradicted += fmt::format("{}{:.1f}", separator, usual.contradicted);
    contradicted_skewed += fmt::format("{}{:.1f}", separator, skewed.contradicted);
    if (const auto found = power_on_cartpole(claim, seeds, trials))
      power += fmt::format("{}{:.0f}", power.empty() ? "" : " / ", *found);
  }
  return fmt::format("| {} | {} | {} | {} | {} | {} |\n", claim.id, supported, supported_skewed, contradicted,
                     contradicted_skewed, power);
}

}  // namespace impsweep::claims::simulation
