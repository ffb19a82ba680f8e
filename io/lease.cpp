#include "io/lease.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "io/files.hpp"

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

struct Look {
  ino_t inode;
  std::chrono::nanoseconds changed;
};

std::optional<Look> look_at(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return Look{status.st_ino,
              std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec)};
}

nlohmann::json read_owner(const fs::path& path) {
  std::ifstream file(path);
  nlohmann::json owner = nlohmann::json::parse(file, nullptr, false);
  return owner.is_object() ? owner : nlohmann::json::object();
}

bool owner_is_gone(const nlohmann::json& owner) {
  if (owner.value("host", "") != host_name() || owner.value("process_namespace", "") != process_namespace())
    return false;
  const std::string start = start_of_process(owner.value("pid", 0L));
  return start.empty() || start != owner.value("process_start", "");
}

}  // namespace

Leases::Leases(fs::path directory, std::string run, std::chrono::milliseconds interval)
    : directory_(std::move(directory)), run_(std::move(run)), interval_(interval) {}

Leases::~Leases() {
  while (!held_.empty()) release(std::string(held_.begin()->first));
}

bool Leases::create(const fs::path& path, const std::string& digest) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) return errno != EEXIST;
  const std::string text = nlohmann::json{{"run", run_},
                                          {"host", host_name()},
                                          {"pid", getpid()},
                                          {"process_namespace", process_namespace()},
                                          {"process_start", start_of_process(getpid())},
                                          {"interval_seconds", static_cast<double>(interval_.count()) * 1e-3}}
                               .dump() +
                           "\n";
  // A lease without its text is one whose owner is unknown; that is all that a failed write costs.
  [[maybe_unused]] const ssize_t written = ::write(file, text.data(), text.size());
  struct stat status {};
  ::fstat(file, &status);
  ::close(file);
  held_[digest] = status.st_ino;
  others_.erase(digest);
  return true;
}

bool Leases::is_stale(const fs::path& path, const std::string& digest) {
  const std::optional<Look> look = look_at(path);
  if (!look) return false;  // released just now: the next attempt gets it
  const Clock::time_point now = Clock::now();
  const auto seen = others_.find(digest);
  if (seen == others_.end() || seen->second.inode != look->inode || seen->second.changed != look->changed) {
    const nlohmann::json owner = read_owner(path);
    const nlohmann::json interval = owner.value("interval_seconds", nlohmann::json());
    const double seconds =
        interval.is_number() ? interval.get<double>() : static_cast<double>(interval_.count()) * 1e-3;
    others_[digest] = {look->inode, look->changed, now,
                       std::chrono::duration_cast<Clock::duration>(
                           std::chrono::duration<double>(kPatience * std::min(seconds, 3600.0)))};
    return owner_is_gone(owner);
  }
  return now - seen->second.since > seen->second.patience || owner_is_gone(read_owner(path));
}

bool Leases::take(const std::string& digest) {
  const std::lock_guard lock(mutex_);
  if (held_.contains(digest)) return true;
  const fs::path path = directory_ / digest;
  if (create(path, digest)) return true;
  if (!is_stale(path, digest)) return false;
  // Another run may take it over at the same moment; then both compute the same result.
  ::unlink(path.c_str());
  return create(path, digest);
}

void Leases::release(const std::string& digest) {
  const std::lock_guard lock(mutex_);
  const auto found = held_.find(digest);
  if (found == held_.end()) return;
  const fs::path path = directory_ / digest;
  const std::optional<Look> look = look_at(path);
  if (look && look->inode == found->second) ::unlink(path.c_str());  // else somebody took it over
  held_.erase(found);
}

void Leases::refresh() {
  const std::lock_guard lock(mutex_);
  for (const auto& [digest, inode] : held_) {
    const fs::path path = directory_ / digest;
    if (const std::optional<Look> look = look_at(path); look && look->inode == inode)
      ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
  }
}

}  // namespace impsweep
