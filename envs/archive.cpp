#include "envs/archive.hpp"

namespace impsweep {

void StateWriter::put_raw(const void* data, std::size_t size) {
  const auto* first = static_cast<const std::byte*>(data);
  bytes_.insert(bytes_.end(), first, first + size);
}

}  // namespace impsweep
