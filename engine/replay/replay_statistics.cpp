// Recorded statistics of rliable, scipy and statsmodels, driven through engine/statistics.
//
// Where our functions refuse - values that do not vary have no t test and no interval - the others record a
// test that is NaN or an interval without width; these agree. Bootstrap ends are known up to the noise of
// both sides' resamples: datasets `_sd` hold the noise of one run of the recording.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/replay/replay_oracle.hpp"
#include "engine/statistics/aggregate.hpp"
#include "engine/statistics/describe.hpp"
#include "engine/statistics/multiplicity.hpp"
#include "engine/statistics/paired.hpp"
#include "engine/statistics/pooled.hpp"
#include "engine/statistics/power.hpp"
#include "engine/statistics/proportions.hpp"
#include "engine/statistics/trend.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

using statistics::Interval;
using statistics::Resampling;
using statistics::Strata;

// Few values have few resampled means. An end that lies close to the step between two of them is told apart
// by many resamples alone: with these, twenty streams out of twenty agreed with the recording, with 20,000
// half.
constexpr int kMatrixResamples = 50'000;
constexpr int kSampleResamples = 200'000;
constexpr double kRounding = 1e-12;  // of shares, whose tolerance is one step of theirs

// One case, with its quantities named "paired/t/p_greater".
class RecordedCase {
 public:
  RecordedCase(const Hdf5File& file, const std::string& group, OracleComparison& comparison)
      : file_(file), group_(group), kind_(file.attribute_string(group, "kind")), comparison_(comparison) {}

  const std::string& kind() const { return kind_; }
  bool has(const std::string& name) const { return file_.exists(group_ + "/" + name); }
  double attribute(const std::string& name) const { return file_.attribute_double(group_, name); }
  std::string text(const std::string& object, const std::string& name) const {
    return file_.attribute_string(group_ + (object.empty() ? "" : "/" + object), name);
  }
  // Whether bootstrap ends jump between few atoms.
  bool is_tied() const {
    const std::string data = text("", "data");
    return data == "ties" || data == "twopoint";
  }

  std::vector<double> values(const std::string& name) const {
    return file_.read<double>(group_ + "/" + name);
  }
  std::vector<double> values(const std::string& name, std::size_t size) const {
    std::vector<double> result = values(name);
    if (result.size() != size)
      throw InputError("{}: '{}/{}' has {} elements instead of {}", file_.name(), group_, name, result.size(),
                       size);
    return result;
  }
  double value(const std::string& name) const { return values(name, 1).front(); }
  std::vector<std::int64_t> counts(const std::string& name) const {
    return file_.read<std::int64_t>(group_ + "/" + name);
  }
  // Rows of a table, or with `by_column` its columns.
  Strata table(const std::string& name, bool by_column) const {
    const std::vector<std::uint64_t> shape = file_.shape(group_ + "/" + name);
    if (shape.size() != 2 || shape[0] == 0 || shape[1] == 0)
      throw InputError("{}: '{}/{}' is no table of rows and columns", file_.name(), group_, name);
    const std::vector<double> flat = values(name);
    Strata result(by_column ? shape[1] : shape[0]);
    for (std::size_t row = 0; row < shape[0]; ++row)
      for (std::size_t column = 0; column < shape[1]; ++column)
        result[by_column ? column : row].push_back(flat[row * shape[1] + column]);
    return result;
  }

  void compare(const std::string& name, double got, double absolute) {
    comparison_.compare(quantity(name), got, value(name), absolute);
  }
  void compare(const std::string& name, std::span<const double> got, std::span<const double> absolute) {
    const std::vector<double> want = values(name, got.size());
    for (std::size_t i = 0; i < got.size(); ++i)
      comparison_.compare(quantity(name), got[i], want[i], absolute[i]);
  }
  // Relative to each value, or to `scale` where that is larger.
  void compare_relative(const std::string& name, std::span<const double> got, double relative,
                        double scale = 0) {
    std::vector<double> allowed;
    for (const double want : values(name, got.size()))
      allowed.push_back(relative * std::max(std::abs(want), scale));
    compare(name, got, allowed);
  }
  void compare_relative(const std::string& name, double got, double relative, double scale = 0) {
    compare_relative(name, std::span(&got, 1), relative, scale);
  }
  void compare_counts(const std::string& name, std::span<const std::int64_t> got) {
    comparison_.compare_exactly(quantity(name), got, counts(name));
  }

  // A value that we refuse to give is right where the recording has NaN, or where it says nothing of values
  // that do not vary.
  void compare_refused(const std::string& name, bool varies) {
    const std::vector<double> want = values(name);
    const bool agrees = !varies || std::ranges::all_of(want, [](double x) { return std::isnan(x); });
    comparison_.compare(quantity(name), agrees ? 0 : std::numeric_limits<double>::quiet_NaN(), 0, 0);
  }

  // Intervals by rows [low, high] within tolerances that depend on row and end.
  void compare_intervals(
      const std::string& name, std::span<const Interval> got,
      const std::function<double(std::size_t row, std::size_t end, double width)>& allowed) {
    const std::vector<double> want = values(name, 2 * got.size());
    std::vector<double> ends, tolerances;
    for (std::size_t row = 0; row < got.size(); ++row) {
      const double width = want[2 * row + 1] - want[2 * row];
      ends.insert(ends.end(), {got[row].low, got[row].high});
      tolerances.insert(tolerances.end(), {allowed(row, 0, width), allowed(row, 1, width)});
    }
    compare(name, ends, tolerances);
  }

 private:
  std::string quantity(const std::string& name) const { return kind_ + "/" + name; }

  const Hdf5File& file_;
  std::string group_, kind_;
  OracleComparison& comparison_;
};

int count_of(std::int64_t recorded) {
  if (recorded < 0 || recorded > 1'000'000)
    throw std::invalid_argument(fmt::format("a count of {} seeds is not from a recording", recorded));
  return static_cast<int>(recorded);
}

double magnitude(const Strata& strata) {
  double largest = 0;
  for (const std::vector<double>& stratum : strata)
    for (const double value : stratum) largest = std::max(largest, std::abs(value));
  return largest;
}

double range(const Strata& strata) {
  double smallest = strata.front().front(), largest = smallest;
  for (const std::vector<double>& stratum : strata) {
    smallest = std::min(smallest, *std::ranges::min_element(stratum));
    largest = std::max(largest, *std::ranges::max_element(stratum));
  }
  return largest - smallest;
}

void replay_aggregate(RecordedCase& recorded) {
  const Strata x = recorded.table("x", true), y = recorded.table("y", true);
  const double target = recorded.attribute("gamma");
  const std::vector<double> thresholds = recorded.values("thresholds");
  const double scale = std::max(magnitude(x), std::abs(target));
  recorded.compare_relative("mean", statistics::mean_over_tasks(x), 1e-12, scale);
  recorded.compare_relative("median", statistics::median_over_tasks(x), 1e-12, scale);
  recorded.compare_relative("iqm", statistics::interquartile_mean(x), 1e-12, scale);
  recorded.compare_relative("optimality_gap", statistics::optimality_gap(x, target), 1e-12, scale);
  recorded.compare_relative("probability_of_improvement", statistics::probability_of_improvement(x, y), 1e-12,
                            1);
  recorded.compare_relative("profile", statistics::performance_profile(x, thresholds), 1e-12, 1);
  recorded.compare_relative("profile_of_means", statistics::profile_of_means(x, thresholds), 1e-12, 1);
  std::vector<double> deviations;
  for (const std::vector<double>& task : x) deviations.push_back(statistics::describe(task).deviation);
  recorded.compare_relative("sample_deviation", deviations, 1e-12, scale);

  const std::function<double(const Strata&)> aggregates[] = {
      statistics::mean_over_tasks, statistics::median_over_tasks, statistics::interquartile_mean,
      [&](const Strata& scores) { return statistics::optimality_gap(scores, target); }};
  const Resampling resampling{"replay/statistics", kMatrixResamples};
  const auto percentile = statistics::BootstrapKind::kPercentile;
  const double runs = static_cast<double>(x.front().size()), tasks = static_cast<double>(x.size());
  const double atom = recorded.is_tied() ? range(x) / (runs * tasks) : 0;
  for (const auto& [name, tasks_too, share_of_width] :
       {std::tuple("interval/percentile", false, 0.02),
        std::tuple("interval/percentile_tasks", true, 0.04)}) {
    if (!recorded.has(name)) continue;
    std::vector<Interval> intervals;
    for (const auto& aggregate : aggregates) {
      const double estimate = aggregate(x);
      intervals.push_back(
          statistics::stratified_interval(x, aggregate, resampling, percentile, 0.95, tasks_too)
              .value_or(Interval{estimate, estimate}));
    }
    const std::vector<double> noise = recorded.values(std::string(name) + "_sd", 2 * intervals.size());
    recorded.compare_intervals(
        name, intervals, [&, part = share_of_width](std::size_t row, std::size_t end, double width) {
          return std::max({4 * noise[2 * row + end], part * width, 1e-12 * scale}) + atom;
        });
  }
  const auto profile = statistics::profile_intervals(x, thresholds, resampling, percentile);
  const std::vector<double> profile_noise = recorded.values("interval/profile_sd", 2 * profile.size());
  recorded.compare_intervals("interval/profile", profile, [&](std::size_t row, std::size_t end, double) {
    return std::max(4 * profile_noise[2 * row + end], 1 / (runs * tasks)) + kRounding;
  });
  const Interval improvement = statistics::probability_of_improvement_interval(x, y, resampling);
  const std::vector<double> improvement_noise = recorded.values("interval/poi_sd", 2);
  recorded.compare_intervals("interval/poi", std::span(&improvement, 1),
                             [&](std::size_t, std::size_t end, double width) {
                               return std::max(4 * improvement_noise[end], 0.06 * width);
                             });
}

void replay_paired(RecordedCase& recorded) {
  constexpr double kRelative = 1e-9;
  const std::vector<double> a = recorded.values("a"), b = recorded.values("b", a.size());
  const std::vector<double> d = statistics::paired_differences(a, b);
  const statistics::Description sample = statistics::describe(d);
  // Differences carry the rounding of what they are made of.
  const double scale = 1e-3 * std::max(std::abs(sample.largest), std::abs(sample.smallest));
  recorded.compare_relative("mean", sample.mean, kRelative, scale);
  recorded.compare_relative("sample_deviation", sample.deviation, kRelative);
  recorded.compare_relative("standard_error", sample.standard_error, kRelative);

  const auto ends = [&](const std::string& name, const std::optional<Interval>& interval) {
    if (!interval) return recorded.compare_refused(name, sample.varies);
    recorded.compare_relative(name, std::vector{interval->low, interval->high}, kRelative, scale);
  };
  const auto number = [&](const std::string& name, const std::optional<double>& got) {
    if (!got) return recorded.compare_refused(name, sample.varies);
    recorded.compare_relative(name, *got, kRelative);
  };
  for (const int percent : {80, 90, 95, 99})
    ends(fmt::format("t/interval_{}", percent), statistics::student_t_interval(d, percent / 100.0));
  const auto t = statistics::t_test(d);
  number("t/statistic", t ? std::optional(t->statistic) : std::nullopt);
  number("t/p_greater", t ? std::optional(t->p_greater) : std::nullopt);
  number("t/p_two_sided", t ? std::optional(t->p_two_sided) : std::nullopt);
  const auto welch = statistics::welch_test(a, b);
  number("welch/df", welch ? std::optional(welch->degrees) : std::nullopt);
  number("welch/p_two_sided", welch ? std::optional(welch->p_two_sided) : std::nullopt);
  ends("welch/interval_95", statistics::welch_interval(a, b));
  const double margin = recorded.value("tost/margin");
  recorded.compare("tost/margin", margin, 0);
  const auto equivalence = statistics::equivalence_test(d, margin);
  number("tost/p_lower", equivalence ? std::optional(equivalence->p_lower) : std::nullopt);
  number("tost/p_upper", equivalence ? std::optional(equivalence->p_upper) : std::nullopt);
  number("tost/p", equivalence ? std::optional(equivalence->p()) : std::nullopt);
  const auto flips = statistics::sign_flip_test(d);
  number("sign_flip/p_greater", flips ? std::optional(flips->p_greater) : std::nullopt);
  number("sign_flip/p_two_sided", flips ? std::optional(flips->p_two_sided) : std::nullopt);
  if (recorded.has("wilcoxon")) {
    const auto wilcoxon = statistics::wilcoxon_test(d);
    number("wilcoxon/w_plus", wilcoxon ? std::optional(wilcoxon->rank_sum) : std::nullopt);
    number("wilcoxon/p_greater", wilcoxon ? std::optional(wilcoxon->p_greater) : std::nullopt);
    number("wilcoxon/p_two_sided", wilcoxon ? std::optional(wilcoxon->p_two_sided) : std::nullopt);
  }

  const Resampling resampling{"replay/statistics", kSampleResamples};
  const double atom =
      recorded.is_tied() ? (sample.largest - sample.smallest) / static_cast<double>(d.size()) : 0;
  const auto bootstrap = [&](const std::string& name, const std::optional<Interval>& interval, double add) {
    if (!interval) return recorded.compare_refused(name, sample.varies);
    const std::vector<double> noise = recorded.values(name + "_sd", 2);
    recorded.compare_intervals(name, std::span(&*interval, 1),
                               [&](std::size_t, std::size_t end, double width) {
                                 return std::max(4 * noise[end], 0.01 * width) + add;
                               });
  };
  bootstrap("percentile/interval_95", statistics::percentile_interval(d, resampling), atom);
  bootstrap("basic/interval_95", statistics::basic_interval(d, resampling), atom);
  bootstrap("bca/interval_95", statistics::bca_interval(d, resampling), atom);
  bootstrap("bca/interval_90", statistics::bca_interval(d, resampling, 0.90), atom);
}

void replay_multiplicity(RecordedCase& recorded) {
  const std::vector<double> p = recorded.values("p"), adjusted = statistics::holm(p);
  recorded.compare_relative("adjusted", adjusted, 1e-12);
  std::vector<std::int64_t> rejected;
  rejected.reserve(adjusted.size());
  for (const double value : adjusted) rejected.push_back(value <= 0.05 ? 1 : 0);
  recorded.compare_counts("reject_05", rejected);
  recorded.compare_relative("bh_adjusted", statistics::benjamini_hochberg(p), 1e-12);
}

void replay_meta(RecordedCase& recorded) {
  constexpr double kRelative = 1e-9;
  const std::vector<double> effects = recorded.values("effects");
  const statistics::MetaAnalysis meta =
      statistics::meta_analysis(effects, recorded.values("variances", effects.size()));
  recorded.compare_relative("fixed", meta.fixed, kRelative);
  recorded.compare_relative("fixed_se", meta.fixed_standard_error, kRelative);
  recorded.compare_relative("q", meta.q, kRelative);
  recorded.compare_relative("q_p", meta.q_p, kRelative);
  recorded.compare_relative("i2", meta.i2, kRelative);
  recorded.compare_relative("tau2_dl", meta.tau2, kRelative);
  recorded.compare_relative("tau2_dl_untruncated", meta.tau2_untruncated, kRelative);
  recorded.compare_relative("random_dl", meta.random, kRelative);
  recorded.compare_relative("random_dl_se", meta.random_standard_error, kRelative);
  recorded.compare_relative("random_dl_interval_95",
                            std::vector{meta.random_interval.low, meta.random_interval.high}, kRelative);
  recorded.compare_relative("hksj_se", meta.hartung_knapp_standard_error, kRelative);
  const Interval hartung_knapp = meta.hartung_knapp_interval.value_or(Interval{meta.random, meta.random});
  recorded.compare_relative("hksj_interval_95", std::vector{hartung_knapp.low, hartung_knapp.high},
                            kRelative);
  recorded.compare_relative("tau2_pm", meta.tau2_paule_mandel, 1e-3);
  recorded.compare_relative("random_pm", meta.random_paule_mandel, 1e-3);
}

void replay_trend(RecordedCase& recorded) {
  constexpr double kRelative = 1e-9;
  const Strata curves = recorded.table("returns", false);
  const std::size_t rounds = curves.front().size();
  std::vector<double> number(rounds), logarithm;
  std::iota(number.begin(), number.end(), 0);
  for (const double density : recorded.values("density", rounds)) {
    if (!(density > 0)) throw std::invalid_argument(fmt::format("a density of {} has no logarithm", density));
    logarithm.push_back(std::log(density));
  }
  std::vector<double> slopes, log_slopes, theil_sen, tau, areas;
  const auto add = [](std::vector<double>& values, const std::optional<double>& value) {
    if (!value) throw std::invalid_argument("a curve has missing values");
    values.push_back(*value);
  };
  for (const std::vector<double>& curve : curves) {
    add(slopes, statistics::slope_per_round(curve));
    add(log_slopes, statistics::least_squares_slope(logarithm, curve));
    add(theil_sen, statistics::theil_sen_slope(number, curve));
    add(tau, statistics::kendall_tau(number, curve));
    add(areas, statistics::mean_over_rounds(curve, 0, rounds - 1));
  }
  // Slopes of nearly flat curves are differences of much larger numbers.
  const double level = 1e-3 * magnitude(curves) / static_cast<double>(rounds);
  recorded.compare_relative("slope_per_round", slopes, kRelative, level);
  recorded.compare_relative("slope_per_log_density", log_slopes, kRelative, level);
  recorded.compare_relative("theil_sen_per_round", theil_sen, kRelative, level);
  recorded.compare_relative("kendall_tau", tau, kRelative);
  recorded.compare_relative("auc", areas, kRelative);
  const auto interval = [&](const std::string& name, const std::vector<double>& values) {
    const auto t = statistics::student_t_interval(values);
    if (!t) return recorded.compare_refused(name, false);
    recorded.compare_relative(name, std::vector{t->low, t->high}, kRelative, level);
  };
  interval("t/interval_95", slopes);
  interval("auc_interval_95", areas);
  if (const auto test = statistics::t_test(slopes)) {
    recorded.compare_relative("t/p_less", test->p_less, kRelative);
    recorded.compare_relative("t/p_two_sided", test->p_two_sided, kRelative);
  } else {
    recorded.compare_refused("t/p_less", false);
    recorded.compare_refused("t/p_two_sided", false);
  }
}

void replay_power(RecordedCase& recorded) {
  const std::vector<std::int64_t> n = recorded.counts("n");
  const std::vector<double> effect = recorded.values("effect", n.size());
  const double alpha = recorded.value("alpha");
  std::vector<double> two_sided, greater;
  for (std::size_t i = 0; i < n.size(); ++i) {
    const auto seeds = count_of(n[i]);
    two_sided.push_back(statistics::paired_t_power(seeds, effect[i], alpha, statistics::Sides::kTwo));
    greater.push_back(statistics::paired_t_power(seeds, effect[i], alpha, statistics::Sides::kOne));
  }
  recorded.compare_relative("power_two_sided", two_sided, 1e-6);
  recorded.compare_relative("power_greater", greater, 1e-6);
}

void replay_proportion(RecordedCase& recorded) {
  const std::vector<std::int64_t> n = recorded.counts("n"), successes = recorded.counts("successes");
  statistics::require_same_size(successes.size(), n.size(), "successes and trials");
  const std::pair<const char*, Interval (*)(int, int, double)> methods[] = {
      {"clopper_pearson_95", statistics::clopper_pearson_interval},
      {"wilson_95", statistics::wilson_interval},
      {"jeffreys_95", statistics::jeffreys_interval}};
  for (const auto& [name, method] : methods) {
    std::vector<double> ends;
    for (std::size_t i = 0; i < n.size(); ++i) {
      const Interval interval = method(count_of(successes[i]), count_of(n[i]), 0.95);
      ends.insert(ends.end(), {interval.low, interval.high});
    }
    recorded.compare_relative(name, ends, 1e-6);
  }
}

}  // namespace

void replay_statistics_case(const Hdf5File& file, const std::string& group, OracleComparison& comparison) {
  RecordedCase recorded(file, group, comparison);
  const std::string& kind = recorded.kind();
  const auto replay = kind == "aggregate"    ? replay_aggregate
                      : kind == "paired"     ? replay_paired
                      : kind == "holm"       ? replay_multiplicity
                      : kind == "meta"       ? replay_meta
                      : kind == "trend"      ? replay_trend
                      : kind == "power"      ? replay_power
                      : kind == "proportion" ? replay_proportion
                                             : nullptr;
  if (replay == nullptr)
    throw InputError(
        "{}: {} is of kind '{}'; this version knows aggregate, paired, holm, meta, trend, power and "
        "proportion",
        file.name(), group, kind);
  try {
    replay(recorded);
  } catch (const InputError&) {
    throw;
  } catch (const std::exception& error) {  // values that no statistic is defined for
    throw InputError("{}: {}: {}", file.name(), group, error.what());
  }
}

}  // namespace impsweep
