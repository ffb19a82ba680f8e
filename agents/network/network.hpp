// agents/network/network.hpp - the interface between learning and arithmetic. Algorithms see outputs and
// their gradients only; a backend (native kernels, LibTorch) sees batches and a mask only.
//
// A model is a list of multilayer perceptrons ("parts": actor, critic, q) that share one parameter arena, and
// may share their first layers ("trunk"), plus optionally a vector log_std and moments of observations. The
// *dense order* of parameters is part after part, layer after layer, weight [out][in] then bias [out], then
// log_std and moments; files, masks, initialisation and pruning speak it. A backend keeps its own *arena*
// order, in which pruned weights may be absent; gather() and scatter() translate.
//
// Batches are feature-major: feature f of sample b is at data[f * stride + b].
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "agents/config/config.hpp"

namespace impsweep {

// A layer that moves one set of square kernels over a board of several channels. The board is extended by
// `padding` rows and columns of zeros on every side. Boards and the maps that the layer makes are flat,
// [channel][row][column].
struct ConvolutionSpec {
  int channels = 0, rows = 0, columns = 0;
  int filters = 0, kernel = 0;
  int stride = 1, padding = 0;
  int map_rows() const { return (rows + 2 * padding - kernel) / stride + 1; }
  int map_columns() const { return (columns + 2 * padding - kernel) / stride + 1; }
  int positions() const { return map_rows() * map_columns(); }
};

struct MlpSpec {
  std::string name;                           // "actor", "critic", "q"
  std::vector<int> sizes;                     // inputs, hidden ..., outputs
  Activation activation = Activation::kRelu;  // after each hidden layer
  bool tanh_output = false;                   // tanh on the output layer (mean of a Gaussian policy)
  // The first layers, which others must follow: convolution l leads from sizes[l] = channels * rows * columns
  // to sizes[l + 1] = filters * positions.
  std::vector<ConvolutionSpec> convolutions = {};
  // Set: a head on the trunk of an earlier part, whose last hidden layer is its input (sizes[0] units); an
  // actor and a critic then share all layers but their last.
  std::optional<int> trunk = {};
  // Inputs that the first layer is allowed to read; the mask takes the others away. It sets the fan-in of
  // that layer, and with it the scale of its initial weights. 0: all of them.
  int connected_inputs = 0;
};

struct ModelSpec {
  std::vector<MlpSpec> parts;
  int log_std = 0;  // length of the state-independent log standard deviation, 0 if there is none
  double initial_log_std = 0;
  // Features of an observation whose moments the model holds, 0 if it holds none: the tensors
  // observation_mean and observation_variance, and observation_count, what they are formed of. Every part
  // that reads the observation x then sees
  //   clip((x - mean) / sqrt(variance + kVarianceFloor), -kObservationClip, kObservationClip)
  // Moments are neither trained nor pruned; whoever collects observations writes them.
  int observation_moments = 0;
};
inline constexpr float kObservationClip = 10;
inline constexpr double kVarianceFloor = 1e-8;
inline constexpr double kInitialCount = 1e-4;  // of the prior: mean 0, variance 1

// One parameter tensor in dense order.
struct Tensor {
  std::string name;           // "actor/0/weight", "actor/0/bias", "log_std"
  int part = -1, layer = -1;  // -1 for log_std and moments
  bool is_weight = false;
  std::vector<int> shape;  // [out, in] or [out]; of a convolution [filters, channels, kernel, kernel]
  std::size_t offset = 0, size = 0;
  int fan_in = 0, fan_out = 0;     // of the layer
  bool reads_observation = false;  // a weight or bias of a first layer
  bool is_output = false;          // of the last layer of its part
  float initial = 0;               // log_std and moments: every entry at the start
};

// The shape of a layer's weight; the bias is as long as its first extent.
std::vector<int> weight_shape(const MlpSpec&, std::size_t layer);

// The tensors of a model in dense order; total size = last offset + last size.
std::vector<Tensor> tensors_of(const ModelSpec&);
std::size_t parameter_count(const ModelSpec&);

struct ConstBatch {
  const float* data = nullptr;  // [features][stride]
  int stride = 0;
};
struct MutableBatch {
  float* data = nullptr;  // [features][stride]
  int stride = 0;
};

// A batch of binary observations by the features that are 1: those of sample b, ascending, are
// feature[begin[b]] .. feature[begin[b + 1] - 1].
struct ActiveBatch {
  const std::uint32_t* begin = nullptr;  // [batch + 1]
  const std::uint16_t* feature = nullptr;
};

// A model compiled for one mask.
class Network {
 public:
  virtual ~Network() = default;
  virtual int input_size(int part) const = 0;

  // Parameters in arena order. Writing to them must be followed by parameters_changed().
  // Gradients belong to the first parameters; those behind them are not trained (nothing depends on them) and
  // keep their values. Both lengths are multiples of 16 (kLanes of kernels/kernels.hpp): the optimizer and
  // the norm run over whole lanes. Places that hold no parameter are zero in both, and must be left so.
  virtual std::span<float> parameters() = 0;
  virtual std::span<float> gradients() = 0;
  virtual void parameters_changed() {}

  // dense [parameter_count] <-> arena. scatter writes 0 at pruned places. The arena may be one of gradients
  // or moments, which ends before the parameters that are not trained: for them scatter writes 0 then.
  virtual void gather(std::span<const float> dense, std::span<float> arena) const = 0;
  virtual void scatter(std::span<const float> arena, std::span<float> dense) const = 0;

  // Offset of log_std in the arena (its length is the specification's); meaningless without one.
  virtual std::size_t log_std_offset() const = 0;

  // The same of the moments of the observation: mean, variance and count, one behind the other, among what is
  // not trained.
  virtual std::size_t moments_offset() const { return 0; }

  // The mask in force, as it was given.
  virtual std::span<const std::uint8_t> mask() const = 0;

  // Compiles the model for another mask. Parameters that both keep keep their value, those that come are 0.
  // The arena is another one, its gradients are 0; passes and factors of before are forgotten.
  virtual void recompile(std::span<const std::uint8_t> mask) = 0;

  // outputs [out][batch], overwritten. `infer` keeps nothing for a backward pass, and overwrites what an
  // earlier forward pass of the part has kept. At most `max_batch` samples.
  virtual void infer(int part, int batch, ConstBatch inputs, MutableBatch outputs) = 0;

  // Like infer, but keeps activations; the inputs must stay valid until backward of this part. A head's
  // forward must follow that of its trunk's part on the same inputs.
  virtual void forward(int part, int batch, ConstBatch inputs, MutableBatch outputs) = 0;

  // The same for binary inputs. As defined here they are expanded into a dense batch; a backend may do
  // better.
  virtual void infer_active(int part, int batch, const ActiveBatch& inputs, MutableBatch outputs);
  virtual void forward_active(int part, int batch, const ActiveBatch& inputs, MutableBatch outputs);

  // Factors on the hidden activations of the part (dropout) in forward passes, and backwards, until they are
  // set anew; {} is none. data [hidden units, layer after layer][stride] must stay valid, and cover whole
  // lanes.
  virtual void set_hidden_factors(int part, ConstBatch factors) = 0;

  // Overwrites the part's weight and bias gradients with those of the loss; masked entries have none. Heads
  // come before the part whose trunk they share: its gradients are those of all of them together, and only
  // after it are theirs complete.
  virtual void backward(int part, int batch, ConstBatch output_gradients) = 0;

 private:
  ConstBatch expand(int part, int batch, const ActiveBatch&);
  std::vector<std::vector<float>> expanded_;  // by part, [input_size][batch]; must outlive backward
};

struct NetworkOptions {
  int max_batch = 256;  // largest batch that will be passed
  // Leave out what cannot matter. Only without weight decay, which reaches every weight, and for masks that
  // never change: what cannot matter today has moments, and may matter tomorrow.
  bool remove_unreachable = true;
  double active_inputs = 0;  // binary inputs: about how many are 1 at a time; 0 for others
};

// mask: [parameter_count] in dense order, 1 = kept; empty = all kept. Parameters start at zero.
std::unique_ptr<Network> make_native_network(const ModelSpec&, std::span<const std::uint8_t> mask,
                                             NetworkOptions);

// The LibTorch module cannot be loaded; what() says why, and the remedy.
struct LibTorchMissing : std::runtime_error {
  using std::runtime_error::runtime_error;
};
void require_libtorch();  // opens the module, or throws LibTorchMissing

// Opens the LibTorch module on first use, or throws LibTorchMissing.
std::unique_ptr<Network> make_torch_network(const ModelSpec&, std::span<const std::uint8_t> mask,
                                            NetworkOptions);

}  // namespace impsweep
