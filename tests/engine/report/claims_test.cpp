// Verdicts on the paper's claims from made-up chains whose answers are known, and what must not be judged.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "engine/report/claims/claims.hpp"
#include "engine/report/hypotheses.hpp"
#include "made_up.hpp"

using namespace impsweep;
using made_up::noise;
using made_up::textbook;
using statistics::Outcome;

namespace {

constexpr Baseline kTicket = Baseline::kMaskWeights;

JudgedHypothesis verdict_on(const std::string& id, std::vector<Group> groups) {
  Results results;
  results.groups = std::move(groups);
  for (JudgedHypothesis& one : judge(results))
    if (one.id == id) return std::move(one);
  FAIL("no hypothesis " << id);
  return {};
}

Group five_seeds(const std::string& task, const std::string& algorithm, const made_up::Returns& returns,
                 int rounds = 5, double left = 0.5) {
  return made_up::group(
      {.task = task, .algorithm = algorithm, .rounds = rounds, .finished = rounds, .left = left}, returns);
}

double effect(const JudgedHypothesis& one, std::size_t finding = 0) {
  REQUIRE(one.findings.size() > finding);
  REQUIRE(one.findings[finding].decision.estimate);
  return *one.findings[finding].decision.estimate;
}

// Returns 100 in every round but for a little noise, plus what is given.
made_up::Returns about_100(const std::function<double(std::int64_t seed, int round)>& more, int stream = 0) {
  return [=](Baseline, std::int64_t seed, int round) {
    return 100 + noise(static_cast<Baseline>((stream + round) % 4), seed) + more(seed, round);
  };
}

}  // namespace

TEST_CASE("the table of claims: ids in order, nothing empty, quantifiers that their tests know") {
  int number = 0;
  for (const claims::Claim& claim : claims::table()) {
    CAPTURE(claim.id);
    CHECK(claim.id == fmt::format("H{}", ++number));
    CHECK(std::string(claim.text).ends_with("."));
    CHECK_FALSE(claim.settings.empty());
    REQUIRE_FALSE(claim.parts.empty());
    for (const claims::Part& part : claim.parts) {
      CHECK((part.measure != nullptr));
      CHECK_FALSE(claims::rule_text(part.rule).empty());
      if (part.rule.quantifier == claims::Quantifier::kSomewhere)
        CHECK(part.rule.test == claims::Test::kOrder);
    }
  }
  CHECK(number == 36);
}

TEST_CASE("verdicts of a textbook sweep") {
  const Group cloning = five_seeds("cartpole", "bc", textbook);
  const Group rl = five_seeds("cartpole", "ppo", [](Baseline b, std::int64_t seed, int round) {
    return round > 1 + seed % 2 ? 20 + noise(b, seed) : textbook(b, seed, round);
  });
  const JudgedHypothesis tickets = verdict_on("H1", {cloning});
  CHECK(tickets.verdict == Outcome::kSupported);
  CHECK(effect(tickets) == doctest::Approx(0.8));
  CHECK(tickets.findings[0].decision.interval->low > 0.75);
  CHECK(tickets.findings[0].decision.n == 5);
  const JudgedHypothesis further = verdict_on("H2", {cloning, rl});
  CHECK(further.verdict == Outcome::kSupported);
  CHECK(effect(further) == doctest::Approx(5 - 2.4));
  CHECK(further.findings[0].note == "5 of 5 seeds hold to the last round: a lower bound");
  const JudgedHypothesis most = verdict_on("H3", {cloning});
  CHECK(most.verdict == Outcome::kSupported);
  CHECK(effect(most, 0) == doctest::Approx(1).epsilon(0.01));
  CHECK(effect(most, 1) == doctest::Approx(0).epsilon(0.01));
  CHECK(verdict_on("H4", {cloning}).verdict == Outcome::kSupported);
  const JudgedHypothesis order = verdict_on("H5", {cloning});
  CHECK(order.verdict == Outcome::kSupported);
  CHECK(order.findings[0].decision.outcome == Outcome::kEquivalent);
  CHECK(verdict_on("H9", {cloning}).verdict == Outcome::kNotRun);
  CHECK(verdict_on("H31", {cloning}).verdict == Outcome::kSupported);
  CHECK(to_json({tickets})[0]["verdict"] == "supported");
  CHECK(to_json({tickets})[0]["findings"][0]["seeds"] == 5);
}

TEST_CASE("the opposite contradicts, few seeds decide nothing and say how many are missing") {
  const Group opposite = five_seeds("cartpole", "bc", [](Baseline b, std::int64_t seed, int round) {
    return round > 0 && b != Baseline::kRandomReinit ? 10 + noise(b, seed) : 100 + noise(b, seed);
  });
  CHECK(verdict_on("H4", {opposite}).verdict == Outcome::kContradicted);
  CHECK(verdict_on("H1", {opposite}).verdict == Outcome::kContradicted);
  Group few = made_up::group({.algorithm = "bc", .seeds = 3}, textbook);
  const JudgedHypothesis undecided = verdict_on("H1", {few});
  CHECK(undecided.verdict == Outcome::kUndecided);
  CHECK(undecided.what_would_decide == "5 seeds at least are needed");
  CHECK_FALSE(undecided.findings[0].decision.interval);
  // An effect that is small beside the noise: an estimate of how many seeds would find it.
  const Group faint = five_seeds("cartpole", "bc", [](Baseline b, std::int64_t seed, int round) {
    return round == 0 ? 100 + noise(kTicket, seed)
                      : 50 + (b == Baseline::kPermutedPermuted ? 0.6 : 0) + noise(b, seed);
  });
  const JudgedHypothesis later = verdict_on("H4", {faint});
  CHECK(later.verdict == Outcome::kUndecided);
  CHECK(later.what_would_decide.find("seeds would decide it") != std::string::npos);
}

TEST_CASE("chains under way are shown, decide nothing, and leave the whole to those that are done") {
  const auto setting = [](const char* task, int finished) {
    return made_up::group({.task = task, .algorithm = "bc", .seeds = 5, .rounds = 5, .finished = finished},
                          textbook);
  };
  const Group done = setting("cartpole", 5);
  Group begun = setting("acrobot", 5);
  for (auto& [baseline, seeds] : begun.chains)
    for (auto& [seed, chain] : seeds) std::fill(chain.begin() + 2, chain.end(), nullptr);
  for (const char* claim : {"H3", "H4", "H5"}) {
    CAPTURE(claim);
    const JudgedHypothesis both = verdict_on(claim, {done, begun});
    CHECK(both.verdict == Outcome::kSupported);
    CHECK(both.findings[2].setting == "1 of 2 settings, pooled");
    CHECK(verdict_on(claim, {begun}).verdict == Outcome::kUndecided);
  }
  CHECK(verdict_on("H4", {begun}).what_would_decide == "round 4 is needed, the chains are at round 1");
  // What is said of every setting waits for every one.
  CHECK(verdict_on("H1", {done, begun}).verdict == Outcome::kUndecided);
}

TEST_CASE("settings with few seeds are not pooled, and no number of one stands for all of them") {
  const auto game = [](const char* task, int seeds) {
    Group group = made_up::group({.task = task, .algorithm = "dqn", .seeds = seeds}, textbook);
    const std::size_t channel = channel_named(*group.info, "paddle").value_or(0);
    made_up::change(group, kTicket, [&](RoundFacts& round, std::int64_t, int) {
      for (const std::size_t input : channel_inputs(*group.info, channel))
        round.input_magnitude[input] = 1.0F;
    });
    return group;
  };
  const JudgedHypothesis few = verdict_on(
      "H14", {game("minatar-breakout", 2), game("minatar-freeway", 2), game("minatar-space_invaders", 2)});
  CHECK(few.verdict == Outcome::kUndecided);
  CHECK(few.what_would_decide == "5 seeds at least are needed");
  CHECK_FALSE(few.findings.back().decision.estimate);
  const auto cloning = [](const char* task) {
    return made_up::group({.task = task, .algorithm = "bc", .seeds = 3}, textbook);
  };
  const JudgedHypothesis pool = verdict_on("H4", {cloning("cartpole"), cloning("acrobot")});
  REQUIRE(pool.findings.size() == 3);
  CHECK(pool.findings[2].setting == "0 of 2 settings, pooled");
  CHECK_FALSE(pool.findings[2].decision.estimate);
  CHECK(pool.verdict == Outcome::kUndecided);
}

TEST_CASE("one setting out of line is a note about the whole, and contradicts what is said of all") {
  const auto with_effect = [](double effect) {
    return [=](Baseline b, std::int64_t seed, int round) {
      return round == 0 ? 100 + noise(kTicket, seed)
                        : 60 + (b == Baseline::kRandomReinit ? 0 : effect) + noise(b, seed);
    };
  };
  const std::vector<Group> mixed = {five_seeds("cartpole", "bc", with_effect(30)),
                                    five_seeds("acrobot", "bc", with_effect(30)),
                                    five_seeds("hopper", "bc", with_effect(-5))};
  const JudgedHypothesis whole = verdict_on("H4", mixed);
  CHECK(whole.verdict == Outcome::kSupported);
  REQUIRE(whole.findings.size() == 4);
  CHECK(whole.findings[2].decision.outcome == Outcome::kContradicted);
  CHECK(whole.findings[3].together);
  CHECK(whole.findings[3].note == "settings from -0.05 to 0.3; 1 of 3 contradict by themselves");
  CHECK(effect(whole, 3) == doctest::Approx(0.55 / 3).epsilon(0.03));
  CHECK(verdict_on("H1", mixed).verdict == Outcome::kContradicted);
}

TEST_CASE("a claim is judged on its own settings") {
  // Cloning that goes further than DQN on Cart-Pole says nothing about PPO.
  const Group dqn =
      five_seeds("cartpole", "dqn", about_100([](auto, int round) { return round > 2 ? -80.0 : 0.0; }));
  CHECK(verdict_on("H2", {five_seeds("cartpole", "bc", textbook), dqn}).verdict == Outcome::kNotRun);
  CHECK(verdict_on("H4", {five_seeds("minatar-breakout", "bc", textbook)}).verdict == Outcome::kNotRun);
  CHECK(verdict_on("H5", {five_seeds("minatar-breakout", "bc", textbook)}).verdict == Outcome::kNotRun);
  CHECK(verdict_on("H28", {dqn}).findings.size() == 1);
  const JudgedHypothesis scope =
      verdict_on("H1", {five_seeds("cartpole", "bc", textbook), five_seeds("cartpole", "ppo", textbook)});
  CHECK(scope_text(scope) == "2 of 22 settings: cartpole (bc, ppo)");
  CHECK(scope.missing.size() == 20);
  CHECK(list_text({{"acrobot", "bc"}, {"mazegrid", "dqn"}, {"acrobot", "ppo"}}) ==
        "acrobot (bc, ppo), mazegrid (dqn)");
  // Every game counts as Atari.
  const JudgedHypothesis atari = verdict_on("H1", {five_seeds("atari-pong", "ppo", textbook)});
  CHECK(atari.seen == std::vector<TaskAndAlgorithm>{{"atari", "ppo"}});
}

TEST_CASE("settings make a chain the paper's, not the name of its variant") {
  Group renamed = five_seeds("cartpole", "bc", textbook);
  renamed.variant = "mine";
  CHECK(verdict_on("H1", {renamed}).verdict == Outcome::kSupported);
  Group other = five_seeds("cartpole", "bc", textbook);
  other.settings.agent.adam.beta1 = 0.5;
  CHECK(verdict_on("H1", {other}).verdict == Outcome::kNotRun);
  // A convolutional network is one by its settings: no multilayer perceptron's claim speaks of it.
  Group cnn = five_seeds("minatar-asterix", "bc", textbook);
  cnn.settings.agent.network.architecture = Architecture::kCnn;
  CHECK(verdict_on("H27", {cnn}).verdict == Outcome::kNotRun);
  CHECK(verdict_on("H32", {cnn}).findings.size() == 2);
}

TEST_CASE("convolutions against perceptrons: both parts are needed, games against other tasks") {
  const auto weights_worth = [](double worth, std::int64_t stream = 0) {
    return [=](Baseline b, std::int64_t seed, int round) {
      return round == 0 ? 100 + noise(kTicket, seed)
                        : 60 + (b == kTicket ? worth : 0) + noise(b, seed * seed * stream + seed);
    };
  };
  Group cnn = five_seeds("minatar-asterix", "bc", weights_worth(30, 1));
  cnn.settings.agent.network.architecture = Architecture::kCnn;
  cnn.network = network_name(cnn.settings.agent.network);
  const Group mlp = five_seeds("minatar-asterix", "bc", weights_worth(5)),
              pole = five_seeds("cartpole", "ppo", weights_worth(5)),
              pong = five_seeds("atari-pong", "ppo", weights_worth(30, 1));
  const JudgedHypothesis half = verdict_on("H7", {cnn, mlp});
  CHECK(half.verdict == Outcome::kUndecided);
  CHECK(half.what_would_decide == "part 2: not run");
  CHECK(effect(half) == doctest::Approx(0.25).epsilon(0.02));
  CHECK(verdict_on("H7", {cnn, mlp, pole, pong}).verdict == Outcome::kSupported);
  CHECK(verdict_on("H7", {mlp, cnn, five_seeds("cartpole", "ppo", weights_worth(40)), pong}).verdict ==
        Outcome::kContradicted);
}

TEST_CASE("robots: permuted below random in some task, and not where the actor alone is pruned") {
  const auto robot = [](const std::string& task, double shuffled, bool actor_only) {
    Group group = five_seeds(task, "ppo", [=](Baseline b, std::int64_t seed, int round) {
      return round == 0 ? 100 + noise(kTicket, seed)
                        : 50 + (b == Baseline::kPermutedPermuted ? shuffled : 0) + noise(b, seed);
    });
    if (actor_only) {
      group.variant = "actor-only";
      group.settings.imp.scope = PruneScope::kActor;
    }
    return group;
  };
  const JudgedHypothesis half = verdict_on("H6", {robot("hopper", -20, false), robot("ant", 0.1, false)});
  CHECK(half.verdict == Outcome::kUndecided);
  CHECK(verdict_on("H6", {robot("hopper", -20, false), robot("ant", 0.1, false), robot("hopper", 10, true)})
            .verdict == Outcome::kSupported);
  CHECK(verdict_on("H6", {robot("hopper", -20, false), robot("ant", 0.1, false), robot("hopper", -20, true)})
            .verdict == Outcome::kContradicted);
}

TEST_CASE("early rounds are paired with the seed's own dense agent") {
  const auto rising = [](double by) {
    return about_100([=](std::int64_t seed, int round) {
      return 20.0 * static_cast<double>(seed) + (round > 0 ? by : 0);
    });
  };
  // Seeds differ by far more than the rise.
  CHECK(verdict_on("H17", {five_seeds("hopper", "ppo", rising(7), 7)}).verdict == Outcome::kSupported);
  CHECK(verdict_on("H17", {five_seeds("hopper", "ppo", rising(-7), 7)}).verdict == Outcome::kContradicted);
  const JudgedHypothesis soon = verdict_on("H17", {five_seeds("hopper", "ppo", rising(7), 4)});
  CHECK(soon.verdict == Outcome::kUndecided);
  CHECK(soon.what_would_decide == "round 5 is needed, the chains are at round 3");
}

TEST_CASE("games: a rise over stated rounds, declines by slope, flatness within a margin") {
  const auto game = [](const char* task, double per_round) {
    return five_seeds(task, "dqn", about_100([=](auto, int round) { return per_round * round; }), 12, 0.8);
  };
  const JudgedHypothesis games =
      verdict_on("H26", {game("minatar-asterix", 1), game("minatar-breakout", -2),
                         game("minatar-space_invaders", -2), game("minatar-freeway", 0)});
  CHECK(games.verdict == Outcome::kSupported);
  REQUIRE(games.findings.size() == 4);
  CHECK(effect(games, 0) == doctest::Approx(0.055).epsilon(0.05));
  CHECK(effect(games, 1) == doctest::Approx(-0.22).epsilon(0.05));
  CHECK(games.findings[3].decision.outcome == Outcome::kEquivalent);
  CHECK(verdict_on("H26", {game("minatar-asterix", 1)}).what_would_decide ==
        "part 2: not run; part 3: not run; part 4: not run");
  CHECK(verdict_on("H26", {game("minatar-freeway", -3)}).verdict == Outcome::kContradicted);
  // Equality is no rise, whatever the best of ten rounds shows.
  const JudgedHypothesis equal = verdict_on("H26", {game("minatar-asterix", 0)});
  CHECK(equal.findings[0].decision.outcome == Outcome::kUndecided);
}

TEST_CASE(
    "inputs of robots: no verdict before a chain is near 10 %, and effective counts against the paper's") {
  const auto robot = [](const std::string& task, int kept, int rounds) {
    Group group = five_seeds(task, "ppo", about_100([](auto, int) { return 0.0; }), rounds, 0.8);
    made_up::change(group, kTicket, [=](RoundFacts& round, std::int64_t seed, int number) {
      if (number > 5) round.summary.inputs_left = kept + seed % 2;
    });
    return group;
  };
  const JudgedHypothesis both = verdict_on("H16", {robot("walker2d", 11, 13), robot("ant", 21, 13)});
  CAPTURE(both.what_would_decide);
  CHECK(both.verdict == Outcome::kSupported);
  const JudgedHypothesis early = verdict_on("H16", {robot("walker2d", 11, 8)});
  CHECK(early.verdict == Outcome::kUndecided);
  CHECK(early.what_would_decide.find("the chains end at density 0.21") != std::string::npos);
  CHECK(verdict_on("H16", {robot("walker2d", 21, 13)}).verdict == Outcome::kContradicted);
}

TEST_CASE("Cart-Pole's needless inputs go first in more seeds than by chance") {
  const auto pole = [](int first_gone, int last_gone) {
    Group group = five_seeds("cartpole", "ppo", about_100([](auto, int) { return 0.0; }), 8);
    group.variant = "scaled";
    group.settings.agent.network.init = Init::kKaimingInScaled;
    group.settings.agent.network.input_scale = 0.1;
    made_up::change(group, kTicket, [=](RoundFacts& round, std::int64_t, int number) {
      if (number >= 3) round.input_kept[static_cast<std::size_t>(first_gone)] = 0;
      if (number >= 3) round.input_kept[static_cast<std::size_t>(last_gone)] = 0;
    });
    return group;
  };
  const JudgedHypothesis all = verdict_on("H18", {pole(0, 1)});
  CHECK(all.verdict == Outcome::kSupported);
  CHECK(effect(all) == 1);
  CHECK(all.findings[0].decision.interval->low == doctest::Approx(0.478).epsilon(0.01));
  CHECK(verdict_on("H18", {pole(0, 2)}).verdict != Outcome::kSupported);
}

TEST_CASE("two inputs against all, and the others alone") {
  const auto given = [](const char* variant, double reached, bool complement) {
    Group group = five_seeds("cartpole", "ppo", about_100([=](auto, int) { return reached - 100; }, 1));
    group.variant = variant;
    group.settings.inputs = {.select = {2, 3}, .complement = complement};
    return group;
  };
  const Group all = five_seeds("cartpole", "ppo", textbook);
  const JudgedHypothesis enough =
      verdict_on("H21", {all, given("kept", 100, false), given("other", 20, true)});
  CHECK(enough.verdict == Outcome::kSupported);
  CHECK(effect(enough, 0) == doctest::Approx(0).epsilon(0.02));
  CHECK(effect(enough, 1) == doctest::Approx(-0.8).epsilon(0.02));
  CHECK(verdict_on("H21", {all, given("kept", 60, false), given("other", 20, true)}).verdict ==
        Outcome::kContradicted);
}

TEST_CASE("sizes: pairs of one task count once, and no convolution is set against a perceptron") {
  const auto sized = [](std::vector<std::int64_t> hidden, double level, Architecture kind) {
    Group group = five_seeds("cartpole", "ppo", about_100([=](auto, int) { return level; }), 6);
    group.settings.agent.network.hidden = hidden;
    group.settings.agent.network.architecture = kind;
    group.network = network_name(group.settings.agent.network);
    for (std::int64_t& kept : group.kept) kept = kept * hidden.front() / 128;
    return group;
  };
  const JudgedHypothesis sizes =
      verdict_on("H22", {sized({128, 128}, 0, Architecture::kMlp), sized({256, 256}, 0, Architecture::kMlp),
                         sized({512, 512}, 0, Architecture::kMlp)});
  REQUIRE(sizes.findings.size() == 1);
  CHECK(sizes.findings[0].setting == "cartpole ppo, 3 pairs of networks");
  CHECK(sizes.verdict == Outcome::kSupported);
  CHECK(
      verdict_on("H22", {sized({128, 128}, 0, Architecture::kMlp), sized({256, 256}, 0, Architecture::kCnn)})
          .verdict == Outcome::kNotRun);
  CHECK(verdict_on("H22",
                   {sized({128, 128}, -30, Architecture::kMlp), sized({256, 256}, 0, Architecture::kMlp)})
            .verdict == Outcome::kContradicted);
}

TEST_CASE("digits: rim pixels against those of the centre, and a rim that is gone altogether") {
  const auto digits = [](float rim) {
    Group group = five_seeds("digits", "supervised", textbook);
    made_up::change(group, kTicket, [=](RoundFacts& round, std::int64_t, int) {
      for (int pixel = 0; pixel < 784; ++pixel) {
        const int row = pixel / 28, column = pixel % 28;
        const int distance = std::min({row, column, 27 - row, 27 - column});
        round.input_magnitude[static_cast<std::size_t>(pixel)] = distance < 4 ? rim : 4.0F;
        round.input_kept[static_cast<std::size_t>(pixel)] = 10 * distance;
      }
    });
    return group;
  };
  for (const float rim : {1.0F, 0.0F}) CHECK(verdict_on("H29", {digits(rim)}).verdict == Outcome::kSupported);
  CHECK(verdict_on("H29", {digits(8.0F)}).verdict != Outcome::kSupported);
}

TEST_CASE("a channel that is gone counts as pruned and drops no seed") {
  Group bullets = five_seeds("minatar-space_invaders", "dqn", textbook);
  const std::size_t channel =
      claims::table().empty() ? 0 : channel_named(*bullets.info, "enemy_bullet").value();
  made_up::change(bullets, kTicket, [&](RoundFacts& round, std::int64_t seed, int) {
    for (const std::size_t input : channel_inputs(*bullets.info, channel)) {
      const bool near = input % 100 >= 80;
      round.input_magnitude[input] = seed == 0 ? 0.0F : near ? 1.0F : 0.1F;
    }
  });
  const JudgedHypothesis near = verdict_on("H13", {bullets});
  REQUIRE(near.findings.size() == 1);
  CHECK(near.findings[0].decision.n == 5);
  // What was measured, and how many seeds do what is claimed.
  CHECK(effect(near) == doctest::Approx(0.714).epsilon(0.001));
  CHECK(near.findings[0].note == "at density 0.125; 4 of 5 seeds do so; median");
}

TEST_CASE("layers: the one with more inputs to a unit goes first, and Xavier does not do that") {
  const auto start = [](Init init, double input_left, double hidden_left) {
    Group group = five_seeds("cartpole", "ppo", about_100([](auto, int) { return 0.0; }));
    group.variant = std::to_string(static_cast<int>(init));
    group.settings.agent.network.init = init;
    made_up::change(group, kTicket, [=, &group](RoundFacts& round, std::int64_t seed, int) {
      round.kept_per_tensor[group.prunable[0]] =
          std::llround(input_left * 512) + (seed * (1 + static_cast<int>(init))) % 3;
      round.kept_per_tensor[group.prunable[1]] = std::llround(hidden_left * 16384) + 50 * (seed % 2);
    });
    return group;
  };
  const JudgedHypothesis bias =
      verdict_on("H30", {start(Init::kKaiming, 0.8, 0.2), start(Init::kXavier, 0.5, 0.5),
                         start(Init::kKaimingInScaled, 0.1, 0.3)});
  CHECK(bias.verdict == Outcome::kSupported);
  CHECK(effect(bias, 0) == doctest::Approx(0.6).epsilon(0.02));
  CHECK(effect(bias, 1) == doctest::Approx(0.6).epsilon(0.02));
  CHECK(effect(bias, 2) == doctest::Approx(-0.7).epsilon(0.02));
}
