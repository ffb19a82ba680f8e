#include "engine/statistics/cell.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
#include <vector>

using namespace impsweep::statistics;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
const Resampling kStream{"test/cell", 10'000};

Cell level(const std::vector<double>& values) {
  return cell_interval(values, 0, 500, kStream);
}

}  // namespace

TEST_CASE("cell: below five seeds the values, also at the ceiling") {
  CHECK(std::holds_alternative<NoValues>(level({}).uncertainty));
  CHECK(text_of(level({})) == "no values");
  const Cell cell = level({500, 491.4, 500, kNaN});
  CHECK(std::holds_alternative<TooFewSeeds>(cell.uncertainty));
  CHECK(cell.n() == 3);
  CHECK(cell.dropped == 1);
  CHECK(!cell.interval());
  CHECK(text_of(cell) == "500, 491, 500; n = 3");
}

TEST_CASE("cell: half of the seeds at a bound make no interval of the mean") {
  const Cell ceiling = level({500, 500, 500, 500, 420});
  const auto& at = std::get<AtBound>(ceiling.uncertainty);
  CHECK(at.upper);
  CHECK(at.count == 4);
  CHECK(at.share.low == doctest::Approx(0.2835820638819105).epsilon(1e-9));
  CHECK(!ceiling.interval());
  CHECK(*ceiling.mean == 484);
  CHECK(text_of(ceiling) == "at the ceiling: 4 of 5 seeds at 500 (share [0.284, 0.995])");
  const Cell all = level({500, 500, 500, 500, 500});
  CHECK(std::get<AtBound>(all.uncertainty).count == 5);
  const Cell floor = level({0, 3, 0, 0, 80, 0});
  CHECK(!std::get<AtBound>(floor.uncertainty).upper);
  CHECK(text_of(floor).starts_with("at the floor: 4 of 6 seeds at 0"));
  // Exactly half is enough.
  CHECK(std::holds_alternative<AtBound>(level({500, 500, 500, 420, 410, 400}).uncertainty));
  CHECK(std::holds_alternative<MeanInterval>(level({500, 500, 430, 420, 410, 400}).uncertainty));
  // Without a bound there is no ceiling, but there are ties.
  CHECK(std::holds_alternative<Tied>(
      cell_interval(std::vector<double>{500, 500, 500, 420, 410}, {}, {}, kStream).uncertainty));
}

TEST_CASE("cell: values that are equal elsewhere have no interval") {
  const Cell cell = level({200, 200, 200, 200, 200});
  CHECK(std::get<Tied>(cell.uncertainty).tie.count == 5);
  CHECK(text_of(cell) == "5 of 5 seeds at 200: 200, 200, 200, 200, 200");
}

TEST_CASE("cell: Student's t at five to seven seeds, bootstrap-t from eight on, clipped to the bounds") {
  const std::vector<double> five = {500, 480, 300, 490, 485};
  const Cell cell = level(five);
  CHECK(std::get<MeanInterval>(cell.uncertainty).method == IntervalMethod::kStudentT);
  CHECK(cell.interval()->high == 500);
  CHECK(cell.interval()->low == student_t_interval(five)->low);
  CHECK(text_of(cell) == "451 [346, 500], n = 5: 500, 480, 300, 490, 485");
  const std::vector<double> eight = {500, 480, 300, 490, 485, 470, 455, 493};
  const Cell more = level(eight);
  CHECK(std::get<MeanInterval>(more.uncertainty).method == IntervalMethod::kBootstrapT);
  CHECK(more.interval()->low == bootstrap_t_interval(eight, kStream)->low);
  CHECK(more.interval()->high <= 500);
  CHECK(text_of(more).ends_with("], n = 8"));
}

TEST_CASE("cell: a value beyond a bound that it cannot pass is refused") {
  CHECK_THROWS_WITH_AS(level({480, 510, 470}), doctest::Contains("510 lies beyond a bound"),
                       std::invalid_argument);
  CHECK_THROWS_AS(level({-1, 10, 470}), std::invalid_argument);
  CHECK(std::get<AtBound>(level({500.0000000001, 500, 500, 500, 410}).uncertainty).count == 4);
}

TEST_CASE("cell: differences") {
  CHECK(!difference_interval(std::vector<double>{1, 2, 3, 4}).interval());
  const std::vector<double> values = {0.5, 1.5, 0.25, 2, -0.1};
  CHECK(difference_interval(values).interval()->low == student_t_interval(values)->low);
  const Cell zeros = difference_interval(std::vector<double>{0, 0, 0, 1, 2});
  CHECK(std::get<Tied>(zeros.uncertainty).tie.count == 3);
  CHECK(std::holds_alternative<MeanInterval>(
      difference_interval(std::vector<double>{0, 0, 0, 1, 2, 3}).uncertainty));
  CHECK(std::holds_alternative<Tied>(difference_interval(std::vector<double>(5, 3.0)).uncertainty));
  CHECK_THROWS_AS(difference_interval(std::vector<double>{1, std::numeric_limits<double>::infinity()}),
                  std::invalid_argument);
}
