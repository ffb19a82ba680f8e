// envs/option.hpp - how an option is declared: once, in one place, with default, range and help; and the
// check of values against the declaration.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace impsweep {

// The value of an option as it stands in a job file.
using OptionValue =
    std::variant<bool, std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>>;

// A declared option. The alternative held by `fallback` is its type.
struct Option {
  std::string key = {};                                       // full key, e.g. "cartpole.version"
  OptionValue fallback = {};                                  // default
  double minimum = -std::numeric_limits<double>::infinity();  // inclusive range, also of each list element
  double maximum = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices = {};  // allowed strings; empty if it is not a choice
  std::string help = {};
};

// The value in the option's type: integers are taken for reals, also in lists, and a number for a list of
// numbers that holds it alone; nothing else is converted. Nothing if it has another type.
std::optional<OptionValue> in_type_of(const Option&, OptionValue);

// Whether the value has the option's type and lies in its range, or among its choices.
bool fits(const Option&, const OptionValue&);

// What fits: "integer, 1..1000", "number, > 0", "true or false", "one of relu, tanh",
// "list of integers, >= 1", "list of numbers, 0..1".
std::string allowed_text(const Option&);

// For messages: true, 3, 0.25, "relu", [64, 64].
std::string value_text(const OptionValue&);

}  // namespace impsweep
