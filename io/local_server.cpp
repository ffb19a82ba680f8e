#include "io/local_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "io/error.hpp"

namespace impsweep {
namespace {

constexpr std::size_t kLongestRequest = 16 * 1024;
constexpr std::chrono::seconds kPatience{2};  // with a client, for its request and for taking the answer
using Clock = std::chrono::steady_clock;

std::string random_token() {
  std::array<unsigned char, 16> bytes{};
  if (::getrandom(bytes.data(), bytes.size(), 0) != std::ssize(bytes))
    throw InputError("report --watch: this system gives no random numbers");
  std::string token;
  for (const unsigned char byte : bytes) token += fmt::format("{:02x}", byte);
  return token;
}

// Whether the connection is ready for `events` before the deadline.
bool wait_for(int connection, short events, Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  pollfd one{connection, events, 0};
  return left > 0 && ::poll(&one, 1, static_cast<int>(left)) == 1;
}

// The head of the request; empty if none comes in time.
std::string read_request(int connection) {
  const Clock::time_point deadline = Clock::now() + kPatience;
  std::string request;
  while (request.find("\r\n\r\n") == std::string::npos && request.size() < kLongestRequest) {
    std::array<char, 4096> part{};
    if (!wait_for(connection, POLLIN, deadline)) return {};
    const ssize_t got = ::recv(connection, part.data(), part.size(), 0);
    if (got <= 0) return {};
    request.append(part.data(), static_cast<std::size_t>(got));
  }
  return request;
}

void send_all(int connection, std::string_view text) {
  Clock::time_point deadline = Clock::now() + kPatience;
  while (!text.empty() && wait_for(connection, POLLOUT, deadline)) {
    const ssize_t sent = ::send(connection, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return;
    if (sent <= 0) continue;
    text.remove_prefix(static_cast<std::size_t>(sent));
    deadline = Clock::now() + kPatience;  // it is slow, but it takes
  }
}

std::string head_of(std::string_view status, std::string_view type, std::size_t bytes) {
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\nCache-Control: "
      "no-store\r\n"
      "Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n"
      "Cross-Origin-Resource-Policy: same-origin\r\n\r\n",
      status, type, bytes);
}

// Equal time for every wrong guess.
bool equal(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference |= static_cast<unsigned>(static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]));
  return difference == 0;
}

}  // namespace

LocalServer::LocalServer(std::uint16_t port) : token_(random_token()) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int yes = 1;
  ::setsockopt(socket_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(port);
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof place;
  auto* const address = reinterpret_cast<sockaddr*>(&place);
  if (socket_ < 0 || ::bind(socket_, address, size) != 0 || ::listen(socket_, 8) != 0 ||
      ::getsockname(socket_, address, &size) != 0) {
    const int error = errno;
    if (socket_ >= 0) ::close(socket_);
    throw InputError("report --watch: cannot listen on 127.0.0.1, port {}: {}; give another --port", port,
                     std::strerror(error));
  }
  port_ = ntohs(place.sin_port);
}

LocalServer::~LocalServer() {
  ::close(socket_);
}

std::string LocalServer::address() const {
  return fmt::format("http://127.0.0.1:{}/{}/", port_, token_);
}

void LocalServer::serve(const Handler& handler, std::chrono::milliseconds time) {
  const Clock::time_point deadline = Clock::now() + time;
  while (wait_for(socket_, POLLIN, deadline)) {
    const int connection = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    answer(connection, handler);
    ::close(connection);
  }
}

void LocalServer::answer(int connection, const Handler& handler) const {
  const std::string request = read_request(connection);
  const std::string_view line = std::string_view(request).substr(0, request.find("\r\n"));
  const std::size_t first = line.find(' '), second = line.find(' ', first + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return;
  const std::string_view method = line.substr(0, first);
  std::string_view target = line.substr(first + 1, second - first - 1);
  target = target.substr(0, target.find_first_of("?#"));
  if (method != "GET" && method != "HEAD")
    return send_all(connection, head_of("405 Method Not Allowed", "text/plain", 0));
  std::optional<WebAnswer> found;
  const std::size_t behind = token_.size() + 2;  // "/<token>/"
  if (target.size() >= behind && target.front() == '/' && target[behind - 1] == '/' &&
      equal(target.substr(1, token_.size()), token_))
    found = handler(std::string(target.substr(behind)));
  if (!found) {
    constexpr std::string_view kNothing = "There is no such page.\n";
    return send_all(connection, head_of("404 Not Found", "text/plain", kNothing.size()) +
                                    std::string(method == "GET" ? kNothing : ""));
  }
  send_all(connection, head_of("200 OK", found->type, found->body.size()));
  if (method == "GET") send_all(connection, found->body);
}

}  // namespace impsweep
