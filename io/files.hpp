// io/files.hpp - files that are whole or not there, also after kill -9 or loss of power.
//
// Nothing is ever written under its final name. A file is written as "<name>.<host>.<pid>.<n>.tmp" in the
// same directory, synced, read back and compared, given its name in one step, and then the directory is
// synced: one fsync for the file and one for the directory. A leftover ".tmp" of a killed process is
// harmless. Files and directories obey umask and setgid.
//
// All errors are InputErrors that name the path, the reason (ENOSPC, EACCES, EROFS, ...) and the remedy; a
// file that failed half-way is removed.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "io/digest.hpp"

namespace impsweep {

Bytes read_file(const std::filesystem::path&);
std::optional<Bytes> read_file_if_exists(const std::filesystem::path&);  // nothing if there is no such file
std::string read_text_file(const std::filesystem::path&);
bool file_exists(const std::filesystem::path&);  // false only if it is certain that nothing is there

// Recognizes a file that is never written to again, without reading it.
struct FileStamp {
  std::int64_t bytes = -1;      // -1 if there is no such file, or it cannot be looked at
  std::int64_t changed_ns = 0;  // time of the last change, in nanoseconds since 1970
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
FileStamp stamp_of(const std::filesystem::path&);

enum class Published {
  kWritten,
  kAlreadyThere,  // somebody was first; the existing file is untouched, compare if it matters
};

// How a finished file gets its name without overwriting another. Not every file system has hard links, so a
// way that is not supported falls back to the next; only the last leaves a moment in which two writers could
// collide.
enum class Naming {
  kLink,             // link(2), then unlink the temporary name
  kExclusiveRename,  // renameat2(2) with RENAME_NOREPLACE
  kCheckedRename,    // rename(2) after a look
};

enum class Access { kAsOthers, kReadOnly };  // as the umask allows; the same, without writing

// Gives `bytes` the name `target`, unless the name is taken.
Published publish_new(const std::filesystem::path& target, ByteView bytes, Naming first = Naming::kLink,
                      Access = Access::kAsOthers);

// Gives `bytes` the name `target`, instead of whatever had it. Readers see the old or the new file, whole.
void replace_atomically(const std::filesystem::path& target, ByteView bytes);

// The temporary file behind the two functions above, for writers that produce a file piece by piece.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::filesystem::path target);  // creates an empty file beside `target`
  ~TemporaryFile();                                      // removes it, unless it has got its name
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // The whole content: written, synced, read back and compared.
  void write(ByteView bytes, Access = Access::kAsOthers);
  Published publish_new(Naming first = Naming::kLink);
  void replace();

 private:
  bool take_name(Naming);
  void sync_once();

  std::filesystem::path target_, path_;
  bool synced_ = false, named_ = false;
};

// Writes what a user asked for to the place that the user named: through symbolic links, which stay, and into
// devices and named pipes, which are never replaced; a plain file atomically. InputError if the place
// lies in a store, which is no place for anything but its own files.
void write_output(const std::filesystem::path& target, ByteView bytes);

// InputError if the path is a store or lies in one: a directory with a file store.toml.
void require_outside_stores(const std::filesystem::path&);

// A regular file, at the end of any symbolic links. False for pipes, devices, sockets and directories, whose
// reading may never end, and if there is nothing.
bool is_plain_file(const std::filesystem::path&);

// "<host>.<pid>.<n>": differs between any two calls on any machines that share a file system.
std::string unique_suffix();

// Creates a directory with its parents; survives a loss of power.
void make_directories(const std::filesystem::path&);

// Throws unless this process may create files in the directory.
void require_writable(const std::filesystem::path& directory);

// InputError if the folder is reached by a link: nothing is written, moved or deleted through one, as what it
// leads to may be anybody's.
void require_inside(const std::filesystem::path& folder);

void sync_directory(const std::filesystem::path&);

// Whether a name is that of a temporary file of ours, "<name>.<host>.<pid>.<n>.tmp".
bool is_temporary_name(std::string_view name);

// Removes temporary files of ours that were last touched longer ago than `age`; returns how many. A directory
// that is reached by a symbolic link is not the caller's: nothing happens there.
int remove_old_temporaries(const std::filesystem::path& directory,
                           std::chrono::seconds age = std::chrono::hours(24));

// "<path>: cannot <action>: <reason>; <remedy>". For callers that make their own system calls.
[[noreturn]] void throw_file_error(const std::filesystem::path&, const char* action, int error_number);

}  // namespace impsweep
