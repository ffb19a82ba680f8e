// agents/torch/torch_module.hpp - what passes between the program and the module that holds LibTorch: one C
// function, found by name, that returns an abstract class. Nothing else of the module is visible.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "agents/network/network.hpp"
#include "agents/torch/eager_dqn.hpp"
#include "agents/torch/eager_ppo.hpp"
#include "agents/torch/tensor_file.hpp"
#include "agents/torch/torch_oracle.hpp"
#include "agents/torch/torch_versions.hpp"

namespace impsweep {

class TorchModule {
 public:
  virtual ~TorchModule() = default;
  virtual std::unique_ptr<Network> make_network(const ModelSpec&, std::span<const std::uint8_t> mask,
                                                NetworkOptions) = 0;
  virtual std::unique_ptr<EagerPpo> make_eager_ppo(const ModelSpec&, std::span<const std::uint8_t> mask,
                                                   std::span<const float> parameters, const Samples&,
                                                   const AgentConfig&) = 0;
  virtual std::unique_ptr<EagerDqn> make_eager_dqn(const ModelSpec&, std::span<const std::uint8_t> mask,
                                                   std::span<const float> parameters, const AgentConfig&) = 0;
  virtual const TorchOracle& oracle() const = 0;
  virtual std::vector<char> tensor_file(const TensorFile&) = 0;
  virtual LibTorchVersions versions() const = 0;
};

// Raised whenever a class or struct that passes the boundary changes.
inline constexpr int kTorchModuleInterface = 7;
inline constexpr const char* kTorchModuleEntry = "impsweep_torch_module";

// The module's only object, which lives as long as the process; null with a text in `error` (always
// terminated) if it cannot be made for a program with this interface.
using TorchModuleEntry = TorchModule*(int interface, char* error, std::size_t error_size);

// ---- inside the module: what its functions call
// torch_network.cpp, torch_oracle.cpp
std::unique_ptr<Network> make_libtorch_network(const ModelSpec&, std::span<const std::uint8_t> mask,
                                               NetworkOptions);
std::unique_ptr<TorchOracle> make_libtorch_oracle();

// torch_eager_dqn.cpp, torch_eager_ppo.cpp
std::unique_ptr<EagerDqn> make_libtorch_dqn(const ModelSpec&, std::span<const std::uint8_t> mask,
                                            std::span<const float> parameters, const AgentConfig&);
std::unique_ptr<EagerPpo> make_libtorch_ppo(const ModelSpec&, std::span<const std::uint8_t> mask,
                                            std::span<const float> parameters, const Samples&,
                                            const AgentConfig&);

// torch_tensor_file.cpp
std::vector<char> libtorch_file(const TensorFile&);

// torch_versions.cpp
LibTorchVersions libtorch_versions();

}  // namespace impsweep
