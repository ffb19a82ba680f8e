// io/local_server.hpp - a web server for the people of this machine: it listens on 127.0.0.1 alone, and
// answers only below a path of 128 random bits, which other users of the machine cannot guess.
//
// One connection at a time, GET and HEAD only, and a client that is slow or long-winded is dropped: it serves
// a page to one browser and nothing else.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace impsweep {

struct WebAnswer {
  std::string type;  // "text/html; charset=utf-8"
  std::string body;
};

class LocalServer {
 public:
  // Port 0: any that is free. InputError if the port is taken.
  explicit LocalServer(std::uint16_t port);
  ~LocalServer();
  LocalServer(const LocalServer&) = delete;
  LocalServer& operator=(const LocalServer&) = delete;

  // "http://127.0.0.1:8123/0f3c.../", which ends in a slash.
  std::string address() const;

  // The answer to what stands behind the address, "" or "figures/a.svg"; nothing: there is no such page.
  using Handler = std::function<std::optional<WebAnswer>(const std::string& path)>;
  // Serves whoever comes within this time.
  void serve(const Handler&, std::chrono::milliseconds);

 private:
  void answer(int connection, const Handler&) const;

  int socket_ = -1;
  std::uint16_t port_ = 0;
  std::string token_;
};

}  // namespace impsweep
