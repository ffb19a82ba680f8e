#include "engine/statistics/resampling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "engine/statistics/describe.hpp"
#include "envs/random.hpp"

namespace impsweep::statistics {
namespace {

void require_enough(const Resampling& resampling) {
  if (resampling.stream.empty()) throw std::invalid_argument("resamples need the name of a stream");
  if (resampling.resamples < kLeastResamples)
    throw std::invalid_argument(fmt::format("{} resamples are too few for an interval; {} is the least",
                                            resampling.resamples, kLeastResamples));
}

void draw(std::span<const double> values, Stream& stream, std::vector<double>& drawn) {
  drawn.resize(values.size());
  const auto n = static_cast<std::int64_t>(values.size());
  for (double& value : drawn) value = values[static_cast<std::size_t>(stream.below(n))];
}

double plain_mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

}  // namespace

void for_each_resample(const Strata& strata, const Resampling& resampling, bool strata_too,
                       const std::function<void(const Strata&)>& visit) {
  require_enough(resampling);
  if (strata.empty()) throw std::invalid_argument("for_each_resample: no strata");
  for (const std::vector<double>& stratum : strata) {
    if (stratum.empty()) throw std::invalid_argument("for_each_resample: a stratum is empty");
    require_finite(stratum, "for_each_resample");
  }
  Stream stream(resampling.stream);
  const auto count = static_cast<std::int64_t>(strata.size());
  Strata drawn(strata.size());
  for (int r = 0; r < resampling.resamples; ++r) {
    for (std::size_t s = 0; s < strata.size(); ++s)
      draw(strata[strata_too ? static_cast<std::size_t>(stream.below(count)) : s], stream, drawn[s]);
    visit(drawn);
  }
}

std::vector<double> sorted_resamples(const Strata& strata, const Resampling& resampling, bool strata_too,
                                     const std::function<double(const Strata&)>& statistic) {
  std::vector<double> results;
  for_each_resample(strata, resampling, strata_too,
                    [&](const Strata& drawn) { results.push_back(statistic(drawn)); });
  std::ranges::sort(results);
  return results;
}

std::vector<double> sorted_resampled_means(std::span<const double> values, const Resampling& resampling) {
  std::vector<double> results;
  for_each_resampled_mean(values, resampling,
                          [&](const ResampledMean& drawn) { results.push_back(drawn.mean); });
  std::ranges::sort(results);
  return results;
}

void for_each_resampled_mean(std::span<const double> values, const Resampling& resampling,
                             const std::function<void(const ResampledMean&)>& visit) {
  require_enough(resampling);
  require_finite(values, "for_each_resampled_mean");
  if (values.size() < 2) throw std::invalid_argument("for_each_resampled_mean: fewer than two values");
  const auto n = static_cast<double>(values.size());
  Stream stream(resampling.stream);
  std::vector<double> drawn;
  for (int r = 0; r < resampling.resamples; ++r) {
    draw(values, stream, drawn);
    ResampledMean result;
    result.mean = plain_mean(drawn);
    result.constant = std::ranges::all_of(drawn, [&](double value) { return value == drawn.front(); });
    if (result.constant) {
      result.mean = drawn.front();
    } else {
      double squares = 0;
      for (const double value : drawn) squares += (value - result.mean) * (value - result.mean);
      result.standard_error = std::sqrt(squares / (n - 1) / n);
    }
    visit(result);
  }
}

}  // namespace impsweep::statistics
