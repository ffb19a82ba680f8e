#include "agents/acting_policy.hpp"

#include "agents/kernels/kernels.hpp"
#include "agents/model.hpp"
#include "agents/rollout.hpp"

namespace impsweep {

void SoftmaxPolicy::act(int actions, MutableBatch outputs, std::span<const std::int32_t> lanes,
                        std::span<Stream> streams, std::int32_t* action) const {
  kernels().softmax(actions, static_cast<int>(lanes.size()), outputs.data, outputs.data, outputs.stride);
  for (std::size_t c = 0; c < lanes.size(); ++c)
    sample_actions(actions, 1, outputs.data + c, outputs.stride, &streams[static_cast<std::size_t>(lanes[c])],
                   &action[c]);
}

void EpsilonGreedyPolicy::act(int actions, MutableBatch outputs, std::span<const std::int32_t> lanes,
                              std::span<Stream> streams, std::int32_t* action) const {
  for (std::size_t c = 0; c < lanes.size(); ++c) {
    Stream& stream = streams[static_cast<std::size_t>(lanes[c])];
    if (stream.uniform() < epsilon_) {
      action[c] = static_cast<std::int32_t>(stream.below(actions));
      continue;
    }
    std::int32_t best = 0;
    for (std::int32_t a = 1; a < actions; ++a)
      if (outputs.data[a * outputs.stride + static_cast<int>(c)] >
          outputs.data[best * outputs.stride + static_cast<int>(c)])
        best = a;
    action[c] = best;
  }
}

std::unique_ptr<ActingPolicy> evaluation_policy(const ModelSpec& model, std::string_view algorithm,
                                                const AgentConfig& config) {
  if (!learns_values(model)) return std::make_unique<SoftmaxPolicy>();
  return std::make_unique<EpsilonGreedyPolicy>(algorithm == "bc" ? config.cloning.epsilon_eval
                                                                 : config.dqn.epsilon_eval);
}

}  // namespace impsweep
