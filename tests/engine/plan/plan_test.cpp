#include "engine/plan/plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "io/error.hpp"

using namespace impsweep;

namespace {

Plan plan_of(const std::string& text) {
  const JobFile job = parse_job(text, "job.toml");
  return make_plan(std::span(&job, 1));
}

Plan plan_of_files(std::initializer_list<const char*> names) {
  std::vector<JobFile> jobs;
  for (const char* name : names)
    jobs.push_back(read_job_file(std::string(IMPSWEEP_SOURCE_DIR "/jobs/") + name));
  return make_plan(jobs);
}

std::string sweep(const std::string& more, const std::string& algorithms = "\"ppo\"") {
  return "[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [" + algorithms + "]\n" + more;
}

const Chain& chain_named(const Plan& plan, const std::string& name) {
  for (const Chain& chain : plan.chains)
    if (chain.name == name) return chain;
  FAIL("no chain " << name);
  return plan.chains.front();
}

std::size_t chain_trainings(const Plan& plan) {
  std::size_t count = 0;
  for (const Chain& chain : plan.chains) count += chain.rounds.size();
  return count;
}

std::vector<TrainingIndex> dependencies_of(const Plan& plan, TrainingIndex training) {
  const std::span<const TrainingIndex> dependencies = plan.dependencies(training);
  return {dependencies.begin(), dependencies.end()};
}

std::int64_t chain_steps(const Plan& plan) {
  std::int64_t steps = 0;
  for (const Chain& chain : plan.chains)
    for (const TrainingIndex training : chain.rounds) steps += plan.trainings[training].env_steps;
  return steps;
}

// What must hold in every plan.
void check_invariants(const Plan& plan) {
  std::set<TrainingId> digests;
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
    const TrainingNode& node = plan.trainings[i];
    CHECK(digests.insert(node.digest).second);
    for (const TrainingIndex dependency : plan.dependencies(i)) CHECK(dependency < i);
    CHECK(digest_of(recipe_of(plan, i)) == node.digest);
    CHECK(parse_recipe(canonical_bytes(recipe_of(plan, i)), "test") == recipe_of(plan, i));
  }
  std::set<std::string> names;
  for (const Chain& chain : plan.chains) {
    CHECK(names.insert(chain.name).second);
    for (std::size_t round = 0; round < chain.rounds.size(); ++round)
      CHECK(plan.trainings[chain.rounds[round]].round == static_cast<int>(round));
  }
}

void check_equal(const Plan& a, const Plan& b) {
  REQUIRE(a.trainings.size() == b.trainings.size());
  REQUIRE(a.chains.size() == b.chains.size());
  REQUIRE(a.choices.size() == b.choices.size());
  for (std::size_t i = 0; i < a.trainings.size(); ++i) {
    CHECK(a.trainings[i].digest == b.trainings[i].digest);
    CHECK(std::ranges::equal(a.dependencies(i), b.dependencies(i)));
  }
  for (std::size_t i = 0; i < a.chains.size(); ++i) {
    CHECK(a.chains[i].name == b.chains[i].name);
    CHECK(a.chains[i].rounds == b.chains[i].rounds);
  }
  for (std::size_t i = 0; i < a.choices.size(); ++i) CHECK(a.choices[i].digest == b.choices[i].digest);
}

}  // namespace

TEST_CASE("the quickstart is 8 chains and 42 trainings") {
  const Plan plan = plan_of_files({"quickstart.toml"});
  check_invariants(plan);
  CHECK(plan.chains.size() == 8);
  CHECK(chain_trainings(plan) == 48);
  CHECK(plan.trainings.size() == 42);
  CHECK(plan.trainings.front().env_steps == 80000);
  CHECK(plan.chains.front().name == "cartpole.ppo.128-128.default.mask-weights.s00");
  const Chain& random = chain_named(plan, "cartpole.ppo.128-128.default.random-re-init.s01");
  for (std::size_t round = 1; round < 6; ++round) {
    CHECK(plan.dependencies(random.rounds[round]).empty());
    CHECK(recipe_of(plan, random.rounds[round]).kept.has_value());
  }
  const Chain& ticket = chain_named(plan, "cartpole.ppo.128-128.default.mask-weights.s01");
  CHECK(ticket.rounds[0] == random.rounds[0]);
  for (std::size_t round = 1; round < 6; ++round)
    CHECK(dependencies_of(plan, ticket.rounds[round]) ==
          std::vector<TrainingIndex>{ticket.rounds[round - 1]});
  CHECK(plan.trainings[ticket.rounds[1]].kept == 17152 - 6861);  // 0.4 * 17152 = 6860.8
  CHECK(plan.trainings[ticket.rounds[1]].density == doctest::Approx(0.6).epsilon(1e-4));
  CHECK(training_name(plan, ticket.rounds[5]) == "cartpole.ppo.128-128.default.mask-weights.s01 r05");
}

TEST_CASE("the small job holds both algorithms and its teachers") {
  const Plan plan = plan_of_files({"cartpole-tiny.toml"});
  check_invariants(plan);
  CHECK(plan.chains.size() == 8);
  CHECK(plan.trainings.size() == 9 + 9 + 2);
  REQUIRE(plan.choices.size() == 1);
  CHECK(plan.choices[0].candidates.size() == 2);
}

TEST_CASE("run sets of the paper's figures") {
  struct Expected {
    const char* file;
    std::size_t chains, trainings;
    std::int64_t steps;  // of the chains, round 0 counted in each
  };
  // Figure 2: BC 15 x 30 x (10k + 200k), PPO 15 x 30 x (80k + 500k), robots 4 x 10 x 20 x (500k + 1500k), and
  // so on.
  for (const Expected& expected :
       {Expected{"figure-02.toml", 140, 3400,
                 450ll * (10 + 200 + 80 + 500) * 1000 + 800ll * (500 + 1500) * 1000},
        Expected{"figure-03.toml", 280, 6800, 4 * 450ll * (10 + 200) * 1000 + 3200ll * 500 * 1000},
        Expected{"figure-04.toml", 180, 3800, 3200ll * 1500 * 1000 + 600ll * 5'000'000},
        Expected{"figure-04-atari.toml", 60, 1200, 1200ll * 2'500'000},
        Expected{"figure-05.toml", 20, 165, 165ll * 5'000'000},
        Expected{"figure-06.toml", 15, 300, 300ll * 15'000'000},
        Expected{"figure-07.toml", 40, 800, 800ll * 1500 * 1000},
        Expected{"figure-08.toml", 180, 1920, (3 * 300ll + 60) * (80 + 500) * 1000},
        Expected{"figure-09.toml", 160, 3200, 1600ll * (10'000'000 + 5'000'000)},
        Expected{"figure-10.toml", 160, 3200, 3200ll * 15'000'000},
        Expected{"figure-11.toml", 330, 9900,
                 2 * 450ll * (2 * (10 + 80) + 3 * (200 + 500)) * 1000 + 3 * 300ll * 5'000'000},
        Expected{"figure-12.toml", 150, 4500, 8 * 450ll * 80'000 + 6 * 150ll * 5'000'000},
        Expected{"figure-13.toml", 40, 1200, 1200ll * 5'000'000},
        Expected{"figure-14.toml", 55, 1650, 1650ll * 5'000'000},
        Expected{"figure-15.toml", 160, 3200, 3200ll * 1500 * 1000},
        Expected{"input-scale.toml", 140, 4200, 7 * 300ll * (80 + 500) * 1000}}) {
    CAPTURE(expected.file);
    const Plan plan = plan_of_files({expected.file});
    check_invariants(plan);
    CHECK(plan.chains.size() == expected.chains);
    CHECK(chain_trainings(plan) == expected.trainings);
    CHECK(chain_steps(plan) == expected.steps);
  }
  const Plan all = plan_of_files(
      {"figure-02.toml", "figure-03.toml", "figure-04.toml", "figure-04-atari.toml", "figure-05.toml",
       "figure-06.toml", "figure-07.toml", "figure-08.toml", "figure-09.toml", "figure-10.toml",
       "figure-11.toml", "figure-12.toml", "figure-13.toml", "figure-14.toml", "figure-15.toml"});
  check_invariants(all);
  struct RunSet {
    const char* prefix;
    std::size_t chains;
    double steps;
    std::size_t rounds = 30;
  };
  std::size_t counted = 0;
  for (const RunSet& set :
       {RunSet{"cartpole.bc.128-128.default.", 60, 0.018e9},      // C01
        RunSet{"cartpole.bc.256-256.default.", 30, 0.009e9},      // C02
        RunSet{"acrobot.bc.128-64.default.", 60, 0.36e9},         // C03
        RunSet{"acrobot.bc.256-128.default.", 30, 0.18e9},        // C04, one size
        RunSet{"acrobot.bc.512-256.default.", 30, 0.18e9},        // C04, the other
        RunSet{"cartpole.ppo.128-128.default.", 30, 0.072e9},     // C08
        RunSet{"cartpole.ppo.256-256.default.", 30, 0.072e9},     // C09
        RunSet{"cartpole.ppo.128-128.input-0.1x.", 10, 0.024e9},  // C10, one scheme
        RunSet{"cartpole.ppo.128-128.xavier.", 10, 0.024e9},      // C10, the other
        RunSet{"acrobot.ppo.128-64.default.", 30, 0.45e9},        // C11
        RunSet{"acrobot.ppo.256-128.default.", 30, 0.45e9},       // C12, one size
        RunSet{"acrobot.ppo.512-256.default.", 30, 0.45e9},       // C12, the other
        RunSet{"acrobot.ppo.128-64.input-0.1x.", 10, 0.15e9},     // C13, one scheme
        RunSet{"acrobot.ppo.128-64.xavier.", 10, 0.15e9},         // C13, the other
        RunSet{"halfcheetah.bc.64-64.default.", 40, 0.4e9, 20},   // C05, one task of four
        RunSet{"walker2d.bc.64-64.default.", 40, 0.4e9, 20},
        RunSet{"hopper.bc.64-64.default.", 40, 0.4e9, 20},
        RunSet{"ant.bc.64-64.default.", 40, 0.4e9, 20},
        RunSet{"halfcheetah.ppo.64-64.default.", 40, 1.2e9, 20},  // C14, one task of four
        RunSet{"walker2d.ppo.64-64.default.", 40, 1.2e9, 20},
        RunSet{"hopper.ppo.64-64.default.", 40, 1.2e9, 20},
        RunSet{"ant.ppo.64-64.default.", 40, 1.2e9, 20},
        RunSet{"minatar-asterix.bc.1024-512.default.", 20, 4e9, 20},            // C06, one game of four
        RunSet{"minatar-asterix.bc.cnn16x3-128-64.cnn.", 20, 2e9, 20},          // C07
        RunSet{"minatar-asterix.dqn.1024-512.default.", 20, 6e9, 20},           // C26
        RunSet{"minatar-asterix.dqn.cnn16x3-128-64.cnn.", 20, 6e9, 20},         // C27
        RunSet{"minatar-breakout.bc.1024-512.default.", 20, 4e9, 20},           // C06, one game of four
        RunSet{"minatar-breakout.bc.cnn16x3-128-64.cnn.", 20, 2e9, 20},         // C07
        RunSet{"minatar-breakout.dqn.1024-512.default.", 20, 6e9, 20},          // C26
        RunSet{"minatar-breakout.dqn.cnn16x3-128-64.cnn.", 20, 6e9, 20},        // C27
        RunSet{"minatar-freeway.bc.1024-512.default.", 20, 4e9, 20},            // C06, one game of four
        RunSet{"minatar-freeway.bc.cnn16x3-128-64.cnn.", 20, 2e9, 20},          // C07
        RunSet{"minatar-freeway.dqn.1024-512.default.", 20, 6e9, 20},           // C26
        RunSet{"minatar-freeway.dqn.cnn16x3-128-64.cnn.", 20, 6e9, 20},         // C27
        RunSet{"minatar-space_invaders.bc.1024-512.default.", 20, 4e9, 20},     // C06, one game of four
        RunSet{"minatar-space_invaders.bc.cnn16x3-128-64.cnn.", 20, 2e9, 20},   // C07
        RunSet{"minatar-space_invaders.dqn.1024-512.default.", 20, 6e9, 20},    // C26
        RunSet{"minatar-space_invaders.dqn.cnn16x3-128-64.cnn.", 20, 6e9, 20},  // C27
        RunSet{"mazegrid.dqn.512-256.default.", 20, 3e9},                       // C16
        RunSet{"mazegrid.dqn.256-128.default.", 10, 1.5e9},                     // C17, one size
        RunSet{"mazegrid.dqn.1024-512.default.", 10, 1.5e9},                    // C17, the other
        RunSet{"mazegrid-rgb.dqn.512-256.default.", 20, 3e9},                   // C18
        RunSet{"mazegrid-entangled.dqn.512-256.default.", 20, 3e9},             // C19
        RunSet{"mazegrid.dqn.512-256.l2-0.1.", 10, 1.5e9},                      // C20
        RunSet{"mazegrid.dqn.512-256.l2-0.1-decoupled.", 10, 1.5e9},            // AdamW
        RunSet{"mazegrid.dqn.512-256.dropout-0.1.", 10, 1.5e9},                 // C21
        RunSet{"mazegrid.dqn.512-256.rewind-", 15, 2.25e9},                     // C22
        RunSet{"mazegrid.ppo.256-128.default.", 10, 1.5e9},                     // C23, one size of three
        RunSet{"mazegrid.ppo.512-256.default.", 10, 1.5e9},
        RunSet{"mazegrid.ppo.1024-512.default.", 10, 1.5e9},
        RunSet{"cartpole.dqn.128-128.default.", 30, 0.072e9},    // C24, one size
        RunSet{"cartpole.dqn.256-256.default.", 30, 0.072e9},    // C24, the other
        RunSet{"cartpole.dqn.128-128.replay-16.", 30, 0.072e9},  // learned from more often
        RunSet{"cartpole.dqn.256-256.replay-16.", 30, 0.072e9},
        RunSet{"halfcheetah.ppo.64-64.actor-only.", 40, 1.2e9, 20},  // C15, one task of four
        RunSet{"walker2d.ppo.64-64.actor-only.", 40, 1.2e9, 20},
        RunSet{"hopper.ppo.64-64.actor-only.", 40, 1.2e9, 20},
        RunSet{"ant.ppo.64-64.actor-only.", 40, 1.2e9, 20},
        RunSet{"atari-breakout.ppo.cnn16x8-32x4-512.default.", 20, 1e9, 20},  // C25, one game of three
        RunSet{"atari-pong.ppo.cnn16x8-32x4-512.default.", 20, 1e9, 20},
        RunSet{"atari-qbert.ppo.cnn16x8-32x4-512.default.", 20, 1e9, 20},
        RunSet{"mazegrid.dqn.512-256.inputs-of-r", 15, 0.075e9, 1},   // dense on a ticket's inputs
        RunSet{"cartpole.ppo.128-128.kept-inputs", 30, 0.0024e9, 1},  // dense on chosen inputs, three schemes
        RunSet{"cartpole.ppo.128-128.other-inputs", 30, 0.0024e9, 1},
        RunSet{"acrobot.ppo.128-64.kept-inputs", 30, 0.015e9, 1},
        RunSet{"acrobot.ppo.128-64.other-inputs", 30, 0.015e9, 1}}) {
    CAPTURE(set.prefix);
    std::size_t chains = 0;
    double steps = 0;
    for (const Chain& chain : all.chains)
      if (chain.name.starts_with(set.prefix)) {
        ++chains;
        CHECK(chain.rounds.size() == set.rounds);
        for (const TrainingIndex training : chain.rounds)
          steps += static_cast<double>(all.trainings[training].env_steps);
      }
    CHECK(chains == set.chains);
    CHECK(steps == set.steps);
    counted += chains;
  }
  CHECK(counted == all.chains.size());
  // The protocol's 1,465, two other readings of it, and the dense trainings on some of the inputs.
  CHECK(all.chains.size() == 1465 + 60 + 10 + 135);
  // jobs/paper.toml has them all, PPO's other two baselines on classic control, input scales, and digits,
  // whose images need not be there to be planned for.
  std::vector<std::string> missing;
  const std::string paper[] = {IMPSWEEP_SOURCE_DIR "/jobs/paper.toml"};
  const Plan whole = read_plan(paper, {}, &missing);
  CHECK(missing.size() == 1);
  CHECK(missing.front().find("data/mnist") != std::string::npos);
  std::set<std::string> digests, names;
  for (const TrainingNode& node : whole.trainings) digests.emplace(node.digest.digits());
  for (const Chain& chain : whole.chains) names.insert(chain.name);
  for (const TrainingNode& node : all.trainings) CHECK(digests.contains(std::string(node.digest.digits())));
  for (const Chain& chain : all.chains) CHECK(names.contains(chain.name));
  CHECK(whole.chains.size() == all.chains.size() + 2 * 2 * 15 + 6 * 2 * 10 + 5 + 15);
  // Cart-Pole 64-64 and 128-128, Acrobot 128-64, one for each robot, two networks for each of four games.
  CHECK(all.choices.size() == 3 + 4 + 8);
  // Every training serves a chain or is a candidate for a teacher, and is there once.
  std::set<TrainingIndex> used;
  for (const Chain& chain : all.chains) used.insert(chain.rounds.begin(), chain.rounds.end());
  for (const TeacherChoice& choice : all.choices)
    used.insert(choice.candidates.begin(), choice.candidates.end());
  CHECK(used.size() == all.trainings.size());
  // The baselines of a seed share round 0, and so do variants that differ in what is pruned only.
  CHECK(chain_trainings(all) - static_cast<std::size_t>(3 * 15 * 2) > all.trainings.size());
}

TEST_CASE("a frozen job expands to the same plan") {
  for (const char* file : {"quickstart.toml", "cartpole-tiny.toml", "figure-08.toml", "figure-11.toml"}) {
    CAPTURE(file);
    const Plan plan = plan_of_files({file});
    const std::string frozen = frozen_job(plan.points);
    const Plan again = plan_of(frozen);
    check_equal(plan, again);
    CHECK(frozen_job(again.points) == frozen);
  }
  const Plan odd =
      plan_of(sweep("seeds = [5, 2]\nname = \"odd\"\nmaster_seed = 77\nimp.mask_source = \"ticket\"\n"
                    "bc.critic = \"distill\"\nteacher.ppo.epochs = 3\ncartpole.version = \"v0\"\n"
                    "rounds = 4\nppo.learning_rate = 0.1\nppo.clip_grad_norm = inf\n",
                    "\"bc\", \"ppo\""));
  check_invariants(odd);
  check_equal(odd, plan_of(frozen_job(odd.points)));
}

TEST_CASE("names, counts of rounds and seeds do not change what a training is") {
  const Plan small = plan_of(sweep("seeds = 1\nrounds = 2\nname = \"a\"\n"));
  const Plan large =
      plan_of(sweep("seeds = 3\nrounds = 5\nname = \"b\"\n[[sweep.variant]]\nname = \"other\"\n"));
  std::set<TrainingId> digests;
  for (const TrainingNode& node : large.trainings) digests.insert(node.digest);
  for (const TrainingNode& node : small.trainings) CHECK(digests.contains(node.digest));
}

TEST_CASE("everything else does") {
  std::set<TrainingId> digests;
  std::size_t plans = 0;
  for (const char* more :
       {"", "master_seed = 1\n", "ppo.learning_rate = 1e-3\n", "network.hidden = [64, 64]\n",
        "rl.steps = 70000\n", "eval.episodes = 21\n", "adam.epsilon = 1e-7\n", "reg.weight_decay = 0.1\n",
        "imp.best_tie = \"last\"\n", "imp.prune_from = \"final\"\n", "cartpole.version = \"v0\"\n",
        "network.init = \"he\"\n"}) {
    digests.insert(plan_of(sweep(std::string("rounds = 1\nseeds = 1\n") + more)).trainings[0].digest);
    ++plans;
  }
  CHECK(digests.size() == plans);
}

TEST_CASE("masks of the ticket chain") {
  const Plan plan = plan_of(sweep("seeds = 1\nrounds = 4\nimp.mask_source = \"ticket\"\n"));
  check_invariants(plan);
  const Chain& ticket = chain_named(plan, "cartpole.ppo.128-128.default.mask-weights.s00");
  for (const char* baseline : {"mask-permuted", "permuted-permuted"}) {
    const Chain& chain = chain_named(plan, std::string("cartpole.ppo.128-128.default.") + baseline + ".s00");
    for (std::size_t round = 1; round < 4; ++round) {
      CHECK(plan.trainings[chain.rounds[round]].mask_parent == ticket.rounds[round - 1]);
      CHECK(dependencies_of(plan, chain.rounds[round]) ==
            std::vector<TrainingIndex>{ticket.rounds[round - 1]});
    }
  }
  const Plan alone = plan_of(
      sweep("seeds = 1\nrounds = 4\nimp.mask_source = \"ticket\"\nbaselines = [\"mask/permuted\"]\n"));
  check_invariants(alone);
  CHECK(alone.chains.size() == 1);
  CHECK(alone.trainings.size() == 4 + 2);  // the ticket's rounds 1 and 2 are needed, round 0 is shared
  CHECK(training_name(alone, 2) == "cartpole.ppo.128-128.mask-weights.s00 r01");
}

TEST_CASE("late rewinding depends on round 0 and shares it with the plain chain") {
  const Plan plan =
      plan_of(sweep("seeds = 1\nrounds = 3\nrl.steps = 200000\n[[sweep.variant]]\nname = \"plain\"\n"
                    "[[sweep.variant]]\nname = \"rewind\"\nimp.rewind_step = 100000\n"
                    "[[sweep.variant]]\nname = \"odd\"\nimp.rewind_step = 5000\n"));
  check_invariants(plan);
  const Chain& plain = chain_named(plan, "cartpole.ppo.128-128.plain.mask-weights.s00");
  const Chain& rewind = chain_named(plan, "cartpole.ppo.128-128.rewind.mask-weights.s00");
  const Chain& odd = chain_named(plan, "cartpole.ppo.128-128.odd.mask-weights.s00");
  CHECK(plain.rounds[0] == rewind.rounds[0]);
  CHECK(plain.rounds[1] != rewind.rounds[1]);
  CHECK(plain.rounds[0] != odd.rounds[0]);
  CHECK(plan.trainings[rewind.rounds[2]].rewind_parent == rewind.rounds[0]);
  CHECK(dependencies_of(plan, rewind.rounds[2]) ==
        std::vector<TrainingIndex>{rewind.rounds[0], rewind.rounds[1]});
  const Chain& random = chain_named(plan, "cartpole.ppo.128-128.rewind.random-re-init.s00");
  CHECK(random.rounds == chain_named(plan, "cartpole.ppo.128-128.plain.random-re-init.s00").rounds);
}

TEST_CASE("a critic that continues ties random rounds to their chain") {
  const Plan plan = plan_of(sweep("seeds = 1\nrounds = 3\nimp.reset_unpruned = false\n"));
  check_invariants(plan);
  const Chain& random = chain_named(plan, "cartpole.ppo.128-128.default.random-re-init.s00");
  CHECK(plan.trainings[random.rounds[2]].values_parent == random.rounds[1]);
  CHECK_FALSE(plan.trainings[random.rounds[2]].mask_parent.has_value());
}

TEST_CASE("students share their teachers, whose seeds are nobody else's") {
  const Plan plan =
      plan_of(sweep("seeds = 3\nrounds = 2\nnetwork.hidden = [[128, 128], [256, 256]]\n", "\"bc\""));
  check_invariants(plan);
  REQUIRE(plan.choices.size() == 2);
  std::map<std::uint32_t, int> students;
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i) {
    const TrainingNode& node = plan.trainings[i];
    if (!node.teacher) {
      CHECK(node.seed >= 1000);
      CHECK(recipe_of(plan, i).algorithm == "ppo");
      continue;
    }
    ++students[*node.teacher];
    const auto& candidates = plan.choices[*node.teacher].candidates;
    CHECK(candidates.size() == 5);
    for (const TrainingIndex candidate : candidates)
      CHECK(std::ranges::count(plan.dependencies(i), candidate) == 1);
    CHECK(recipe_of(plan, i).teacher == plan.choices[*node.teacher].digest);
  }
  CHECK(students[0] == students[1]);
  CHECK(training_name(plan, plan.choices[0].candidates[1]) == "teacher cartpole.ppo.64-64 s1001");
  CHECK(training_name(plan, plan.choices[1].candidates[0]) == "teacher cartpole.ppo.128-128 s1000");
}

TEST_CASE("chains of one name must be one thing") {
  const std::string same = sweep("seeds = 2\nrounds = 2\n") + sweep("seeds = 3\nrounds = 4\n");
  const Plan merged = plan_of(same);
  check_invariants(merged);
  CHECK(merged.chains.size() == 12);
  CHECK(chain_named(merged, "cartpole.ppo.128-128.default.mask-weights.s00").rounds.size() == 4);
  try {
    plan_of(sweep("seeds = 2\nrounds = 2\n") + sweep("seeds = 3\nrounds = 4\nppo.epochs = 5\n"));
    FAIL("no error");
  } catch (const InputError& error) {
    const std::string message = error.what();
    CAPTURE(message);
    CHECK(message.find("job.toml:6") != std::string::npos);
    CHECK(message.find("job.toml:1") != std::string::npos);
    CHECK(message.find("ppo.epochs = 5 and 4") != std::string::npos);
    CHECK(message.find("[[sweep.variant]]") != std::string::npos);
  }
}

TEST_CASE("a sweep of 300,000 trainings expands in seconds") {
  const auto begin = std::chrono::steady_clock::now();
  const Plan plan = plan_of(sweep("seeds = 2500\nrounds = 30\n"));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  CHECK(plan.chains.size() == 10000);
  CHECK(plan.trainings.size() == 300000 - 3 * 2500);
  MESSAGE("expanded in ", seconds.count(), " s");
}
