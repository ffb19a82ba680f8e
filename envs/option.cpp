#include "envs/option.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace impsweep {
namespace {

using Integers = std::vector<std::int64_t>;
using Reals = std::vector<double>;

// Reals without the digits that only tell apart neighbours.
std::string number_text(double value) {
  if (std::abs(value) < 1e15 && value == std::floor(value))
    return std::to_string(static_cast<std::int64_t>(value));
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.15g", value);
  return digits;
}

std::string range_text(const Option& option) {
  const bool has_minimum = std::isfinite(option.minimum), has_maximum = std::isfinite(option.maximum);
  if (!has_minimum && !has_maximum) return "";
  const bool any_positive = option.minimum > 0 && option.minimum < 1e-100;
  if (any_positive && !has_maximum) return ", > 0";
  if (!has_maximum || option.maximum >= 1e15) return ", >= " + number_text(option.minimum);
  if (!has_minimum) return ", <= " + number_text(option.maximum);
  return ", " + number_text(option.minimum) + ".." + number_text(option.maximum);
}

template <class Items, class Text>
std::string joined(const Items& items, Text text_of) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : ", ") + text_of(item);
  return text;
}

}  // namespace

std::optional<OptionValue> in_type_of(const Option& option, OptionValue value) {
  if (const std::int64_t* integer = std::get_if<std::int64_t>(&value);
      integer != nullptr && std::holds_alternative<double>(option.fallback))
    return static_cast<double>(*integer);
  if (std::holds_alternative<Reals>(option.fallback)) {
    if (const std::int64_t* integer = std::get_if<std::int64_t>(&value))
      return Reals{static_cast<double>(*integer)};
    if (const double* real = std::get_if<double>(&value)) return Reals{*real};
    if (const Integers* list = std::get_if<Integers>(&value)) return Reals(list->begin(), list->end());
  }
  if (value.index() != option.fallback.index()) return std::nullopt;
  return value;
}

bool fits(const Option& option, const OptionValue& value) {
  if (value.index() != option.fallback.index()) return false;
  const auto in_range = [&](double number) {
    return number >= option.minimum && number <= option.maximum;  // false for NaN
  };
  if (const std::int64_t* integer = std::get_if<std::int64_t>(&value))
    return in_range(static_cast<double>(*integer));
  if (const double* real = std::get_if<double>(&value)) return in_range(*real);
  if (const std::string* text = std::get_if<std::string>(&value))
    return option.choices.empty() || std::ranges::count(option.choices, *text) > 0;
  if (const Integers* list = std::get_if<Integers>(&value))
    return std::ranges::all_of(*list,
                               [&](std::int64_t element) { return in_range(static_cast<double>(element)); });
  if (const Reals* list = std::get_if<Reals>(&value)) return std::ranges::all_of(*list, in_range);
  return true;
}

std::string allowed_text(const Option& option) {
  if (!option.choices.empty())
    return "one of " + joined(option.choices, [](const std::string& choice) { return choice; });
  static constexpr const char* kTypes[] = {"true or false", "integer",          "number",
                                           "text",          "list of integers", "list of numbers"};
  return kTypes[option.fallback.index()] + range_text(option);
}

std::string value_text(const OptionValue& value) {
  if (const bool* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const std::int64_t* integer = std::get_if<std::int64_t>(&value)) return std::to_string(*integer);
  if (const double* real = std::get_if<double>(&value)) return number_text(*real);
  if (const std::string* text = std::get_if<std::string>(&value)) return '"' + *text + '"';
  std::string list = "[";
  if (const Integers* integers = std::get_if<Integers>(&value))
    list += joined(*integers, [](std::int64_t element) { return std::to_string(element); });
  else
    list += joined(std::get<Reals>(value), number_text);
  return list += ']';
}

}  // namespace impsweep
