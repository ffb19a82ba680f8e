#include "io/streams.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <system_error>

namespace impsweep {
namespace {

std::atomic<int> output_error = 0;  // the first; 0: none

// Says that all was written whatever became of it: the C library and fmt would make an error of the
// program of it, wherever it happens to print.
template <int kDescriptor>
ssize_t write_to(void*, const char* text, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t written = ::write(kDescriptor, text + done, size - done);
    if (written > 0) {
      done += static_cast<size_t>(written);
    } else if (errno != EINTR) {
      int none = 0;
      if (kDescriptor == STDOUT_FILENO) output_error.compare_exchange_strong(none, errno);
      break;
    }
  }
  return static_cast<ssize_t>(size);
}

template <int kDescriptor>
void replace_stream(std::FILE*& stream, int buffering) {
  std::FILE* const made = ::fopencookie(nullptr, "w", {nullptr, write_to<kDescriptor>, nullptr, nullptr});
  if (made == nullptr) return;
  std::setvbuf(made, nullptr, buffering, buffering == _IONBF ? 0 : BUFSIZ);
  std::fflush(stream);
  stream = made;
}

}  // namespace

void prepare_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0 && errno == EBADF)
      ::open("/dev/null",
             stream == STDIN_FILENO ? O_RDONLY : O_WRONLY);  // takes the lowest number that is free
  replace_stream<STDOUT_FILENO>(stdout, ::isatty(STDOUT_FILENO) != 0 ? _IOLBF : _IOFBF);
  replace_stream<STDERR_FILENO>(stderr, _IONBF);
}

std::string lost_output() {
  std::fflush(stdout);
  const int error = output_error.load();
  return error == 0 ? "" : std::generic_category().message(error);
}

}  // namespace impsweep
