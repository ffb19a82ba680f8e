// The entry of the LibTorch module, which torch_loader.cpp opens, and the object that it gives.
#include <torch/torch.h>

#include <cstdio>

#include "agents/torch/torch_module.hpp"

namespace impsweep {
namespace {

class Module final : public TorchModule {
 public:
  Module() { at::set_num_threads(1); }
  std::unique_ptr<Network> make_network(const ModelSpec& spec, std::span<const std::uint8_t> mask,
                                        NetworkOptions options) override {
    return make_libtorch_network(spec, mask, options);
  }
  std::unique_ptr<EagerPpo> make_eager_ppo(const ModelSpec& spec, std::span<const std::uint8_t> mask,
                                           std::span<const float> parameters, const Samples& samples,
                                           const AgentConfig& config) override {
    return make_libtorch_ppo(spec, mask, parameters, samples, config);
  }
  std::unique_ptr<EagerDqn> make_eager_dqn(const ModelSpec& spec, std::span<const std::uint8_t> mask,
                                           std::span<const float> parameters,
                                           const AgentConfig& config) override {
    return make_libtorch_dqn(spec, mask, parameters, config);
  }
  const TorchOracle& oracle() const override { return *oracle_; }
  std::vector<char> tensor_file(const TensorFile& file) override { return libtorch_file(file); }
  LibTorchVersions versions() const override { return libtorch_versions(); }

 private:
  std::unique_ptr<TorchOracle> oracle_ = make_libtorch_oracle();
};

}  // namespace
}  // namespace impsweep

extern "C" impsweep::TorchModule* impsweep_torch_module(int interface, char* error, std::size_t error_size) {
  if (interface != impsweep::kTorchModuleInterface) {
    std::snprintf(error, error_size, "the module was built for interface %d, the program for %d",
                  impsweep::kTorchModuleInterface, interface);
    return nullptr;
  }
  try {
    static impsweep::Module module;
    return &module;
  } catch (const std::exception& failure) {
    std::snprintf(error, error_size, "%s", failure.what());
    return nullptr;
  }
}
