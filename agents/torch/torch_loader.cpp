// Finds and opens the LibTorch module on first use. LibTorch costs half a second of start-up and 150 MB,
// which programs that do not need it shall not pay.
#include <dlfcn.h>
#include <stdlib.h>

#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "agents/torch/torch_module.hpp"

namespace impsweep {
namespace {

namespace fs = std::filesystem;

constexpr const char* kModuleVariable = "IMPSWEEP_TORCH_MODULE";
constexpr const char* kModuleFile = "impsweep_torch.so";

// One thread, and instructions that every processor of a cluster has: results must not depend on where they
// were computed. The libraries read these variables when they are loaded; what the user has set stays.
void pin_numerics() {
  static constexpr const char* kPins[][2] = {
      {"OMP_NUM_THREADS", "1"},        {"OPENBLAS_NUM_THREADS", "1"},    {"MKL_NUM_THREADS", "1"},
      {"ATEN_CPU_CAPABILITY", "avx2"}, {"OPENBLAS_CORETYPE", "Haswell"}, {"MKL_CBWR", "AVX2"},
      {"ONEDNN_MAX_CPU_ISA", "AVX2"},  {"DNNL_MAX_CPU_ISA", "AVX2"},
  };
  for (const auto& [name, value] : kPins) ::setenv(name, value, 0);
}

// Where the module may be: as the user says, or beside the program, or in the library folders next to it.
std::vector<fs::path> candidates() {
  if (const char* chosen = std::getenv(kModuleVariable); chosen != nullptr && *chosen != '\0')
    return {chosen};
  std::error_code error;
  const fs::path folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  std::vector<fs::path> places = {folder / kModuleFile};
  for (const auto& entry : fs::directory_iterator(folder.parent_path(), error)) {
    if (!entry.path().filename().string().starts_with("lib") || !entry.is_directory(error)) continue;
    places.push_back(entry.path() / "impsweep" / kModuleFile);
    for (const auto& inner : fs::directory_iterator(entry.path(), error))  // lib/x86_64-linux-gnu
      if (inner.is_directory(error) && fs::exists(inner.path() / "impsweep" / kModuleFile, error))
        places.push_back(inner.path() / "impsweep" / kModuleFile);
  }
  return places;
}

[[noreturn]] void fail(const std::string& reason) {
  throw LibTorchMissing("the LibTorch backend is not available: " + reason +
                        "; build with -DIMPSWEEP_TORCH=ON, set " + kModuleVariable + " to the path of " +
                        kModuleFile + ", or choose --backend native");
}

TorchModule& open_module() {
  std::string searched;
  fs::path found;
  for (const fs::path& place : candidates()) {
    std::error_code error;
    if (fs::is_regular_file(place, error)) {
      found = fs::absolute(place);
      break;
    }
    searched += (searched.empty() ? "" : ", ") + place.string();
  }
  if (found.empty()) fail("there is no " + searched);

  pin_numerics();
  void* library = ::dlopen(found.c_str(), RTLD_NOW | RTLD_LOCAL);  // stays open until the process ends
  if (library == nullptr) fail(std::string("it cannot be opened: ") + ::dlerror());
  auto* entry = reinterpret_cast<TorchModuleEntry*>(::dlsym(library, kTorchModuleEntry));
  if (entry == nullptr) fail(found.string() + " is no module of this program");
  char error[1024] = "";
  TorchModule* module = entry(kTorchModuleInterface, error, sizeof error);
  if (module == nullptr) fail(found.string() + ": " + error);
  return *module;
}

TorchModule& module() {
  static std::mutex mutex;
  static TorchModule* opened = nullptr;
  const std::lock_guard lock(mutex);
  if (opened == nullptr) opened = &open_module();
  return *opened;
}

}  // namespace

void require_libtorch() {
  module();
}

std::unique_ptr<Network> make_torch_network(const ModelSpec& spec, std::span<const std::uint8_t> mask,
                                            NetworkOptions options) {
  return module().make_network(spec, mask, options);
}

std::unique_ptr<EagerPpo> make_eager_ppo(const ModelSpec& model, std::span<const std::uint8_t> mask,
                                         std::span<const float> parameters, const Samples& samples,
                                         const AgentConfig& config) {
  return module().make_eager_ppo(model, mask, parameters, samples, config);
}

std::unique_ptr<EagerDqn> make_eager_dqn(const ModelSpec& model, std::span<const std::uint8_t> mask,
                                         std::span<const float> parameters, const AgentConfig& config) {
  return module().make_eager_dqn(model, mask, parameters, config);
}

const TorchOracle& torch_oracle() {
  return module().oracle();
}

std::vector<char> torch_file(const TensorFile& file) {
  return module().tensor_file(file);
}

LibTorchVersions torch_versions() {
  return module().versions();
}

}  // namespace impsweep
