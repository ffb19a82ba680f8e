// agents/native/subnormals.hpp - arithmetic that takes subnormal numbers (below 1.2e-38) for zero.
//
// Adam's moments of a weight without gradient decay until they are subnormal, and rounding keeps them there
// for ever; on some processors every vector with one of them costs a hundred cycles. Updates and inference
// therefore run in this mode: what they read and what they compute is zero where it would be subnormal.
// Environments, emulators and statistics of returns keep the numbers that their originals have.
//
// The mode belongs to a thread. It is the same for scalar and vector instructions, so that all instruction
// sets keep giving equal bits. Only x86 is told; elsewhere subnormal numbers stay.
#pragma once

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace impsweep {

// While it lives, subnormal operands and results count as zero on this thread; then the mode of before is
// back. Scopes may be nested.
class FlushSubnormals {
 public:
  FlushSubnormals() : before_(mode()) {
    if ((before_ & kFlush) != kFlush) set_mode(before_ | kFlush);
  }
  ~FlushSubnormals() {
    if ((before_ & kFlush) != kFlush) set_mode((mode() & ~kFlush) | (before_ & kFlush));
  }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

  // Whether this thread is in the mode.
  static bool is_on() { return (mode() & kFlush) == kFlush; }

 private:
  // Results are flushed to zero; operands that are subnormal are zero.
  static constexpr unsigned kFlush = 0x8000u | 0x0040u;

  // The barriers keep the compiler from moving arithmetic on memory out of the scope, or into it.
#if defined(__x86_64__)
  static unsigned mode() {
    return _mm_getcsr();
  }
  static void set_mode(unsigned mode) {
    asm volatile("" ::: "memory");
    _mm_setcsr(mode);
    asm volatile("" ::: "memory");
  }
#else
  static unsigned mode() {
    return kFlush;
  }
  static void set_mode(unsigned) {}
#endif

  const unsigned before_;
};

}  // namespace impsweep
