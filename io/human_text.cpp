#include "io/human_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace impsweep {

std::string printable(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto letter = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool is_upper_control =
        letter == 0xc2 && next >= 0x80 && next < 0xa0;  // U+0080 to U+009F, in UTF-8
    if ((letter < 0x20 && letter != '\n' && letter != '\t') || letter == 0x7f) {
      result += fmt::format("\\x{:02x}", letter);
    } else if (is_upper_control) {
      result += fmt::format("\\x{:02x}", next);
      ++i;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::string first_characters(const std::string& text, std::size_t count) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) continue;  // continues a character
    if (++characters > count) return text.substr(0, i);
  }
  return text;
}

std::string duration_text(double seconds) {
  const auto total = static_cast<long>(std::llround(std::max(seconds, 0.0)));
  const long days = total / 86400, hours = total / 3600 % 24, minutes = total / 60 % 60, rest = total % 60;
  if (days > 0) return fmt::format("{}d {:02}:{:02}:{:02}", days, hours, minutes, rest);
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, rest);
  return fmt::format("{}:{:02}", minutes, rest);
}

std::string interval_text(double seconds, double low_seconds, double high_seconds) {
  return fmt::format("{} ({} to {})", duration_text(seconds), duration_text(low_seconds),
                     duration_text(high_seconds));
}

std::string rough_duration_text(double seconds) {
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 2 * 3600) return fmt::format("{:.0f} min", seconds / 60);
  if (seconds < 48 * 3600) return fmt::format("{:.1f} h", seconds / 3600);
  return fmt::format("{:.1f} days", seconds / 86400);
}

std::string count_text(double count) {
  if (count >= 1e9) return fmt::format("{:.2f} G", count / 1e9);
  if (count >= 1e6) return fmt::format("{:.2f} M", count / 1e6);
  if (count >= 1e3) return fmt::format("{:.1f} k", count / 1e3);
  return fmt::format("{:.0f}", count);
}

std::string grouped_text(std::int64_t count) {
  std::string digits = std::to_string(count);
  for (std::ptrdiff_t place = static_cast<std::ptrdiff_t>(digits.size()) - 3; place > 0; place -= 3)
    digits.insert(digits.begin() + place, ',');
  return digits;
}

std::string bytes_text(std::int64_t bytes) {
  const auto size = static_cast<double>(bytes);
  if (size < 1e9) return fmt::format("{:.0f} MB", std::max(1.0, size / 1e6));
  return size < 1e12 ? fmt::format("{:.1f} GB", size / 1e9) : fmt::format("{:.1f} TB", size / 1e12);
}

double part_done(double done, double total) {
  return done / std::max(total, 1.0);
}

std::string bar_text(double part, std::size_t width) {
  const auto full = static_cast<std::size_t>(std::clamp(part, 0.0, 1.0) * static_cast<double>(width));
  return fmt::format("[{}{}]", std::string(full, '#'), std::string(width - full, '.'));
}

}  // namespace impsweep
