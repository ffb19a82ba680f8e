// tests/engine/statistics/simulation.hpp - how often intervals hold the truth and rules err, by simulation.
//
// Every sample comes from a stream named by what is simulated and its number, so a table can be made again to
// the digit. Shared by the tests and by the program that prints docs/statistics.md.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/statistics/aggregate.hpp"
#include "engine/statistics/cell.hpp"
#include "engine/statistics/rules.hpp"
#include "envs/random.hpp"

namespace impsweep::statistics::simulation {

double normal(Stream&);       // mean 0, variance 1
double exponential(Stream&);  // mean 1

// Where the values of one seed come from.
struct Population {
  std::string name;
  double mean = 0;
  std::function<double(Stream&)> draw;
  bool is_difference = false;
  std::optional<double> lower, upper;  // bounds of a level
};
const std::vector<Population>& populations();
const Population& population(const std::string& name);  // "normal", "exponential", "ceiling 35 %", ...

using Method = std::function<std::optional<Interval>(std::span<const double>, const Resampling&)>;
struct NamedMethod {
  std::string name;
  Method method;
};
const std::vector<NamedMethod>& methods();
Method method(const std::string& name);  // "bootstrap-t"
Method recommended(const Population&);   // what cell.hpp shows

// Percent of the trials. An interval that is not given holds nothing.
struct Coverage {
  int trials = 0;
  double given = 0;             // of all
  double held = 0;              // of all
  double held_if_given = 0;     // of those given
  double below = 0, above = 0;  // of those given: the truth lies below the interval, above it
  double width = 0;             // median of those given, relative to Student's t of the same sample
};
Coverage coverage(const Population&, int n, int trials, const Method&);

// Several tasks of one family, [task][seed], and the truth about them.
struct Family {
  std::string name;
  std::function<double(Stream&, std::size_t task)> draw;
  std::function<double(std::size_t tasks)> mean;  // over tasks
};
const std::vector<Family>& families();
using PooledMethod = std::function<std::optional<Interval>(const Strata&, const Resampling&)>;
struct NamedPooledMethod {
  std::string name;
  PooledMethod method;
};
const std::vector<NamedPooledMethod>& pooled_methods();
Coverage pooled_coverage(const Family&, std::size_t tasks, int n, int trials, const PooledMethod&,
                         double truth);
double population_iqm(const Family&, std::size_t tasks);  // from a sample of 200,000

// A rule under its null hypothesis, or at the border of it.
struct Scenario {
  std::string rule, data;
  std::function<Outcome(Stream&, int n)> decide;
};
const std::vector<Scenario>& scenarios();
const Scenario& scenario(const std::string& rule, const std::string& data);

// Percent of the trials.
struct Verdicts {
  double supported = 0, contradicted = 0, equivalent = 0;
};
Verdicts verdicts(const Scenario&, int n, int trials);

// Three standard errors of a percentage from so many trials, and half a unit of the table's last digit.
double tolerance(double percent, int trials);

}  // namespace impsweep::statistics::simulation
