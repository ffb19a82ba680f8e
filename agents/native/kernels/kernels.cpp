#include "agents/native/kernels/kernels.hpp"

#include "agents/native/kernels/targets.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "agents/native/kernels/kernels.cpp"
#include <hwy/foreach_target.h>  // IWYU pragma: keep
#include <hwy/highway.h>

#include "agents/native/kernels/kernels-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace impsweep::HWY_NAMESPACE {

const Kernels& table() {
  static constexpr Kernels kTable = {
      .name = HWY_TARGET == HWY_AVX3   ? "avx512"
              : HWY_TARGET == HWY_AVX2 ? "avx2"
                                       : "scalar",
      .gemm = gemm,
      .sparse = sparse,
      .sparse_weight_gradient = sparse_weight_gradient,
      .sparse_backward = sparse_backward,
      .add_rows = add_rows,
      .row_sums = row_sums,
      .transpose = transpose,
      .transpose_selected = transpose_selected,
      .squared_norm = squared_norm,
      .multiply = multiply,
      .adam = adam,
      .softmax = softmax,
      .ppo_loss = ppo_loss,
      .gaussian_ppo_loss = gaussian_ppo_loss,
      .gaussian_log_likelihood = gaussian_log_likelihood,
      .cross_entropy = cross_entropy,
      .q_loss = q_loss,
      .multiply_add_chains = multiply_add_chains,
      .exp = exp,
      .log = log,
      .tanh = tanh,
  };
  return kTable;
}

}  // namespace impsweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace impsweep {

const Kernels* find_kernels(std::string_view name) {
  const std::int64_t supported = hwy::SupportedTargets();
  (void)supported;
#if HWY_TARGETS & HWY_AVX3
  if ((supported & HWY_AVX3) != 0 && (name == "avx512" || name == "auto")) return &N_AVX3::table();
#endif
#if HWY_TARGETS & HWY_AVX2
  if ((supported & HWY_AVX2) != 0 && (name == "avx2" || name == "auto")) return &N_AVX2::table();
#endif
  if (name == "scalar" || name == "auto") return &HWY_NAMESPACE::table();
  return nullptr;
}

namespace {
const Kernels*& selected() {
  static const Kernels* choice = find_kernels("auto");
  return choice;
}
}  // namespace

const Kernels& kernels() {
  return *selected();
}

bool select_kernels(std::string_view name) {
  const Kernels* found = find_kernels(name);
  if (found != nullptr) selected() = found;
  return found != nullptr;
}

}  // namespace impsweep
#endif
