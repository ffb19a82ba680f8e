// Counts heap allocations: acting and learning must not need any once they have begun.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "agents/acting/rollout.hpp"
#include "agents/config/cloning_config.hpp"
#include "agents/config/paper_defaults.hpp"
#include "agents/learning/cloning.hpp"
#include "agents/learning/ppo.hpp"
#include "agents/network/model.hpp"
#include "tests/agents/random_arrays.hpp"

namespace {
std::atomic<long> allocations = 0;

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
}  // namespace

void* operator new(std::size_t size) {
  return allocate(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {  // of the library's temporary buffers
  ++allocations;
  return std::malloc(size);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, const std::nothrow_t&) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

using namespace impsweep;
using namespace impsweep::testing;

namespace {

// Allocations of ten rollouts, each with an epoch of updates, after one that sets everything up.
template <class Learner>
long count_allocations(const std::string& algorithm, double density, bool with_every_option = false) {
  AgentConfig config = paper_defaults("cartpole", algorithm);
  if (algorithm == "bc") config.options<PolicyCloningConfig>().critic = CloningCritic::kDistill;
  if (with_every_option)
    config.own = PpoConfig{.normalize_advantage = true,
                           .advantage_scope = AdvantageScope::kMinibatch,
                           .clip_value_loss = true,
                           .target_kl = 1};
  ModelSpec model = policy_model({4, 2}, config.network, true);
  if (with_every_option) model.observation_moments = 4;
  Stream mask("mask");
  const NetworkOptions options{.max_batch = 256};
  const auto network = make_network(Backend::kNative, model, random_mask(mask, model, density), options);
  Sampler sampler("cartpole", {}, 4, "allocations", 1, ObservationForm::kNumbers);
  const auto policy = make_policy(2, false, 4);
  Samples samples(64, 4, 4, 2);
  const MinibatchPlan minibatch(samples.size(), 4);
  Learner learner(*network, model, config, minibatch, 100);
  ObservationMoments moments(model, std::vector<float>(parameter_count(model), 1.0f));
  RewardScaling scaling(samples.B, 0.99);
  std::vector<std::int32_t> order(static_cast<std::size_t>(samples.size()));
  Stream stream("order");
  long before = 0;
  for (int iteration = 0; iteration <= 10; ++iteration) {
    if (iteration == 1) before = allocations;
    collect_rollout(sampler, *policy, *network, 0, samples);
    if (with_every_option) {
      scaling.scale(samples);
      moments.take_in(samples, *network);
    }
    estimate_advantages(samples, 0.99, 0.8, true);
    shuffle(stream, order.data(), samples.size());
    for (int m = 0; m < minibatch.per_epoch; ++m)
      learner.learn_minibatch(samples, order.data() + std::ptrdiff_t{m} * minibatch.size);
    learner.finish_iteration();
  }
  return allocations - before;
}

}  // namespace

TEST_CASE("rollouts and updates allocate nothing in the steady state, at any density") {
  const long before = allocations;
  CHECK(std::vector<int>(100).size() == 100);
  CHECK(allocations > before);  // the counter counts
  for (const double density : {1.0, 0.3, 0.02}) {
    CAPTURE(density);
    CHECK(count_allocations<PpoLearner>("ppo", density) == 0);
    CHECK(count_allocations<PpoLearner>("ppo", density, true) == 0);
    CHECK(count_allocations<CloningLearner>("bc", density) == 0);
  }
}
