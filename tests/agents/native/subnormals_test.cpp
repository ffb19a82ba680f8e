// Subnormal numbers count as zero in updates and inference, on every thread and every instruction set, and
// nowhere else.
#include "agents/native/subnormals.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

#include "agents/learning/adam.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/native_network.hpp"
#include "envs/parallel_environment.hpp"
#include "envs/random.hpp"
#include "tests/agents/random_arrays.hpp"

using namespace impsweep;
using namespace impsweep::testing;

namespace {

constexpr float kSmallest = std::numeric_limits<float>::denorm_min();

// What this thread makes of a product that is subnormal, and of an operand that is.
bool flushes_results() {
  volatile float factor = 1e-20f;
  return factor * factor == 0.0f;
}
bool flushes_operands() {
  volatile float operand = 1e-40f;
  return operand * 1e30f == 0.0f;
}

// Numbers of either sign from far below the smallest normal one to a little above it, and zeros.
AlignedFloats around_the_smallest(Stream& stream, std::size_t count) {
  AlignedFloats values(count);
  for (float& value : values)
    value = static_cast<float>((2 * stream.uniform() - 1) *
                               std::pow(2.0, -150 + static_cast<int>(stream.below(40))));
  return values;
}

bool has_subnormal(const AlignedFloats& values) {
  for (const float value : values)
    if (std::fpclassify(value) == FP_SUBNORMAL) return true;
  return false;
}

}  // namespace

TEST_CASE("the mode holds while its scope lives, also nested, and exceptions end it") {
  CHECK_FALSE(FlushSubnormals::is_on());
  CHECK_FALSE(flushes_results());
  CHECK_FALSE(flushes_operands());
  {
    const FlushSubnormals outer;
    CHECK(FlushSubnormals::is_on());
    CHECK(flushes_results());
    CHECK(flushes_operands());
    {
      const FlushSubnormals inner;
      CHECK(FlushSubnormals::is_on());
    }
    CHECK(FlushSubnormals::is_on());
    CHECK(flushes_results());
  }
  CHECK_FALSE(FlushSubnormals::is_on());
  CHECK_FALSE(flushes_results());
  try {
    const FlushSubnormals flush;
    throw std::runtime_error("an update that fails");
  } catch (const std::runtime_error&) {
    CHECK_FALSE(FlushSubnormals::is_on());
  }
}

TEST_CASE("around the smallest number all targets give equal bits, and nothing subnormal") {
  Stream stream("subnormal bits");
  const int rows = 7, depth = 19, columns = 48;
  const AlignedFloats a = around_the_smallest(stream, rows * depth), b(depth * columns, 0.9f);
  const AlignedFloats w0 = around_the_smallest(stream, 64), g = around_the_smallest(stream, 64),
                      m0 = around_the_smallest(stream, 64);
  AlignedFloats v0 = around_the_smallest(stream, 64);
  for (float& v : v0) v = std::abs(v);
  REQUIRE(has_subnormal(a));
  REQUIRE(has_subnormal(m0));
  AlignedFloats reference;
  for (const Kernels* k : usable_kernels()) {
    CAPTURE(k->name);
    AlignedFloats c(rows * columns), w = w0, m = m0, v = v0, sums(rows), transposed(columns * 16);
    {
      const FlushSubnormals flush;
      k->gemm({.rows = rows,
               .depth = depth,
               .columns = columns,
               .a = a.data(),
               .a_row = depth,
               .a_depth = 1,
               .b = b.data(),
               .b_stride = columns,
               .c = c.data(),
               .c_stride = columns,
               .epilogue = Epilogue::kRelu});
      k->row_sums(rows, columns, c.data(), columns, sums.data());
      k->adam({.learning_rate_over_correction1 = 1e-38f,
               .inverse_sqrt_correction2 = 1.5f,
               .beta1 = 0.9f,
               .beta2 = 0.999f,
               .epsilon = 1e-8f,
               .one_minus_beta1 = 0.1f,
               .one_minus_beta2 = 0.001f},
              w.size(), w.data(), g.data(), m.data(), v.data());
    }
    AlignedFloats all = c;
    for (const AlignedFloats* part : {&sums, &w, &m, &v}) all.insert(all.end(), part->begin(), part->end());
    CHECK_FALSE(has_subnormal(all));
    if (reference.empty()) reference = all;
    CHECK(std::memcmp(all.data(), reference.data(), all.size() * sizeof(float)) == 0);
  }
}

namespace {

// A network with a unit that is dead and whose moments have decayed. What a thread makes of it: outputs,
// gradients, weights and moments after some updates.
std::vector<float> train_an_aged_network() {
  const ModelSpec model = {.parts = {{.name = "q", .sizes = {3, 20, 2}}}};
  NativeNetwork network(model, {}, {.max_batch = 16});
  std::vector<float> parameters(parameter_count(model));
  Stream stream("aged network");
  for (float& p : parameters) p = static_cast<float>(stream.uniform() - 0.5);
  parameters[0] = parameters[1] = parameters[2] = 1e-39f;
  parameters[60] = -1.0f;  // the bias of the first unit, which never lives
  parameters[100] = 1e-41f;
  network.gather(parameters, network.parameters());
  Adam adam({}, {}, network.gradients().size());
  // As if read from a checkpoint of a training that went on for thousands of updates.
  for (const float& m : adam.first_moment()) const_cast<float&>(m) = 4 * kSmallest;
  AlignedFloats x(3 * 16), y(2 * 16), dy(2 * 16);
  for (float& v : x) v = static_cast<float>(stream.uniform());
  std::vector<float> seen;
  for (int update = 0; update < 3; ++update) {
    network.infer(0, 16, {x.data(), 16}, {y.data(), 16});
    CHECK_FALSE(FlushSubnormals::is_on());
    network.forward(0, 16, {x.data(), 16}, {y.data(), 16});
    CHECK_FALSE(FlushSubnormals::is_on());
    for (std::size_t i = 0; i < dy.size(); ++i) dy[i] = 1e-38f * y[i];
    network.backward(0, 16, {dy.data(), 16});
    CHECK_FALSE(FlushSubnormals::is_on());
    seen.insert(seen.end(), network.gradients().begin(), network.gradients().end());
    adam.clip_and_step(network, 1e-3, 1.0);
    CHECK_FALSE(FlushSubnormals::is_on());
    seen.insert(seen.end(), y.begin(), y.end());
  }
  seen.insert(seen.end(), adam.first_moment().begin(), adam.first_moment().end());
  seen.insert(seen.end(), adam.second_moment().begin(), adam.second_moment().end());
  return seen;
}

}  // namespace

TEST_CASE("updates and inference flush on every thread, and leave the thread as it was") {
  std::vector<std::vector<float>> seen(4);
  {
    std::vector<std::thread> threads;
    for (std::size_t t = 1; t < seen.size(); ++t)
      threads.emplace_back([&seen, t] { seen[t] = train_an_aged_network(); });
    seen[0] = train_an_aged_network();
    for (std::thread& thread : threads) thread.join();
  }
  for (const float value : seen[0]) CHECK(std::fpclassify(value) != FP_SUBNORMAL);
  for (const std::vector<float>& of_thread : seen) CHECK(of_thread == seen[0]);
}

namespace {

// Counts steps on threads that flush, and on those that do not.
class Witness final : public Environment {
 public:
  explicit Witness(int lanes) : lanes_(lanes), flushed_(static_cast<std::size_t>(lanes), -1) {}
  const TaskInfo& info() const override { return *find_task("cartpole"); }
  int lanes() const override { return lanes_; }
  void attach(int, RandomSource&) override {}
  void reset(int, int, ObservationBatch) override {}
  void step(std::span<const std::int32_t> lanes, ActionBatch, ObservationBatch,
            std::span<StepResult>) override {
    for (const std::int32_t lane : lanes)
      flushed_[static_cast<std::size_t>(lane)] = FlushSubnormals::is_on() || flushes_results() ? 1 : 0;
  }
  int state_size() const override { return 0; }
  void get_state(int, std::span<double>) const override {}
  void set_state(int, std::span<const double>) override {}
  void save(StateWriter&) const override {}
  void load(StateReader&) override {}
  const std::vector<int>& flushed() const { return flushed_; }

 private:
  int lanes_;
  std::vector<int> flushed_;
};

}  // namespace

TEST_CASE("environments are stepped outside of the mode, on every thread") {
  auto own = std::make_unique<Witness>(6);
  const Witness& witness = *own;
  const auto environment = in_parallel(std::move(own), 3);
  const std::vector<std::int32_t> lanes = {0, 1, 2, 3, 4, 5};
  std::vector<StepResult> results(lanes.size());
  std::vector<std::int32_t> actions(lanes.size(), 0);
  for (int round = 0; round < 3; ++round) {
    train_an_aged_network();
    environment->step(lanes, {.discrete = actions.data(), .stride = 6}, {nullptr, 6}, results);
    CHECK(witness.flushed() == std::vector<int>(6, 0));
  }
}
