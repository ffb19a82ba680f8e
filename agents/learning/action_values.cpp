#include "agents/learning/action_values.hpp"

#include "agents/native/kernels/kernels.hpp"

namespace impsweep {
namespace {

constexpr int kQ = 0, kValue = 1;

}  // namespace

ActionValues::ActionValues(const ModelSpec& model, int max_batch)
    : actions_(model.parts[kQ].sizes.back()), dueling_(model.parts.size() > 1) {
  state_value_.assign(static_cast<std::size_t>(round_up_to_lanes(max_batch)), 0.0f);
}

void ActionValues::combine(int batch, MutableBatch q) const {
  for (int b = 0; b < batch; ++b) {
    float sum = 0;
    for (int a = 0; a < actions_; ++a) sum += q.data[a * q.stride + b];
    const float shift = state_value_[b] - sum / static_cast<float>(actions_);
    for (int a = 0; a < actions_; ++a) q.data[a * q.stride + b] += shift;
  }
}

void ActionValues::infer(Network& network, const ObservationColumns& observation, int batch, MutableBatch q) {
  observation.infer(network, kQ, batch, q);
  if (!dueling_) return;
  observation.infer(network, kValue, batch, {state_value_.data(), q.stride});
  combine(batch, q);
}

void ActionValues::forward(Network& network, const ObservationColumns& observation, int batch,
                           MutableBatch q) {
  observation.forward(network, kQ, batch, q);
  if (!dueling_) return;
  observation.forward(network, kValue, batch, {state_value_.data(), q.stride});
  combine(batch, q);
}

void ActionValues::backward(Network& network, int batch, MutableBatch q_gradient) {
  if (dueling_) {
    for (int b = 0; b < batch; ++b) {
      float sum = 0;
      for (int a = 0; a < actions_; ++a) sum += q_gradient.data[a * q_gradient.stride + b];
      state_value_[b] = sum;
      for (int a = 0; a < actions_; ++a)
        q_gradient.data[a * q_gradient.stride + b] -= sum / static_cast<float>(actions_);
    }
    network.backward(kValue, batch, {state_value_.data(), q_gradient.stride});
  }
  network.backward(kQ, batch, {q_gradient.data, q_gradient.stride});
}

}  // namespace impsweep
