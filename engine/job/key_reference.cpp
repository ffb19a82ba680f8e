#include "engine/job/key_reference.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string_view>
#include <vector>

#include "engine/job/key_catalogue.hpp"
#include "engine/job/option_table.hpp"
#include "engine/job/sources.hpp"

namespace impsweep {
namespace {

using Words = std::vector<std::string>;

std::string default_text(const KeyEntry& entry) {
  return entry.has_one_value() ? entry.uses.front().value : "by task";
}

// A cell of a table: a bar would end it.
std::string cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
  return escaped;
}

// Only what has a default has a source.
std::string source_text(const SweepKey& key) {
  if (key.fallback == "required" || key.fallback == "none") return "-";
  const std::string source = source_of(key.key, "", "");
  return source.empty() ? "-" : cell(source);
}

std::string markdown_sweep_keys() {
  std::string text =
      "### Keys of a sweep\n\n| key | stands in | type and range | default | meaning | source "
      "|\n|---|---|---|---|---|---|\n";
  for (const SweepKey& key : sweep_keys())
    text += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", key.key, key.place, cell(key.type),
                        key.fallback, cell(key.help), source_text(key));
  return text;
}

std::string markdown_settings(const std::vector<KeyEntry>& entries) {
  std::string text, section;
  for (const KeyEntry& entry : entries) {
    if (entry.is_of_teacher()) continue;
    if (entry.section() != section) {
      section = entry.section();
      text += fmt::format(
          "\n### `{}.*`\n\n| key | type and range | default | who has it | meaning | source |\n"
          "|---|---|---|---|---|---|\n",
          section);
    }
    const std::string value = default_text(entry);
    text +=
        fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", entry.option.key, cell(allowed_text(entry.option)),
                    entry.has_one_value() ? fmt::format("`{}`", cell(value)) : value, users_text(entry),
                    cell(entry.option.help), cell(entry.sources()));
  }
  return text;
}

std::string markdown_teacher_keys(const std::vector<KeyEntry>& entries) {
  std::string text =
      "\n### `teacher.*`\n\n| key | type, range, default and meaning | students that have it | source "
      "|\n|---|---|---|---|\n";
  for (const KeyEntry& entry : entries) {
    if (!entry.is_of_teacher()) continue;
    const std::string own = entry.without_teacher();
    const std::string meaning = is_like_own_key(entry, entries)
                                    ? fmt::format("as `{}`", own)
                                    : fmt::format("{}; default {}; {}", allowed_text(entry.option),
                                                  default_text(entry), entry.option.help);
    text += fmt::format("| `{}` | {} | {} | {} |\n", entry.option.key, cell(meaning), users_text(entry),
                        cell(entry.sources()));
  }
  return text;
}

std::string markdown_values(const std::vector<KeyEntry>& entries) {
  const Words families = task_families();
  std::string text =
      fmt::format("\n### Values that depend on the task\n\n| key | algorithm | {} |\n|---|---|{}\n",
                  fmt::join(families, " | "), fmt::join(Words(families.size(), "---|"), ""));
  for (const ValueRow& row : values_by_task(entries))
    text += fmt::format("| `{}` | {} | {} |\n", row.key, fmt::join(row.algorithms, ", "),
                        fmt::join(row.values, " | "));
  return text;
}

}  // namespace

std::string key_reference_markdown() {
  const std::vector<KeyEntry> entries = all_key_entries();
  return markdown_sweep_keys() + markdown_settings(entries) + markdown_teacher_keys(entries) +
         markdown_values(entries);
}

std::string key_reference_text() {
  const std::vector<KeyEntry> entries = all_key_entries();
  std::string text = "Keys of a sweep\n";
  for (const SweepKey& key : sweep_keys())
    text += fmt::format("  {} ({}): {}; default {}\n      {}\n", key.key, key.place, key.type, key.fallback,
                        key.help);
  std::string section;
  for (const KeyEntry& entry : entries) {
    if (entry.section() != section) {
      section = entry.section();
      text += fmt::format("\nKeys {}.*\n", section);
    }
    text += fmt::format("  {}: {}; default {}; {}\n      {}\n      source: {}\n", entry.option.key,
                        allowed_text(entry.option), default_text(entry), users_text(entry), entry.option.help,
                        entry.sources());
  }
  text += "\nValues that depend on the task\n";
  for (const ValueRow& row : values_by_task(entries)) {
    Words values;
    for (std::size_t i = 0; i < row.values.size(); ++i)
      if (!row.values[i].empty()) values.push_back(fmt::format("{} {}", task_families()[i], row.values[i]));
    text += fmt::format("  {} ({}): {}\n", row.key, fmt::join(row.algorithms, ", "), fmt::join(values, "; "));
  }
  return text;
}

}  // namespace impsweep
