#include "engine/job/option_table.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "io/error.hpp"

namespace impsweep {
namespace {

using Integers = std::vector<std::int64_t>;
using Reals = std::vector<double>;

// A value of a job file as an option may have it; nothing if no option has such values.
std::optional<OptionValue> option_value(const JobValue& given) {
  if (const bool* flag = given.get<bool>()) return *flag;
  if (const std::int64_t* integer = given.get<std::int64_t>()) return *integer;
  if (const double* real = given.get<double>()) return *real;
  if (const std::string* text = given.get<std::string>()) return *text;
  Integers integers;
  Reals reals;
  for (const JobValue& element : *given.get<JobValue::List>()) {
    const std::int64_t* integer = element.get<std::int64_t>();
    const double* real = element.get<double>();
    if (integer == nullptr && real == nullptr) return std::nullopt;
    if (integer != nullptr) integers.push_back(*integer);
    reals.push_back(integer != nullptr ? static_cast<double>(*integer) : *real);
  }
  if (integers.size() == reals.size()) return integers;
  return reals;
}

// Number of insertions, deletions, replacements and exchanges of neighbours between two words.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last, last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::string canonical_text(const OptionValue& value) {
  if (const Integers* list = std::get_if<Integers>(&value))
    return fmt::format("[{}]", fmt::join(*list, ", "));
  if (const Reals* list = std::get_if<Reals>(&value)) {
    std::vector<std::string> texts;
    for (const double element : *list) texts.push_back(canonical_text(element));
    return fmt::format("[{}]", fmt::join(texts, ", "));
  }
  JobValue same;
  if (const bool* flag = std::get_if<bool>(&value)) same.data = *flag;
  if (const std::int64_t* integer = std::get_if<std::int64_t>(&value)) same.data = *integer;
  if (const double* real = std::get_if<double>(&value)) same.data = *real == 0 ? 0.0 : *real;  // no -0.0
  if (const std::string* text = std::get_if<std::string>(&value)) same.data = *text;
  return to_toml(same);
}

OptionValue checked_value(const Option& option, const JobValue& given, const std::string& place) {
  const auto refusal = [&](const char* reason, const char* remedy = "") {
    return InputError("{}: '{}' = {} {}; give {}{}", place, option.key, to_toml(given), reason,
                      allowed_text(option), remedy);
  };
  std::optional<OptionValue> value = option_value(given);
  if (value) value = in_type_of(option, std::move(*value));
  if (!value)
    throw refusal("has the wrong type", given.get<JobValue::List>() == nullptr
                                            ? ""
                                            : " (for several values write one [[sweep.variant]] each)");
  if (!fits(option, *value)) throw refusal(option.choices.empty() ? "is out of range" : "is not a choice");
  return std::move(*value);
}

std::string nearest_word(std::string_view word, std::span<const std::string> words) {
  const std::string* nearest = nullptr;
  std::size_t shortest = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : words) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < shortest) {
      shortest = distance;
      nearest = &candidate;
    }
  }
  return nearest == nullptr ? "" : *nearest;
}

std::string suggestion(std::string_view word, std::span<const std::string> words) {
  const std::string nearest = nearest_word(word, words);
  if (!nearest.empty()) return fmt::format("; did you mean '{}'?", nearest);
  return fmt::format("; known: {}", fmt::join(words, ", "));
}

Option declaration_of(const OptionField& field) {
  Option option;
  option.key = field.key;
  option.fallback = value_of(field);
  option.minimum = field.range.minimum;
  option.maximum = field.range.maximum;
  option.help = field.help;
  if (const ChoiceField* choice = std::get_if<ChoiceField>(&field.place))
    option.choices.assign(choice->names.begin(), choice->names.end());
  return option;
}

OptionValue value_of(const OptionField& field) {
  return std::visit(
      [](const auto& place) -> OptionValue {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(place)>, ChoiceField>)
          return std::string(place.names[place.get(place.field)]);
        else
          return *place;
      },
      field.place);
}

void assign(const OptionField& field, const OptionValue& value) {
  std::visit(
      [&](const auto& place) {
        using Place = std::remove_cvref_t<decltype(place)>;
        if constexpr (std::is_same_v<Place, ChoiceField>) {
          const auto name = std::ranges::find(place.names, std::string_view(std::get<std::string>(value)));
          place.set(place.field, static_cast<std::size_t>(name - place.names.begin()));
        } else {
          *place = std::get<std::remove_pointer_t<Place>>(value);
        }
      },
      field.place);
}

}  // namespace impsweep
