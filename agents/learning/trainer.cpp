#include "agents/learning/trainer.hpp"

#include <fmt/format.h>

#include <cmath>

namespace impsweep {

void require_finite(const UpdateReport& report, std::int64_t steps, std::string_view unit) {
  if (!std::isfinite(report.loss) || !std::isfinite(report.gradient_norm))
    throw TrainingFailure(fmt::format("loss {} or gradient norm {} is not finite after {} {}", report.loss,
                                      report.gradient_norm, steps, unit));
}

}  // namespace impsweep
