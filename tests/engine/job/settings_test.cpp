#include "engine/job/settings.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "agents/config/cloning_config.hpp"
#include "agents/config/dqn_config.hpp"
#include "agents/config/paper_defaults.hpp"
#include "agents/config/ppo_config.hpp"
#include "engine/job/inputs.hpp"
#include "engine/job/job.hpp"
#include "engine/plan/recipe.hpp"
#include "io/error.hpp"

using namespace impsweep;

namespace {

const char* kHead = "[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"ppo\"]\nseeds = 1\nrounds = 3\n";

std::vector<GridPoint> points_of(const std::string& text, std::vector<JobEntry> overrides = {}) {
  const JobFile job = parse_job(text, "cartpole.toml");
  return resolve(std::span(&job, 1), overrides);
}

std::string error_of(const std::string& text, std::vector<JobEntry> overrides = {}) {
  try {
    points_of(text, std::move(overrides));
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

bool mentions(const std::string& message, std::initializer_list<const char*> parts) {
  for (const char* part : parts)
    if (message.find(part) == std::string::npos) {
      MESSAGE("'", message, "' does not mention '", part, "'");
      return false;
    }
  return true;
}

OptionValue value_of(const Settings& settings, const std::string& key) {
  for (const OptionState& state : list_settings(settings))
    if (state.option.key == key) return state.value;
  FAIL("no key " << key);
  return {};
}

}  // namespace

TEST_CASE("the four robots have the paper's values for locomotion") {
  for (const char* task : {"halfcheetah", "walker2d", "hopper", "ant"}) {
    CAPTURE(task);
    const Settings ppo = paper_settings(task, "ppo"), bc = paper_settings(task, "bc");
    CHECK(ppo.agent.network.hidden == std::vector<std::int64_t>{64, 64});
    CHECK(ppo.agent.network.activation == Activation::kTanh);
    CHECK(ppo.agent.sampler.steps == 1500000);
    CHECK(ppo.agent.sampler.batch_B == 10);
    CHECK(ppo.agent.sampler.batch_T == 256);
    CHECK(ppo.agent.sampler.decorrelation_steps == 0);
    CHECK(ppo.agent.options<PpoConfig>().epochs == 10);
    CHECK(ppo.agent.options<PpoConfig>().minibatches == 32);
    CHECK(ppo.agent.options<PpoConfig>().normalize_advantage);
    CHECK(ppo.agent.options<PpoConfig>().gae_lambda == 0.98);
    CHECK(ppo.agent.options<PpoConfig>().entropy_coefficient == 0.001);
    CHECK(ppo.agent.evaluation.interval == 37500);
    CHECK(ppo.agent.evaluation.episodes == 10);
    CHECK(ppo.imp.scope == PruneScope::kActorCritic);
    CHECK(paper_rounds(*find_task(task)) == 20);
    CHECK(bc.agent.sampler.steps == 500000);
    CHECK(bc.agent.evaluation.interval == 12500);
    CHECK(bc.agent.options<PolicyCloningConfig>().learning_rate == 5e-4);
    CHECK(bc.agent.options<PolicyCloningConfig>().epochs == 10);
    CHECK(bc.agent.options<PolicyCloningConfig>().minibatches == 32);
    CHECK(bc.teacher_choice.hidden == std::vector<std::int64_t>{64, 64});
    CHECK(bc.teacher.sampler.steps == 1500000);
    CHECK(bc.imp.scope == PruneScope::kActor);
    const ModelSpec model = model_of(ppo);
    CHECK(model.parts.front().tanh_output);
    CHECK(model.log_std == find_task(task)->actions);
  }
}

TEST_CASE("Atari games have the paper's values, and rlpyt's network with a shared trunk") {
  for (const char* task : {"atari-breakout", "atari-pong", "atari-qbert"}) {
    CAPTURE(task);
    const Settings ppo = paper_settings(task, "ppo");
    CHECK(ppo.agent.network.architecture == Architecture::kAtari);
    CHECK(ppo.agent.network.shared_trunk);
    CHECK(network_name(ppo.agent.network) == "cnn16x8-32x4-512");
    CHECK(ppo.agent.sampler.steps == 2'500'000);
    CHECK(ppo.agent.sampler.batch_B == 10);
    CHECK(ppo.agent.sampler.batch_T == 128);
    CHECK(ppo.agent.options<PpoConfig>().learning_rate == 5e-4);
    CHECK(ppo.agent.options<PpoConfig>().gae_lambda == 0.98);
    CHECK(ppo.agent.options<PpoConfig>().entropy_coefficient == 0.001);
    CHECK(ppo.agent.options<PpoConfig>().epochs == 10);
    CHECK(ppo.agent.options<PpoConfig>().minibatches == 4);
    CHECK_FALSE(ppo.agent.options<PpoConfig>().normalize_advantage);
    CHECK(ppo.agent.evaluation.interval == 125'000);
    CHECK(ppo.agent.evaluation.episodes == 10);
    CHECK(ppo.imp.scope == PruneScope::kActor);
    CHECK(paper_rounds(*find_task(task)) == 20);
    CHECK(teacher_algorithm(*find_task(task)) == "ppo");
    CHECK(model_of(ppo).parts.back().trunk == 0);
    CHECK(find_task(task)->evaluation_options.at("atari.episodic_lives") == OptionValue(false));
    CHECK(find_task(task)->evaluation_options.at("atari.clip_reward") == OptionValue(false));
  }
}

TEST_CASE("any actor and critic can share a trunk, whose inputs alone are taken away") {
  const Settings settings =
      points_of(std::string(kHead) + "network.shared_trunk = true\ninputs.select = [2, 3]\n")
          .front()
          .settings;
  const ModelSpec model = model_of(settings);
  CHECK(model.parts.back().sizes == std::vector<int>{128, 1});
  CHECK_FALSE(has_option("cartpole", "dqn", "network.shared_trunk"));
  const RestrictedModel restricted = with_selected_inputs(model, settings.inputs);
  std::size_t taken = 0;
  for (const std::uint8_t available : restricted.available) taken += available == 0;
  CHECK(taken == 2 * 128);  // nothing of the critic's head
}

TEST_CASE("unsaid settings are the paper's for the task and algorithm") {
  const auto points = points_of(
      "[[sweep]]\ntasks = [\"cartpole\", \"acrobot\"]\nalgorithms = [\"ppo\", \"bc\"]\nseeds = 1\n");
  REQUIRE(points.size() == 4);
  const AgentConfig& cartpole_ppo = points[0].settings.agent;
  CHECK(cartpole_ppo.network.hidden == std::vector<std::int64_t>{128, 128});
  CHECK(cartpole_ppo.sampler.steps == 80000);
  CHECK(cartpole_ppo.options<PpoConfig>().gae_lambda == 0.8);
  CHECK(cartpole_ppo.evaluation.interval == 2000);
  const Settings& cartpole_bc = points[1].settings;
  CHECK(cartpole_bc.agent.sampler.steps == 10000);
  CHECK(cartpole_bc.agent.options<PolicyCloningConfig>().learning_rate == 1e-3);
  CHECK(cartpole_bc.agent.evaluation.interval == 500);
  CHECK(cartpole_bc.teacher_choice.hidden == std::vector<std::int64_t>{64, 64});
  CHECK(cartpole_bc.teacher.sampler.steps == 80000);
  const AgentConfig& acrobot_ppo = points[2].settings.agent;
  CHECK(acrobot_ppo.network.hidden == std::vector<std::int64_t>{128, 64});
  CHECK(acrobot_ppo.sampler.batch_T == 256);
  CHECK(acrobot_ppo.options<PpoConfig>().entropy_coefficient == 0.01);
  CHECK(points[3].settings.agent.options<PolicyCloningConfig>().learning_rate == 5e-4);
  CHECK(points[3].settings.agent.sampler.steps == 200000);
  CHECK(points[3].rounds == 30);
}

TEST_CASE("the teacher's size follows the student's, unless it is set") {
  const std::string head = "[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"bc\"]\nseeds = 1\n";
  const auto points = points_of(head + "network.hidden = [[128, 128], [256, 256]]\n");
  CHECK(points[0].settings.teacher_choice.hidden == std::vector<std::int64_t>{64, 64});
  CHECK(points[1].settings.teacher_choice.hidden == std::vector<std::int64_t>{128, 128});
  const auto set = points_of(head + "net.hidden = [256, 256]\nbc.teacher_hidden = [32]\n");
  CHECK(teacher_settings(set[0].settings).agent.network.hidden == std::vector<std::int64_t>{32});
  CHECK(teacher_settings(set[0].settings).algorithm == "ppo");
}

TEST_CASE("ppo.* and teacher.* reach a student's teacher, the closer key wins") {
  const auto points = points_of(
      "[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"bc\", \"ppo\"]\nseeds = 1\n"
      "teacher.ppo.epochs = 7\nppo.epochs = 5\nteacher.rl.steps = 30000\nrl.steps = 20000\n");
  CHECK(points[0].settings.teacher.options<PpoConfig>().epochs == 7);
  CHECK(points[0].settings.teacher.sampler.steps == 30000);
  CHECK(points[0].settings.agent.sampler.steps == 20000);
  CHECK(points[1].settings.agent.options<PpoConfig>().epochs == 5);
  CHECK(points[1].settings.agent.sampler.steps == 20000);
}

TEST_CASE("a student with a critic is pruned like actor and critic") {
  const std::string head = "[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"bc\"]\nseeds = 1\n";
  CHECK(points_of(head)[0].settings.imp.scope == PruneScope::kActor);
  CHECK(points_of(head + "bc.critic = \"distill\"\n")[0].settings.imp.scope == PruneScope::kActorCritic);
  CHECK(points_of(head + "bc.critic = \"distill\"\nimp.scope = \"actor\"\n")[0].settings.imp.scope ==
        PruneScope::kActor);
}

TEST_CASE("every declared option can be set to its default and is listed once") {
  for (const char* algorithm : {"ppo", "dqn", "bc"}) {
    Settings settings = paper_settings("cartpole", algorithm);
    std::vector<std::string> keys;
    for (const OptionState& state : list_settings(settings)) {
      CAPTURE(state.option.key);
      CHECK_FALSE(state.option.help.empty());
      CHECK(std::ranges::count(keys, state.option.key) == 0);
      keys.push_back(state.option.key);
      const JobEntry entry = parse_assignment(state.option.key + "=" + canonical_text(state.option.fallback));
      CHECK(set_option(settings, entry.key, entry.value, "test"));
      CHECK(value_of(settings, state.option.key) == state.option.fallback);
    }
    CHECK(keys.size() > 40);
  }
}

TEST_CASE("overrides win over sweeps and variants, and can name a sweep") {
  const std::string text =
      std::string(kHead) +
      "name = \"first\"\nppo.epochs = 2\n[[sweep.variant]]\nname = \"a\"\nppo.epochs = 3\n" + kHead +
      "name = \"second\"\n";
  CHECK(points_of(text)[0].settings.agent.options<PpoConfig>().epochs == 3);
  CHECK(points_of(text)[1].settings.agent.options<PpoConfig>().epochs == 4);
  auto points = points_of(text, {parse_assignment("ppo.epochs=9")});
  CHECK(points[0].settings.agent.options<PpoConfig>().epochs == 9);
  CHECK(points[1].settings.agent.options<PpoConfig>().epochs == 9);
  points = points_of(text, {parse_assignment("second.ppo.epochs=9"), parse_assignment("first.seeds=4"),
                            parse_assignment("imp.rounds=2"), parse_assignment("first.net.init=xavier")});
  CHECK(points[0].settings.agent.options<PpoConfig>().epochs == 3);
  CHECK(points[1].settings.agent.options<PpoConfig>().epochs == 9);
  CHECK(points[0].seeds.size() == 4);
  CHECK(points[1].seeds.size() == 1);
  CHECK(points[1].rounds == 2);
  CHECK(points[0].settings.agent.network.init == Init::kXavier);
  CHECK(points[1].settings.agent.network.init == Init::kKaiming);
}

TEST_CASE("a sweep called like a task does not hide the task's options") {
  const std::string text = std::string(kHead) + "name = \"cartpole\"\n";
  const auto points =
      points_of(text, {parse_assignment("cartpole.max_steps=50"), parse_assignment("cartpole.seeds=3")});
  CHECK(points[0].seeds.size() == 3);
  CHECK(std::get<std::int64_t>(points[0].settings.task_options.at("cartpole.max_steps")) == 50);
}

TEST_CASE("options of a family of tasks are known to each of its tasks, and may change sizes") {
  const auto points = points_of(
      "[[sweep]]\ntasks = [\"minatar-breakout\", \"minatar-freeway\"]\nalgorithms = [\"ppo\"]\nseeds = 1\n"
      "minatar.minimal_actions = true\n");
  CHECK(model_of(points[0].settings).parts[0].sizes.back() == 3);
  CHECK(model_of(paper_settings("minatar-breakout", "ppo")).parts[0].sizes.back() == 6);
  CHECK(!has_option("cartpole", "ppo", "minatar.minimal_actions"));
}

TEST_CASE("a task with a random part gets a number for each seed, unless it is set") {
  Settings settings = paper_settings("mazegrid-entangled", "ppo");
  const std::string key = "mazegrid.entangle_seed";
  const auto number = [&](std::int64_t seed) { return seeded_task_options(settings, seed).at(key); };
  CHECK(number(1) == number(1));
  CHECK(number(1) != number(2));
  CHECK(number(1) != OptionValue(std::int64_t{0}));
  const OptionValue with_master_seed_0 = number(1);
  settings.master_seed = 9;
  CHECK(number(1) != with_master_seed_0);
  settings.task_options[key] = std::int64_t{0};
  CHECK(number(1) != OptionValue(std::int64_t{0}));
  settings.task_options[key] = std::int64_t{5};
  CHECK(number(1) == OptionValue(std::int64_t{5}));
  CHECK(seeded_task_options(paper_settings("cartpole", "ppo"), 1).empty());
}

TEST_CASE("seeds are a number or a list") {
  CHECK(points_of(std::string(kHead))[0].seeds == std::vector<std::int64_t>{0});
  const auto points = points_of("[[sweep]]\ntasks=[\"cartpole\"]\nalgorithms=[\"ppo\"]\nseeds=[7, 3]\n");
  CHECK(points[0].seeds == std::vector<std::int64_t>{7, 3});
  CHECK(points[0].baselines.size() == 4);
}

TEST_CASE("unknown options name their neighbour, with type and range") {
  CHECK(error_of(std::string(kHead) + "ppo.epoch = 3\n") ==
        "cartpole.toml:6: unknown option 'ppo.epoch'; did you mean 'ppo.epochs' (integer, 1..1000)?");
  CHECK(mentions(error_of(std::string(kHead) + "seed = 3\n"), {":6:", "'seed'", "did you mean 'seeds'?"}));
  CHECK(mentions(error_of(std::string(kHead) + "wholly_unheard.of = 3\n"),
                 {":6:", "unknown option 'wholly_unheard.of'", "impsweep tasks --show"}));
  CHECK(mentions(error_of(kHead, {parse_assignment("ppo.epoch=3")}), {"--set ppo.epoch=3", "'ppo.epochs'"}));
  CHECK(mentions(error_of(std::string(kHead) + "[[sweep.variant]]\nname=\"x\"\nnet.initt = \"he\"\n"),
                 {":8:", "'network.init'", "one of kaiming, kaiming_in_scaled, xavier, he"}));
}

TEST_CASE("wrong types and impossible values say what is possible") {
  const auto with = [](const std::string& line) { return error_of(std::string(kHead) + line + "\n"); };
  CHECK(with("ppo.epochs = \"four\"") ==
        "cartpole.toml:6: 'ppo.epochs' = \"four\" has the wrong type; give integer, 1..1000");
  CHECK(mentions(with("ppo.epochs = 2.5"), {"wrong type", "integer, 1..1000"}));
  CHECK(mentions(with("ppo.epochs = true"), {"wrong type"}));
  CHECK(with("ppo.epochs = 0") == "cartpole.toml:6: 'ppo.epochs' = 0 is out of range; give integer, 1..1000");
  CHECK(mentions(with("ppo.learning_rate = -1"), {"out of range", "number, > 0"}));
  CHECK(mentions(with("ppo.learning_rate = [1e-3, 1e-4]"), {"wrong type", "[[sweep.variant]]"}));
  CHECK(mentions(with("ppo.linear_schedule = 1"), {"true or false"}));
  CHECK(mentions(with("network.init = \"uniform\""), {"not a choice", "kaiming", "orthogonal"}));
  CHECK(mentions(with("network.hidden = [128, 0]"), {"out of range", "list of integers, >= 1"}));
  CHECK(mentions(with("network.hidden = 128"), {"[128, 128]"}));
  CHECK(mentions(with("network.hidden = []\nnetwork.shared_trunk = true"),
                 {"'network.hidden' is empty", "'network.shared_trunk'", "false"}));
  CHECK(mentions(with("network.hidden = [[], []]"), {"twice"}));
  CHECK(mentions(with("network.tanh_mean = false"), {"no effect", "tasks cartpole"}));
  CHECK(mentions(with("ppo.initial_log_std = -1"), {"no effect", "tasks cartpole"}));
  CHECK(mentions(with("ppo.normalize_advantage = true\nppo.advantage_scope = \"minibatch\"\n"
                      "ppo.minibatches = 256"),
                 {"'ppo.advantage_scope'", "'ppo.minibatches' = 256", "rollout"}));
  CHECK(mentions(with("ppo.target_kl = -1"), {"out of range", "number, >= 0"}));
  CHECK(mentions(with("network.init = \"orthogonal\"\ninputs.select = [2, 3]"),
                 {"'network.init'", "inputs.*", "elementwise"}));
  CHECK(mentions(with("network.hidden = [9999999999]"), {"at most 65535"}));
  CHECK(mentions(with("network.hidden = [[8], [8]]"), {"twice"}));
  CHECK(mentions(with("imp.prune_fraction = 1.0"), {"out of range", "0.001..0.999"}));
  CHECK(mentions(with("ppo.minibatches = 257"), {"257", "256 samples", "rl.batch_B"}));
  CHECK(mentions(with("eval.interval = 80001"), {"eval.interval", "rl.steps"}));
  CHECK(mentions(with("imp.rewind_step = 80000"), {"imp.rewind_step", "rl.steps"}));
  CHECK(mentions(with("bc.learning_rate = 1e-3"), {":6:", "no effect", "ppo"}));
  CHECK(mentions(with("acrobot.max_steps = 5"), {"no effect", "cartpole"}));
  CHECK(mentions(with("cartpole.version = \"v7\""), {"not a choice"}));
  CHECK(mentions(with("cartpole.reset_low = 1"), {"reset_low", "reset_high"}));
  CHECK(mentions(with("master_seed = -1"), {"master_seed", "0.."}));
  CHECK(mentions(with("name = \"a b\""), {"no possible name"}));
  CHECK(mentions(with("seeds = 1"), {"not valid TOML"}));
  CHECK(mentions(with("net.init = \"he\"\nnetwork.init = \"he\""), {":7:", "twice", ":6"}));
  CHECK(
      mentions(with("imp.prune_fraction = 0.999\nnetwork.hidden = [4]"), {"no weight", "round 1", "rounds"}));
  CHECK(mentions(with("[[sweep.variant]]\nnetwork.init = \"he\""), {":6:", "no name"}));
  CHECK(mentions(with("[[sweep.variant]]\nname = \"a\"\n[[sweep.variant]]\nname = \"a\""),
                 {"two variants 'a'"}));
  CHECK(mentions(with("[[sweep.variant]]\nname = \"a\"\nseeds = 3"), {"cannot differ between variants"}));
}

TEST_CASE("sweeps without tasks, algorithms or seeds, and unknown names") {
  const auto learners = [](const char* task) {
    std::string names;
    for (const AlgorithmInfo* algorithm : algorithms_for(*find_task(task)))
      names += (names.empty() ? "" : ", ") + algorithm->name;
    return names;
  };
  CHECK(learners("ant").starts_with("bc, ppo"));
  const auto sweep = [](const std::string& lines) { return error_of("[[sweep]]\n" + lines); };
  CHECK(mentions(sweep("algorithms=[\"ppo\"]\nseeds=1\n"), {"cartpole.toml:1", "no 'tasks'"}));
  CHECK(mentions(sweep("tasks=[\"cartpole\"]\nseeds=1\n"), {"no 'algorithms'"}));
  CHECK(mentions(sweep("tasks=[\"cartpole\"]\nalgorithms=[\"ppo\"]\n"), {"no 'seeds'"}));
  const std::string rest = "\nalgorithms=[\"ppo\"]\nseeds=1\n";
  CHECK(mentions(sweep("tasks=[\"cartpol\"]" + rest),
                 {":2:", "unknown task 'cartpol'", "did you mean 'cartpole'?"}));
  CHECK(mentions(sweep("tasks=[]" + rest), {"not empty"}));
  CHECK(mentions(sweep("tasks=\"cartpole\"" + rest), {"list of names"}));
  CHECK(mentions(sweep("tasks=[\"cartpole\",\"cartpole\"]" + rest), {"twice"}));
  const auto algorithm = [&](const std::string& name) {
    return sweep("tasks=[\"cartpole\"]\nalgorithms=[\"" + name + "\"]\nseeds=1\n");
  };
  CHECK(algorithm("supervised") ==
        "cartpole.toml:3: algorithm 'supervised' cannot learn task 'cartpole': it needs a data set; give " +
            learners("cartpole"));
  CHECK(sweep("tasks=[\"ant\"]\nalgorithms=[\"dqn\"]\nseeds=1\n") ==
        "cartpole.toml:3: algorithm 'dqn' cannot learn task 'ant': it needs an environment with a finite "
        "number of "
        "actions; give " +
            learners("ant"));
  CHECK(mentions(algorithm("pppo"), {"unknown algorithm 'pppo'", "'ppo'"}));
  const auto seeds = [&](const std::string& value) {
    return sweep("tasks=[\"cartpole\"]\nalgorithms=[\"ppo\"]\nseeds=" + value + "\n");
  };
  CHECK(mentions(seeds("0"), {"1..1000000"}));
  CHECK(mentions(seeds("[]"), {"empty"}));
  CHECK(mentions(seeds("[1, 1]"), {"twice"}));
  CHECK(mentions(seeds("[-1]"), {"from 0 on"}));
  CHECK(mentions(seeds("1\nrounds = 0"), {"1..1000"}));
  CHECK(mentions(seeds("1\nbaselines = [\"mask/weigths\"]"), {"did you mean 'mask/weights'?"}));
}

TEST_CASE("settings of DQN are its own") {
  const auto points = points_of("[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"dqn\"]\nseeds = 1\n");
  REQUIRE(points.size() == 1);
  const AgentConfig& agent = points[0].settings.agent;
  CHECK(agent.sampler.steps == 80000);
  CHECK(agent.sampler.batch_T == 4);
  CHECK(agent.options<DqnConfig>().batch_size == 64);
  CHECK(agent.options<DqnConfig>().adam_epsilon_in_force() == 0.01 / 64);
  CHECK(agent.options<DqnConfig>().epsilon_steps == 10000);
  CHECK(points[0].rounds == 30);
  CHECK(has_option("cartpole", "dqn", "dqn.n_step"));
  CHECK_FALSE(has_option("cartpole", "dqn", "ppo.epochs"));
  CHECK(has_option("cartpole", "dqn", "rl.timeout_bootstrap"));
  CHECK_FALSE(has_option("mazegrid", "bc", "rl.timeout_bootstrap"));
  CHECK_FALSE(has_option("cartpole", "ppo", "dqn.n_step"));
  CHECK_FALSE(has_option("cartpole", "bc", "bc.replay_size"));
  CHECK(has_option("cartpole", "bc", "bc.epochs"));
  const std::string head = "[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"dqn\"]\nseeds = 1\n";
  CHECK(mentions(error_of(head + "dqn.replay_size = 10\n"), {"'dqn.replay_size' = 10", "28.."}));
  CHECK(mentions(error_of(head + "dqn.batchsize = 10\n"), {"did you mean 'dqn.batch_size'"}));
  CHECK(mentions(error_of(head + "dqn.min_steps_learn = 80000\n"),
                 {"not reached", "nothing would be learned"}));
}

TEST_CASE("a convolution needs a board; its name tells it from a network without") {
  CHECK(mentions(error_of(std::string(kHead) + "network.architecture = \"cnn\"\n"),
                 {"needs a board", "'cartpole' shows 0 x 0"}));
  NetworkConfig network;
  CHECK(network_name(network) == "128-128");
  network.architecture = Architecture::kCnn;
  network.hidden = paper_cnn_hidden();
  CHECK(network_name(network) == "cnn16x3-128-64");
}

TEST_CASE("a network without hidden layers is called linear, alone or as one of several") {
  const std::vector<GridPoint> one = points_of(std::string(kHead) + "network.hidden = []\n");
  REQUIRE(one.size() == 1);
  CHECK(network_name(one[0].settings.agent.network) == "linear");
  CHECK(prunable_entries(one[0].settings) == 4 * 2);
  const std::vector<GridPoint> two = points_of(std::string(kHead) + "network.hidden = [[], [16]]\n");
  REQUIRE(two.size() == 2);
  CHECK(two[0].settings.agent.network.hidden.empty());
  CHECK(network_name(two[1].settings.agent.network) == "16");
  CHECK(resolve_frozen(parse_job(frozen_job(two), "frozen")).size() == 2);
  NetworkConfig convolution{.architecture = Architecture::kCnn, .hidden = {}};
  CHECK(network_name(convolution) == "cnn16x3-linear");
}

TEST_CASE("keys of a Gaussian policy are those of tasks with continuous actions") {
  CHECK(has_option("hopper", "ppo", "ppo.initial_log_std"));
  CHECK(has_option("hopper", "ppo", "network.tanh_mean"));
  CHECK(has_option("hopper", "bc", "teacher.network.tanh_mean"));
  CHECK(has_option("hopper", "bc", "ppo.initial_log_std"));  // the teacher's
  CHECK_FALSE(has_option("cartpole", "ppo", "ppo.initial_log_std"));
  CHECK_FALSE(has_option("cartpole", "bc", "teacher.network.tanh_mean"));
  CHECK(has_option("cartpole", "ppo", "ppo.obs_norm"));
  CHECK_FALSE(has_option("cartpole", "dqn", "ppo.obs_norm"));
  // Beside a task that has them they concern it alone.
  const std::vector<GridPoint> points = points_of(
      "[[sweep]]\ntasks = [\"cartpole\", \"hopper\"]\nalgorithms = [\"ppo\"]\nseeds = 1\nrounds = 2\n"
      "network.tanh_mean = false\nppo.initial_log_std = -0.5\nppo.obs_norm = true\n");
  REQUIRE(points.size() == 2);
  CHECK(points[0].settings.agent.network.tanh_mean);
  CHECK(points[0].settings.agent.options<PpoConfig>().initial_log_std == 0);
  CHECK_FALSE(points[1].settings.agent.network.tanh_mean);
  CHECK(model_of(points[1].settings).initial_log_std == -0.5);
  CHECK(model_of(points[1].settings).observation_moments == 15);
  CHECK(model_of(points[0].settings).observation_moments == 4);
  CHECK(frozen_job(resolve_frozen(parse_job(frozen_job(points), "frozen"))) == frozen_job(points));
}

TEST_CASE("a budget in frames becomes one in steps") {
  const std::string head =
      "[[sweep]]\ntasks = [\"atari-pong\"]\nseeds = 1\nrounds = 2\natari.budget_unit = \"frames\"\n";
  const std::vector<GridPoint> points = points_of(head + "algorithms = [\"ppo\", \"bc\"]\n");
  REQUIRE(points.size() == 2);
  CHECK(points[0].settings.agent.sampler.steps == 625'000);
  CHECK(points[1].settings.agent.sampler.steps == 625'000);
  CHECK(points[1].settings.teacher.sampler.steps == 625'000);
  CHECK(value_of(points[0].settings, "atari.budget_unit") == OptionValue(std::string("steps")));
  CHECK(resolve_frozen(parse_job(frozen_job(points), "frozen"))[0].settings.agent.sampler.steps == 625'000);
  const std::string ppo = head + "algorithms = [\"ppo\"]\n";
  CHECK(points_of(ppo + "rl.steps = 1_000_000\natari.frame_skip = 5\n")[0].settings.agent.sampler.steps ==
        200'000);
  CHECK(mentions(error_of(ppo + "rl.steps = 1_000_001\n"),
                 {"'rl.steps' = 1000001", "4 frames (atari.frame_skip)"}));
  CHECK(mentions(error_of(std::string(kHead) + "atari.budget_unit = \"frames\"\n"), {"no effect"}));
}

TEST_CASE("the paper's DQN settings, and where students learn values") {
  CHECK(teacher_algorithm(*find_task("cartpole")) == "ppo");
  for (const char* task : {"mazegrid", "mazegrid-rgb", "minatar-breakout"})
    CHECK(teacher_algorithm(*find_task(task)) == "dqn");
  const AgentConfig maze = paper_defaults("mazegrid", "dqn"), game = paper_defaults("minatar-asterix", "dqn");
  CHECK(maze.network.hidden == std::vector<std::int64_t>{512, 256});
  CHECK(maze.sampler.steps == 5'000'000);
  CHECK(maze.options<DqnConfig>().learning_rate == 5e-4);
  CHECK(maze.options<DqnConfig>().epsilon_steps == 1'000'000);
  CHECK(game.network.hidden == std::vector<std::int64_t>{1024, 512});
  CHECK(game.sampler.steps == 15'000'000);
  CHECK(game.options<DqnConfig>().learning_rate == 2.5e-4);
  CHECK(game.options<DqnConfig>().epsilon_final == 0.05);
  CHECK(game.evaluation.interval == 250'000);
  CHECK(has_option("minatar-asterix", "bc", "bc.replay_size"));
  CHECK(has_option("minatar-asterix", "bc", "teacher.dqn.n_step"));
  CHECK(has_option("minatar-asterix", "bc", "dqn.n_step"));  // the teacher's
  CHECK_FALSE(has_option("minatar-asterix", "bc", "bc.epochs"));
  CHECK_FALSE(has_option("minatar-asterix", "bc", "teacher.ppo.epochs"));
  CHECK(paper_settings("minatar-asterix", "bc").teacher.options<DqnConfig>().learning_rate == 2.5e-4);
  CHECK(paper_settings("minatar-asterix", "bc").teacher.sampler.steps == 15'000'000);
  const AgentConfig student = paper_defaults("minatar-asterix", "bc");
  CHECK(student.sampler.steps == 10'000'000);
  CHECK(student.options<ValueCloningConfig>().learning_rate == 5e-4);
  CHECK(student.options<ValueCloningConfig>().clip_grad_norm == 10);
  CHECK(paper_settings("minatar-asterix", "bc").teacher_choice.hidden == std::vector<std::int64_t>{512, 256});
}

TEST_CASE("nearest words") {
  const std::vector<std::string> words = {"ppo.epochs", "ppo.discount", "rl.steps"};
  CHECK(nearest_word("ppo.epcohs", words) == "ppo.epochs");
  CHECK(nearest_word("rl.step", words) == "rl.steps");
  CHECK(nearest_word("something else", words).empty());
}

TEST_CASE("any key is an axis by its grid, and its values are variants") {
  const JobFile file = parse_job(R"([[sweep]]
tasks = ["cartpole"]
algorithms = ["ppo", "dqn"]
seeds = 1
rounds = 1
dqn.min_steps_learn = 100
ppo.learning_rate = {grid = [0.0005, 0.25, 1.0]}
network.init = {grid = ["kaiming", "xavier"]}
[[sweep.variant]]
name = "default"
[[sweep.variant]]
name = "bold"
ppo.learning_rate = 0.1
)",
                                 "job.toml");
  const std::vector<GridPoint> points = resolve({&file, 1});
  std::vector<std::string> names;
  for (const GridPoint& point : points) names.push_back(point.settings.algorithm + " " + point.variant);
  CHECK(names == std::vector<std::string>{
                     "ppo learning_rate=5e-4+init=kaiming", "ppo learning_rate=5e-4+init=xavier",
                     "ppo learning_rate=25e-2+init=kaiming", "ppo learning_rate=25e-2+init=xavier",
                     "ppo learning_rate=1+init=kaiming", "ppo learning_rate=1+init=xavier",
                     "ppo bold+init=kaiming", "ppo bold+init=xavier", "dqn init=kaiming", "dqn init=xavier",
                     "dqn bold+init=kaiming", "dqn bold+init=xavier"});
  CHECK(points[3].settings.agent.options<PpoConfig>().learning_rate == 0.25);
  CHECK(points[3].settings.agent.network.init == Init::kXavier);
  const JobFile frozen = parse_job(frozen_job(points), "frozen.toml");
  CHECK(frozen_job(resolve_frozen(frozen)) == frozen_job(points));
}

TEST_CASE("axes of the same last part have their full names, and a grid is checked") {
  const auto variants = [](const std::string& keys) {
    const JobFile file =
        parse_job("[[sweep]]\ntasks = [\"cartpole\"]\nalgorithms = [\"bc\"]\nseeds = 1\nrounds = 1\n" + keys,
                  "job.toml");
    std::vector<std::string> names;
    for (const GridPoint& point : resolve({&file, 1})) names.push_back(point.variant);
    return names;
  };
  CHECK(variants("adam.beta1 = {grid = [0.5]}\nteacher.adam.beta1 = {grid = [0.9]}\n") ==
        std::vector<std::string>{"adam.beta1=5e-1+teacher.adam.beta1=9e-1"});
  CHECK(variants("bc.teacher_hidden = {grid = [[8, 8], [16]]}\n") ==
        std::vector<std::string>{"teacher_hidden=8-8", "teacher_hidden=16"});
  CHECK_THROWS_WITH_AS(variants("rl.steps = {grid = 5}\n"), doctest::Contains("no list of values"),
                       InputError);
  CHECK_THROWS_WITH_AS(variants("rl.steps = {grid = [9000, 9000]}\n"), doctest::Contains("twice"),
                       InputError);
  CHECK_THROWS_WITH_AS(variants("baselines.grid = [1]\n"), doctest::Contains("baselines"), InputError);
}

TEST_CASE("a key that a frozen job lacks means what was done before there was such a key") {
  const JobFile file =
      parse_job("[[sweep]]\ntasks = [\"minatar-breakout\"]\nalgorithms = [\"dqn\"]\nseeds = 1\nrounds = 1\n",
                "job.toml");
  const std::vector<GridPoint> points = resolve({&file, 1});
  CHECK(points[0].settings.agent.evaluation.max_episode_steps == 5000);
  std::string text = frozen_job(points);
  const std::string line = "eval.max_episode_steps = 5000\n";
  REQUIRE(text.find(line) != text.npos);
  text.erase(text.find(line), line.size());
  const JobFile older = parse_job(text, "older.toml");
  CHECK(resolve_frozen(older)[0].settings.agent.evaluation.max_episode_steps == 0);
  const std::vector<JobEntry> zero = {parse_assignment("eval.max_episode_steps=0")};
  CHECK_THROWS_WITH_AS(resolve({&file, 1}, zero), doctest::Contains("might never end"), InputError);
}

TEST_CASE("robots are those of the paper's package, and a frozen job that does not say so had the other") {
  const JobFile file = parse_job(
      "[[sweep]]\ntasks = [\"halfcheetah\"]\nalgorithms = [\"ppo\"]\nseeds = 1\nrounds = 1\n", "job.toml");
  const std::vector<GridPoint> points = resolve({&file, 1});
  const auto package_of = [](const Settings& settings) {
    for (const OptionState& option : list_settings(settings))
      if (option.option.key == "locomotion.package") return std::get<std::string>(option.value);
    return std::string();
  };
  CHECK(package_of(points[0].settings) == "pybullet_gym");
  std::string text = frozen_job(points);
  const std::string line = "locomotion.package = \"pybullet_gym\"\n";
  REQUIRE(text.find(line) != text.npos);
  CHECK(package_of(resolve_frozen(parse_job(text, "frozen.toml"))[0].settings) == "pybullet_gym");
  text.erase(text.find(line), line.size());
  CHECK(package_of(resolve_frozen(parse_job(text, "older.toml"))[0].settings) == "pybullet_envs");
  // The old package is what recipes leave out, so that its digests stay.
  const auto keys_of = [&](const char* package) {
    const std::vector<JobEntry> set = {
        parse_assignment(std::string("locomotion.package=\"") + package + "\"")};
    std::string keys;
    for (const auto& [key, value] :
         recipe_template(resolve({&file, 1}, set)[0].settings, Baseline::kMaskWeights, 0, 0).keys)
      keys += key + "=" + value + ";";
    return keys;
  };
  CHECK(keys_of("pybullet_envs").find("package") == std::string::npos);
  CHECK(keys_of("pybullet_gym").find("locomotion.package=\"pybullet_gym\"") != std::string::npos);
  const std::vector<JobEntry> order = {parse_assignment("locomotion.contact_order=\"0,1,2,3,4,5,6\"")};
  CHECK_THROWS_WITH_AS(resolve({&file, 1}, order), doctest::Contains("recordings"), InputError);
}
