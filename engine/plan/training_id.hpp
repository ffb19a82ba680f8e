// engine/plan/training_id.hpp - the name of a training: 32 hexadecimal digits of the digest of its recipe.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <functional>
#include <stdexcept>
#include <string_view>

namespace impsweep {

// The digits are stored inline, as plans have millions of them. Without digits it names no training.
class TrainingId {
 public:
  static constexpr std::size_t kLength = 32;

  TrainingId() = default;
  // Throws std::invalid_argument if there are more digits than kLength.
  explicit TrainingId(std::string_view digits) {
    if (digits.size() > kLength) throw std::invalid_argument("a digest has at most 32 digits");
    std::ranges::copy(digits, digits_.begin());
  }

  std::string_view digits() const {
    return {digits_.data(), static_cast<std::size_t>(std::ranges::find(digits_, '\0') - digits_.begin())};
  }
  operator std::string_view() const { return digits(); }
  bool empty() const { return digits_.front() == '\0'; }

  friend auto operator<=>(const TrainingId&, const TrainingId&) = default;
  friend bool operator==(const TrainingId&, const TrainingId&) = default;
  friend bool operator==(const TrainingId& digest, std::string_view text) { return digest.digits() == text; }

 private:
  std::array<char, kLength> digits_{};  // padded with zeros
};

}  // namespace impsweep

template <>
struct std::hash<impsweep::TrainingId> {
  std::size_t operator()(const impsweep::TrainingId& digest) const noexcept {
    return std::hash<std::string_view>{}(digest);
  }
};
