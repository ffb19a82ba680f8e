#include "engine/training/fingerprint.hpp"

#include <H5public.h>
#include <fmt/format.h>
#include <gnu/libc-version.h>
#include <mpi.h>
#include <unistd.h>

#include <cstdlib>

#include "agents/native/kernels/kernels.hpp"
#include "agents/torch/torch_versions.hpp"
#include "engine/training/version.hpp"
#include "envs/locomotion/lane_robot.hpp"
#include "io/error.hpp"
#include "io/machine.hpp"

namespace impsweep {
namespace {

// Raised when a kernel changes its bits. LibTorch's networks take their steps with our optimizer, so that it
// says what they compute as well.
constexpr int kKernelGeneration = 2;

// Raised when returns are measured or averaged in another way.
constexpr int kEvaluationGeneration = 2;

constexpr const char* kTorch = "torch";

std::string compiler() {
#if defined(__clang__)
  return fmt::format("clang {}", __clang_version__);
#else
  return fmt::format("g++ {}", __VERSION__);
#endif
}

// glibc picks variants of sin, cos and pow by whether the processor has fused multiply-add.
std::string mathematical_library() {
#if defined(__x86_64__)
  return fmt::format("glibc {}, {} fused multiply-add", gnu_get_libc_version(),
                     __builtin_cpu_supports("fma") ? "with" : "without");
#else
  return fmt::format("glibc {}", gnu_get_libc_version());
#endif
}

std::string mpi_library() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING] = {};
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string all(text, static_cast<std::size_t>(length));
  return all.substr(0, all.find(','));
}

}  // namespace

std::map<std::string, std::string> numerics_fingerprint(Backend backend) {
  std::map<std::string, std::string> entries = {
      {"compiler", compiler()},
      {"mathematical library", mathematical_library()},
      {"evaluation", fmt::format("generation {}", kEvaluationGeneration)},
      {"backend",
       fmt::format("{}, kernels {}", backend == Backend::kNative ? "native" : kTorch, kKernelGeneration)}};
  if (backend == Backend::kTorch) {
    const auto setting = [](const char* name, const char* fallback) {
      const char* value = std::getenv(name);
      return std::string(value != nullptr ? value : fallback);
    };
    entries["torch capability"] = setting("ATEN_CPU_CAPABILITY", "avx2");
    entries["torch blas core"] = setting("OPENBLAS_CORETYPE", "Haswell");
  }
  return entries;
}

std::map<std::string, std::string> numerics_of(const TaskInfo& task, Backend backend) {
  std::map<std::string, std::string> entries = task.numerics;
  if (backend == Backend::kTorch) {
    const LibTorchVersions versions = torch_versions();
    entries["torch"] = versions.torch;
    entries["torch-blas"] = versions.blas;
  }
  return entries;
}

Backend backend_with_numerics(const std::map<std::string, std::string>& wanted, const std::string& origin) {
  const auto text = [](const std::map<std::string, std::string>& entries, const std::string& name) {
    const auto found = entries.find(name);
    return found == entries.end() ? std::string("nothing") : "'" + found->second + "'";
  };
  const bool is_torch = text(wanted, "backend").starts_with(fmt::format("'{}", kTorch));
  const Backend backend = is_torch ? Backend::kTorch : Backend::kNative;
  const std::map<std::string, std::string> here = numerics_fingerprint(backend);
  std::map<std::string, std::string> names = wanted;
  names.insert(here.begin(), here.end());
  for (const auto& [name, value] : names)
    if (text(wanted, name) != text(here, name))
      throw InputError(
          "{}: computed with {} = {}, which this machine cannot reproduce (it has {}); compute it again on a "
          "machine of that kind",
          origin, name, text(wanted, name), text(here, name));
  return backend;
}

bool select_instructions(std::string_view name) {
  return select_kernels(name) && locomotion::select_lane_steps(name);
}

std::map<std::string, std::string> provenance_texts(Backend backend) {
  std::map<std::string, std::string> texts = numerics_fingerprint(backend);
  texts["impsweep version"] = program_version();
  texts["impsweep commit"] = program_commit();
  texts["instruction set"] = std::string(kernels().name);
  char host[256] = "unknown";
  gethostname(host, sizeof host - 1);
  texts["host"] = host;
  texts["processor"] = processor_name();
  for (const char* name :
       {"SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_RESTART_COUNT"})
    if (const char* value = std::getenv(name)) texts[name] = value;
  return texts;
}

std::string version_text() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  std::string text =
      fmt::format("impsweep {}\ncommit {}\n{}\nHDF5 {}.{}.{}\nkernels: {}\n", program_version(),
                  program_commit(), mpi_library(), major, minor, release, kernels().name);
  text += "numerics fingerprint:\n";
  for (const auto& [name, value] : numerics_fingerprint(Backend::kNative))
    text += fmt::format("  {}: {}\n", name, value);
  return text;
}

}  // namespace impsweep
