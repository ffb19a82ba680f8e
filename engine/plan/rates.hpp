// engine/plan/rates.hpp - what a unit of work costs: seconds on a reference machine, and how much faster or
// slower another machine is, by groups of work that go together.
//
// The reference is one core of AMD EPYC, family 26 (Zen 5), with 512-bit kernels. Its seconds were fitted to
// passes of networks of eighteen shapes at ten densities, and to whole trainings; docs/performance.md says
// how well. A calibration (engine/calibration) measures the factors of the machine at hand.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "engine/plan/work_counts.hpp"

namespace impsweep {

// dense: products and activations. sparse: kept weights and lists. memory: what is bound by its bandwidth.
// scalar: everything that is neither vectorised nor large. physics: robots.
enum class RateGroup : std::size_t { kDense, kSparse, kMemory, kScalar, kPhysics, kCount };
inline constexpr std::size_t kRateGroups = static_cast<std::size_t>(RateGroup::kCount);
using SecondsByGroup = std::array<double, kRateGroups>;

std::string_view name_of(RateGroup);
RateGroup group_of(WorkKind);

// On the reference machine.
double reference_seconds(WorkKind);
SecondsByGroup reference_seconds(const WorkCounts&);
double sum(const SecondsByGroup&);

struct Rates {
  SecondsByGroup factor = {1, 1, 1, 1, 1};  // seconds here for a second of the reference
  // Standard deviation of the logarithm of what a forecast is wrong by because of the machine.
  double error = 0.2;
  std::string source = "the reference machine";  // for people

  double seconds(const SecondsByGroup& reference) const;
  double seconds(const WorkCounts& counts) const { return seconds(reference_seconds(counts)); }
};

// Without a calibration: by what the processor calls itself (io/machine.hpp) and the instruction set of the
// kernels. Only the first kind was measured; the others are ratios of known kernels, with wide errors.
Rates shipped_rates(std::string_view processor, std::string_view instruction_set);

}  // namespace impsweep
