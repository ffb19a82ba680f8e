// io/human_text.hpp - times, counts, sizes and progress as people read them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace impsweep {

// ---- text from elsewhere
// As it may go to a terminal: line breaks and tabs stay, other control characters become \\x1b and the like.
std::string printable(std::string_view text);

// The first so many characters of UTF-8.
std::string first_characters(const std::string& text, std::size_t count);

// ---- times
// As a clock: "0:35", "12:05", "3:02:10", "2d 03:00:00".
std::string duration_text(double seconds);
// "12:05 (10:30 to 14:00)".
std::string interval_text(double seconds, double low_seconds, double high_seconds);
// In one unit, for what is only roughly known: "3.2 s", "45 s", "12 min", "1.5 h", "3.0 days".
std::string rough_duration_text(double seconds);

// ---- counts and sizes
// "950", "12.3 k", "1.25 M".
std::string count_text(double count);
// Every digit: "1,234,567".
std::string grouped_text(std::int64_t count);
// "1 MB" at least, "340 MB", "2.5 GB", "1.2 TB".
std::string bytes_text(std::int64_t bytes);

// ---- progress
// 0 to 1; of nothing, as if it were one.
double part_done(double done, double total);
template <class Count>
double part_done(Count done, Count total) {
  return part_done(static_cast<double>(done), static_cast<double>(total));
}
// "[####......]", full only when all is done.
std::string bar_text(double part, std::size_t width);

}  // namespace impsweep
