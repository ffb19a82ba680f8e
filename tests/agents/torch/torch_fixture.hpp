// tests/agents/torch/torch_fixture.hpp - the LibTorch module of this build, for tests that compare with it.
// Decorate such tests with `* doctest::skip(!kHasTorch)` and call use_built_torch_module() before anything
// else.
#pragma once

#include <cstdlib>

namespace impsweep {

inline constexpr bool kHasTorch = IMPSWEEP_HAS_TORCH;

// Test programs lie one folder below the module; an IMPSWEEP_TORCH_MODULE set from outside stays.
inline void use_built_torch_module() {
  ::setenv("IMPSWEEP_TORCH_MODULE", IMPSWEEP_BINARY_DIR "/impsweep_torch.so", 0);
}

}  // namespace impsweep
