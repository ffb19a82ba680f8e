#include "simulation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "engine/statistics/describe.hpp"
#include "engine/statistics/distributions.hpp"
#include "engine/statistics/pooled.hpp"

namespace impsweep::statistics::simulation {
namespace {

constexpr double kCeiling = 500;

double positive_uniform(Stream& stream) {
  return stream.uniform() + 0x1p-54;  // never 0, never 1
}

// Normal values cut at the ceiling, and their mean.
struct Cut {
  double centre, deviation;
  double draw(Stream& stream) const { return std::min(kCeiling, centre + deviation * normal(stream)); }
  double mean() const {
    const double z = (kCeiling - centre) / deviation;
    const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::acos(-1.0));
    return centre * normal_cumulative(z) - deviation * density + kCeiling * normal_upper_tail(z);
  }
  static Cut with_share(double share, double deviation) {
    return {kCeiling + deviation * normal_quantile(share), deviation};
  }
};

// A curve's mean over eleven rounds, one of which collapses in three seeds of ten.
double area_with_collapse(Stream& stream) {
  constexpr int kRounds = 11;
  const double level = 450 + 10 * normal(stream);
  const auto collapsed = stream.uniform() < 0.3 ? stream.below(kRounds) : -1;
  double sum = 0;
  for (int round = 0; round < kRounds; ++round) sum += round == collapsed ? 50 : level + 15 * normal(stream);
  return sum / kRounds;
}

// Three quantities that the rules on curves see: seeds differ by .1, rounds by .08.
std::vector<double> curve(Stream& stream, int rounds, double persistence) {
  const double level = 1 + 0.1 * normal(stream);
  std::vector<double> values;
  double error = normal(stream);
  for (int round = 0; round < rounds; ++round) {
    values.push_back(level + 0.08 * error);
    error = persistence * error + std::sqrt(1 - persistence * persistence) * normal(stream);
  }
  return values;
}

Strata curves(Stream& stream, int n, int rounds, double persistence) {
  Strata result;
  for (int seed = 0; seed < n; ++seed) result.push_back(curve(stream, rounds, persistence));
  return result;
}

double skewed(Stream& stream) {
  return 2 * exponential(stream) - exponential(stream) - 1;  // mean 0
}

std::vector<double> sample(Stream& stream, int n, const std::function<double(Stream&)>& draw) {
  std::vector<double> values;
  for (int i = 0; i < n; ++i) values.push_back(draw(stream));
  return values;
}

Strata settings(Stream& stream, int m, int n, const std::function<double(Stream&)>& draw) {
  Strata result;
  for (int j = 0; j < m; ++j) {
    const double scale = 0.3 * std::pow(10.0, static_cast<double>(j) / std::max(1, m - 1));
    result.push_back(sample(stream, n, [&](Stream& s) { return scale * draw(s); }));
  }
  return result;
}

template <class Item>
const Item& by_name(const std::vector<Item>& items, const std::string& name) {
  const auto found = std::ranges::find(items, name, &Item::name);
  if (found == items.end()) throw std::invalid_argument("simulation: nothing is called " + name);
  return *found;
}

}  // namespace

double normal(Stream& stream) {
  return normal_quantile(positive_uniform(stream));
}

double exponential(Stream& stream) {
  return -std::log(positive_uniform(stream));
}

const std::vector<Population>& populations() {
  static const Cut third = Cut::with_share(0.35, 60), most = Cut::with_share(0.80, 60);
  static const Cut high{520, 40}, low{470, 40};
  static const std::vector<Population> all = {
      {"normal", 100, [](Stream& s) { return 100 + 15 * normal(s); }, false, {}, {}},
      {"exponential", 1, exponential, false, 0, {}},
      {"ceiling 35 %", third.mean(), [](Stream& s) { return third.draw(s); }, false, 0, kCeiling},
      {"ceiling 80 %", most.mean(), [](Stream& s) { return most.draw(s); }, false, 0, kCeiling},
      {"two-point 80 %", 400, [](Stream& s) { return s.uniform() < 0.8 ? 500.0 : 0.0; }, false, 0, kCeiling},
      {"normal difference", 1, [](Stream& s) { return 1 + 2 * normal(s); }, true, {}, {}},
      {"skewed difference", 1, [](Stream& s) { return 1 + skewed(s); }, true, {}, {}},
      {"ceilings' difference",
       high.mean() - low.mean(),
       [](Stream& s) { return high.draw(s) - low.draw(s); },
       true,
       {},
       {}},
      {"areas with collapse",
       0,
       [](Stream& s) { return area_with_collapse(s) - area_with_collapse(s); },
       true,
       {},
       {}},
  };
  return all;
}

const Population& population(const std::string& name) {
  return by_name(populations(), name);
}

const std::vector<NamedMethod>& methods() {
  static const std::vector<NamedMethod> all = {
      {"Student t", [](auto values, const Resampling&) { return student_t_interval(values); }},
      {"bootstrap-t", [](auto values, const Resampling& r) { return bootstrap_t_interval(values, r); }},
      {"expanded percentile",
       [](auto values, const Resampling& r) { return expanded_percentile_interval(values, r); }},
      {"percentile", [](auto values, const Resampling& r) { return percentile_interval(values, r); }},
      {"BCa", [](auto values, const Resampling& r) { return bca_interval(values, r); }},
      {"sign-flip",
       [](auto values, const Resampling&) {
         const auto attained = sign_flip_interval(values);
         return attained ? std::optional(attained->interval) : std::nullopt;
       }},
  };
  return all;
}

Method method(const std::string& name) {
  return by_name(methods(), name).method;
}

Method recommended(const Population& source) {
  if (source.is_difference)
    return [](std::span<const double> values, const Resampling&) {
      return difference_interval(values).interval();
    };
  return [&source](std::span<const double> values, const Resampling& r) {
    return cell_interval(values, source.lower, source.upper, r).interval();
  };
}

namespace {

class Counter {
 public:
  void add(const std::optional<Interval>& interval, double truth, const std::optional<Interval>& reference) {
    ++trials_;
    if (!interval) return;
    ++given_;
    held_ += interval->contains(truth) ? 1 : 0;
    below_ += truth < interval->low ? 1 : 0;
    above_ += truth > interval->high ? 1 : 0;
    if (reference && reference->width() > 0) widths_.push_back(interval->width() / reference->width());
  }
  Coverage result() {
    const double all = 100.0 / trials_, given = 100.0 / std::max(1, given_);
    return {trials_,
            given_ * all,
            held_ * all,
            held_ * given,
            below_ * given,
            above_ * given,
            widths_.empty() ? 0 : median(widths_)};
  }

 private:
  int trials_ = 0, given_ = 0, held_ = 0, below_ = 0, above_ = 0;
  std::vector<double> widths_;
};

}  // namespace

Coverage coverage(const Population& source, int n, int trials, const Method& interval_of) {
  Counter counter;
  for (int trial = 0; trial < trials; ++trial) {
    const std::string name = fmt::format("simulation/{}/{}/{}", source.name, n, trial);
    Stream stream(name);
    const std::vector<double> values = sample(stream, n, source.draw);
    counter.add(interval_of(values, {name + "/resamples", kLeastResamples}), source.mean,
                student_t_interval(values));
  }
  return counter.result();
}

const std::vector<Family>& families() {
  // Four tasks, or one of the first's scale.
  const auto scale = [](std::size_t task) { return 0.3 * std::pow(10.0, static_cast<double>(task) / 3); };
  const auto mean_scale = [=](std::size_t tasks) {
    double sum = 0;
    for (std::size_t task = 0; task < tasks; ++task) sum += scale(task);
    return sum / static_cast<double>(tasks);
  };
  static const Cut third = Cut::with_share(0.35, 60);
  static const std::vector<Family> all = {
      {"normal", [=](Stream& s, std::size_t task) { return 1 + scale(task) * normal(s); },
       [](std::size_t) { return 1.0; }},
      {"skewed difference", [=](Stream& s, std::size_t task) { return scale(task) * (1 + skewed(s)); },
       mean_scale},
      {"exponential", [=](Stream& s, std::size_t task) { return scale(task) * exponential(s); }, mean_scale},
      {"ceiling 35 %", [](Stream& s, std::size_t) { return third.draw(s); },
       [](std::size_t) { return third.mean(); }},
  };
  return all;
}

const std::vector<NamedPooledMethod>& pooled_methods() {
  static const std::vector<NamedPooledMethod> all = {
      {"Satterthwaite t",
       [](const Strata& strata, const Resampling&) -> std::optional<Interval> {
         const auto pooled = satterthwaite(strata);
         return pooled ? std::optional(pooled->interval) : std::nullopt;
       }},
      {"t over seeds' means",
       [](const Strata& strata, const Resampling&) { return seed_means_t_interval(strata); }},
      {"bootstrap-t",
       [](const Strata& strata, const Resampling& r) { return stratified_bootstrap_t_interval(strata, r); }},
      {"percentile",
       [](const Strata& strata, const Resampling& r) {
         return stratified_interval(strata, mean_over_tasks, r, BootstrapKind::kPercentile);
       }},
      {"IQM percentile",
       [](const Strata& strata, const Resampling& r) {
         return stratified_interval(strata, interquartile_mean, r, BootstrapKind::kPercentile);
       }},
      {"IQM expanded",
       [](const Strata& strata, const Resampling& r) {
         return stratified_interval(strata, interquartile_mean, r, BootstrapKind::kExpanded);
       }},
  };
  return all;
}

Coverage pooled_coverage(const Family& family, std::size_t tasks, int n, int trials,
                         const PooledMethod& interval_of, double truth) {
  Counter counter;
  for (int trial = 0; trial < trials; ++trial) {
    const std::string name = fmt::format("simulation/{}/{}/{}/{}", family.name, tasks, n, trial);
    Stream stream(name);
    Strata strata;
    for (std::size_t task = 0; task < tasks; ++task)
      strata.push_back(sample(stream, n, [&](Stream& s) { return family.draw(s, task); }));
    const auto reference = satterthwaite(strata);
    counter.add(interval_of(strata, {name + "/resamples", kLeastResamples}), truth,
                reference ? std::optional(reference->interval) : std::nullopt);
  }
  return counter.result();
}

double population_iqm(const Family& family, std::size_t tasks) {
  constexpr int kSamples = 200'000;
  Stream stream("simulation/iqm/" + family.name);
  Strata strata;
  for (std::size_t task = 0; task < tasks; ++task)
    strata.push_back(
        sample(stream, kSamples / static_cast<int>(tasks), [&](Stream& s) { return family.draw(s, task); }));
  return interquartile_mean(strata);
}

const std::vector<Scenario>& scenarios() {
  constexpr double kMargin = 1;
  static const std::vector<Scenario> all = {
      {"R1", "normal", [](Stream& s, int n) { return decide_order(sample(s, n, normal)).outcome; }},
      {"R1", "skewed", [](Stream& s, int n) { return decide_order(sample(s, n, skewed)).outcome; }},
      {"R1s", "normal",
       [](Stream& s, int n) { return decide_order(sample(s, n, normal), kSkewedOrder).outcome; }},
      {"R1s", "skewed",
       [](Stream& s, int n) { return decide_order(sample(s, n, skewed), kSkewedOrder).outcome; }},
      {"R2", "normal, at the margin",
       [](Stream& s, int n) {
         const auto at_margin = [](Stream& t) { return kMargin + 0.3 * normal(t); };
         return decide_equivalence(sample(s, n, at_margin), kMargin).outcome;
       }},
      {"R2", "skewed, at the margin",
       [](Stream& s, int n) {
         const auto at_margin = [](Stream& t) { return kMargin + 0.2 * skewed(t); };
         return decide_equivalence(sample(s, n, at_margin), kMargin).outcome;
       }},
      {"R3", "normal, loss of the margin",
       [](Stream& s, int n) {
         const auto lost = [](Stream& t) { return -kMargin + 0.5 * normal(t); };
         return decide_no_loss(sample(s, n, lost), kMargin).outcome;
       }},
      {"R4", "normal, share at r",
       [](Stream& s, int n) {
         std::vector<double> part, total;
         for (int i = 0; i < n; ++i) {
           total.push_back(2 + normal(s));
           part.push_back(0.5 * total.back() + 0.4 * normal(s));
         }
         return decide_share(part, total, 0.5).outcome;
       }},
      {"R5", "normal, 3 of 4 true",
       [](Stream& s, int n) {
         Strata four = settings(s, 4, n, normal);
         for (int j = 0; j < 3; ++j)
           for (double& value : four[static_cast<std::size_t>(j)]) value += 10;
         return decide_everywhere(four).overall.outcome;
       }},
      {"R6", "normal, 4 settings",
       [](Stream& s, int n) { return decide_on_the_whole(settings(s, 4, n, normal)).overall.outcome; }},
      {"R6", "normal, 8 settings",
       [](Stream& s, int n) { return decide_on_the_whole(settings(s, 8, n, normal)).overall.outcome; }},
      {"R6", "skewed, 4 settings",
       [](Stream& s, int n) { return decide_on_the_whole(settings(s, 4, n, skewed)).overall.outcome; }},
      {"R7", "normal, 4 settings",
       [](Stream& s, int n) { return decide_somewhere(settings(s, 4, n, normal)).overall.outcome; }},
      {"R7", "normal, 8 settings",
       [](Stream& s, int n) { return decide_somewhere(settings(s, 8, n, normal)).overall.outcome; }},
      {"R7", "skewed, 4 settings",
       [](Stream& s, int n) { return decide_somewhere(settings(s, 4, n, skewed)).overall.outcome; }},
      {"R7 at .01", "skewed, 4 settings",
       [](Stream& s, int n) {
         return decide_somewhere(settings(s, 4, n, skewed), Side::kAbove, 0.01).overall.outcome;
       }},
      {"R8", "21 rounds", [](Stream& s, int n) { return decide_slope(curves(s, n, 21, 0)).outcome; }},
      {"R8", "21 rounds, AR(1) .6",
       [](Stream& s, int n) { return decide_slope(curves(s, n, 21, 0.6)).outcome; }},
      {"R9", "rounds 1 to 10",
       [](Stream& s, int n) { return decide_rise(curves(s, n, 11, 0), 1, 10).outcome; }},
      {"R10", "rounds 1 to 10, largest t",
       [](Stream& s, int n) { return decide_rise_anywhere(curves(s, n, 11, 0), 1, 10).decision.outcome; }},
      {"R10", "rounds 1 to 10, sign flips",
       [](Stream& s, int n) {
         return decide_rise_anywhere(curves(s, n, 11, 0), 1, 10, MaximumTest::kSignFlip).decision.outcome;
       }},
      {"H2", "a third censored",
       [](Stream& s, int n) {
         const auto survivors = [&] {
           std::vector<std::optional<CriticalRound>> rounds;
           for (int i = 0; i < n; ++i) {
             const double round = std::max(0.0, std::round(15 + 4 * normal(s)));
             rounds.push_back(CriticalRound{static_cast<std::size_t>(std::min(17.0, round)), round >= 17});
           }
           return rounds;
         };
         const auto first = survivors();
         return decide_survival(first, survivors()).outcome;
       }},
      {"R11", "chance 1/6",
       [](Stream& s, int n) {
         int successes = 0;
         for (int i = 0; i < n; ++i) successes += s.below(6) == 0 ? 1 : 0;
         return decide_count(successes, n, 1.0 / 6).outcome;
       }},
  };
  return all;
}

const Scenario& scenario(const std::string& rule, const std::string& data) {
  for (const Scenario& candidate : scenarios())
    if (candidate.rule == rule && candidate.data == data) return candidate;
  throw std::invalid_argument("simulation: no scenario " + rule + ", " + data);
}

Verdicts verdicts(const Scenario& source, int n, int trials) {
  int supported = 0, contradicted = 0, equivalent = 0;
  for (int trial = 0; trial < trials; ++trial) {
    Stream stream(fmt::format("simulation/{}/{}/{}/{}", source.rule, source.data, n, trial));
    const Outcome outcome = source.decide(stream, n);
    supported += outcome == Outcome::kSupported ? 1 : 0;
    contradicted += outcome == Outcome::kContradicted ? 1 : 0;
    equivalent += outcome == Outcome::kEquivalent ? 1 : 0;
  }
  const double percent = 100.0 / trials;
  return {supported * percent, contradicted * percent, equivalent * percent};
}

double tolerance(double percent, int trials) {
  const double share = std::clamp(percent / 100, 0.005, 0.995);
  return 300 * std::sqrt(share * (1 - share) / trials) + 0.05;
}

}  // namespace impsweep::statistics::simulation
