// agents/torch/module/torch_guard.hpp - for the sources of the LibTorch module only.
#pragma once

#include <torch/torch.h>

#include <stdexcept>
#include <string>

namespace impsweep {

// Runs `action`; LibTorch's own exceptions leave the module as a standard one.
template <class Action>
auto guarded(Action&& action) {
  try {
    return action();
  } catch (const c10::Error& error) {
    throw std::runtime_error(std::string("LibTorch: ") + error.what_without_backtrace());
  }
}

}  // namespace impsweep
