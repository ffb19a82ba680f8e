#include "engine/statistics/multiplicity.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
#include <vector>

using namespace impsweep::statistics;

TEST_CASE("multiplicity: Holm and Benjamini-Hochberg by hand, in the order given") {
  const std::vector<double> p = {0.04, 0.01, 0.03, 0.02};
  const std::vector<double> by_holm = holm(p), by_rate = benjamini_hochberg(p);
  CHECK(by_holm[1] == doctest::Approx(0.04));
  CHECK(by_holm[3] == doctest::Approx(0.06));
  CHECK(by_holm[2] == doctest::Approx(0.06));
  CHECK(by_holm[0] == doctest::Approx(0.06));
  for (const double adjusted : by_rate) CHECK(adjusted == doctest::Approx(0.04));
  CHECK(holm({}).empty());
}

TEST_CASE("multiplicity: adjusted values end at 1, and what is no probability is refused") {
  for (const double adjusted : holm(std::vector<double>{0.9, 1, 0.8})) CHECK(adjusted == 1);
  for (const double wrong : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_AS(holm(std::vector<double>{0.1, wrong}), std::invalid_argument);
    CHECK_THROWS_AS(benjamini_hochberg(std::vector<double>{0.1, wrong}), std::invalid_argument);
  }
}
