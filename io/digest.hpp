// io/digest.hpp - SHA-256, which names recipes and jobs.
#pragma once

#include <string>
#include <string_view>

namespace impsweep {

// 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace impsweep
