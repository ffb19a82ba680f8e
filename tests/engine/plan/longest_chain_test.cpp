#include "engine/plan/longest_chain.hpp"

#include <doctest/doctest.h>

#include "engine/plan/memory_need.hpp"
#include "tests/io/scratch.hpp"

using namespace impsweep;
using impsweep::testing::contains;

namespace {

Plan plan_of(const std::string& text) {
  const JobFile job = parse_job(text, "job.toml");
  return make_plan(std::span(&job, 1));
}

}  // namespace

TEST_CASE("the longest chain is named, and how many ranks it leaves something to do") {
  const Plan plan = plan_of(
      "[[sweep]]\ntasks = [\"cartpole\", \"acrobot\"]\nalgorithms = [\"ppo\"]\nbaselines = "
      "[\"mask/weights\"]\n"
      "seeds = 4\nrounds = 10\n");
  const LongestChain chain = longest_chain(plan, CostModel());
  CHECK(chain.name == "acrobot.ppo.128-64.default.mask-weights.s00");
  CHECK(chain.trainings == 10);
  double seconds = 0, work = 0;
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) work += CostModel().seconds(plan, i);
  for (const Chain& each : plan.chains)
    if (each.name == chain.name)
      for (const TrainingIndex training : each.rounds) seconds += CostModel().seconds(plan, training);
  CHECK(chain.seconds == doctest::Approx(seconds));
  CHECK(chain.ranks == static_cast<int>(std::ceil(work / seconds)));
  CHECK_FALSE(contains(to_text(chain, chain.ranks), "end no sooner"));
  CHECK(contains(to_text(chain, chain.ranks + 1), "end no sooner"));

  std::vector<bool> done(plan.trainings.size(), true);
  CHECK(to_text(longest_chain(plan, CostModel(), done), 4).empty());
  done[plan.chains.front().rounds[9]] = false;
  const LongestChain last = longest_chain(plan, CostModel(), done);
  CHECK(last.name == plan.chains.front().name);
  CHECK(last.trainings == 1);
  CHECK(last.ranks == 1);
}

TEST_CASE("trainings of any size have a need, and the key that decides it") {
  const auto need_of = [](const std::string& keys) {
    const Plan plan = plan_of(
        "[[sweep]]\ntasks = [\"mazegrid\"]\nalgorithms = [\"dqn\"]\nbaselines = [\"mask/weights\"]\nseeds = "
        "1\n"
        "rounds = 1\n" +
        keys);
    const MemoryNeed need = memory_need(plan, 0);
    CHECK(need.total() >= 46e6);
    CHECK(predicted_memory_bytes(plan, 0) == need.bytes());
    return std::pair(need, need.largest_key(plan.settings[0]));
  };
  CHECK(need_of("network.hidden = [2000, 3000]\ndqn.replay_size = 1000\n").first.parameters >
        40.0 * 2000 * 3000);
  CHECK(need_of("network.hidden = [4000, 4000]\ndqn.replay_size = 1000\n").second == "network.hidden");
  CHECK(need_of("network.hidden = [8]\n").second == "dqn.replay_size");
}
