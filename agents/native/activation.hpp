// agents/native/activation.hpp - activation functions as the kernels apply them.
#pragma once

#include <cstddef>

#include "agents/native/aligned.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/network/network.hpp"

namespace impsweep {

inline Epilogue epilogue_of(Activation function) {
  return function == Activation::kRelu ? Epilogue::kRelu : Epilogue::kTanh;
}

inline Epilogue derivative_of(Activation function) {
  return function == Activation::kRelu ? Epilogue::kReluDerivative : Epilogue::kTanhDerivative;
}

// From gradients with respect to activations to those with respect to what the function was applied to.
inline void apply_derivative(Activation function, const AlignedFloats& activation, std::size_t count,
                             AlignedFloats& gradient) {
  const float* const y = activation.data();
  float* const g = gradient.data();
  if (function == Activation::kTanh)
    for (std::size_t i = 0; i < count; ++i) g[i] *= 1.0f - y[i] * y[i];
  else
    for (std::size_t i = 0; i < count; ++i) g[i] = y[i] > 0.0f ? g[i] : 0.0f;
}

}  // namespace impsweep
