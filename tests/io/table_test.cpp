#include "io/table.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

using namespace impsweep;

namespace {

Table sample() {
  const double infinity = std::numeric_limits<double>::infinity();
  return {{{"seed", std::vector<std::int64_t>{0, 1, -9007199254740993}},
           {"return", std::vector<double>{0.1, std::numeric_limits<double>::quiet_NaN(), infinity}},
           {"note", std::vector<std::string>{"plain", "a \"b\", c", "two\nlines"}}}};
}

}  // namespace

TEST_CASE("CSV quotes as RFC 4180 and keeps every digit that matters") {
  CHECK(to_csv(sample()) ==
        "seed,return,note\n"
        "0,0.1,plain\n"
        "1,nan,\"a \"\"b\"\", c\"\n"
        "-9007199254740993,inf,\"two\nlines\"\n");
}

TEST_CASE("doubles are written shortest and read back to the same bits") {
  for (const double value : {1.0 / 3.0, 1e-320, 1.7976931348623157e308, -0.0, 123456789.0, 5e-4, 1e22}) {
    const std::string csv = to_csv({{{"x", std::vector<double>{value}}}});
    const double read = std::strtod(csv.c_str() + 2, nullptr);
    CHECK(std::memcmp(&read, &value, sizeof value) == 0);
  }
  CHECK(to_csv({{{"x", std::vector<double>{5e-4}}}}) == "x\n0.0005\n");
}

TEST_CASE("JSON is an array of objects that a parser reads back, with null for what is no number") {
  const auto json = nlohmann::json::parse(to_json(sample()));
  REQUIRE(json.size() == 3);
  CHECK(json[0]["seed"] == 0);
  CHECK(json[0]["return"] == 0.1);
  CHECK(json[1]["return"].is_null());
  CHECK(json[2]["return"].is_null());
  CHECK(json[1]["note"] == "a \"b\", c");
  CHECK(json[2]["seed"] == -9007199254740993);
  const auto odd = nlohmann::json::parse(to_json({{{"x", std::vector<std::string>{"\xff"}}}}));
  CHECK(odd[0]["x"] == "\xef\xbf\xbd");
}

TEST_CASE("tables without rows or columns are tables") {
  CHECK(to_csv({{{"a", std::vector<double>{}}, {"b", std::vector<std::string>{}}}}) == "a,b\n");
  CHECK(nlohmann::json::parse(to_json({{{"a", std::vector<double>{}}}})).empty());
  CHECK(to_csv({}).empty());
}

TEST_CASE("columns that do not belong together are refused") {
  CHECK_THROWS_AS(to_csv({{{"a", std::vector<double>{1}}, {"b", std::vector<double>{}}}}),
                  std::invalid_argument);
  CHECK_THROWS_AS(to_json({{{"a", std::vector<double>{1}}, {"a", std::vector<double>{2}}}}),
                  std::invalid_argument);
}
