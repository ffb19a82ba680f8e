// io/toml_limits.hpp - what a TOML text may have at most, looked at before it is parsed: the parser
// calls itself for every part of a key and every bracket, and deep texts would use up its stack.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace impsweep {

inline constexpr std::size_t kLongestToml = std::size_t{16} << 20;  // bytes
inline constexpr int kDeepestToml = 64;                             // brackets in brackets, or parts of a key

// InputError that names file and line if the text is longer or deeper.
void require_shallow_toml(std::string_view text, const std::string& path);

}  // namespace impsweep
