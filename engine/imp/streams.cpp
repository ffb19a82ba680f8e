#include "engine/imp/streams.hpp"

#include <fmt/format.h>

namespace impsweep {

std::string StreamNames::initial_weights(std::string_view tensor) const {
  return fmt::format("{}/{}/{}/s{}/weights/{}", master_seed, task, network, seed, tensor);
}

std::string StreamNames::of_task(std::string_view part) const {
  return fmt::format("{}/{}/s{}/task/{}", master_seed, task, seed, part);
}

std::string StreamNames::of_training(std::string_view purpose) const {
  return fmt::format("{}/{}/{}/{}/s{}/r{}/{}", master_seed, task, algorithm, network, seed, round, purpose);
}

std::string StreamNames::of_training(std::string_view purpose, std::int64_t index) const {
  return fmt::format("{}/{}", of_training(purpose), index);
}

std::string StreamNames::of_baseline(std::string_view purpose, std::string_view what) const {
  return fmt::format("{}/baseline/{}/{}", of_training(purpose), baseline, what);
}

}  // namespace impsweep
