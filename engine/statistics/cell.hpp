// engine/statistics/cell.hpp - what a table, a text or a plot says of a few seeds, and how sure it is.
//
// A mean of five seeds deserves an interval only if one is to be had. Rules, in this order:
//
//   seeds                          shown
//   none                           nothing
//   1 to 4                         the values
//   half of them or more on a      "at the ceiling" (or floor): the values, and the share of seeds there with
//   bound of the return            its Clopper-Pearson interval
//   half or more equal elsewhere   the values
//   5 to 7                         Student's t and the values
//   8 and more                     bootstrap-t; the values alone where a quantile of it is infinite
//
// Intervals are clipped to the bounds. What they hold of nominal 95 % stands in docs/statistics.md: for
// skewed data and data at a ceiling no method keeps 95 % at five to seven seeds. Missing values (NaN) are
// left out and counted; infinite ones throw std::invalid_argument.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "engine/statistics/describe.hpp"
#include "engine/statistics/intervals.hpp"

namespace impsweep::statistics {

inline constexpr std::size_t kLeastBootstrapSeeds = 8;  // for bootstrap-t of a level

struct NoValues {};
struct TooFewSeeds {};
struct AtBound {
  bool upper = false;
  double bound = 0;
  std::size_t count = 0;  // of the seeds at it
  Interval share;         // of seeds there, 95 %
};
struct Tied {
  Tie tie;
};
struct Unbounded {};  // no finite interval from these values
enum class IntervalMethod { kStudentT, kBootstrapT };
struct MeanInterval {
  Interval interval;  // 95 %
  IntervalMethod method = IntervalMethod::kStudentT;
};
using Uncertainty = std::variant<NoValues, TooFewSeeds, AtBound, Tied, Unbounded, MeanInterval>;

struct Cell {
  std::vector<double> values;  // without the missing ones, in the order of the seeds
  std::size_t dropped = 0;
  std::optional<double> mean;
  Uncertainty uncertainty;

  std::size_t n() const { return values.size(); }
  // For a plot's bar; nothing where none may be drawn.
  std::optional<Interval> interval() const;
};

// A level: returns of one round, one value for each seed. A bound is one that returns cannot pass: a value
// beyond it throws std::invalid_argument. `stream` names the resamples (resampling.hpp).
Cell cell_interval(std::span<const double> values, std::optional<double> lower_bound,
                   std::optional<double> upper_bound, const Resampling& stream);

// Paired differences, areas under curves, slopes: Student's t from five seeds on. More than half of them
// exactly 0, two arms at the same bound mostly, count as tied.
Cell difference_interval(std::span<const double> differences);

// "421 [393, 448], n = 8"; "at the ceiling: 4 of 5 seeds at 500 (share [0.284, 0.995])"; "491, 500, 500; n
// = 3". Three digits, n always, and below eight seeds the values always.
std::string text_of(const Cell&);

}  // namespace impsweep::statistics
