#include "engine/calibration/calibration.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "agents/native/kernels/kernels.hpp"
#include "engine/training/version.hpp"
#include "io/digest.hpp"
#include "io/error.hpp"
#include "io/files.hpp"
#include "io/json_field.hpp"
#include "io/machine.hpp"

namespace impsweep {
namespace {

constexpr std::int64_t kFormat = 1;
// No machine is so much slower or faster than the reference; such a number is damage.
constexpr double kLeastFactor = 0.02, kMostFactor = 500;
constexpr double kCalibratedError = 0.1;

// What the rates are of: this machine, its kernels, and this build.
std::string rates_key() {
  char host[256] = "host";
  gethostname(host, sizeof host - 1);
  return fmt::format("{}; {}; {}; {} {}", host, processor_name(), kernels().name, program_version(),
                     program_commit());
}

}  // namespace

std::optional<std::filesystem::path> rates_file() {
  const auto variable = [](const char* name) -> std::filesystem::path {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  std::filesystem::path directory = variable("XDG_CACHE_HOME");
  if (!directory.is_absolute()) {
    directory = variable("HOME");
    if (!directory.is_absolute()) return std::nullopt;
    directory /= ".cache";
  }
  const std::string key = rates_key();
  return directory / "impsweep" / fmt::format("rates-{}.json", sha256_hex(bytes_of(key)).substr(0, 16));
}

std::string rates_text(const Rates& rates, const std::string& key) {
  nlohmann::ordered_json factors;
  for (std::size_t g = 0; g < kRateGroups; ++g)
    factors[std::string(name_of(static_cast<RateGroup>(g)))] = rates.factor[g];
  const nlohmann::ordered_json json = {{"format", kFormat}, {"machine", key}, {"factors", factors}};
  return json.dump(2) + "\n";
}

std::optional<Rates> read_rates(const std::string& text, const std::string& key) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (field_or<std::int64_t>(json, "format", 0) != kFormat ||
      field_or<std::string>(json, "machine", "") != key || !json.contains("factors"))
    return std::nullopt;
  Rates rates;
  for (std::size_t g = 0; g < kRateGroups; ++g) {
    const std::string name(name_of(static_cast<RateGroup>(g)));
    rates.factor[g] = field_or<double>(json["factors"], name.c_str(), 0);
    if (!(rates.factor[g] >= kLeastFactor && rates.factor[g] <= kMostFactor)) return std::nullopt;
  }
  rates.error = kCalibratedError;
  rates.source = "measured on this machine";
  return rates;
}

std::optional<Rates> kept_rates() {
  const auto file = rates_file();
  if (!file) return std::nullopt;
  try {
    if (!is_plain_file(*file)) return std::nullopt;
    return read_rates(read_text_file(*file), rates_key());
  } catch (const std::exception&) {
    return std::nullopt;
  }
}

void keep_rates(const Rates& rates) {
  const auto file = rates_file();
  if (!file) return;
  try {
    make_directories(file->parent_path());
    replace_atomically(*file, bytes_of(rates_text(rates, rates_key())));
  } catch (const std::exception&) {
    // Measured again the next time.
  }
}

Rates calibrated_rates() {
  if (const std::optional<Rates> kept = kept_rates()) return *kept;
  Rates rates = measure_rates();
  rates.error = kCalibratedError;
  keep_rates(rates);
  return rates;
}

Rates known_rates() {
  if (const std::optional<Rates> kept = kept_rates()) return *kept;
  return shipped_rates(processor_name(), kernels().name);
}

}  // namespace impsweep
