#include "io/lease.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "io/files.hpp"
#include "io/json_field.hpp"

namespace impsweep {

namespace fs = std::filesystem;

namespace {

constexpr int kPatience = 3;  // intervals without a sign of life

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

// Asked once for every training, so without streams.
bool begins_with(const fs::path& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (file < 0) return false;
  std::string found(text.size(), '\0');
  const ssize_t length = ::read(file, found.data(), found.size());
  ::close(file);
  return length == std::ssize(text) && found == text;
}

}  // namespace

// What a lease says of its owner. What is missing or of another type stays empty.
Leases::Owner Leases::read_owner(const fs::path& path) {
  const nlohmann::json fields = nlohmann::json::parse(text_of(path), nullptr, false);
  Owner owner;
  read_field(fields, "run", owner.run);
  read_field(fields, "interval_seconds", owner.interval_seconds);
  owner.process = read_identity(fields);
  return owner;
}

namespace {

std::string text_of_lease(const std::string& run, std::chrono::milliseconds interval) {
  nlohmann::json fields = {{"run", run}, {"interval_seconds", static_cast<double>(interval.count()) * 1e-3}};
  write_identity(fields, this_process());
  return fields.dump() + "\n";
}

}  // namespace

Leases::Leases(fs::path directory, const std::string& run, std::chrono::milliseconds interval)
    : directory_(std::move(directory)), run_(run), text_(text_of_lease(run, interval)), interval_(interval) {}

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
                       std::chrono::duration_cast<Clock::duration>(kPatience * interval), owner};
    return is_gone(owner.process);
  }
  return now - seen->second.since > seen->second.patience || is_gone(seen->second.owner.process);
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
  const fs::path path = directory_ / digest;
  held_.erase(held);
  if (begins_with(path, text_) || read_owner(path).run == run_)  // else somebody took it over
    ::unlink(path.c_str());
}

// One call for each lease, as there may be thousands. One that somebody took over meanwhile lives on a
// little.
void Leases::refresh() {
  const std::lock_guard lock(mutex_);
  for (const std::string& digest : held_) ::utimensat(AT_FDCWD, (directory_ / digest).c_str(), nullptr, 0);
}

}  // namespace impsweep
