#include "agents/config/sparse_config.hpp"

#include <algorithm>

namespace impsweep {

SparseConfig published_sparsity(SparseMethod method, SparseSource source, std::int64_t steps) {
  SparseConfig config;
  config.method = method;
  if (method == SparseMethod::kGradual) {
    config.interval = std::clamp<std::int64_t>(steps / 1500, 1, 1000);
    return config;
  }
  switch (source) {
    case SparseSource::kPpo:
      config.interval = 250;
      config.end = 0.77;
      break;
    case SparseSource::kClassicDqn:
      config.interval = 1000;
      config.fraction = 0.5;
      config.end = 0.75;
      break;
    case SparseSource::kImageDqn:
      config.interval = 5000;
      config.end = 0.8;
      break;
  }
  return config;
}

}  // namespace impsweep
