#include "engine/statistics/cell.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>
#include <utility>

#include "engine/statistics/proportions.hpp"

namespace impsweep::statistics {
namespace {

std::string number(double value) {
  if (std::abs(value) >= 99.95) return fmt::format("{:.0f}", value);
  return fmt::format("{:.3g}", value);
}

std::string interval_text(const Interval& interval) {
  return fmt::format("[{}, {}]", number(interval.low), number(interval.high));
}

std::string values_text(const Cell& cell) {
  std::string text;
  for (const double value : cell.values) text += (text.empty() ? "" : ", ") + number(value);
  return text;
}

void require_within(std::span<const double> values, std::optional<double> lower,
                    std::optional<double> upper) {
  for (const double value : values) {
    const double rounding = 1e-9 * std::abs(value);
    if ((lower && value < *lower - rounding) || (upper && value > *upper + rounding))
      throw std::invalid_argument(
          fmt::format("cell_interval: {} lies beyond a bound that it cannot pass", value));
  }
}

// Which bound holds half of the values or more; of both the one that holds more, of equals the upper.
std::optional<AtBound> bound_reached(std::span<const double> values, std::optional<double> lower,
                                     std::optional<double> upper) {
  const std::size_t at_upper = upper ? count_at_upper(values, *upper) : 0;
  const std::size_t at_lower = lower ? count_at_lower(values, *lower) : 0;
  const bool is_upper = at_upper >= at_lower;
  const std::size_t count = is_upper ? at_upper : at_lower;
  if (2 * count < values.size()) return std::nullopt;
  return AtBound{is_upper, is_upper ? *upper : *lower, count,
                 clopper_pearson_interval(static_cast<int>(count), static_cast<int>(values.size()))};
}

Cell cell_of(std::span<const double> values) {
  Complete measured = complete(values);
  Cell cell;
  cell.values = std::move(measured.values);
  cell.dropped = measured.dropped;
  if (cell.values.empty()) return cell;
  cell.mean = mean(cell.values);
  cell.uncertainty = TooFewSeeds{};
  return cell;
}

}  // namespace

std::optional<Interval> Cell::interval() const {
  const auto* of_mean = std::get_if<MeanInterval>(&uncertainty);
  return of_mean != nullptr ? std::optional(of_mean->interval) : std::nullopt;
}

Cell cell_interval(std::span<const double> values, std::optional<double> lower_bound,
                   std::optional<double> upper_bound, const Resampling& stream) {
  Cell cell = cell_of(values);
  require_within(cell.values, lower_bound, upper_bound);
  if (cell.n() < kLeastSeeds) return cell;
  if (const auto reached = bound_reached(cell.values, lower_bound, upper_bound)) {
    cell.uncertainty = *reached;
    return cell;
  }
  const Tie tie = commonest_value(cell.values);
  if (2 * tie.count >= cell.n() || !describe(cell.values).varies) {
    cell.uncertainty = Tied{tie};
    return cell;
  }
  const bool bootstrap = cell.n() >= kLeastBootstrapSeeds;
  const std::optional<Interval> interval =
      bootstrap ? bootstrap_t_interval(cell.values, stream) : student_t_interval(cell.values);
  if (interval)
    cell.uncertainty = MeanInterval{clipped(*interval, lower_bound, upper_bound),
                                    bootstrap ? IntervalMethod::kBootstrapT : IntervalMethod::kStudentT};
  else
    cell.uncertainty = Unbounded{};
  return cell;
}

Cell difference_interval(std::span<const double> differences) {
  Cell cell = cell_of(differences);
  if (cell.n() < kLeastSeeds) return cell;
  const Tie tie = commonest_value(cell.values);
  const bool mostly_zero = tie.value == 0 && 2 * tie.count > cell.n();
  const std::optional<Interval> interval = student_t_interval(cell.values);
  if (interval && !mostly_zero)
    cell.uncertainty = MeanInterval{*interval, IntervalMethod::kStudentT};
  else
    cell.uncertainty = Tied{tie};
  return cell;
}

std::string text_of(const Cell& cell) {
  struct Writer {
    const Cell& cell;
    std::string operator()(const NoValues&) const { return "no values"; }
    std::string operator()(const TooFewSeeds&) const {
      return fmt::format("{}; n = {}", values_text(cell), cell.n());
    }
    std::string operator()(const AtBound& at) const {
      return fmt::format("at the {}: {} of {} seeds at {} (share {})", at.upper ? "ceiling" : "floor",
                         at.count, cell.n(), number(at.bound), interval_text(at.share));
    }
    std::string operator()(const Tied& tied) const {
      return fmt::format("{} of {} seeds at {}: {}", tied.tie.count, cell.n(), number(tied.tie.value),
                         values_text(cell));
    }
    std::string operator()(const Unbounded&) const {
      return fmt::format("{}; n = {}, no finite interval", values_text(cell), cell.n());
    }
    std::string operator()(const MeanInterval& of_mean) const {
      const std::string text =
          fmt::format("{} {}, n = {}", number(*cell.mean), interval_text(of_mean.interval), cell.n());
      return cell.n() < kLeastBootstrapSeeds ? text + ": " + values_text(cell) : text;
    }
  };
  return std::visit(Writer{cell}, cell.uncertainty);
}

}  // namespace impsweep::statistics
