// How the module is looked for. Once open it stays open, so each question is put to a fresh process.
#include <doctest/doctest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "agents/network/network.hpp"

using namespace impsweep;
namespace fs = std::filesystem;

namespace {

constexpr const char* kQuestion = "print the error of opening the module";

// What this program says in a process of its own when IMPSWEEP_TORCH_MODULE has this value.
std::string error_with(const std::string& module) {
  const std::string command = "IMPSWEEP_TORCH_MODULE='" + module + "' '" +
                              fs::read_symlink("/proc/self/exe").string() + "' --no-skip --test-case='" +
                              kQuestion + "'";
  std::FILE* output = ::popen(command.c_str(), "r");
  REQUIRE(output != nullptr);
  std::string text;
  std::array<char, 256> buffer;
  while (std::fgets(buffer.data(), buffer.size(), output) != nullptr) text += buffer.data();
  ::pclose(output);
  return text;
}

void check_contains(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CAPTURE(part);
  CHECK(text.find(part) != std::string::npos);
}

}  // namespace

TEST_CASE("print the error of opening the module" * doctest::skip()) {
  try {
    make_torch_network({{{"q", {1, 1}, Activation::kRelu, false}}, 0}, {}, {});
  } catch (const std::runtime_error& error) {
    std::puts(error.what());
  }
}

TEST_CASE("torch: a missing module is an error with the places searched and the remedy") {
  const std::string named = error_with("/nowhere/impsweep_torch.so");
  check_contains(named, "there is no /nowhere/impsweep_torch.so;");
  check_contains(named, "build with -DIMPSWEEP_TORCH=ON, set IMPSWEEP_TORCH_MODULE");
  check_contains(named, "choose --backend native");
  check_contains(error_with(""), "/tests/impsweep_torch.so");
}

TEST_CASE("torch: a file that is no module is an error") {
  const fs::path path = fs::temp_directory_path() / ("impsweep-module-" + std::to_string(::getpid()) + ".so");
  std::ofstream(path) << "no library\n";
  check_contains(error_with(path), "it cannot be opened");
  fs::remove(path);
  const std::string other_library = "/lib64/ld-linux-x86-64.so.2";
  if (fs::exists(other_library)) check_contains(error_with(other_library), "is no module of this program");
}
