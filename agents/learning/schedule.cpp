#include "agents/learning/schedule.hpp"

namespace impsweep {

double line_at(std::int64_t i, double initial, std::int64_t first, double final, std::int64_t last) {
  if (i >= last) return final;
  if (i <= first) return initial;
  const double part = static_cast<double>(i - first) / static_cast<double>(last - first);
  return part * final + (1 - part) * initial;
}

double LinearDecay::at(std::int64_t iteration) const {
  if (!falls) return initial;
  return initial * static_cast<double>(iterations - iteration) / static_cast<double>(iterations);
}

}  // namespace impsweep
