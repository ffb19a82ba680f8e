#include "io/job_file.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <utility>

#include "io/error.hpp"
#include "io/toml_limits.hpp"

namespace impsweep {
namespace {

std::string place_of(const std::string& path, const toml::source_region& region) {
  return fmt::format("{}:{}", path, region.begin.line);
}

JobValue convert(const toml::node& node, const std::string& place, const std::string& key) {
  if (const auto* flag = node.as_boolean()) return {flag->get()};
  if (const auto* integer = node.as_integer()) return {integer->get()};
  if (const auto* real = node.as_floating_point()) {
    const double number = real->get();
    if (std::isnan(number)) throw InputError("{}: '{}' is nan; give a number", place, key);
    // 1e5 is meant for an integer where one is wanted, and integers are taken for reals.
    constexpr double kBeyond = 9223372036854775808.0;  // 2^63
    if (std::abs(number) < kBeyond && number == std::floor(number) && (number != 0 || !std::signbit(number)))
      return {static_cast<std::int64_t>(number), true};
    return {number};
  }
  if (const auto* text = node.as_string()) return {text->get()};
  if (const auto* array = node.as_array()) {
    JobValue::List list;
    for (const toml::node& element : *array) list.push_back(convert(element, place, key));
    return {std::move(list)};
  }
  if (node.is_table())
    throw InputError("{}: '{}' holds a table inside a list; write its keys below [[sweep.variant]]", place,
                     key);
  throw InputError(
      "{}: '{}' is a date or time, which no option has; give a number, a text in quotes or a list", place,
      key);
}

// Tables become dotted keys, in the order of their lines (toml++ itself sorts by name).
void flatten(const toml::table& table, const std::string& prefix, const std::string& path,
             std::vector<std::pair<toml::source_position, JobEntry>>& entries) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    const std::string place = place_of(path, name.source());
    if (const toml::table* inner = node.as_table()) {
      if (inner->empty()) throw InputError("{}: table '{}' is empty; give it keys or remove it", place, key);
      flatten(*inner, key + ".", path, entries);
    } else if (key != "variant") {
      entries.push_back({name.source().begin, {key, convert(node, place, key), place}});
    }
  }
}

std::vector<JobEntry> entries_of(const toml::table& table, const std::string& path) {
  std::vector<std::pair<toml::source_position, JobEntry>> found;
  flatten(table, "", path, found);
  std::ranges::stable_sort(found, [](const auto& a, const auto& b) {
    return std::pair(a.first.line, a.first.column) < std::pair(b.first.line, b.first.column);
  });
  std::vector<JobEntry> entries;
  entries.reserve(found.size());
  for (auto& [position, entry] : found) entries.push_back(std::move(entry));
  return entries;
}

// The tables of an array of tables; anything else under that name is an error with `remedy`.
std::vector<const toml::table*> tables_of(const toml::node& node, const std::string& path,
                                          std::string_view name, std::string_view remedy) {
  std::vector<const toml::table*> tables;
  const toml::array* array = node.as_array();
  if (array != nullptr)
    for (const toml::node& element : *array)
      if (const toml::table* table = element.as_table()) tables.push_back(table);
  if (array == nullptr || tables.size() != array->size() || tables.empty())
    throw InputError("{}: '{}' must be a list of tables; {}", place_of(path, node.source()), name, remedy);
  return tables;
}

}  // namespace

JobFile parse_job(std::string_view text, const std::string& path) {
  require_shallow_toml(text, path);
  toml::table root;
  try {
    root = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    throw InputError("{}: not valid TOML: {}; correct this line (texts need quotes, lists need brackets)",
                     place_of(path, error.source()), error.description());
  }
  JobFile job;
  job.path = path;
  for (const auto& [name, node] : root)
    if (name.str() != "sweep")
      throw InputError("{}: '{}' stands outside of a sweep; move it below a line [[sweep]]",
                       place_of(path, name.source()), name.str());
  const toml::node* sweeps = root.get("sweep");
  if (sweeps == nullptr) throw InputError("{}: there is no [[sweep]]; a job file holds one or more", path);
  for (const toml::table* table : tables_of(*sweeps, path, "sweep", "begin each sweep with [[sweep]]")) {
    JobSweep sweep;
    sweep.place = place_of(path, table->source());
    sweep.entries = entries_of(*table, path);
    if (const toml::node* variants = table->get("variant"))
      for (const toml::table* variant :
           tables_of(*variants, path, "variant", "begin each variant with [[sweep.variant]]"))
        sweep.variants.push_back({entries_of(*variant, path), place_of(path, variant->source())});
    job.sweeps.push_back(std::move(sweep));
  }
  return job;
}

JobFile read_job_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kLongestToml + 1, '\0');
  if (file) file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  if (text.empty() || file.bad())
    throw InputError("{}: cannot be read; check the path and its permissions (an empty file is no job)",
                     path);
  return parse_job(text, path);
}

namespace {

bool is_bare_word(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '/' || c == '.';
  };
  const bool begins_with_letter =
      !text.empty() && ((text[0] >= 'a' && text[0] <= 'z') || (text[0] >= 'A' && text[0] <= 'Z'));
  const bool is_path = text.starts_with('/') || text.starts_with("./") || text.starts_with("../");
  return (begins_with_letter || is_path) && std::ranges::all_of(text, allowed) && text != "true" &&
         text != "false" && text != "inf" && text != "nan";
}

// Puts quotes around bare words, so that a shell line needs no quotes of its own.
std::string quote_bare_words(std::string_view text) {
  std::string result, word;
  const auto end_word = [&] {
    result += is_bare_word(word) ? '"' + word + '"' : word;
    word.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' || c == '\'') {
      end_word();
      const std::size_t end = std::min(text.find(c, i + 1), text.size() - 1);
      result += text.substr(i, end - i + 1);
      i = end;
    } else if (c == '[' || c == ']' || c == ',' || c == ' ') {
      end_word();
      result += c;
    } else {
      word += c;
    }
  }
  end_word();
  return result;
}

}  // namespace

JobEntry parse_assignment(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string place = "--set " + text;
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    throw InputError("{}: expected key=value, e.g. --set ppo.learning_rate=1e-3", place);
  const std::string key = text.substr(0, equals), value = text.substr(equals + 1);
  require_shallow_toml(value, place);
  for (const std::string& candidate : {value, quote_bare_words(value)}) {
    try {
      const toml::table table = toml::parse("value = " + candidate);
      if (table.size() == 1) return {key, convert(*table.get("value"), place, key), place};
    } catch (const toml::parse_error&) {
      // A bare word, or an error that is reported below with a remedy that fits a shell line.
    }
  }
  throw InputError("{}: '{}' is not a value; give a number, true, false, a word or a list like [64,64]",
                   place, value);
}

namespace {

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      result += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      result += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    else
      result += c;
  }
  return result + '"';
}

}  // namespace

std::string to_toml(const JobValue& value) {
  if (const bool* flag = value.get<bool>()) return *flag ? "true" : "false";
  if (const std::int64_t* integer = value.get<std::int64_t>()) return fmt::format("{}", *integer);
  if (const double* real = value.get<double>()) {
    const std::string digits = fmt::format("{}", *real);
    const bool looks_integral = digits.find_first_not_of("-0123456789") == std::string::npos;
    return looks_integral ? digits + ".0" : digits;
  }
  if (const std::string* text = value.get<std::string>()) return quoted(*text);
  std::string list;
  for (const JobValue& element : *value.get<JobValue::List>())
    list += (list.empty() ? "" : ", ") + to_toml(element);
  return "[" + list + "]";
}

}  // namespace impsweep
