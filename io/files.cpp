#include "io/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include "io/error.hpp"

namespace impsweep {

namespace fs = std::filesystem;

namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }
  // Network file systems report a failed write only here.
  bool close() { return ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

const char* remedy(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
      return "free some space (or raise the quota) and run again; what was finished before is kept";
    case EACCES:
    case EPERM:
      return "check the permissions of the file and of its directory, or choose another place";
    case EROFS:
      return "the file system is mounted read-only; choose another place";
    case ENOTDIR:
    case EEXIST:
      return "a file stands where a directory is needed; remove it or choose another path";
    case EISDIR:
      return "a directory stands where a file is needed; remove it or choose another path";
    case ENOENT:
      return "check the path";
    case EFBIG:
      return "raise the limit of the file size (ulimit -f)";
    case EMFILE:
    case ENFILE:
      return "raise the limit of open files (ulimit -n)";
    case ENAMETOOLONG:
      return "choose a shorter path";
    default:
      return "check the disk or the network file system and run again";
  }
}

fs::path directory_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

std::string host_name() {
  char name[256] = "";
  if (::gethostname(name, sizeof name - 1) != 0) return "host";
  std::string host(name);
  host.resize(std::min<std::size_t>(host.size(), 64));
  for (char& c : host)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '-';
  return host.empty() ? "host" : host;
}

const char* kind_of(const struct stat& status) {
  if (S_ISFIFO(status.st_mode)) return "a named pipe";
  if (S_ISSOCK(status.st_mode)) return "a socket";
  return S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode) ? "a device" : "a directory";
}

// Nothing if there is no such file. What is no plain file is named and not read: it may never end.
template <class Container>
std::optional<Container> read_whole(const fs::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0 && errno == ENOENT) return std::nullopt;
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) throw_file_error(path, "read", errno);
  if (S_ISDIR(status.st_mode)) throw_file_error(path, "read", EISDIR);
  if (!S_ISREG(status.st_mode))
    throw InputError("{}: is {} where a file is needed; remove it or choose another path", path.string(),
                     kind_of(status));
  // One byte more than expected, so that the end is seen without growing.
  Container content(static_cast<std::size_t>(status.st_size) + 1, {});
  std::size_t filled = 0;
  for (;;) {
    if (filled == content.size()) content.resize(2 * filled);  // it has grown meanwhile
    const ssize_t got = ::read(file.get(), content.data() + filled, content.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_file_error(path, "read", errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  content.resize(filled);
  return content;
}

bool not_supported(int error_number) {
  return error_number == EPERM || error_number == ENOTSUP || error_number == EOPNOTSUPP ||
         error_number == ENOSYS || error_number == EINVAL || error_number == EMLINK;
}

void write_all(int file, ByteView bytes, const fs::path& path) {
  for (ByteView rest = bytes; !rest.empty();) {
    const ssize_t written = ::write(file, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_file_error(path, "write", errno);
    rest = rest.subspan(static_cast<std::size_t>(written));
  }
}

// A network file system may repeat a link request whose answer was lost and then report that the name exists.
bool is_same_file(const fs::path& a, const fs::path& b) {
  struct stat first {
  }, second{};
  return ::stat(a.c_str(), &first) == 0 && ::stat(b.c_str(), &second) == 0 && first.st_ino == second.st_ino &&
         first.st_dev == second.st_dev;
}

}  // namespace

void throw_file_error(const fs::path& path, const char* action, int error_number) {
  throw InputError("{}: cannot {}: {}; {}", path.string(), action,
                   std::generic_category().message(error_number), remedy(error_number));
}

std::optional<Bytes> read_file_if_exists(const fs::path& path) {
  return read_whole<Bytes>(path);
}

Bytes read_file(const fs::path& path) {
  if (auto content = read_whole<Bytes>(path)) return std::move(*content);
  throw_file_error(path, "read", ENOENT);
}

std::string read_text_file(const fs::path& path) {
  if (auto content = read_whole<std::string>(path)) return std::move(*content);
  throw_file_error(path, "read", ENOENT);
}

bool file_exists(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  throw_file_error(path, "look at", errno);
}

bool is_plain_file(const fs::path& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

FileStamp stamp_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {status.st_size, std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

std::string unique_suffix() {
  static const std::string host = host_name();
  static std::atomic<unsigned> counter{0};
  return fmt::format("{}.{}.{}", host, ::getpid(), counter++);
}

TemporaryFile::TemporaryFile(fs::path target) : target_(std::move(target)) {
  // A name as long as the file system allows must still leave room for the suffix.
  const std::string stem = target_.filename().string().substr(0, 120);
  for (;;) {
    path_ = directory_of(target_) / fmt::format("{}.{}.tmp", stem, unique_suffix());
    Descriptor file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (file.get() >= 0) return;
    if (errno != EEXIST) throw_file_error(target_, "create the file", errno);
  }
}

TemporaryFile::~TemporaryFile() {
  if (!named_) ::unlink(path_.c_str());
}

void TemporaryFile::write(ByteView bytes, Access access) {
  Descriptor file(::open(path_.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (file.get() < 0) throw_file_error(target_, "write", errno);
  write_all(file.get(), bytes, target_);
  constexpr mode_t kPermissions = 07777, kWriting = 0222;
  struct stat status {};
  if (access == Access::kReadOnly && ::fstat(file.get(), &status) == 0)
    ::fchmod(file.get(), status.st_mode & kPermissions & ~kWriting);  // not every file system has permissions
  if (::fsync(file.get()) != 0) throw_file_error(target_, "write to the disk", errno);
  synced_ = true;
  // Let the comparison ask the disk, not the memory that we have just filled.
  ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
  if (!file.close()) throw_file_error(target_, "write", errno);
  if (!std::ranges::equal(read_file(path_), bytes))
    throw InputError("{}: what was written reads back differently; the storage is not reliable, use another",
                     target_.string());
}

void TemporaryFile::sync_once() {
  if (std::exchange(synced_, true)) return;
  Descriptor file(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
  if (file.get() < 0 || ::fsync(file.get()) != 0 || !file.close())
    throw_file_error(target_, "write to the disk", errno);
}

// True if the file got its name, false if the name is taken; errno tells what else went wrong.
bool TemporaryFile::take_name(Naming naming) {
  errno = 0;
  switch (naming) {
    case Naming::kLink:
      if (::link(path_.c_str(), target_.c_str()) != 0 && !(errno == EEXIST && is_same_file(path_, target_)))
        return false;
      ::unlink(path_.c_str());
      return true;
    case Naming::kExclusiveRename:
      return ::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, target_.c_str(), RENAME_NOREPLACE) == 0;
    case Naming::kCheckedRename:
      if (file_exists(target_)) {
        errno = EEXIST;
        return false;
      }
      return ::rename(path_.c_str(), target_.c_str()) == 0;
  }
  return false;
}

Published TemporaryFile::publish_new(Naming first) {
  sync_once();
  for (const Naming naming : {Naming::kLink, Naming::kExclusiveRename, Naming::kCheckedRename}) {
    if (naming < first) continue;
    named_ = take_name(naming);
    if (named_ || errno == EEXIST) break;
    if (naming == Naming::kCheckedRename || !not_supported(errno))
      throw_file_error(target_, "create the file", errno);
  }
  if (!named_) return Published::kAlreadyThere;
  sync_directory(directory_of(target_));
  return Published::kWritten;
}

void TemporaryFile::replace() {
  sync_once();
  if (::rename(path_.c_str(), target_.c_str()) != 0) throw_file_error(target_, "replace the file", errno);
  named_ = true;
  sync_directory(directory_of(target_));
}

Published publish_new(const fs::path& target, ByteView bytes, Naming first, Access access) {
  TemporaryFile file(target);
  file.write(bytes, access);
  return file.publish_new(first);
}

void replace_atomically(const fs::path& target, ByteView bytes) {
  TemporaryFile file(target);
  file.write(bytes);
  file.replace();
}

namespace {

// The place that a chain of symbolic links ends at, whether anything is there or not.
fs::path end_of_links(fs::path path) {
  std::error_code error;
  for (int links = 0; fs::is_symlink(fs::symlink_status(path, error)); ++links) {
    if (links == 40) throw_file_error(path, "follow the symbolic links", ELOOP);
    path = directory_of(path) / fs::read_symlink(path);
  }
  return path;
}

}  // namespace

void require_outside_stores(const fs::path& path) {
  std::error_code error;
  for (fs::path place = fs::weakly_canonical(fs::absolute(path), error); !error;
       place = place.parent_path()) {
    if (is_plain_file(place / "store.toml"))
      throw InputError(
          "{}: lies in the store {}, which holds nothing but its own files; choose another place",
          path.string(), place.string());
    if (place == place.parent_path()) return;
  }
}

void write_output(const fs::path& target, ByteView bytes) {
  const fs::path place = end_of_links(target);
  struct stat status {};
  const bool exists = ::stat(place.c_str(), &status) == 0;
  if (!exists || S_ISREG(status.st_mode)) {
    require_outside_stores(place);
    replace_atomically(place, bytes);
    return;
  }
  if (S_ISDIR(status.st_mode)) throw_file_error(target, "write", EISDIR);
  Descriptor file(::open(place.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (file.get() < 0) throw_file_error(target, "write", errno);
  write_all(file.get(), bytes, target);
  if (!file.close()) throw_file_error(target, "write", errno);
}

void make_directories(const fs::path& directory) {
  struct stat status {};
  if (::stat(directory.c_str(), &status) == 0) {
    if (!S_ISDIR(status.st_mode)) throw_file_error(directory, "use it as a directory", ENOTDIR);
    return;
  }
  if (errno != ENOENT) throw_file_error(directory, "create the directory", errno);
  const fs::path parent = directory_of(directory);
  if (parent != directory) make_directories(parent);
  // Somebody else may create it at the same moment.
  if (::mkdir(directory.c_str(), 0777) != 0 && !(errno == EEXIST && fs::is_directory(directory)))
    throw_file_error(directory, "create the directory", errno);
  sync_directory(parent);
}

void require_writable(const fs::path& directory) {
  if (::faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
    throw_file_error(directory, "write into the directory", errno);
}

void sync_directory(const fs::path& directory) {
  const Descriptor file(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.get() < 0) throw_file_error(directory, "open the directory", errno);
  // Some file systems cannot sync a directory and say EINVAL; they keep its entries without being asked.
  if (::fsync(file.get()) != 0 && errno != EINVAL) throw_file_error(directory, "write to the disk", errno);
}

void require_inside(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(fs::symlink_status(folder, error)))
    throw InputError(
        "{}: is a link, and leads out of the store; put the directory itself in its place (the store as a "
        "whole may "
        "be reached by a link)",
        folder.string());
}

bool is_temporary_name(std::string_view name) {
  constexpr std::string_view kEnding = ".tmp", kDigits = "0123456789";
  if (!name.ends_with(kEnding)) return false;
  name.remove_suffix(kEnding.size());
  const auto take_last = [&] {
    const std::size_t dot = name.rfind('.');
    const std::string_view last = dot == name.npos ? std::string_view() : name.substr(dot + 1);
    name = dot == name.npos ? std::string_view() : name.substr(0, dot);
    return last;
  };
  const auto is_number = [&](std::string_view text) {
    return !text.empty() && text.find_first_not_of(kDigits) == text.npos;
  };
  const bool numbered = is_number(take_last()) && is_number(take_last());  // the count, the process
  const std::string_view host = take_last();
  return numbered && !host.empty() && host.size() <= 64 && !name.empty();
}

int remove_old_temporaries(const fs::path& directory, std::chrono::seconds age) {
  const auto oldest = fs::file_time_type::clock::now() - age;
  int removed = 0;
  std::error_code ignored;  // another process may sweep too; what cannot be removed is harmless
  if (!fs::is_directory(fs::symlink_status(directory, ignored))) return 0;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    if (!is_temporary_name(entry.path().filename().string()) ||
        !fs::is_regular_file(entry.symlink_status(ignored)))
      continue;
    const auto touched = entry.last_write_time(ignored);
    if (!ignored && touched < oldest && fs::remove(entry.path(), ignored)) ++removed;
    ignored.clear();
  }
  return removed;
}

}  // namespace impsweep
