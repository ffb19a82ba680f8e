#include "envs/option.hpp"

#include <doctest/doctest.h>

using namespace impsweep;

namespace {

using Integers = std::vector<std::int64_t>;

const Option kCount{.key = "count", .fallback = std::int64_t{3}, .minimum = 1, .maximum = 10},
    kRate{.key = "rate", .fallback = 0.5, .minimum = 1e-300}, kFlag{.key = "flag", .fallback = false},
    kName{.key = "name", .fallback = std::string("a"), .choices = {"a", "b"}},
    kText{.key = "text", .fallback = std::string()},
    kSizes{.key = "sizes", .fallback = Integers{1}, .minimum = 1};

}  // namespace

TEST_CASE("what fits an option has its type and lies in its range or among its choices") {
  CHECK(fits(kCount, std::int64_t{1}));
  CHECK(fits(kCount, std::int64_t{10}));
  CHECK_FALSE(fits(kCount, std::int64_t{0}));
  CHECK_FALSE(fits(kCount, std::int64_t{11}));
  CHECK_FALSE(fits(kCount, 5.0));
  CHECK_FALSE(fits(kCount, true));
  CHECK(fits(kRate, 1e9));
  CHECK_FALSE(fits(kRate, 0.0));
  CHECK_FALSE(fits(kRate, std::numeric_limits<double>::quiet_NaN()));
  CHECK_FALSE(fits(kRate, std::int64_t{1}));
  CHECK(fits(kFlag, true));
  CHECK(fits(kName, std::string("b")));
  CHECK_FALSE(fits(kName, std::string("c")));
  CHECK(fits(kText, std::string("anything")));
  CHECK(fits(kSizes, Integers{1, 64}));
  CHECK(fits(kSizes, Integers{}));
  CHECK_FALSE(fits(kSizes, Integers{64, 0}));
}

TEST_CASE("integers are taken for reals, nothing else is converted") {
  CHECK(in_type_of(kRate, std::int64_t{2}) == OptionValue(2.0));
  CHECK(in_type_of(kCount, std::int64_t{99}) == OptionValue(std::int64_t{99}));  // the range is for fits()
  CHECK_FALSE(in_type_of(kCount, 2.0).has_value());
  CHECK_FALSE(in_type_of(kRate, true).has_value());
  CHECK_FALSE(in_type_of(kName, std::int64_t{1}).has_value());
}

TEST_CASE("what is allowed, in words") {
  CHECK(allowed_text(kCount) == "integer, 1..10");
  CHECK(allowed_text(kRate) == "number, > 0");
  CHECK(allowed_text(kFlag) == "true or false");
  CHECK(allowed_text(kName) == "one of a, b");
  CHECK(allowed_text(kText) == "text");
  CHECK(allowed_text(kSizes) == "list of integers, >= 1");
  CHECK(allowed_text({.key = "x", .fallback = 0.5, .minimum = 0.0001, .maximum = 0.999}) ==
        "number, 0.0001..0.999");
  CHECK(allowed_text({.key = "x", .fallback = 0.5, .maximum = 0}) == "number, <= 0");
}

TEST_CASE("values, in messages") {
  CHECK(value_text(true) == "true");
  CHECK(value_text(std::int64_t{-1}) == "-1");
  CHECK(value_text(0.1) == "0.1");
  CHECK(value_text(-2000.0) == "-2000");
  CHECK(value_text(std::string("v2")) == "\"v2\"");
  CHECK(value_text(Integers{64, 128}) == "[64, 128]");
}
