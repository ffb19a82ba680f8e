#include "io/quarantine.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <ctime>

#include "io/files.hpp"

namespace impsweep {

namespace fs = std::filesystem;

// "<stem>.<time>.<host>.<pid>.<n>.h5": damage may come to the same name more than once.
fs::path Quarantine::place_for(const fs::path& name) const {
  return directory_ / fmt::format("{}.{:%Y%m%dT%H%M%SZ}.{}{}", name.stem().string(),
                                  fmt::gmtime(std::time(nullptr)), unique_suffix(),
                                  name.extension().string());
}

void Quarantine::write_reason(const fs::path& place, const std::string& origin,
                              const std::string& reason) const {
  publish_new(place.string() + ".reason.txt",
              bytes_of(fmt::format("file: {}\nreason: {}\n", origin, reason)));
}

fs::path Quarantine::take(const fs::path& file, const std::string& reason) const {
  make_directories(directory_);
  fs::path place = place_for(file.filename());
  if (std::rename(file.c_str(), place.c_str()) != 0) {
    if (errno == ENOENT) return {};
    throw_file_error(file, "move the file to quarantine", errno);
  }
  write_reason(place, file.string(), reason);
  return place;
}

fs::path Quarantine::keep(const std::string& name, ByteView bytes, const std::string& reason) const {
  make_directories(directory_);
  fs::path place = place_for(name);
  publish_new(place, bytes);
  write_reason(place, name, reason);
  return place;
}

}  // namespace impsweep
