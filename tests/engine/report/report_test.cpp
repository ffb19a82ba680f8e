// Derived quantities, verdicts and figures from made-up chains, whose answers are known.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <span>

#include "engine/report/analysis.hpp"
#include "engine/report/contents.hpp"
#include "engine/report/figures.hpp"
#include "engine/report/hypotheses.hpp"
#include "io/error.hpp"

using namespace impsweep;

namespace {

using Returns = std::function<double(Baseline, std::int64_t seed, int round)>;

constexpr int kRounds = 5;

// Untrained networks return 0.
Group made_up(const std::string& algorithm, int seeds, const Returns& returns, int finished = kRounds) {
  Group group;
  group.task = "cartpole";
  group.algorithm = algorithm;
  group.network = "128-128";
  group.variant = "default";
  group.settings = paper_settings(group.task, algorithm);
  group.info = find_task(group.task);
  const ModelSpec model = model_of(group.settings);
  group.tensors = tensors_of(model);
  group.prunable = prunable_tensors(group.tensors, model, group.settings.imp);
  group.env_steps = 1000;
  for (int round = 0; round < kRounds; ++round) {
    group.density.push_back(std::pow(0.5, round));
    group.kept.push_back(1024 >> round);
  }
  for (const Baseline baseline : kPaperBaselines)
    for (std::int64_t seed = 0; seed < seeds; ++seed) {
      ChainFacts& chain = group.chains[baseline][seed];
      chain.resize(kRounds);
      // The last seed is under way.
      for (int round = 0; round < (seed + 1 == seeds ? finished : kRounds); ++round) {
        auto facts = std::make_shared<RoundFacts>();
        facts->summary.best_return = returns(baseline, seed, round);
        facts->summary.final_return = facts->summary.best_return;
        facts->curve_step = {0, 1000};
        facts->curve_mean = {0, facts->summary.best_return};
        for (const Tensor& tensor : group.tensors)
          facts->kept_per_tensor.push_back(static_cast<std::int64_t>(tensor.size));
        facts->input_magnitude.assign(4, 1.0F);
        facts->input_kept = {128, 128, 128, round < 3 ? 1 : 0};
        facts->summary.inputs_left = round < 3 ? 4 : 3;
        chain[static_cast<std::size_t>(round)] = facts;
      }
    }
  return group;
}

// Dense 100; from round 1 on tickets and permuted tickets hold, shuffled masks fall to 60, random ones to 20;
// seeds differ by a little that is common to their baselines.
double textbook(Baseline baseline, std::int64_t seed, int round) {
  const double own = static_cast<double>(seed % 3) - 1;
  if (round == 0) return 100 + own;
  if (baseline == Baseline::kRandomReinit) return 20 + own;
  return (baseline == Baseline::kPermutedPermuted ? 60 : 100) + own;
}

const JudgedHypothesis& hypothesis(const std::vector<JudgedHypothesis>& all, const std::string& id) {
  for (const JudgedHypothesis& one : all)
    if (one.id == id) return one;
  FAIL("no hypothesis " << id);
  return all.front();
}

}  // namespace

TEST_CASE("scale: the untrained network is 0, the dense agent 1") {
  const Group group = made_up("bc", 6, textbook);
  const Scale scale = scale_of(group);
  REQUIRE(scale.usable);
  CHECK(scale.performance(0) == doctest::Approx(0));
  CHECK(scale.performance(100) == doctest::Approx(1));
  CHECK_FALSE(scale_of(made_up("bc", 2, [](auto...) { return 0.0; })).usable);
}

TEST_CASE("areas and contributions are differences of known means") {
  const Group group = made_up("bc", 6, textbook);
  const Baseline pair[] = {Baseline::kMaskPermuted, Baseline::kPermutedPermuted};
  const Areas both = areas(group, pair);
  REQUIRE(both.of.size() == 2);
  CHECK(both.complete);
  CHECK(both.rounds == kRounds);
  for (const double value : difference(both.of[0], both.of[1])) CHECK(value == doctest::Approx(0.4 * 4 / 5));
}

TEST_CASE("d* is the density before the fall") {
  const Group group =
      made_up("bc", 3, [](Baseline, std::int64_t, int round) { return round < 3 ? 100.0 : 10.0; });
  const Baseline ticket[] = {Baseline::kMaskWeights};
  const SeedCurves curves = seed_curves(group, ticket);
  CHECK(sufficient_density(group, scale_of(group), curves.values[0], {0, 1, 2}, 0.9) == 0.25);
}

TEST_CASE("chains under way count as far as half of their seeds have come") {
  const Baseline ticket[] = {Baseline::kMaskWeights};
  const SeedCurves two_of_three = seed_curves(made_up("bc", 3, textbook, 2), ticket);
  CHECK(two_of_three.rounds == kRounds);
  CHECK(two_of_three.seeds == std::vector<std::int64_t>{0, 1});
  CHECK_FALSE(two_of_three.complete);
  CHECK(seed_curves(made_up("bc", 1, textbook, 2), ticket).rounds == 2);
  CHECK(seed_curves(made_up("bc", 1, textbook, 0), ticket).rounds == 0);
}

TEST_CASE("an input disappears in the first round without weights") {
  const Group group = made_up("bc", 1, textbook);
  const ChainFacts& chain = group.chains.at(Baseline::kMaskWeights).at(0);
  CHECK(disappearance(chain, 3) == 3);
  CHECK(disappearance(chain, 0) == kRounds);
}

TEST_CASE("inputs of a board by channel, row and column") {
  const TaskInfo& info = *find_task("minatar-breakout");
  CHECK(channel_inputs(info, 1).size() == 100);
  CHECK(channel_inputs(info, 1, 9).front() == 190);
  CHECK(channel_inputs(info, 1, std::nullopt, 4)[1] == 114);
  CHECK(channel_named(info, "ball") == 1U);
  CHECK_FALSE(channel_named(info, "goblin"));
}

TEST_CASE("verdicts of a textbook sweep") {
  Results results;
  results.groups = {made_up("bc", 6, textbook),
                    made_up("ppo", 6, [](Baseline b, std::int64_t seed, int round) {
                      return round > 2 ? 20 + static_cast<double>(seed) : textbook(b, seed, round);
                    })};
  const std::vector<JudgedHypothesis> all = judge(results);
  CHECK(all.size() == 29);
  for (const char* id : {"H1", "H2", "H3", "H4", "H5"}) {
    CAPTURE(id);
    const JudgedHypothesis& one = hypothesis(all, id);
    if (id != std::string("H1") && id != std::string("H3")) CHECK(one.verdict == Verdict::kSupported);
    CHECK_FALSE(one.findings.empty());
  }
  CHECK(hypothesis(all, "H9").verdict == Verdict::kNotRun);
  CHECK(hypothesis(all, "H1").findings.front().interval.mean == doctest::Approx(0.8 * 4 / 5));
  CHECK(to_json(all).size() == 29);
}

TEST_CASE("a verdict says which of the settings it speaks of are there") {
  Results results;
  results.groups = {made_up("bc", 6, textbook), made_up("ppo", 6, textbook)};
  const std::vector<JudgedHypothesis> all = judge(results);
  const JudgedHypothesis& tickets = hypothesis(all, "H1");
  CHECK(tickets.verdict == Verdict::kSupported);
  CHECK(scope_text(tickets) == "2 of 22 settings: cartpole (bc, ppo)");
  CHECK(tickets.missing.size() == 20);
  CHECK(list_text({{"acrobot", "bc"}, {"mazegrid", "dqn"}, {"acrobot", "ppo"}}) ==
        "acrobot (bc, ppo), mazegrid (dqn)");
  CHECK(scope_text(hypothesis(all, "H4")) == "1 of 6 settings: cartpole (bc)");
  CHECK(scope_text(hypothesis(all, "H9")).empty());
  CHECK(to_json(all)[0]["scope"] == "2 of 22 settings: cartpole (bc, ppo)");
  CHECK(to_json(all)[3]["missing"] == "acrobot (bc), halfcheetah (bc), walker2d (bc), hopper (bc), ant (bc)");
}

TEST_CASE("dense agents on some of the inputs are compared with those on all, by seed") {
  const auto given = [](const char* variant, double reached, InputsConfig inputs) {
    Group group = made_up("ppo", 6, [=](Baseline, std::int64_t seed, int) {
      return reached + static_cast<double>(seed % 3) - 1;
    });
    group.variant = variant;
    group.settings.inputs = std::move(inputs);
    return group;
  };
  const InputsConfig needed = {.select = {2, 3}}, others = {.select = {2, 3}, .complement = true},
                     ticket = {.select = {}, .ticket_round = 5};
  Results results;
  results.groups = {made_up("ppo", 6, textbook), given("kept", 100, needed), given("other", 20, others),
                    given("r05", 100, ticket), given("slow", 60, {.select = {}, .ticket_round = 10})};
  CHECK(given_inputs(results, results.groups[0]).size() == 4);
  CHECK(given_inputs(results, results.groups[1]).empty());

  const std::vector<JudgedHypothesis> all = judge(results);
  const JudgedHypothesis& two_inputs = hypothesis(all, "H21");
  REQUIRE(two_inputs.findings.size() == 2);
  CHECK(two_inputs.verdict == Verdict::kSupported);
  CHECK(two_inputs.findings[0].interval.mean == doctest::Approx(0));
  CHECK(two_inputs.findings[1].interval.mean == doctest::Approx(0.2));
  CHECK(scope_text(two_inputs) == "1 of 2 settings: cartpole (ppo)");
  const JudgedHypothesis& transfer = hypothesis(all, "H11");
  REQUIRE(transfer.findings.size() == 6);
  CHECK(transfer.findings[0].verdict == Verdict::kSupported);
  CHECK(transfer.findings[0].interval.mean == doctest::Approx(1));
  CHECK(transfer.findings[3].verdict == Verdict::kContradicted);
  CHECK(transfer.findings[3].interval.mean == doctest::Approx(0.6).epsilon(0.01));
  // Nothing else is judged of chains that are given some inputs.
  for (const Finding& finding : hypothesis(all, "H1").findings)
    CHECK(finding.setting == "cartpole ppo 128-128");

  const std::vector<ReportFigure> figure = paper_figure(results, 8);
  const Panel& curves = figure.front().pictures.back().panels.at(0);
  REQUIRE(curves.lines.size() == 5);
  CHECK(curves.lines[0].title == "all inputs");
  CHECK(curves.lines[1].title == "pole angle, pole angular velocity");
  CHECK(curves.lines[2].title == "all but pole angle, pole angular velocity");
  CHECK(curves.lines[3].title == "those of round 5");
  CHECK(curves.lines[4].y.at(1) == doctest::Approx(60));
  CHECK(curves.lines[4].high.at(1) - curves.lines[4].y.at(1) == doctest::Approx(std::sqrt(2.0 / 3)));
}

TEST_CASE("learning curves: area on the scale of P, and steps until a level") {
  RoundFacts facts;
  facts.curve_step = {0, 100, 400};
  facts.curve_mean = {0, 50, 100};
  const Scale scale{0, 100, true};
  CHECK(curve_area(facts, scale) == doctest::Approx((0.25 * 100 + 0.75 * 300) / 400));
  CHECK(steps_to(facts, scale, 0.5) == 100);
  CHECK(steps_to(facts, scale, 0.6) == 400);
  CHECK(steps_to(facts, scale, 2) == 400);
}

TEST_CASE("digits: rim pixels against those of the centre") {
  Group group = made_up("ppo", 5, textbook);
  group.task = "digits";
  group.algorithm = "supervised";
  group.settings = paper_settings("digits", "supervised");
  group.info = find_task("digits");
  group.tensors = tensors_of(model_of(group.settings));
  for (auto& [seed, chain] : group.chains.at(Baseline::kMaskWeights))
    for (auto& round : chain) {
      auto facts = std::make_shared<RoundFacts>(*round);
      facts->input_magnitude.clear();
      facts->input_kept.clear();
      for (int pixel = 0; pixel < 784; ++pixel) {
        const int row = pixel / 28, column = pixel % 28;
        const int distance = std::min({row, column, 27 - row, 27 - column});
        facts->input_magnitude.push_back(distance < 4 ? 1.0F : 4.0F);
        facts->input_kept.push_back(10 * distance);
      }
      round = facts;
    }
  Results results;
  results.groups = {group};
  const JudgedHypothesis rim = hypothesis(judge(results), "H29");
  REQUIRE(rim.findings.size() == 2);
  CHECK(rim.verdict == Verdict::kSupported);
  CHECK(rim.findings[0].interval.mean == doctest::Approx(0.25));
  CHECK(rim.findings[1].interval.mean == doctest::Approx(1));
}

TEST_CASE("panels of tasks that are not here say so") {
  Results results;
  Group robot = made_up("ppo", 2, textbook);
  robot.task = "mazegrid";
  robot.algorithm = "dqn";
  results.groups = {robot};
  const ReportFigure figure = paper_figure(results, 4).front();
  CHECK(figure.caption.find("Not in these stores: halfcheetah ppo") != std::string::npos);
  REQUIRE(figure.pictures.size() == 2);
  REQUIRE(figure.pictures[1].panels.size() == 3);
  CHECK(figure.pictures[1].panels[1].title == "atari-pong ppo");
  CHECK(figure.pictures[1].panels[1].remark == "not in this store");
}

TEST_CASE("the opposite contradicts, few seeds decide nothing and say how many are missing") {
  const Returns opposite = [](Baseline b, std::int64_t seed, int round) {
    return round > 0 && b != Baseline::kRandomReinit ? 10.0 : textbook(Baseline::kMaskWeights, seed, round);
  };
  Results results;
  results.groups = {made_up("bc", 5, opposite)};
  CHECK(hypothesis(judge(results), "H4").verdict == Verdict::kContradicted);
  results.groups = {made_up("bc", 3, textbook)};
  const JudgedHypothesis few = hypothesis(judge(results), "H1");
  CHECK(few.verdict == Verdict::kUndecided);
  CHECK(few.findings.front().more_seeds == 2);
}

TEST_CASE("nothing finished gives no findings and no figures") {
  Results results;
  results.groups = {made_up("bc", 1, textbook, 0)};
  for (const JudgedHypothesis& one : judge(results)) CHECK(one.verdict == Verdict::kNotRun);
  for (const ReportSection& section : report_contents(results)) CHECK(section.figures.empty());
  for (int number = 1; number <= kPaperFigures; ++number) CHECK_NOTHROW(paper_figure(results, number));
  CHECK_THROWS_AS(paper_figure(results, 16), InputError);
}

TEST_CASE("figures say what is there, what is missing, and keep the paper's colours and labels") {
  Results results;
  results.groups = {made_up("bc", 2, textbook, 3)};
  const std::vector<ReportFigure> figure = paper_figure(results, 3);
  REQUIRE(figure.size() == 1);
  CHECK(figure[0].caption.find("incomplete: 32 of 40 rounds of 8 chains") != std::string::npos);
  CHECK(figure[0].caption.find("acrobot bc") != std::string::npos);
  const Panel& panel = figure[0].pictures.at(0).panels.at(0);
  REQUIRE(panel.lines.size() == 4);
  CHECK(panel.lines[0].title == "mask/weights");
  CHECK(panel.lines[3].title == "random/re-init");
  CHECK(panel.x_ticks.at(1).label == "50.0 %");
  CHECK(panel.lines[0].y.at(1) == doctest::Approx(99.5));
  CHECK(panel.lines[0].high.at(1) == doctest::Approx(100));
}
