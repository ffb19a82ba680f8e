#include "io/machine.hpp"

#include <fmt/format.h>

#include <fstream>

namespace impsweep {

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  std::string model = "unknown processor", family, number;
  for (std::string line; std::getline(info, line) && !line.empty();) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || colon + 2 > line.size()) continue;
    const std::string key = line.substr(0, line.find_last_not_of("\t ", colon - 1) + 1);
    const std::string value = line.substr(colon + 2);
    if (key == "model name") model = value;
    if (key == "cpu family") family = value;
    if (key == "model") number = value;
  }
  return family.empty() ? model : fmt::format("{}, family {} model {}", model, family, number);
}

}  // namespace impsweep
