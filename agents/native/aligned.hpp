// agents/native/aligned.hpp - float storage whose rows start on cache lines.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace impsweep {

template <class T>
struct CacheAlignedAllocator {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{64};
  CacheAlignedAllocator() = default;
  template <class U>
  CacheAlignedAllocator(const CacheAlignedAllocator<U>&) {}
  T* allocate(std::size_t n) { return static_cast<T*>(::operator new(n * sizeof(T), kAlignment)); }
  void deallocate(T* p, std::size_t) { ::operator delete(p, kAlignment); }
  friend bool operator==(const CacheAlignedAllocator&, const CacheAlignedAllocator&) { return true; }
};

using AlignedFloats = std::vector<float, CacheAlignedAllocator<float>>;

// A matrix [rows][stride] of zeros.
inline AlignedFloats zeros(int rows, int stride) {
  return AlignedFloats(static_cast<std::size_t>(rows) * static_cast<std::size_t>(stride), 0.0f);
}

}  // namespace impsweep
