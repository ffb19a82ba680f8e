// Changes of single masks against what can be counted by hand, and schedules by value.
#include "agents/sparsity/mask_update.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "agents/sparsity/changing_mask.hpp"
#include "agents/sparsity/mask_schedule.hpp"

using namespace impsweep;

namespace {

using Mask = std::vector<std::uint8_t>;

}  // namespace

TEST_CASE("the count that is dropped is rounded down, but for what is whole up to rounding") {
  CHECK(drop_count(102, 0.3) == 30);
  CHECK(drop_count(100, 0.29) == 29);  // 28.999999999999996 as a product
  CHECK(drop_count(96, 0.3) == 28);
  CHECK(drop_count(3, 0.3) == 0);
  CHECK(drop_count(10, 1.0) == 10);
  CHECK(drop_count(0, 0.5) == 0);
}

TEST_CASE("the smallest go; of equal ones the later; what is pruned never comes back by its size") {
  const std::vector<float> weights = {0.5f, -2.0f, 9.0f, 0.5f, -0.5f, 0.0f};
  Mask mask = {1, 1, 0, 1, 1, 1};
  keep_largest(weights, 3, mask);
  CHECK(mask == Mask{1, 1, 0, 1, 0, 0});
  keep_largest(weights, 5, mask);  // more than there are
  CHECK(mask == Mask{1, 1, 0, 1, 0, 0});
  keep_largest(weights, 0, mask);
  CHECK(mask == Mask{0, 0, 0, 0, 0, 0});
}

TEST_CASE("a weight of zero that is kept is no worse than one that is pruned") {
  const std::vector<float> weights(6, 0.0f);
  Mask mask = {0, 0, 1, 0, 1, 1};
  keep_largest(weights, 2, mask);
  CHECK(mask == Mask{0, 0, 1, 0, 1, 0});
}

TEST_CASE("what comes has the largest score; of equal ones the first; only where it is allowed") {
  const std::vector<float> score = {0.0f, -3.0f, 3.0f, 8.0f, 1.0f, 0.0f};
  Mask mask = {0, 0, 0, 1, 0, 0};
  grow_largest(score, {}, 1, mask);
  CHECK(mask == Mask{0, 1, 0, 1, 0, 0});
  grow_largest(score, Mask{1, 1, 0, 1, 1, 1}, 2, mask);
  CHECK(mask == Mask{1, 1, 0, 1, 1, 0});
  Mask odd = {0, 0, 0};
  grow_largest(std::vector<float>{1.0f, std::nanf(""), std::numeric_limits<float>::infinity()}, {}, 2, odd);
  CHECK(odd == Mask{0, 1, 1});
}

TEST_CASE("growth at random takes every place that is allowed equally often") {
  constexpr int kDraws = 20'000;
  Stream stream("growth");
  std::vector<int> came(6, 0);
  for (int draw = 0; draw < kDraws; ++draw) {
    Mask mask = {1, 0, 0, 0, 0, 0};
    grow_at_random(stream, Mask{1, 1, 1, 0, 1, 1}, 2, mask);
    CHECK(kept_in(mask) == 3);
    for (std::size_t i = 0; i < mask.size(); ++i) came[i] += mask[i];
  }
  CHECK(came[0] == kDraws);
  CHECK(came[3] == 0);
  for (const std::size_t place : {1, 2, 4, 5}) CHECK(std::abs(came[place] - kDraws / 2) < 350);  // 5 sigma
}

TEST_CASE("schedules by value") {
  CHECK(cubic_sparsity(20, 20, 80, 0.0, 0.9) == 0.0);
  CHECK(cubic_sparsity(50, 20, 80, 0.0, 0.8) == doctest::Approx(0.7));  // 1 - 1/8 of it
  CHECK(cubic_sparsity(80, 20, 80, 0.0, 0.9) == 0.9);
  CHECK(cubic_sparsity(1000, 20, 80, 0.0, 0.9) == 0.9);
  CHECK(cosine_fraction(0, 0.3, 100) == doctest::Approx(0.3));
  CHECK(cosine_fraction(50, 0.3, 100) == doctest::Approx(0.15));
  CHECK(cosine_fraction(100, 0.3, 100) == 0.0);
  CHECK(cosine_fraction(150, 0.3, 100) == 0.0);
}

TEST_CASE("gradual pruning changes the mask from its start every interval, and at its end") {
  const MaskSchedule schedule{SparseMethod::kGradual, 30, 130, 7};
  std::vector<std::int64_t> times;
  for (std::int64_t t = 0; t < 200; ++t)
    if (schedule.changes_at(t)) times.push_back(t);
  CHECK(times.size() == 16);  // 30, 37, ..., 128 and 130
  CHECK(times.front() == 30);
  CHECK(times[14] == 128);
  CHECK(times.back() == 130);
  CHECK(schedule.last_change(-1, 36) == 30);
  CHECK(schedule.last_change(30, 36) == std::nullopt);
  CHECK(schedule.last_change(30, 500) == 130);
  CHECK(schedule.last_change(130, 500) == std::nullopt);
}

TEST_CASE("SET and RigL change the mask at multiples of the interval before the end") {
  for (const SparseMethod method : {SparseMethod::kSet, SparseMethod::kRigl}) {
    const MaskSchedule schedule{method, 0, 300, 100};
    std::vector<std::int64_t> times;
    for (std::int64_t t = 0; t < 500; ++t)
      if (schedule.changes_at(t)) times.push_back(t);
    CHECK(times == std::vector<std::int64_t>{100, 200});
    CHECK(schedule.last_change(0, 250) == 200);
    CHECK(schedule.last_change(200, 1000) == std::nullopt);
  }
  CHECK_FALSE(MaskSchedule{}.changes_at(0));
}

TEST_CASE("whole networks keep their counts: gradual ones fall to the last one, those of SET and RigL stay") {
  ModelSpec model;
  model.parts = {{.name = "actor", .sizes = {5, 8, 3}}};
  const std::size_t size = parameter_count(model);
  Stream stream("network");
  std::vector<float> weights(size), gradients(size);
  for (float& weight : weights) weight = static_cast<float>(stream.uniform() - 0.5);
  for (float& gradient : gradients) gradient = static_cast<float>(stream.uniform() - 0.5);
  const auto counts = [&](std::span<const std::uint8_t> mask) {
    return std::pair(kept_in(mask.subspan(0, 40)), kept_in(mask.subspan(48, 24)));
  };
  MaskPlan plan;
  plan.tensors = {0, 2};
  plan.counts = {7, 24};

  SUBCASE("gradual") {
    plan.schedule = {SparseMethod::kGradual, 10, 50, 20};
    ChangingMask mask(model, plan, Mask(size, 1), {});
    CHECK_FALSE(mask.is_due(9));
    CHECK(mask.is_due(10));
    CHECK_FALSE(mask.change(10, weights, {}));  // nothing yet
    CHECK_FALSE(mask.is_due(29));
    CHECK(mask.change(30, weights, {}));
    CHECK(counts(mask.mask()) == std::pair<std::int64_t, std::int64_t>(11, 24));  // 40 - 33 * 7/8 = 11.125
    CHECK_FALSE(mask.has_final_counts());
    const Mask before(mask.mask().begin(), mask.mask().end());
    CHECK(mask.change(55, weights, {}));
    CHECK(counts(mask.mask()) == std::pair<std::int64_t, std::int64_t>(7, 24));
    CHECK(mask.has_final_counts());
    CHECK(mask.density() == doctest::Approx(31.0 / 64));
    for (std::size_t i = 0; i < size; ++i) CHECK(mask.mask()[i] <= before[i]);
    CHECK_FALSE(mask.is_due(100));
  }
  for (const SparseMethod method : {SparseMethod::kSet, SparseMethod::kRigl}) {
    CAPTURE(static_cast<int>(method));
    plan.schedule = {method, 0, 50, 10};
    plan.fraction = 0.5;
    Mask first(size, 1);
    for (std::size_t i = 7; i < 40; ++i) first[i] = 0;
    ChangingMask mask(model, plan, first, Stream("growth"));
    CHECK(mask.change(10, weights, gradients));
    CHECK(counts(mask.mask()) == std::pair<std::int64_t, std::int64_t>(7, 24));
    for (std::size_t i = 40; i < size; ++i) CHECK(mask.mask()[i] == 1);  // biases, and a layer that is dense
  }
  plan.counts = {41, 24};
  CHECK_THROWS_AS(ChangingMask(model, plan, Mask(size, 1), {}), std::invalid_argument);
}

TEST_CASE("products of weights count a convolution's at every position") {
  ModelSpec model;
  model.parts = {{.name = "q",
                  .sizes = {2 * 5 * 5, 3 * 9, 4},
                  .convolutions = {{.channels = 2, .rows = 5, .columns = 5, .filters = 3, .kernel = 3}}}};
  CHECK(weight_products(model, {}) == 3 * 2 * 9 * 9 + 27 * 4);
  Mask mask(parameter_count(model), 1);
  mask[0] = mask[1] = 0;
  CHECK(weight_products(model, mask) == (3 * 2 * 9 - 2) * 9 + 27 * 4);
}
