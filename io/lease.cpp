#include "io/lease.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <type_traits>

#include "io/files.hpp"
#include "io/json_field.hpp"

namespace impsweep {

namespace fs = std::filesystem;

namespace {

constexpr int kPatience = 3;  // intervals without a sign of life

std::string host_name() {
  char host[256] = "host";
  gethostname(host, sizeof host - 1);
  return host;
}

// Containers may share a host name; process numbers mean the same only within one of these.
std::string process_namespace() {
  std::error_code error;
  return fs::read_symlink("/proc/self/ns/pid", error).string();
}

// Clock ticks from boot to the start of the process: with the number, it tells a process from a later one.
// Empty if there is no such process.
std::string start_of_process(long pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  const std::size_t name_end = line.rfind(')');  // the name may hold spaces and brackets
  if (name_end == std::string::npos) return "";
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) fields >> field;
  return field;
}

struct FileVersion {
  ino_t inode;
  std::chrono::nanoseconds changed;
};

std::optional<FileVersion> version_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileVersion{status.st_ino, std::chrono::seconds(status.st_mtim.tv_sec) +
                                        std::chrono::nanoseconds(status.st_mtim.tv_nsec)};
}

std::string text_of(const fs::path& path) {
  if (!is_plain_file(path)) return "";
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

struct Owner {
  std::string run, host, process_namespace, process_start;
  long pid = 0;
  double interval_seconds = 0;  // 0 if the file does not say
};

// What a lease says of its owner. What is missing or of another type stays empty.
Owner read_owner(const fs::path& path) {
  const nlohmann::json fields = nlohmann::json::parse(text_of(path), nullptr, false);
  Owner owner;
  read_field(fields, "run", owner.run);
  read_field(fields, "host", owner.host);
  read_field(fields, "process_namespace", owner.process_namespace);
  read_field(fields, "process_start", owner.process_start);
  read_field(fields, "pid", owner.pid);
  read_field(fields, "interval_seconds", owner.interval_seconds);
  return owner;
}

bool is_gone(const Owner& owner) {
  if (owner.host != host_name() || owner.process_namespace != process_namespace()) return false;
  const std::string start = start_of_process(owner.pid);
  return start.empty() || start != owner.process_start;
}

}  // namespace

Leases::Leases(fs::path directory, const std::string& run, std::chrono::milliseconds interval)
    : directory_(std::move(directory)),
      run_(run),
      text_(nlohmann::json{{"run", run},
                           {"host", host_name()},
                           {"pid", getpid()},
                           {"process_namespace", process_namespace()},
                           {"process_start", start_of_process(getpid())},
                           {"interval_seconds", static_cast<double>(interval.count()) * 1e-3}}
                .dump() +
            "\n"),
      interval_(interval) {}

Leases::~Leases() {
  while (!held_.empty()) release(std::string(*held_.begin()));
}

bool Leases::create(const fs::path& path, const std::string& digest) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) return errno != EEXIST;
  // A lease without its text is one whose owner is unknown; that is all that a failed write costs.
  [[maybe_unused]] const ssize_t written = ::write(file, text_.data(), text_.size());
  ::close(file);
  held_.insert(digest);
  others_.erase(digest);
  return true;
}

bool Leases::is_stale(const fs::path& path, const std::string& digest) {
  const std::optional<FileVersion> version = version_of(path);
  if (!version) return false;  // released just now: the next attempt gets it
  const Clock::time_point now = Clock::now();
  const auto seen = others_.find(digest);
  if (seen == others_.end() || seen->second.inode != version->inode ||
      seen->second.changed != version->changed) {
    const Owner owner = read_owner(path);
    const std::chrono::duration<double> interval =
        owner.interval_seconds > 0 ? std::chrono::duration<double>(std::min(owner.interval_seconds, 3600.0))
                                   : interval_;
    others_[digest] = {version->inode, version->changed, now,
                       std::chrono::duration_cast<Clock::duration>(kPatience * interval)};
    return is_gone(owner);
  }
  return now - seen->second.since > seen->second.patience || is_gone(read_owner(path));
}

bool Leases::take(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (held_.contains(name)) return true;
  const std::string digest(name);
  const fs::path path = directory_ / digest;
  if (create(path, digest)) return true;
  if (!is_stale(path, digest)) return false;
  // Another run may take it over at the same moment; then both compute the same result.
  ::unlink(path.c_str());
  return create(path, digest);
}

void Leases::release(std::string_view digest) {
  const std::lock_guard lock(mutex_);
  const auto held = held_.find(digest);
  if (held == held_.end()) return;
  held_.erase(held);
  const fs::path path = directory_ / digest;
  if (read_owner(path).run == run_) ::unlink(path.c_str());  // else somebody took it over
}

void Leases::refresh() {
  const std::lock_guard lock(mutex_);
  for (const std::string& digest : held_)
    if (const fs::path path = directory_ / digest; read_owner(path).run == run_)
      ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
}

}  // namespace impsweep
