#include "engine/store/status_text.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

using namespace impsweep;

namespace {

StoreStatus under_way(std::size_t running) {
  StoreStatus status;
  status.trainings = 200;
  status.trainings_done = 50;
  status.chains = 10;
  status.live_ranks = 2;
  status.env_steps_per_second = 12'300;
  status.eta_seconds = 125;
  status.eta_low_seconds = 100;
  status.eta_high_seconds = 150;
  status.eta_lower_bound_seconds = 100;
  for (std::size_t i = 0; i < running; ++i)
    status.running.push_back({"cartpole.ppo.128-128.default.mask-weights.s00 r03", 1, 40, 80, 17.5});
  for (int i = 0; i < 30; ++i)
    status.groups.push_back({"cartpole", "ppo", "128-128", "mask/weights", 5, 1, 80, 20});
  return status;
}

}  // namespace

TEST_CASE("sparkline: eighths of the largest, the newest at the end") {
  CHECK(sparkline({}, 5).empty());
  const double values[] = {100, 0, 7, 3.5};
  CHECK(sparkline(values, 3) == "▁█▅");
  const double zero[] = {0, 0};
  CHECK(sparkline(zero, 5) == "▁▁");
}

TEST_CASE("return curve: between the smallest and the largest, in as many bars as there is place for") {
  CHECK(return_curve({}, 5).empty());
  const double values[] = {-500, -300, -100};
  CHECK(return_curve(values, 5) == "▁▅█");
  const double many[] = {0, 0, 10, 10, 5, 5};
  CHECK(return_curve(many, 3) == "▁█▅");
  const double gap[] = {1, std::numeric_limits<double>::quiet_NaN(), 2};
  CHECK(return_curve(gap, 3) == "▁ █");
  const double equal[] = {7, 7};
  CHECK(return_curve(equal, 3) == "▅▅");
}

TEST_CASE("from 60 columns on a screen shows returns and their curves") {
  const double rates[] = {1, 2};
  StoreStatus status = under_way(1);
  status.running.front().returns = {10, 30, 20};
  const std::vector<std::string> returns = {"cartpole ppo 128-128",
                                            "  mask/weights      ▁█                  480.0 > 500.0 (r01)"};
  const std::string screen = status_screen(status, "store", rates, 24, 60, returns);
  CHECK(screen.find("[#####.....] rank 1       17.5 ▁█▅          cartpole.ppo") != std::string::npos);
  CHECK(screen.find(returns[1]) != std::string::npos);
}

TEST_CASE("a screen keeps to the terminal's size and counts what it leaves out") {
  const double rates[] = {1, 2};
  for (const std::size_t rows : {5U, 12U, 24U, 60U})
    for (const std::size_t columns : {20U, 80U}) {
      CAPTURE(rows);
      const std::string screen = status_screen(under_way(40), "store", rates, rows, columns);
      CHECK(static_cast<std::size_t>(std::ranges::count(screen, '\n')) < rows);
      std::size_t longest = 0, length = 0;
      for (const char c : screen) {
        if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) length = c == '\n' ? 0 : length + 1;
        longest = std::max(longest, length);
      }
      CHECK(longest <= columns);
    }
  const std::string screen = status_screen(under_way(40), "store", rates, 40, 120);
  CHECK(screen.find("25.0 %") != std::string::npos);
  CHECK(screen.find("12.3 k steps/s on 2 ranks, ETA 2:05 (1:40 to 2:30), 25 % above the least possible") !=
        std::string::npos);
  CHECK(screen.find("... and ") != std::string::npos);
  CHECK(screen.find("[#####.....] rank 1") != std::string::npos);
}
