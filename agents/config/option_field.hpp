// agents/config/option_field.hpp - how options are declared: once, in the visit(v) of the struct that holds
// them, by calls of v(key, field, Range, help). The field's initialiser is the default; enumerations are
// written in job files by the names that enum_names() gives.
//
// option_fields() turns such a struct into a list, so that code which reads, checks and writes options need
// not be a template, and a struct can be held without its type (AlgorithmOptions in config.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace impsweep {

struct Range {
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
};
inline constexpr Range kPositive{1e-300, std::numeric_limits<double>::infinity()};
inline constexpr Range kNonNegative{0.0, std::numeric_limits<double>::infinity()};
inline constexpr Range kAtLeastOne{1.0, 1e15};
inline constexpr Range kFraction{0.0, 1.0};
inline constexpr Range kAny{};

// A field that holds one of several named values.
struct ChoiceField {
  void* field = nullptr;
  std::span<const std::string_view> names;
  std::size_t (*get)(const void* field) = nullptr;  // index into names
  void (*set)(void* field, std::size_t) = nullptr;
};

// One option of a struct: where its value lies and how it is declared. Valid as long as the struct is.
struct OptionField {
  std::string key;
  std::variant<bool*, std::int64_t*, double*, std::string*, std::vector<std::int64_t>*, std::vector<double>*,
               ChoiceField>
      place;
  Range range;
  const char* help = "";
};

namespace detail {

struct FieldCollector {
  std::vector<OptionField>& fields;

  template <class T>
  void operator()(std::string_view key, T& field, Range range, const char* help) {
    OptionField option{std::string(key), {}, range, help};
    if constexpr (std::is_enum_v<T>) {
      static constexpr auto kNames = enum_names(T{});
      option.place = ChoiceField{
          &field, kNames,
          [](const void* value) { return static_cast<std::size_t>(*static_cast<const T*>(value)); },
          [](void* value, std::size_t index) { *static_cast<T*>(value) = static_cast<T>(index); }};
    } else {
      option.place = &field;
    }
    fields.push_back(std::move(option));
  }
};

}  // namespace detail

// Appends the options of a struct, in the order of declaration.
template <class Options>
void append_fields(Options& options, std::vector<OptionField>& fields) {
  detail::FieldCollector collector{fields};
  options.visit(collector);
}

}  // namespace impsweep
