#include "io/store_identity.hpp"

#include <toml++/toml.h>

#include <algorithm>
#include <sstream>
#include <vector>

#include "io/error.hpp"
#include "io/files.hpp"
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

}  // namespace

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
