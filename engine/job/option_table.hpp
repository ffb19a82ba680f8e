// engine/job/option_table.hpp - from a configuration's visit() to a table of keys: with declaration, present
// value, texts for people, and checks of values that come from job files.
//
// A visitable configuration calls v(key, field, Range, help) for each of its fields (agents/config.hpp).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "agents/config.hpp"
#include "envs/option.hpp"
#include "io/job_file.hpp"

namespace impsweep {

// One key of a configuration: how it is declared and what it is now.
struct OptionState {
  Option option;
  OptionValue value;
  bool at_default() const { return value == option.fallback; }
};

// The value in TOML, unique for each value: reals in their shortest exact form.
std::string canonical_text(const OptionValue&);

// The value of a job file as a value of this option: integers are taken for reals, nothing else is converted.
// Throws InputError "place: ..." with what the option accepts.
OptionValue checked_value(const Option&, const JobValue&, const std::string& place);

// The word that is nearest to `word` by edit distance, empty if none is near enough to be meant.
std::string nearest_word(std::string_view word, std::span<const std::string> words);

// "; did you mean 'x'?" or "; known: a, b, c".
std::string suggestion(std::string_view word, std::span<const std::string> words);

namespace detail {

template <class T>
OptionValue to_option_value(const T& field) {
  if constexpr (std::is_enum_v<T>)
    return std::string(enum_names(T{})[static_cast<std::size_t>(field)]);
  else
    return field;
}

}  // namespace detail

// Visitor that appends the options of a configuration; the first visit, of a default-constructed one, gives
// the declared defaults.
class OptionDeclarations {
 public:
  template <class T>
  void operator()(std::string_view key, T& field, Range range, const char* help) {
    Option option;
    option.key = key;
    option.fallback = detail::to_option_value(field);
    option.minimum = range.minimum;
    option.maximum = range.maximum;
    option.help = help;
    if constexpr (std::is_enum_v<T>)
      for (const std::string_view name : enum_names(T{})) option.choices.emplace_back(name);
    options.push_back(std::move(option));
  }
  std::vector<Option> options;
};

// Visitor that reads all present values, in the order of declaration.
class OptionValues {
 public:
  template <class T>
  void operator()(std::string_view, T& field, Range, const char*) {
    values.push_back(detail::to_option_value(field));
  }
  std::vector<OptionValue> values;
};

// Visitor that writes one value. It must have passed checked_value().
class OptionAssignment {
 public:
  OptionAssignment(std::string_view key, const OptionValue& value) : key_(key), value_(value) {}

  template <class T>
  void operator()(std::string_view key, T& field, Range, const char*) {
    if (key != key_) return;
    found = true;
    if constexpr (std::is_enum_v<T>) {
      const auto names = enum_names(T{});
      const std::string& name = std::get<std::string>(value_);
      for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == name) field = static_cast<T>(i);
    } else {
      field = std::get<T>(value_);
    }
  }
  bool found = false;

 private:
  std::string_view key_;
  const OptionValue& value_;
};

}  // namespace impsweep
