// agents/torch/torch_versions.hpp - which LibTorch answers.
#pragma once

#include <string>

namespace impsweep {

struct LibTorchVersions {
  std::string torch;  // "1.13.1"
  std::string blas;   // "OpenBLAS 0.3.21", or "unknown" for one that does not name itself
};

// Opens the LibTorch module, or throws LibTorchMissing.
LibTorchVersions torch_versions();

}  // namespace impsweep
