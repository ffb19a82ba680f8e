// io/lease.hpp - hints that somebody is working on a result, so that several runs on one store share the
// work.
//
// A lease is a file named by the digest, created with O_EXCL, whose time of change its owner moves on at
// every interval. It saves work and protects nothing: two owners would compute the same bits, and whatever
// the file system refuses counts as permission. A lease may be taken over when
//   its owner was a process on this machine, since it was last started, that is gone, or
//   it was not refreshed for three intervals on the reader's own clock (no clock is compared with another's).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "io/process_identity.hpp"

namespace impsweep {

class Leases {
 public:
  // `run` names the owner, uniquely among all machines.
  Leases(std::filesystem::path directory, const std::string& run, std::chrono::milliseconds interval);
  ~Leases();  // releases all
  Leases(const Leases&) = delete;
  Leases& operator=(const Leases&) = delete;

  // True if we have it, now or already; false if somebody else seems to be at work on it.
  bool take(std::string_view digest);
  void release(std::string_view digest);

  // Says that the owner is alive. May be called from another thread.
  void refresh();

 private:
  using Clock = std::chrono::steady_clock;
  struct Owner {
    std::string run;
    ProcessIdentity process;
    double interval_seconds = 0;  // 0 if the file does not say
  };
  struct Observed {  // another owner's lease, since it last changed
    ino_t inode = 0;
    std::chrono::nanoseconds changed{};
    Clock::time_point since;
    Clock::duration patience{};
    Owner owner;
  };
  static Owner read_owner(const std::filesystem::path&);
  bool create(const std::filesystem::path&, const std::string& digest);
  bool is_stale(const std::filesystem::path&, const std::string& digest);

  std::filesystem::path directory_;
  std::string run_;
  std::string text_;  // of every lease that is ours
  std::chrono::milliseconds interval_;
  std::mutex mutex_;
  std::set<std::string, std::less<>> held_;
  std::map<std::string, Observed> others_;
};

}  // namespace impsweep
