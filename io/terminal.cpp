#include "io/terminal.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

namespace impsweep {

bool output_is_terminal() {
  if (::isatty(STDOUT_FILENO) == 0) return false;
  // A terminal that understands no control sequences, or a user who has asked for none.
  const char* const kind = std::getenv("TERM");
  const char* const plain = std::getenv("NO_COLOR");
  if (kind == nullptr || std::string_view(kind) == "dumb" || (plain != nullptr && *plain != '\0'))
    return false;
  if (std::getenv("OMPI_COMM_WORLD_SIZE") == nullptr) return true;
  std::array<char, 256> target{};
  const std::string link = fmt::format("/proc/{}/fd/1", ::getppid());
  const ssize_t length = ::readlink(link.c_str(), target.data(), target.size() - 1);
  const std::string_view device(target.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  return device.starts_with("/dev/pts/") || device.starts_with("/dev/tty");
}

TerminalSize terminal_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0) return {};
  return {size.ws_row, size.ws_col};
}

}  // namespace impsweep
