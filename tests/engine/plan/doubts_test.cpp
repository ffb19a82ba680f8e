#include "engine/plan/doubts.hpp"

#include <doctest/doctest.h>

#include "io/job_file.hpp"

using namespace impsweep;

namespace {

std::vector<std::string> doubts_of(const std::string& algorithm, const std::string& keys) {
  const JobFile file = parse_job("[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"" + algorithm +
                                     "\"]\nseeds = 2\nrounds = 1\n" + keys,
                                 "job.toml");
  return doubts_about(make_plan({&file, 1}));
}

bool says(const std::vector<std::string>& doubts, const std::string& words) {
  for (const std::string& doubt : doubts)
    if (doubt.find(words) != doubt.npos) return true;
  return false;
}

}  // namespace

TEST_CASE("a plan says to what steps are rounded up, once") {
  const std::vector<std::string> doubts = doubts_of("ppo", "rl.steps = 5000\nppo.learning_rate = 0.001\n");
  REQUIRE(doubts.size() == 1);
  CHECK(doubts[0] == "'rl.steps' is rounded up to whole iterations: cartpole ppo 5000 to 5120");
  CHECK(doubts_of("ppo", "rl.steps = 5120\n").empty());
}

TEST_CASE("exploration that ends before learning starts, or after all learning, is doubted") {
  const std::string base = "rl.steps = 80000\ndqn.min_steps_learn = 1000\n";
  CHECK(doubts_of("dqn", base).empty());
  CHECK(says(doubts_of("dqn", base + "dqn.epsilon_steps = 1000\n"), "before learning starts"));
  CHECK(says(doubts_of("dqn", base + "dqn.epsilon_steps = 80001\n"), "dqn.epsilon_fraction"));
  CHECK(doubts_of("dqn", base + "dqn.epsilon_steps = 80001\ndqn.epsilon_fraction = 0.5\n").empty());
  CHECK(says(doubts_of("dqn", base + "dqn.epsilon_fraction = 0.01\n"), "over after 800 steps"));
  CHECK(doubts_of("dqn", base + "dqn.epsilon_steps = 80001\ndqn.epsilon_initial = 0.01\n").empty());
}
