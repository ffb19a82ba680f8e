#include "engine/plan/rates.hpp"

#include <algorithm>
#include <numeric>

namespace impsweep {
namespace {

using Group = RateGroup;

struct Kind {
  Group group;
  double seconds;
};

// In the order of WorkKind.
constexpr std::array<Kind, kWorkKinds> kKinds = {{
    {Group::kDense, 4.3e-12},    // products
    {Group::kDense, 6.0e-12},    // products of few samples
    {Group::kDense, 5.8e-12},    // gradients of products
    {Group::kSparse, 1.05e-11},  // sparse products
    {Group::kSparse, 4.5e-12},   // sparse gradients
    {Group::kMemory, 1.0e-11},   // wide sparse products
    {Group::kSparse, 1.46e-9},   // sums of gradients
    {Group::kSparse, 1.86e-9},   // sparse rows
    {Group::kSparse, 1.3e-11},   // rows of ones
    {Group::kSparse, 1.5e-11},   // gradients of rows
    {Group::kSparse, 6.2e-10},   // lists of ones
    {Group::kSparse, 4.5e-11},   // written-out observations
    {Group::kDense, 1.6e-11},    // activations
    {Group::kDense, 6.4e-11},    // gradients of activations
    {Group::kDense, 3.4e-10},    // hyperbolic tangents
    {Group::kScalar, 4.4e-8},    // passes
    {Group::kScalar, 1.2e-7},    // backward passes
    {Group::kDense, 1e-11},      // convolutions
    {Group::kMemory, 4e-10},     // distant weights
    {Group::kMemory, 1.45e-10},  // optimizer
    {Group::kMemory, 3e-10},     // optimizer of large networks
    {Group::kScalar, 5e-7},      // updates
    {Group::kMemory, 1e-9},      // minibatches
    {Group::kDense, 1e-9},       // losses
    {Group::kMemory, 1e-7},      // draws
    {Group::kMemory, 3e-10},     // drawn observations
    {Group::kScalar, 2e-8},      // actions
    {Group::kMemory, 1e-9},      // kept observations
    {Group::kScalar, 1.0},       // environments
    {Group::kPhysics, 1.0},      // physics
    {Group::kScalar, 2e-6},      // episodes
    {Group::kScalar, 3e-3},      // trainings
    {Group::kMemory, 4e-8},      // parameters
}};

}  // namespace

std::string_view name_of(RateGroup group) {
  constexpr std::array<std::string_view, kRateGroups> kNames = {"dense", "sparse", "memory", "scalar",
                                                                "physics"};
  return kNames[static_cast<std::size_t>(group)];
}

RateGroup group_of(WorkKind kind) {
  return kKinds[static_cast<std::size_t>(kind)].group;
}

double reference_seconds(WorkKind kind) {
  return kKinds[static_cast<std::size_t>(kind)].seconds;
}

SecondsByGroup reference_seconds(const WorkCounts& counts) {
  SecondsByGroup seconds = {};
  for (std::size_t k = 0; k < kWorkKinds; ++k)
    seconds[static_cast<std::size_t>(kKinds[k].group)] += counts.units[k] * kKinds[k].seconds;
  return seconds;
}

double sum(const SecondsByGroup& seconds) {
  return std::accumulate(seconds.begin(), seconds.end(), 0.0);
}

double Rates::seconds(const SecondsByGroup& reference) const {
  return std::inner_product(reference.begin(), reference.end(), factor.begin(), 0.0);
}

Rates shipped_rates(std::string_view processor, std::string_view instruction_set) {
  const auto is = [&](std::string_view text) { return processor.find(text) != std::string_view::npos; };
  // Kernels without 512-bit registers have half the width or a sixteenth of it, and as much of what they
  // spend besides products.
  Rates rates;
  if (instruction_set == "avx512" && is("AMD") && is("family 26")) {
    rates.error = 0.25;
    rates.source = "shipped for AMD, family 26 (Zen 5)";
  } else if (instruction_set == "avx512" && is("AMD")) {
    rates.factor = {2.2, 1.6, 1.4, 1.3, 1.2};
    rates.error = 0.4;
    rates.source = "shipped for AMD, family 25 (Zen 4)";
  } else if (instruction_set == "avx512") {
    rates.factor = {1.5, 1.7, 2.0, 1.5, 1.6};
    rates.error = 0.45;
    rates.source = "shipped for Intel with AVX-512";
  } else if (instruction_set == "avx2") {
    rates.factor = {3.5, 2.5, 1.8, 1.5, 1.6};
    rates.error = 0.5;
    rates.source = "shipped for processors with AVX2";
  } else {
    rates.factor = {30, 15, 4, 1.8, 1.8};
    rates.error = 0.7;
    rates.source = "shipped for processors without vector kernels";
  }
  return rates;
}

}  // namespace impsweep
