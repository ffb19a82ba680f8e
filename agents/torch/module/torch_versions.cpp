// Which LibTorch and which BLAS answer, as found at run time.
#include <dlfcn.h>
#include <torch/version.h>

#include <algorithm>

#include "agents/torch/torch_module.hpp"

namespace impsweep {

LibTorchVersions libtorch_versions() {
  LibTorchVersions versions{TORCH_VERSION, "unknown"};
  // LibTorch has no name for the BLAS that it was linked with; OpenBLAS and MKL have one for themselves.
  if (auto* openblas = reinterpret_cast<char* (*)()>(::dlsym(RTLD_DEFAULT, "openblas_get_config")))
    versions.blas = openblas();
  else if (auto* mkl =
               reinterpret_cast<void (*)(char*, int)>(::dlsym(RTLD_DEFAULT, "mkl_get_version_string"))) {
    char text[256] = {};
    mkl(text, sizeof text - 1);
    versions.blas = text;
  }
  // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ... Zen MAX_THREADS=64": name and version alone. The
  // processor is replaced by the pinned core type.
  if (const std::size_t name = versions.blas.find(' '); name != std::string::npos)
    versions.blas.resize(std::min(versions.blas.size(), versions.blas.find(' ', name + 1)));
  return versions;
}

}  // namespace impsweep
