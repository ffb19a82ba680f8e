// io/error.hpp - the one exception for what people can mend: job files, stores, flags, traces.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace impsweep {

// Bad input. The message names the file, the key or place, the reason, and what to do. Ends a command with
// exit code 2.
class InputError : public std::runtime_error {
 public:
  explicit InputError(const std::string& message) : std::runtime_error(message) {}
  template <class... Args>
  requires(sizeof...(Args) > 0) explicit InputError(fmt::format_string<Args...> format, Args&&... args)
      : std::runtime_error(fmt::format(format, std::forward<Args>(args)...)) {}
};

}  // namespace impsweep
