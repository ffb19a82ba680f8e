// io/store.hpp - a directory of immutable results that any number of processes and machines share without
// locks.
//
//   store.toml                  schema and numerics fingerprint, written once
//   numerics/<entry>.txt        versions that some results depend on, written with the first of them
//   jobs/<digest>.toml          frozen job texts, named by the SHA-256 of their bytes
//   rounds/<xx>/<digest>.h5     results, immutable; <xx> are the first two digits
//   live/<digest>.h5            checkpoints of what is under way, replaced atomically;
//   live/<digest>.previous.h5   the generation before, should the newest be damaged
//   live/<digest>.attempt       who trains it, should that process die of it
//   leases/<digest>             hints that a run works on it (io/lease.hpp)
//   events/<run>.log            what happened; one writer each
//   quarantine/                 what failed validation, with the reason; never deleted, never opened again
//   index.h5, summaries.h5      derived by whoever needs them (io/index_file.hpp), so they may be deleted
//
// A result is named by a digest of all that determines it, so two processes that compute the same one write
// equal files, and it does not matter who is first. Digests are lower-case hexadecimal, 16 to 128 digits;
// others are std::invalid_argument. What the file system refuses is an InputError with path, reason and
// remedy.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "io/event_log.hpp"
#include "io/files.hpp"
#include "io/pack_file.hpp"
#include "io/quarantine.hpp"
#include "io/record.hpp"
#include "io/record_file.hpp"
#include "io/store_identity.hpp"

namespace impsweep {

// The top-level group of a result that says where and how fast it was made; it is not part of the result.
inline constexpr std::string_view kProvenance = "provenance";

enum class Publication {
  kWritten,
  kAlreadyThere,  // an equal result, provenance aside
  kDifferent,     // another result under the same name: determinism is broken. Ours is kept in quarantine
};

struct DigestHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view digest) const { return std::hash<std::string_view>{}(digest); }
};
using Digests = std::unordered_set<std::string, DigestHash, std::equal_to<>>;

struct FrozenJob {
  std::string digest, text;
};

class Store {
 public:
  // Told of everything that was found damaged and dealt with; by default a line on standard error.
  using Warn = std::function<void(const std::string&)>;

  // For writing: makes what is missing, two starters may race. Refuses a store of another schema or
  // fingerprint, and a directory with files in it that is no store.
  static Store create_or_open(const std::filesystem::path&, const Fingerprint&, Warn = {});
  // For reading: changes nothing; what is damaged is warned of, and counts as missing. A pack
  // (io/pack_file.hpp) is opened as well, a store in one file; it has no events, leases and checkpoints.
  static Store open(const std::filesystem::path&, Warn = {});

  const std::filesystem::path& directory() const { return directory_; }  // of a pack, its file
  bool is_pack() const { return pack_ != nullptr; }
  // False for a pack that leaves them out: masks, weights and snapshots are missing in its results.
  bool has_weights() const { return pack_ == nullptr || pack_->has_weights(); }
  void warn(const std::string& message) const { warn_(message); }
  const Fingerprint& fingerprint() const { return fingerprint_; }
  // Versions that only some results depend on (io/store_identity.hpp).
  Fingerprint pins() const;
  void pin(const Fingerprint&) const;
  void require_pins(const Fingerprint&) const;

  // ---- results
  Digests finished() const;  // digests; lists every directory once and opens no file
  bool has(std::string_view digest) const;
  FileStamp stamp(std::string_view digest) const;
  // Nothing if it is missing or was damaged; a damaged file is moved to quarantine if the store is
  // written to. One of a later version stays where it is, and is warned of.
  std::optional<Record> load(std::string_view digest, RecordPart = RecordPart::kAll) const;
  std::optional<Record> load(std::string_view digest, std::span<const std::string> places) const;
  // Durable when it returns. Also removes the checkpoint of the same name, which has done its duty.
  Publication publish(std::string_view digest, const Record&) const;
  static std::string round_file(std::string_view digest);  // "rounds/ab/abcd....h5", relative to the store

  // ---- checkpoints: records with the integer attribute "step" at the root
  // False if a checkpoint of a later step is there, which then stays. The one before is kept as well.
  bool save_checkpoint(std::string_view digest, const Record&) const;
  // The newest generation that is whole; damaged ones are moved to quarantine.
  std::optional<Record> load_checkpoint(std::string_view digest, RecordPart = RecordPart::kAll) const;
  void remove_checkpoint(std::string_view digest) const;
  // Moves all generations to quarantine: they are whole, but nothing can be continued from them.
  void refuse_checkpoint(std::string_view digest, const std::string& reason) const;
  Digests checkpoints() const;

  // ---- leases
  std::filesystem::path lease_directory() const;

  // ---- jobs
  std::string freeze_job(std::string_view toml_text) const;  // returns its digest; again: changes nothing
  std::vector<FrozenJob> jobs() const;                       // sorted by digest

  // ---- events
  EventWriter event_writer(const std::string& run) const;  // letters, digits, '.', '-' and '_'
  std::vector<std::filesystem::path> event_logs() const;
  // Hands over every whole event of every run, log by log; damage is warned of.
  using EventVisitor = std::function<void(const std::string& run, const nlohmann::json& event)>;
  void read_events(const EventVisitor&, std::span<const std::string_view> skipped_endings = {}) const;

  // Removes what killed processes left behind: temporary files older than a day, checkpoints and leases of
  // results that are stored. Returns the number of files.
  int remove_leftovers() const;

 private:
  Store(std::filesystem::path directory, Warn);
  std::filesystem::path round_path(std::string_view digest) const;
  std::filesystem::path checkpoint_path(std::string_view digest) const;
  std::filesystem::path older_checkpoint_path(std::string_view digest) const;
  // `what` is a RecordPart or a list of places.
  template <class What>
  std::optional<Record> load_or_quarantine(const std::filesystem::path&, const What& what) const;
  template <class What>
  std::optional<Record> load_if_understood(const std::filesystem::path&, const What& what) const;
  void quarantine(const std::filesystem::path&, const std::string& reason) const;

  std::filesystem::path directory_;
  Fingerprint fingerprint_;
  Warn warn_;
  bool may_move_ = false;                 // damaged files, to quarantine
  std::shared_ptr<const PackFile> pack_;  // null: a directory
};

}  // namespace impsweep
