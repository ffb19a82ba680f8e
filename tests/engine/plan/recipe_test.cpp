#include "engine/plan/recipe.hpp"

#include <doctest/doctest.h>

#include "agents/config/cloning_config.hpp"
#include "agents/config/dqn_config.hpp"
#include "agents/config/ppo_config.hpp"
#include "io/digest.hpp"
#include "io/error.hpp"

using namespace impsweep;

namespace {

Settings with(Settings settings, std::initializer_list<const char*> assignments) {
  for (const char* text : assignments) {
    const JobEntry entry = parse_assignment(text);
    REQUIRE(set_option(settings, entry.key, entry.value, "test"));
  }
  return settings;
}

Settings cartpole(std::initializer_list<const char*> assignments = {}, const char* algorithm = "ppo") {
  return with(paper_settings("cartpole", algorithm), assignments);
}

bool has_key(const Settings& settings, Baseline baseline, int round, const std::string& key) {
  for (const auto& [name, value] : recipe_template(settings, baseline, round, 0).keys)
    if (name == key) return true;
  return false;
}

std::string parse_error(const std::string& bytes) {
  try {
    settings_of(parse_recipe(bytes, "round.h5"), "round.h5");
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

constexpr Baseline kMw = Baseline::kMaskWeights, kMp = Baseline::kMaskPermuted,
                   kPp = Baseline::kPermutedPermuted, kRr = Baseline::kRandomReinit;

}  // namespace

TEST_CASE("SHA-256 of the standard's examples") {
  CHECK(sha256_hex(bytes_of("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex(bytes_of("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("canonical bytes are sorted lines without defaults") {
  const Recipe recipe = recipe_template(cartpole(), kMw, 0, 3);
  CHECK(canonical_bytes(recipe) ==
        "algorithm = \"ppo\"\n"
        "algorithm_semantics = 1\n"
        "master_seed = 0\n"
        "network.hidden = [128, 128]\n"
        "recipe_version = 1\n"
        "round = 0\n"
        "seed = 3\n"
        "task = \"cartpole\"\n"
        "task_semantics = 1\n");
  CHECK(digest_of(recipe) == sha256_hex(bytes_of(canonical_bytes(recipe))).substr(0, 32));
  CHECK(digest_of(recipe).digits().size() == 32);
}

TEST_CASE("a recipe survives writing and reading, and gives its settings back") {
  const Settings settings =
      cartpole({"ppo.learning_rate=0.1", "network.init=xavier", "rl.steps=12345", "imp.prune_fraction=0.3",
                "imp.mask_perm=axis0", "cartpole.version=v0", "cartpole.reset_high=0.01"});
  Recipe recipe = recipe_template(settings, kPp, 4, 12);
  recipe.mask_parent = TrainingId("00112233445566778899aabbccddeeff");
  recipe.master_seed = 18446744073709551615u;
  const std::string bytes = canonical_bytes(recipe);
  const Recipe read = parse_recipe(bytes, "round.h5");
  CHECK(read == recipe);
  const Settings again = settings_of(read, "round.h5");
  CHECK(again.agent.options<PpoConfig>().learning_rate == 0.1);
  CHECK(again.agent.network.init == Init::kXavier);
  CHECK(again.agent.sampler.steps == 12345);
  CHECK(again.imp.prune_fraction == 0.3);
  CHECK(again.imp.mask_perm == MaskPermutation::kAxis0);
  CHECK(again.master_seed == 18446744073709551615u);
  CHECK(again.task_options.at("cartpole.version") == OptionValue(std::string("v0")));
  Recipe rebuilt = recipe_template(again, kPp, 4, 12);
  rebuilt.mask_parent = recipe.mask_parent;
  CHECK(rebuilt == recipe);
}

TEST_CASE("a recipe has the paper's values even if they are nobody's default") {
  CHECK(has_key(paper_settings("acrobot", "ppo"), kMw, 0, "rl.steps"));
  const Settings again = settings_of(recipe_template(paper_settings("acrobot", "bc"), kMw, 0, 0), "test");
  CHECK(again.agent.sampler.steps == 200000);
  CHECK(again.agent.options<PolicyCloningConfig>().learning_rate == 5e-4);
  CHECK(again.agent.network.hidden == std::vector<std::int64_t>{128, 64});
}

TEST_CASE("keys enter only where they matter") {
  SUBCASE("of other algorithms") {
    const Settings student =
        cartpole({"ppo.epochs=9", "bc.epochs=8", "bc.teacher_seed=7", "teacher.rl.steps=6"}, "bc");
    CHECK(has_key(student, kMw, 0, "bc.epochs"));
    CHECK_FALSE(has_key(student, kMw, 0, "ppo.epochs"));
    CHECK_FALSE(has_key(student, kMw, 0, "teacher.ppo.epochs"));
    CHECK_FALSE(has_key(student, kMw, 0, "teacher.rl.steps"));
    CHECK_FALSE(has_key(student, kMw, 0, "bc.teacher_seed"));
  }
  SUBCASE("idle without another key") {
    CHECK_FALSE(has_key(cartpole({"network.input_scale=0.5"}), kMw, 0, "network.input_scale"));
    CHECK(has_key(cartpole({"network.input_scale=0.5", "network.init=kaiming_in_scaled"}), kMw, 0,
                  "network.input_scale"));
    CHECK_FALSE(has_key(cartpole({"reg.l2_mode=adamw"}), kMw, 0, "reg.l2_mode"));
    CHECK(has_key(cartpole({"reg.l2_mode=adamw", "reg.weight_decay=0.1"}), kMw, 0, "reg.l2_mode"));
    CHECK_FALSE(has_key(cartpole({"eval.max_steps=5"}), kMw, 0, "eval.max_steps"));
    CHECK(has_key(cartpole({"eval.max_steps=5", "eval.mode=rlpyt"}), kMw, 0, "eval.max_steps"));
  }
  SUBCASE("pruning from round 1 on, and not under random/re-init") {
    const Settings settings = cartpole({"imp.prune_fraction=0.4", "imp.prune_rule=quantile"});
    for (const char* key : {"imp.prune_fraction", "imp.prune_rule"}) {
      CHECK_FALSE(has_key(settings, kMw, 0, key));
      CHECK(has_key(settings, kMw, 1, key));
      CHECK(has_key(settings, kPp, 1, key));
      CHECK_FALSE(has_key(settings, kRr, 1, key));
    }
    CHECK(has_key(cartpole({"imp.prune_bias=true"}), kRr, 1, "imp.prune_bias"));
    CHECK(has_key(cartpole({"imp.prune_from=final"}), kMw, 0, "imp.prune_from"));
    CHECK(has_key(cartpole({"imp.best_tie=last"}), kMw, 0, "imp.best_tie"));
    CHECK_FALSE(has_key(cartpole({"imp.mask_source=ticket"}), kMp, 1, "imp.mask_source"));
  }
  SUBCASE("scope only where there is a critic") {
    CHECK(has_key(cartpole({"imp.scope=actor_critic"}), kMw, 1, "imp.scope"));
    CHECK_FALSE(has_key(cartpole({"imp.scope=actor_critic"}, "bc"), kMw, 1, "imp.scope"));
  }
  SUBCASE("options of one baseline") {
    const Settings settings =
        cartpole({"imp.mask_perm=axis0", "imp.reinit_scope=prunable", "imp.perm_round0=true"});
    CHECK(has_key(settings, kPp, 1, "imp.mask_perm"));
    CHECK_FALSE(has_key(settings, kMp, 1, "imp.mask_perm"));
    CHECK(has_key(settings, kRr, 1, "imp.reinit_scope"));
    CHECK_FALSE(has_key(settings, kMw, 1, "imp.reinit_scope"));
    CHECK(has_key(settings, kMp, 0, "imp.perm_round0"));
    CHECK_FALSE(has_key(settings, kMp, 1, "imp.perm_round0"));
    CHECK_FALSE(has_key(settings, kPp, 0, "imp.perm_round0"));
  }
  SUBCASE("rewinding") {
    const auto acrobot = [](std::initializer_list<const char*> assignments) {
      return with(paper_settings("acrobot", "ppo"), assignments);
    };
    CHECK_FALSE(has_key(acrobot({"imp.rewind_step=100000"}), kMw, 0, "imp.rewind_step"));  // always recorded
    CHECK(has_key(acrobot({"imp.rewind_step=50000"}), kMw, 0, "imp.rewind_step"));
    CHECK(has_key(acrobot({"imp.rewind_step=100000"}), kMw, 1, "imp.rewind_step"));
    CHECK_FALSE(has_key(acrobot({"imp.rewind_step=100000"}), kRr, 1, "imp.rewind_step"));
    const Settings shorter = acrobot({"imp.rewind_step=100000", "imp.rewind_budget=remaining"});
    CHECK(has_key(shorter, kRr, 1, "imp.rewind_step"));
    CHECK(has_key(shorter, kRr, 1, "imp.rewind_budget"));
    CHECK_FALSE(has_key(acrobot({"imp.rewind_budget=remaining"}), kMw, 1, "imp.rewind_budget"));
    CHECK(training_steps(shorter, 0) == 500000);
    CHECK(training_steps(shorter, 1) == 400000);
  }
}

TEST_CASE("round 0 is the same for all baselines, unless it is permuted") {
  const TrainingId dense = digest_of(recipe_template(cartpole(), kMw, 0, 1));
  for (const Baseline baseline : {kMp, kPp, kRr})
    CHECK(digest_of(recipe_template(cartpole(), baseline, 0, 1)) == dense);
  const Settings permuted = cartpole({"imp.perm_round0=true"});
  CHECK(digest_of(recipe_template(permuted, kMw, 0, 1)) == dense);
  CHECK(digest_of(recipe_template(permuted, kPp, 0, 1)) == dense);
  CHECK(digest_of(recipe_template(permuted, kMp, 0, 1)) != dense);
}

TEST_CASE("what a round depends on") {
  const Influences ticket = influences(cartpole(), kMw, 1);
  CHECK(ticket.mask_parent);
  CHECK_FALSE(ticket.kept);
  CHECK_FALSE(ticket.values_parent);
  CHECK_FALSE(ticket.rewind_parent);
  const Influences random = influences(cartpole(), kRr, 1);
  CHECK_FALSE(random.mask_parent);
  CHECK(random.kept);
  const Settings keeps_critic = cartpole({"imp.reset_unpruned=false"});
  CHECK(influences(keeps_critic, kMw, 1).values_parent);
  CHECK(influences(keeps_critic, kRr, 1).values_parent);
  CHECK_FALSE(
      influences(cartpole({"imp.reset_unpruned=false", "imp.scope=actor_critic"}), kMw, 1).values_parent);
  CHECK_FALSE(influences(cartpole({"imp.reset_unpruned=false"}, "bc"), kMw, 1).values_parent);
  const Settings rewinds = cartpole({"imp.rewind_step=1000"});
  CHECK(influences(rewinds, kMw, 1).rewind_parent);
  CHECK_FALSE(influences(rewinds, kMw, 0).rewind_parent);
  CHECK_FALSE(influences(rewinds, kRr, 1).rewind_parent);
  CHECK(influences(cartpole({"imp.rewind_step=1000", "imp.reinit_scope=prunable"}), kRr, 1).rewind_parent);
}

TEST_CASE("digests of teachers depend on candidates and their order") {
  CHECK(teacher_digest({TrainingId("a"), TrainingId("b")}) !=
        teacher_digest({TrainingId("b"), TrainingId("a")}));
  CHECK(teacher_digest({TrainingId("a")}) != teacher_digest({TrainingId("a"), TrainingId("b")}));
  CHECK(teacher_digest({TrainingId("a")}).digits().size() == 32);
}

TEST_CASE("damaged or foreign recipes are refused") {
  const std::string good = canonical_bytes(recipe_template(cartpole({"ppo.epochs=9"}), kMw, 1, 0));
  CHECK(parse_error(good) == "no error");
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string bytes = good;
    const std::size_t place = bytes.find(from);
    REQUIRE(place != std::string::npos);
    return bytes.replace(place, from.size(), to);
  };
  CHECK(parse_error("").find("version 0") != std::string::npos);
  CHECK(parse_error("garbage").find("not 'key = value'") != std::string::npos);
  CHECK(parse_error(good + "task = \"x\"\n").find("not in canonical form") != std::string::npos);
  CHECK(parse_error(replaced("recipe_version = 1", "recipe_version = 2")).find("version 2") !=
        std::string::npos);
  CHECK(parse_error(replaced("round = 1", "round = x")).find("not an integer") != std::string::npos);
  CHECK(parse_error(replaced("round = 1", "round = 01")).find("not in canonical form") != std::string::npos);
  CHECK(parse_error(replaced("\"cartpole\"", "cartpole")).find("not a text") != std::string::npos);
  CHECK(parse_error(replaced("\"cartpole\"", "\"cartpile\"")).find("unknown task") != std::string::npos);
  CHECK(parse_error(replaced("task_semantics = 1", "task_semantics = 7")).find("semantics 7") !=
        std::string::npos);
  CHECK(parse_error(replaced("imp_semantics = 1", "imp_semantics = 7")).find("semantics 7") !=
        std::string::npos);
  CHECK(parse_error(replaced("ppo.epochs = 9", "ppo.espresso = 9")).find("no option") != std::string::npos);
  CHECK(parse_error(replaced("ppo.epochs = 9", "ppo.epochs = 0")).find("out of range") != std::string::npos);
  CHECK(parse_error(replaced("mask/weights", "mask/dice")).find("unknown baseline") != std::string::npos);
}

TEST_CASE("layout and package of a robot are part of a recipe, those of before leave recipes as they were") {
  const Settings exact = with(paper_settings("hopper", "ppo"), {"locomotion.package=\"pybullet_envs\""});
  const TrainingId before("8a71bf389f6ca81bda9282ca7945d97c");  // of versions without the option
  CHECK(digest_of(recipe_template(exact, kMw, 0, 3)) == before);
  const Settings compact = with(exact, {"locomotion.fast=true"});
  const Recipe recipe = recipe_template(compact, kMw, 0, 3);
  CHECK(has_key(compact, kMw, 0, "locomotion.fast"));
  CHECK(digest_of(recipe) != before);
  CHECK(digest_of(recipe_template(with(exact, {"locomotion.fast=false"}), kMw, 0, 3)) == before);
  CHECK(settings_of(recipe, "r").task_options.at("locomotion.fast") == OptionValue(true));
  const Settings gym = paper_settings("hopper", "ppo");
  CHECK(has_key(gym, kMw, 0, "locomotion.package"));
  CHECK(digest_of(recipe_template(gym, kMw, 0, 3)) != before);
}

TEST_CASE("by which code a robot moves is no part of a recipe") {
  const Settings gym = paper_settings("hopper", "ppo");
  for (const char* solver : {"locomotion.solver=\"lanes\"", "locomotion.solver=\"bullet\""}) {
    const Settings chosen = with(gym, {solver});
    CHECK_FALSE(has_key(chosen, kMw, 0, "locomotion.solver"));
    CHECK(digest_of(recipe_template(chosen, kMw, 0, 3)) == digest_of(recipe_template(gym, kMw, 0, 3)));
    CHECK_FALSE(has_bearing("locomotion.solver", chosen));
  }
}

TEST_CASE("recipes of DQN are restored from their bytes; keys that change nothing are left out") {
  const Settings plain = cartpole({}, "dqn");
  const Recipe recipe = recipe_template(plain, kMw, 0, 3);
  CHECK(parse_recipe(canonical_bytes(recipe), "r") == recipe);
  const Settings restored = settings_of(recipe, "r");
  CHECK(restored.agent.options<DqnConfig>().batch_size == 64);
  CHECK(restored.agent.options<DqnConfig>().epsilon_steps == 10000);
  CHECK(restored.agent.sampler.batch_T == 4);
  const auto digest = [](const Settings& settings) {
    return digest_of(recipe_template(settings, kMw, 1, 0));
  };
  CHECK(digest(cartpole({"dqn.n_step=2"}, "dqn")) != digest(plain));
  CHECK(digest(cartpole({"reg.dropout_target=true"}, "dqn")) == digest(plain));
  CHECK(digest(cartpole({"reg.dropout_target=true", "reg.dropout=0.1"}, "dqn")) !=
        digest(cartpole({"reg.dropout=0.1"}, "dqn")));
  const Settings uniform = cartpole({"dqn.prioritized=false"}, "dqn");
  CHECK(digest(with(uniform, {"dqn.priority_alpha=0.9"})) == digest(uniform));
  CHECK(digest(cartpole({"imp.scope=actor_critic"}, "dqn")) == digest(plain));  // there is one network
  CHECK(digest(cartpole({"network.filters=8"}, "dqn")) == digest(plain));
}
