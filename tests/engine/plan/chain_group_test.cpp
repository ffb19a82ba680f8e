#include "engine/plan/chain_group.hpp"

#include <doctest/doctest.h>

#include "tests/engine/tiny_plan.hpp"

using namespace impsweep;
using namespace impsweep::testing;

TEST_CASE("a group has the name of what its chains have in common") {
  const Plan plan = tiny_plan(2);
  ChainGroup group = group_of(plan.chains.front());
  CHECK(group.name() == "cartpole ppo 8");
  group.variant = "wide";
  CHECK(group.name() == "cartpole ppo 8 wide");
  CHECK(group != group_of(plan.chains.front()));
}

TEST_CASE("two chains of one name are one as far as both go, and the longer one is kept") {
  const Plan shorter = tiny_plan(2), longer = tiny_plan(3);
  const std::vector<TrainingId> two = digests_of(shorter, shorter.chains.front()),
                                three = digests_of(longer, longer.chains.front());
  REQUIRE(two.size() == 2);
  REQUIRE(three.size() == 3);
  std::vector<TrainingId> known;
  CHECK(joins(known, two));
  CHECK(known == two);
  CHECK(joins(known, three));
  CHECK(known == three);
  CHECK(joins(known, two));
  CHECK(known == three);
  CHECK_FALSE(joins(known, {two[1], two[0]}));
  CHECK(known == three);
}
