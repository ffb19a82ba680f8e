#include "io/human_text.hpp"

#include <doctest/doctest.h>

using namespace impsweep;

TEST_CASE("times as a clock shows them, and in one unit") {
  CHECK(duration_text(-3) == "0:00");
  CHECK(duration_text(35.4) == "0:35");
  CHECK(duration_text(725) == "12:05");
  CHECK(duration_text(10'930) == "3:02:10");
  CHECK(duration_text(183'600) == "2d 03:00:00");
  CHECK(interval_text(725, 630, 840) == "12:05 (10:30 to 14:00)");
  CHECK(rough_duration_text(3.21) == "3.2 s");
  CHECK(rough_duration_text(45) == "45 s");
  CHECK(rough_duration_text(725) == "12 min");
  CHECK(rough_duration_text(10'930) == "3.0 h");
  CHECK(rough_duration_text(259'200) == "3.0 days");
}

TEST_CASE("counts and sizes") {
  CHECK(count_text(950) == "950");
  CHECK(count_text(12'345) == "12.3 k");
  CHECK(count_text(1'250'000) == "1.25 M");
  CHECK(grouped_text(999) == "999");
  CHECK(grouped_text(1'000) == "1,000");
  CHECK(grouped_text(1'234'567) == "1,234,567");
  CHECK(bytes_text(5) == "1 MB");
  CHECK(bytes_text(340'000'000) == "340 MB");
  CHECK(bytes_text(2'500'000'000) == "2.5 GB");
  CHECK(bytes_text(1'200'000'000'000) == "1.2 TB");
}

TEST_CASE("progress: a bar is full only when all is done") {
  CHECK(part_done(1, 4) == 0.25);
  CHECK(part_done(0, 0) == 0);
  CHECK(bar_text(0, 4) == "[....]");
  CHECK(bar_text(0.5, 4) == "[##..]");
  CHECK(bar_text(0.999, 4) == "[###.]");
  CHECK(bar_text(1, 4) == "[####]");
  CHECK(bar_text(1.5, 4) == "[####]");
}

TEST_CASE("control characters of texts from elsewhere are shown and not sent") {
  CHECK(printable("a\x1b[31mb\r\n\tc\x7f") == "a\\x1b[31mb\\x0d\n\tc\\x7f");
  CHECK(printable("\xc2\x9bx \xc3\xa9") == "\\x9bx \xc3\xa9");
}
