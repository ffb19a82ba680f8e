#include "io/store.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <mutex>
#include <set>
#include <stdexcept>
#include <system_error>

#include "io/error.hpp"
#include "io/files.hpp"
#include "io/human_text.hpp"

namespace impsweep {

namespace fs = std::filesystem;

namespace {

constexpr const char* kWritableFolders[] = {"rounds", "live", "leases", "jobs", "events", "quarantine"};
constexpr const char* kOlder = ".previous";  // before the extension of an older checkpoint

bool is_digest(std::string_view text) {
  return text.size() >= 16 && text.size() <= 128 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

void require_digest(std::string_view text) {
  if (!is_digest(text)) throw std::invalid_argument(fmt::format("'{}' is not a digest", text));
}

void require_run_name(const std::string& run) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (run.empty() || run.front() == '.' || run.find_first_not_of(allowed) != run.npos)
    throw std::invalid_argument(fmt::format("'{}' cannot name an event log", run));
}

// The entries of a directory in the order of their names; none if there is no such directory.
std::vector<fs::path> entries(const fs::path& directory) {
  std::vector<fs::path> paths;
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error))
    paths.push_back(entry->path());
  if (error && error.value() != ENOENT) throw_file_error(directory, "list the directory", error.value());
  std::ranges::sort(paths);
  return paths;
}

// Whether a folder of `rounds` is one of ours: two digits, and no way out of the store.
bool is_round_folder(const fs::path& folder) {
  const std::string name = folder.filename().string();
  std::error_code error;
  return name.size() == 2 && name.find_first_not_of("0123456789abcdef") == name.npos &&
         fs::is_directory(fs::symlink_status(folder, error));
}

// Adds the digests that name files of a directory and begin with its name.
void add_digests_in(const fs::path& directory, Digests& digests) {
  constexpr std::string_view kExtension = ".h5";
  const std::string beginning = directory.filename().string();
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const std::string_view path = entry->path().native();
    const std::string_view name = path.substr(path.rfind('/') + 1);
    if (!name.ends_with(kExtension) || !name.starts_with(beginning)) continue;
    const std::string_view digest = name.substr(0, name.size() - kExtension.size());
    if (is_digest(digest)) digests.emplace(digest);
  }
  if (error && error.value() != ENOENT && error.value() != ENOTDIR)
    throw_file_error(directory, "list the directory", error.value());
}

// A damaged file that cannot be moved away must not keep a writer trying for ever.
void require_progress(const fs::path& path, int attempt) {
  if (attempt >= 5)
    throw InputError("{}: is damaged and cannot be moved to quarantine; check the permissions, or remove it",
                     path.string());
}

// Each message once, however often a store is read.
void warn_on_standard_error(const std::string& message) {
  static std::mutex mutex;
  static std::set<std::string> told;
  const std::lock_guard lock(mutex);
  if (told.insert(message).second) fmt::print(stderr, "impsweep: {}\n", printable(message));
}

}  // namespace

Store::Store(fs::path directory, Warn warn)
    : directory_(std::move(directory)), warn_(warn ? std::move(warn) : Warn(warn_on_standard_error)) {}

Store Store::create_or_open(const fs::path& directory, const Fingerprint& fingerprint, Warn warn) {
  make_directories(directory);
  Store store(directory, std::move(warn));
  require_free_for_store(directory);
  establish_identity(directory, fingerprint);
  store.may_move_ = true;
  for (const char* folder : kWritableFolders) {
    make_directories(directory / folder);
    require_inside(directory / folder);
    require_writable(directory / folder);
  }
  store.fingerprint_ = fingerprint;
  return store;
}

Fingerprint Store::pins() const {
  return pack_ ? pack_->pins() : read_pins(directory_);
}

void Store::pin(const Fingerprint& entries) const {
  impsweep::pin(directory_, entries);
}

void Store::require_pins(const Fingerprint& entries) const {
  impsweep::require_pins(directory_, entries);
}

Store Store::open(const fs::path& directory, Warn warn) {
  Store store(directory, std::move(warn));
  if (is_plain_file(directory)) {
    store.pack_ = std::make_shared<PackFile>(directory);
    store.fingerprint_ = store.pack_->fingerprint();
  } else {
    store.fingerprint_ = read_identity(directory);
  }
  return store;
}

std::string Store::round_file(std::string_view digest) {
  require_digest(digest);
  return fmt::format("rounds/{}/{}.h5", digest.substr(0, 2), digest);
}

fs::path Store::round_path(std::string_view digest) const {
  return directory_ / round_file(digest);
}

fs::path Store::checkpoint_path(std::string_view digest) const {
  require_digest(digest);
  return directory_ / "live" / fmt::format("{}.h5", digest);
}

fs::path Store::older_checkpoint_path(std::string_view digest) const {
  require_digest(digest);
  return directory_ / "live" / fmt::format("{}{}.h5", digest, kOlder);
}

Digests Store::finished() const {
  Digests digests;
  if (pack_) {
    for (const std::string& digest : pack_->digests())
      if (is_digest(digest)) digests.insert(digest);
    return digests;
  }
  for (const fs::path& folder : entries(directory_ / "rounds"))
    if (is_round_folder(folder)) add_digests_in(folder, digests);
  return digests;
}

bool Store::has(std::string_view digest) const {
  return pack_ ? pack_->has(digest) : file_exists(round_path(digest));
}

FileStamp Store::stamp(std::string_view digest) const {
  return stamp_of(pack_ ? directory_ : round_path(digest));
}

template <class What>
std::optional<Record> Store::load_or_quarantine(const fs::path& path, const What& what) const {
  try {
    if (file_exists(path) && !is_plain_file(path)) throw DamagedFile(path.string(), "is no plain file");
    if (const auto bytes = read_file_if_exists(path)) return decode_record(*bytes, path.string(), what);
  } catch (const DamagedFile& damage) {
    quarantine(path, damage.reason());
  }
  return std::nullopt;
}

template <class What>
std::optional<Record> Store::load_if_understood(const fs::path& path, const What& what) const {
  try {
    return load_or_quarantine(path, what);
  } catch (const NewerFormat& newer) {
    warn_(newer.what());
    return std::nullopt;
  }
}

std::optional<Record> Store::load(std::string_view digest, RecordPart part) const {
  return pack_ ? pack_->load(digest, part) : load_if_understood(round_path(digest), part);
}

std::optional<Record> Store::load(std::string_view digest, std::span<const std::string> places) const {
  return pack_ ? pack_->load(digest, places) : load_if_understood(round_path(digest), places);
}

Publication Store::publish(std::string_view digest, const Record& record) const {
  const fs::path path = round_path(digest);
  make_directories(path.parent_path());
  require_inside(path.parent_path());
  const Bytes bytes = encode_record(record);
  for (int attempt = 1;
       publish_new(path, bytes, Naming::kLink, Access::kReadOnly) == Published::kAlreadyThere; ++attempt) {
    const std::optional<Record> existing = load_or_quarantine(path, RecordPart::kAll);
    if (!existing) {
      // What was there was damaged and has gone to quarantine, so the name is free now.
      require_progress(path, attempt);
      continue;
    }
    remove_checkpoint(digest);
    const auto difference = first_difference(*existing, record, kProvenance);
    if (!difference) return Publication::kAlreadyThere;
    const std::string reason = fmt::format(
        "nondeterminism: the same recipe gave another result, first difference at '{}': {} (stored against "
        "this)",
        difference->place, difference->text);
    const fs::path place =
        Quarantine(directory_ / "quarantine").keep(path.filename().string(), bytes, reason);
    warn_(fmt::format("{}: {}; kept as {}", path.string(), reason, place.string()));
    return Publication::kDifferent;
  }
  remove_checkpoint(digest);
  return Publication::kWritten;
}

bool Store::save_checkpoint(std::string_view digest, const Record& checkpoint) const {
  const std::int64_t step = checkpoint.integer("", "step");
  const fs::path newest = checkpoint_path(digest), older = older_checkpoint_path(digest);
  const auto existing = load_or_quarantine(newest, RecordPart::kAttributes);
  if (existing && existing->integer("", "step") > step) return false;
  TemporaryFile file(newest);
  file.write(encode_record(checkpoint));
  // A kill between the two renames leaves the older generation alone, which is then the one that counts.
  if (existing && ::rename(newest.c_str(), older.c_str()) != 0 && errno != ENOENT)
    throw_file_error(newest, "keep the older checkpoint", errno);
  file.replace();
  return true;
}

std::optional<Record> Store::load_checkpoint(std::string_view digest, RecordPart part) const {
  if (pack_) return std::nullopt;
  std::optional<Record> newest = load_or_quarantine(checkpoint_path(digest), part);
  return newest ? std::move(newest) : load_or_quarantine(older_checkpoint_path(digest), part);
}

void Store::remove_checkpoint(std::string_view digest) const {
  for (const fs::path& path : {checkpoint_path(digest), older_checkpoint_path(digest)})
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
      throw_file_error(path, "remove the checkpoint", errno);
}

void Store::refuse_checkpoint(std::string_view digest, const std::string& reason) const {
  for (const fs::path& path : {checkpoint_path(digest), older_checkpoint_path(digest)})
    if (file_exists(path)) quarantine(path, reason);
}

Digests Store::checkpoints() const {
  Digests digests;
  if (pack_) return digests;
  for (const fs::path& path : entries(directory_ / "live")) {
    const fs::path stem = path.stem();
    const std::string digest = (stem.extension() == kOlder ? stem.stem() : stem).string();
    if (path.extension() == ".h5" && is_digest(digest)) digests.insert(digest);
  }
  return digests;
}

std::string Store::freeze_job(std::string_view toml_text) const {
  std::string digest = sha256_hex(bytes_of(toml_text));
  const fs::path path = directory_ / "jobs" / (digest + ".toml");
  for (int attempt = 1; publish_new(path, bytes_of(toml_text)) == Published::kAlreadyThere; ++attempt) {
    const auto existing = read_file_if_exists(path);
    if (existing && text_of(*existing) == toml_text) break;
    if (existing) quarantine(path, "the text does not have the digest that names it");
    require_progress(path, attempt);
  }
  return digest;
}

std::vector<FrozenJob> Store::jobs() const {
  std::vector<FrozenJob> jobs;
  if (pack_)
    for (const auto& [digest, text] : pack_->jobs()) jobs.push_back({digest, text});
  if (pack_) return jobs;
  for (const fs::path& path : entries(directory_ / "jobs")) {
    if (path.extension() != ".toml" || path.stem().string().size() != 64 || !is_digest(path.stem().string()))
      continue;  // not ours
    if (!is_plain_file(path)) {
      warn_(fmt::format("{}: is no plain file, and not read", path.string()));
      continue;
    }
    FrozenJob job{path.stem().string(), read_text_file(path)};
    if (sha256_hex(bytes_of(job.text)) == job.digest) {
      jobs.push_back(std::move(job));
    } else {
      quarantine(path, "the text does not have the digest that names it");
    }
  }
  return jobs;
}

fs::path Store::lease_directory() const {
  return directory_ / "leases";
}

EventWriter Store::event_writer(const std::string& run) const {
  require_run_name(run);
  return EventWriter(directory_ / "events" / (run + ".log"));
}

std::vector<fs::path> Store::event_logs() const {
  if (pack_) return {};
  std::vector<fs::path> logs = entries(directory_ / "events");
  std::erase_if(logs, [&](const fs::path& path) {
    if (path.extension() != ".log") return true;
    if (is_plain_file(path)) return false;
    warn_(fmt::format("{}: is no plain file, and not read as an event log", path.string()));
    return true;
  });
  return logs;
}

void Store::read_events(const EventVisitor& visit, std::span<const std::string_view> skipped_endings) const {
  for (const fs::path& path : event_logs()) {
    const std::string run = path.stem().string();
    const auto damage = read_event_log(
        path, [&](const nlohmann::json& event) { visit(run, event); }, skipped_endings);
    for (const std::string& message : damage) warn_(message);
  }
}

int Store::remove_leftovers() const {
  int removed = remove_old_temporaries(directory_);
  for (const char* folder : kWritableFolders) removed += remove_old_temporaries(directory_ / folder);
  for (const fs::path& folder : entries(directory_ / "rounds"))
    if (is_round_folder(folder)) removed += remove_old_temporaries(folder);
  for (const std::string& digest : checkpoints()) {
    if (!has(digest)) continue;
    remove_checkpoint(digest);
    ++removed;
  }
  for (const fs::path& attempt : entries(directory_ / "live")) {
    const std::string digest = attempt.stem().string();
    if (attempt.extension() == ".attempt" && is_digest(digest) && has(digest) &&
        ::unlink(attempt.c_str()) == 0)
      ++removed;
  }
  for (const fs::path& lease : entries(directory_ / "leases")) {
    const std::string digest = lease.filename().string();
    if (is_digest(digest) && has(digest) && ::unlink(lease.c_str()) == 0) ++removed;
  }
  return removed;
}

// A store that is only read stays as it is; the damaged file is missing all the same.
void Store::quarantine(const fs::path& path, const std::string& reason) const {
  if (!may_move_) {
    warn_(fmt::format("{}: {}; it counts as missing, and the next run moves it to quarantine", path.string(),
                      reason));
    return;
  }
  try {
    const fs::path place = Quarantine(directory_ / "quarantine").take(path, reason);
    warn_(fmt::format("{}: {}; moved to {}", path.string(), reason, place.string()));
  } catch (const InputError& error) {
    warn_(fmt::format("{}: {}; {}", path.string(), reason, error.what()));
  }
}

}  // namespace impsweep
