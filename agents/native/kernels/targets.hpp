// agents/native/kernels/targets.hpp - for which instruction sets each file of kernels is compiled: AVX-512,
// AVX2, and as "scalar", without vectors, whatever baseline the compiler's flags allow. To be included before
// Highway.
#pragma once

#define HWY_DISABLED_TARGETS (HWY_AVX3_DL | HWY_SSE4 | HWY_SSSE3)
