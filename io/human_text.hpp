// io/human_text.hpp - durations, intervals and counts as people read them.
#pragma once

#include <cstdint>
#include <string>

namespace impsweep {

// "0:35", "12:05", "3:02:10", "2d 03:00:00".
std::string duration_text(double seconds);
// "12:05 (10:30 to 14:00)".
std::string interval_text(double seconds, double low_seconds, double high_seconds);
// "950", "12.3 k", "1.25 M".
std::string count_text(double count);

// For forecasts: "4.2 s", "95 s", "14 min", "6.5 h", "3.1 days".
std::string rough_duration_text(double seconds);
// "1,234,567".
std::string grouped_text(std::int64_t count);
// "12 MB", "3.4 GB"; at least 1 MB.
std::string bytes_text(std::int64_t bytes);

}  // namespace impsweep
