#include "engine/calibration/calibration.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/io/scratch.hpp"

using namespace impsweep;
using impsweep::testing::Scratch;

namespace {

// The user's cache in a directory of its own.
class OwnCache {
 public:
  OwnCache() {
    if (const char* value = std::getenv("XDG_CACHE_HOME")) before_ = value;
    ::setenv("XDG_CACHE_HOME", scratch_.path().c_str(), 1);
  }
  ~OwnCache() {
    if (before_)
      ::setenv("XDG_CACHE_HOME", before_->c_str(), 1);
    else
      ::unsetenv("XDG_CACHE_HOME");
  }
  const std::filesystem::path& path() const { return scratch_.path(); }

 private:
  Scratch scratch_;
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("rates survive as text, and only whole") {
  Rates rates;
  rates.factor = {1.5, 2, 0.5, 3, 1};
  const std::string text = rates_text(rates, "this machine");
  const std::optional<Rates> read = read_rates(text, "this machine");
  REQUIRE(read);
  CHECK(read->factor == rates.factor);
  CHECK(!read_rates(text, "another machine"));
  CHECK(!read_rates("", "this machine"));
  CHECK(!read_rates("[1, 2]", "this machine"));
  CHECK(!read_rates("null", "this machine"));
  for (std::size_t cut = 1; cut + 2 < text.size(); cut += 7)
    CHECK(!read_rates(text.substr(0, cut), "this machine"));
  rates.factor[2] = 0;
  CHECK(!read_rates(rates_text(rates, "this machine"), "this machine"));
  rates.factor[2] = 1e9;
  CHECK(!read_rates(rates_text(rates, "this machine"), "this machine"));
}

TEST_CASE("rates are kept by machine and build, and damage is no harm") {
  const OwnCache cache;
  CHECK(!kept_rates());
  CHECK(known_rates().source.find("shipped") != std::string::npos);
  Rates rates;
  rates.factor = {1, 2, 3, 4, 5};
  keep_rates(rates);
  REQUIRE(kept_rates());
  CHECK(kept_rates()->factor == rates.factor);
  CHECK(known_rates().factor == rates.factor);
  CHECK(calibrated_rates().factor == rates.factor);  // not measured again
  REQUIRE(rates_file());
  std::ofstream(*rates_file()) << "{\"format\": 1, \"fac";
  CHECK(!kept_rates());
  std::filesystem::remove(*rates_file());
  std::filesystem::create_directory(*rates_file());  // nothing can be written in its place
  keep_rates(rates);
  CHECK(!kept_rates());
}

TEST_CASE("measuring gives factors of a machine that exists") {
  const Rates rates = measure_rates(0.1);
  for (const double factor : rates.factor) {
    CHECK(factor > 0.05);
    CHECK(factor < 200);
  }
  const Rates shipped = shipped_rates("unknown", "scalar");
  CHECK(shipped.factor[0] > 10);
  CHECK(shipped.error > shipped_rates("AMD EPYC, family 26 model 2", "avx512").error);
}
