#include "engine/statistics/shares.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/statistics/paired.hpp"
#include "simulation.hpp"

using namespace impsweep;
using namespace impsweep::statistics;

TEST_CASE("shares: the ends of Fieller's interval are where the contrast is just not significant") {
  const std::vector<double> total = {10, 12, 9, 14, 11}, part = {4, 6, 3, 5, 6};
  const Share share = fieller_share(part, total);
  REQUIRE(share.interval);
  CHECK(*share.estimate == doctest::Approx(24.0 / 56));
  CHECK(share.interval->contains(*share.estimate));
  for (const double end : {share.interval->low, share.interval->high}) {
    std::vector<double> contrast;
    for (std::size_t i = 0; i < part.size(); ++i) contrast.push_back(part[i] - end * total[i]);
    CHECK(t_test(contrast)->p_two_sided == doctest::Approx(0.05).epsilon(1e-8));
  }
}

TEST_CASE("shares: no interval where the total does not differ from zero, or nothing varies") {
  const std::vector<double> total = {1, -2, 3, -1, 0.5}, part = {0.5, -1, 2, -0.5, 0.1};
  CHECK(fieller_share(part, total).estimate);
  CHECK(!fieller_share(part, total).interval);
  CHECK(!fieller_share(std::vector<double>{1, 1}, std::vector<double>{2, 2}).interval);
  CHECK(!fieller_share(std::vector<double>{1, 1}, std::vector<double>{1, -1}).estimate);
}

TEST_CASE("shares: Fieller's interval holds the share in 95 %") {
  constexpr int kTrials = 1'000;
  for (const int n : {5, 10}) {
    int held = 0;
    for (int trial = 0; trial < kTrials; ++trial) {
      Stream stream("test/shares/" + std::to_string(n) + "/" + std::to_string(trial));
      std::vector<double> part, total;
      for (int i = 0; i < n; ++i) {
        total.push_back(5 + simulation::normal(stream));
        part.push_back(0.4 * total.back() + simulation::normal(stream));
      }
      const Share share = fieller_share(part, total);
      held += share.interval && share.interval->contains(0.4) ? 1 : 0;
    }
    CHECK(std::abs(100.0 * held / kTrials - 95) < simulation::tolerance(95, kTrials));
  }
}

TEST_CASE("shares: a constant total is a plain division, a proportional part a point") {
  const auto constant = fieller_share(std::vector<double>{1, 2, 3, 4, 5}, std::vector<double>(5, 10));
  const auto t = student_t_interval(std::vector<double>{1, 2, 3, 4, 5});
  CHECK(constant.interval->low == doctest::Approx(t->low / 10));
  CHECK(constant.interval->high == doctest::Approx(t->high / 10));
  const auto half =
      fieller_share(std::vector<double>{5, 6, 4.5, 7, 5.5}, std::vector<double>{10, 12, 9, 14, 11});
  CHECK(half.interval->low == doctest::Approx(0.5));
  CHECK(half.interval->high == doctest::Approx(0.5));
}
