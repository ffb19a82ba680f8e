#include "engine/sweep/store_token.hpp"

#include <fmt/format.h>

#include <system_error>
#include <thread>

#include "io/error.hpp"
#include "io/files.hpp"

namespace impsweep {
namespace {

constexpr const char* kFolder = "live";
constexpr std::chrono::milliseconds kPollInterval{50};

// By listing the directory: looking for the name alone may be answered from a cache of what was not there.
bool is_listed(const std::filesystem::path& folder, const std::string& name) {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error))
    if (entry->path().filename() == name) return true;
  return false;
}

}  // namespace

StoreToken::StoreToken(const Store& store)
    : name_(fmt::format("token.{}.tmp", unique_suffix())), path_(store.directory() / kFolder / name_) {
  replace_atomically(path_, {});
}

StoreToken::~StoreToken() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

void require_token(const std::filesystem::path& store, const std::string& name,
                   std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (!is_listed(store / kFolder, name)) {
    if (std::chrono::steady_clock::now() > end)
      throw InputError(
          "{}: is not the store of rank 0, whose token {} does not show in it; give a path on a file system "
          "that "
          "all nodes share",
          store.string(), name);
    std::this_thread::sleep_for(kPollInterval);
  }
}

}  // namespace impsweep
