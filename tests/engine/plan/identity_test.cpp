#include "engine/plan/identity.hpp"

#include <doctest/doctest.h>

#include <string>

#include "engine/plan/plan.hpp"

using namespace impsweep;

namespace {

std::vector<GridPoint> points_of(const std::string& lines, const std::string& algorithm = "ppo") {
  const JobFile file = parse_job(
      "[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"" + algorithm + "\"]\nrounds = 2\n" + lines,
      "job.toml");
  return resolve({&file, 1});
}

}  // namespace

TEST_CASE("seeds, rounds, baselines and names of sweeps are no settings; every key with a bearing is") {
  const std::vector<GridPoint> plain = points_of("seeds = [0, 1]\nname = \"a\"\n");
  CHECK(identity_clashes(plain, points_of("seeds = [2]\nname = \"b\"\nbaselines = [\"mask/weights\"]\n"))
            .empty());
  const std::vector<GridPoint> other =
      points_of("seeds = [2, 3]\nppo.learning_rate = 0.1\nrl.steps = 4096\n");
  const std::vector<IdentityClash> clashes = identity_clashes(plain, other);
  REQUIRE(clashes.size() == 1);
  CHECK(clashes[0].keys == "rl.steps = 4096 and 80000, ppo.learning_rate = 0.1 and 0.0005");
  CHECK(clashes[0].known == &plain.front());
  CHECK(clashes[0].other == &other.front());
  CHECK(identity_clashes(plain, points_of("seeds = 1\nmaster_seed = 7\n"))[0].keys ==
        "master_seed = 7 and 0");
  CHECK(identity_clashes(plain, points_of("seeds = 1\nnetwork.hidden = [8]\nrl.steps = 4096\n")).empty());
  CHECK(identity_clashes(plain, points_of("seeds = 1\n[[sweep.variant]]\nname = \"v\"\nrl.steps = 4096\n"))
            .empty());
}

TEST_CASE("keys that change nothing as long as others are what they are make no other experiment") {
  const std::vector<GridPoint> plain = points_of("seeds = 1\n");
  CHECK(identity_clashes(plain, points_of("seeds = 1\nnetwork.input_scale = 0.5\n")).empty());
  const std::vector<GridPoint> cloned = points_of("seeds = 1\n", "bc");
  CHECK(identity_clashes(cloned, points_of("seeds = 1\nrl.timeout_bootstrap = true\n", "bc")).empty());
  CHECK(identity_clashes(cloned, points_of("seeds = 1\nnetwork.shared_trunk = true\n", "bc")).empty());
  const std::string distilled = "seeds = 1\nbc.critic = \"distill\"\n";
  CHECK(identity_clashes(points_of(distilled, "bc"),
                         points_of(distilled + "network.shared_trunk = true\n", "bc"))
            .size() == 1);
  CHECK(expand(cloned).trainings.back().digest ==
        expand(points_of("seeds = 1\nrl.timeout_bootstrap = true\nnetwork.shared_trunk = true\n", "bc"))
            .trainings.back()
            .digest);
}

TEST_CASE("a plan refuses chains of one group with different settings, even of different seeds") {
  std::vector<GridPoint> points = points_of("seeds = [0, 1]\n");
  for (const GridPoint& point : points_of("seeds = [2]\nppo.epochs = 7\n")) points.push_back(point);
  CHECK_THROWS_WITH_AS(expand(points), doctest::Contains("ppo.epochs = 7 and 4"), ChainClash);
}
