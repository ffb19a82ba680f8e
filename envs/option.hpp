// envs/option.hpp - how an option is declared: once, in one place, with default, range and help.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

namespace impsweep {

// The value of an option as it stands in a job file.
using OptionValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>>;

// A declared option. The alternative held by `fallback` is its type; integers are accepted where a double is
// declared.
struct Option {
  std::string key;                                            // full key, e.g. "cartpole.version"
  OptionValue fallback;                                       // default
  double minimum = -std::numeric_limits<double>::infinity();  // inclusive range, also of each list element
  double maximum = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices;  // allowed strings; empty if it is not a choice
  std::string help;
};

}  // namespace impsweep
