#include "io/store_identity.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <cctype>
#include <sstream>
#include <vector>

#include "io/error.hpp"
#include "io/files.hpp"
#include "io/human_text.hpp"
#include "io/toml_limits.hpp"

namespace impsweep {

namespace fs = std::filesystem;

namespace {

std::string identity_text(const Fingerprint& fingerprint) {
  toml::table entries;
  for (const auto& [key, value] : fingerprint) entries.insert(key, value);
  std::ostringstream text;
  text << "# An impsweep store. Written once; results of another fingerprint would not be comparable.\n"
       << toml::table{{"schema", kStoreSchema}, {"fingerprint", entries}} << "\n";
  return text.str();
}

// One line per entry that differs, empty if none does.
std::string differences(const Fingerprint& stored, const Fingerprint& here) {
  const auto value_in = [](const Fingerprint& entries, const std::string& key) {
    const auto found = entries.find(key);
    return found == entries.end() ? std::string("(absent)") : "'" + found->second + "'";
  };
  Fingerprint all = stored;
  all.insert(here.begin(), here.end());
  std::string lines;
  for (const auto& [key, value] : all)
    if (value_in(stored, key) != value_in(here, key))
      lines +=
          fmt::format("\n  {}: {} in the store, {} here", key, value_in(stored, key), value_in(here, key));
  return lines;
}

constexpr const char* kPins = "numerics";
constexpr std::string_view kPinEnding = ".txt";
constexpr std::uintmax_t kLongestPin = 1000;  // bytes

fs::path pin_path(const fs::path& store, const std::string& entry) {
  return store / kPins / (entry + std::string(kPinEnding));
}

bool is_entry(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; });
}

std::string read_pin(const fs::path& path) {
  constexpr const char* remedy = "restore a copy, or remove it if no result depends on it";
  std::error_code error;
  if (!fs::is_regular_file(fs::symlink_status(path, error)))
    throw InputError("{}: is not a file; {}", path.string(), remedy);
  if (fs::file_size(path, error) > kLongestPin)
    throw InputError("{}: is longer than {} bytes; {}", path.string(), kLongestPin, remedy);
  const std::string text = read_text_file(path);
  const std::string line = text.substr(0, text.find('\n'));
  if (line.empty() || line.size() + 1 != text.size() || line != printable(line))
    throw InputError("{}: is not one line of text; {}", path.string(), remedy);
  return line;
}

void require_pin(const fs::path& store, const std::string& entry, const std::string& here) {
  const fs::path path = pin_path(store, entry);
  if (!file_exists(path)) return;
  if (const std::string pinned = read_pin(path); pinned != here)
    throw InputError(
        "{}: results here were computed with {} {}, this machine has {}, and the bits may differ; run on a "
        "machine "
        "that matches, or give another --store",
        path.string(), entry, pinned, here);
}

}  // namespace

Fingerprint read_pins(const fs::path& store) {
  Fingerprint pins;
  std::error_code error;
  const fs::path folder = store / kPins;
  if (!fs::is_directory(fs::symlink_status(folder, error))) return pins;
  for (const auto& file : fs::directory_iterator(folder, error)) {
    const std::string name = file.path().filename().string();
    if (!name.ends_with(kPinEnding)) continue;
    const std::string entry = name.substr(0, name.size() - kPinEnding.size());
    if (is_entry(entry)) pins.emplace(entry, read_pin(file.path()));
  }
  return pins;
}

void pin(const fs::path& store, const Fingerprint& entries) {
  for (const auto& [entry, value] : entries) {
    const fs::path path = pin_path(store, entry);
    if (!file_exists(path)) {
      make_directories(path.parent_path());
      require_inside(path.parent_path());
      publish_new(path, bytes_of(value + "\n"), Naming::kLink, Access::kReadOnly);
    }
    require_pin(store, entry, value);
  }
}

void require_pins(const fs::path& store, const Fingerprint& entries) {
  for (const auto& [entry, value] : entries) require_pin(store, entry, value);
}

Fingerprint read_identity(const fs::path& store) {
  const fs::path path = store / "store.toml";
  if (!file_exists(store))
    throw InputError(
        "{}: there is no such store; check the path, or start one with 'impsweep run --store {}'",
        store.string(), store.string());
  if (!fs::is_directory(store))
    throw InputError("{}: is a file, a store is a directory; give the path of a store", store.string());
  if (!file_exists(path))
    throw InputError("{}: is not a store (it holds no store.toml); give the path of a store", store.string());
  constexpr const char* remedy = "restore a copy of store.toml, or use another store";
  try {
    require_shallow_toml(read_text_file(path), path.string());
    const toml::table identity = toml::parse(read_text_file(path), path.string());
    const auto schema = identity["schema"].value<std::int64_t>();
    const toml::table* entries = identity["fingerprint"].as_table();
    if (!schema || entries == nullptr)
      throw InputError("{}: lacks 'schema' or '[fingerprint]'; {}", path.string(), remedy);
    if (*schema != kStoreSchema)
      throw InputError(
          "{}: the store has schema {}, this program uses schema {}; use the impsweep that made it, or "
          "another store",
          path.string(), *schema, kStoreSchema);
    Fingerprint fingerprint;
    for (const auto& [key, value] : *entries) {
      const auto text = value.value<std::string>();
      if (!text) throw InputError("{}: fingerprint.{} is not a text; {}", path.string(), key.str(), remedy);
      fingerprint.emplace(key.str(), *text);
    }
    return fingerprint;
  } catch (const toml::parse_error& error) {
    throw InputError("{}:{}: {}; {}", path.string(), error.source().begin.line, error.description(), remedy);
  }
}

void require_free_for_store(const fs::path& store) {
  // Looked at in this order: whoever starts at the same moment writes store.toml before all else.
  std::vector<std::string> foreign;
  for (const auto& entry : fs::directory_iterator(store)) {
    const std::string name = entry.path().filename().string();
    const bool is_leftover = name.starts_with("store.toml.") && is_temporary_name(name);
    const bool is_of_file_system = name == "lost+found" || name.starts_with(".nfs");
    if (!is_leftover && !is_of_file_system) foreign.push_back(name);
  }
  if (foreign.empty() || file_exists(store / "store.toml")) return;
  std::ranges::sort(foreign);
  throw InputError(
      "{}: is not a store (it holds no store.toml), and not empty: it holds {}{}; give a store a directory "
      "of its "
      "own",
      store.string(), foreign.front(),
      foreign.size() == 1 ? "" : fmt::format(" and {} more", foreign.size() - 1));
}

void establish_identity(const fs::path& store, const Fingerprint& here) {
  const fs::path path = store / "store.toml";
  if (!file_exists(path)) publish_new(path, bytes_of(identity_text(here)));
  if (const std::string lines = differences(read_identity(store), here); !lines.empty())
    throw InputError(
        "{}: results made here would differ in their bits from those of the store:{}\nrun on a machine that "
        "matches, or give another --store",
        path.string(), lines);
}

}  // namespace impsweep
