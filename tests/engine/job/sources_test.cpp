// That every default has a source, and the tables of the paper are cited for what stands in them.
#include <doctest/doctest.h>

#include "engine/job/key_catalogue.hpp"
#include "engine/job/settings.hpp"
#include "engine/job/sources.hpp"

using namespace impsweep;

TEST_CASE("every key of every task and algorithm says where its default comes from") {
  for (const KeyEntry& entry : all_key_entries())
    for (const KeyUse& use : entry.uses) {
      CAPTURE(entry.option.key);
      CAPTURE(use.task);
      CAPTURE(use.algorithm);
      const std::string source = source_of(entry.option.key, find_task(use.task)->family, use.algorithm);
      CHECK_FALSE(source.empty());
      bool known = false;
      for (const char* kind : {"paper", "rlpyt", "PyTorch", "Gymnasium", "MinAtar", "PyBullet",
                               "Graesser et al. 2022", "Evci et al. 2020", "ours"})
        known |= source.starts_with(kind);
      CHECK(known);
    }
  CHECK(source_of("no.such_key", "cartpole", "ppo").empty());
}

TEST_CASE("tables of the paper") {
  struct Row {
    const char *key, *family, *algorithm, *source;
  };
  for (const Row& row :
       {Row{"ppo.gae_lambda", "cartpole", "ppo", "paper, table 3"},
        Row{"ppo.entropy_coefficient", "acrobot", "ppo", "paper, table 5"},
        Row{"rl.batch_B", "locomotion", "ppo", "paper, table 7 (A12)"},
        Row{"rl.steps", "atari", "ppo", "paper, table 9 (A15)"},
        Row{"dqn.epsilon_steps", "minatar", "dqn", "paper, table 11"},
        Row{"bc.learning_rate", "cartpole", "bc", "paper, table 2"},
        Row{"teacher.rl.steps", "minatar", "bc", "paper, table 11"},
        Row{"teacher.ppo.epochs", "acrobot", "bc", "paper, table 5"},
        // What the tables do not hold is never called the paper's.
        Row{"rl.batch_B", "minatar", "bc", "ours (A12)"}, Row{"rl.steps", "cartpole", "dqn", "ours"},
        Row{"dqn.replay_ratio", "cartpole", "dqn", "ours"}, Row{"rl.steps", "mazegrid", "ppo", "ours"},
        Row{"ppo.minibatches", "cartpole", "ppo", "rlpyt, ppo.py"},
        Row{"network.hidden", "minatar", "dqn", "ours (A20)"}}) {
    CAPTURE(row.key);
    CAPTURE(row.family);
    CHECK(source_of(row.key, row.family, row.algorithm) == row.source);
  }
  CHECK(source_of_task("ant") == "named in the paper");
  CHECK(source_of_task("hopper").find("ours") != std::string::npos);
  CHECK(source_of_task("minatar-seaquest").find("ours") != std::string::npos);
}
