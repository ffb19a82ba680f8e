// engine/job/option_table.hpp - from the fields of a configuration (agents/config/option_field.hpp) to a
// table of keys: with declaration, present value, texts for people, and checks of values that come from job
// files.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agents/config/option_field.hpp"
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

// The word that is nearest to `word` by edit distance; empty if none is near enough to be a misspelling.
std::string nearest_word(std::string_view word, std::span<const std::string> words);

// "; did you mean 'x'?" or "; known: a, b, c".
std::string suggestion(std::string_view word, std::span<const std::string> words);

// The declaration of a field of a default-constructed configuration: its value there is the default.
Option declaration_of(const OptionField&);

// What a field holds now.
OptionValue value_of(const OptionField&);

// Writes a field. The value must have passed checked_value().
void assign(const OptionField&, const OptionValue&);

}  // namespace impsweep
