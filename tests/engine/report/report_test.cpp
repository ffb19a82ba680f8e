// Derived quantities, tables, comparisons and figures from made-up chains, whose answers are known.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "engine/report/analysis.hpp"
#include "engine/report/comparison.hpp"
#include "engine/report/contents.hpp"
#include "engine/report/figures.hpp"
#include "engine/report/hypotheses.hpp"
#include "engine/report/plain.hpp"
#include "engine/report/tables.hpp"
#include "io/error.hpp"
#include "made_up.hpp"

using namespace impsweep;
using made_up::textbook;

namespace {

constexpr int kRounds = 5;
constexpr Metric kMetric = Metric::kReevaluated;

Group made_up_group(const std::string& algorithm, int seeds, const made_up::Returns& returns,
                    int finished = kRounds) {
  return made_up::group({.algorithm = algorithm, .seeds = seeds, .finished = finished}, returns);
}

}  // namespace

TEST_CASE("scale: the untrained network is 0, the dense agent 1") {
  const Group group = made_up_group("bc", 6, textbook);
  const Scale scale = scale_of(group, kMetric);
  REQUIRE(scale.usable);
  CHECK(scale.performance(0) == doctest::Approx(0));
  CHECK(scale.performance(100) == doctest::Approx(1).epsilon(0.01));
  CHECK_FALSE(scale_of(made_up_group("bc", 2, [](auto...) { return 0.0; }), kMetric).usable);
  // By another metric the dense agent is another.
  Group other = group;
  made_up::change(other, Baseline::kMaskWeights,
                  [](RoundFacts& round, std::int64_t, int) { round.summary.best_return = 200; });
  CHECK(scale_of(other, Metric::kBest).dense == doctest::Approx(200));
  CHECK(scale_of(other, Metric::kFinal).dense == doctest::Approx(100).epsilon(0.01));
}

TEST_CASE("areas and contributions are differences of known means, over rounds stated before") {
  const Group group = made_up_group("bc", 5, textbook);
  const Baseline pair[] = {Baseline::kMaskPermuted, Baseline::kPermutedPermuted};
  const Areas both = areas(group, pair, kMetric);
  REQUIRE(both.of.size() == 2);
  CHECK(both.complete);
  CHECK(both.range.first == 1);
  CHECK(both.range.last == 4);
  CHECK(range_text(both.range) == "rounds 1-4");
  CHECK(statistics::mean(both.of[0]) - statistics::mean(both.of[1]) == doctest::Approx(0.4));
  // Densities below 2.5 % do not count: 0.5^5 is 3.1 %, 0.5^6 1.6 %.
  const Group longer = made_up::group({.algorithm = "bc", .rounds = 9, .finished = 9}, textbook);
  CHECK(area_rounds(longer, 9)->last == 5);
  CHECK(area_rounds(longer, 4)->last == 3);
  CHECK_FALSE(area_rounds(longer, 1));
}

TEST_CASE("a return that is missing leaves out its seed, and shortens no mean") {
  Group group = made_up_group("bc", 6, textbook);
  made_up::change(group, Baseline::kMaskWeights, [](RoundFacts& round, std::int64_t seed, int number) {
    if (seed == 2 && number == 3) round.summary.reevaluated_return = std::nan("");
  });
  const Baseline ticket[] = {Baseline::kMaskWeights};
  const Areas own = areas(group, ticket, kMetric);
  REQUIRE(own.of[0].size() == 6);
  CHECK(std::isnan(own.of[0][2]));
  CHECK_FALSE(std::isnan(own.of[0][3]));
  CHECK(return_cell(group, Baseline::kMaskWeights, 3, kMetric).n() == 5);
  CHECK(return_cell(group, Baseline::kMaskWeights, 3, kMetric).dropped == 1);
  CHECK_FALSE(survival(group, Baseline::kMaskWeights, kMetric).rounds[2]);
  CHECK(contributions_table(group, kMetric).table.rows[0][1].find("n = 5") != std::string::npos);
}

TEST_CASE("d* is the density before the fall, and marked where there is none") {
  const Group group = made_up_group("bc", 3, [](Baseline baseline, std::int64_t seed, int round) {
    const int last = baseline == Baseline::kMaskWeights ? 2 : baseline == Baseline::kMaskPermuted ? 9 : 1;
    return round <= last - (seed == 0 ? 1 : 0) ? 100.0 : 10.0;
  });
  const Survival ticket = survival(group, Baseline::kMaskWeights, kMetric);
  REQUIRE(ticket.rounds.size() == 3);
  CHECK(ticket.rounds[1]->survived == 3);
  CHECK_FALSE(ticket.rounds[1]->censored);
  CHECK(survival_text(group, Baseline::kMaskWeights, kMetric) == "25.0 %, n = 3: rounds 1, 2, 2");
  CHECK(survival_text(group, Baseline::kMaskPermuted, kMetric) == "≤ 6.25 %, n = 3: rounds ≥ 4, ≥ 4, ≥ 4");
  const ReportTable table = contributions_table(group, kMetric);
  CHECK(table.table.rows[0][2] == "25.0 %, n = 3: rounds 1, 2, 2");
}

TEST_CASE("tables show all metrics, n in every cell, and no interval below five seeds") {
  const Group few = made_up_group("bc", 3, textbook);
  const HtmlTable returns = returns_table(few).table;
  REQUIRE(returns.header.size() == 4);
  CHECK(returns.header[2] == "re-evaluated return");
  for (const std::vector<std::string>& row : returns.rows)
    for (std::size_t metric = 1; metric < row.size(); ++metric) {
      CHECK(row[metric].find("n = 3") != std::string::npos);
      CHECK(row[metric].find('[') == std::string::npos);
    }
  const HtmlTable more = returns_table(made_up_group("bc", 5, textbook)).table;
  CHECK(more.rows[0][1].find("n = 5") != std::string::npos);
  CHECK(more.rows[0][1].find('[') != std::string::npos);
  const Group ceiling =
      made_up_group("bc", 5, [](Baseline, std::int64_t seed, int) { return seed < 4 ? 500.0 : 490.0; });
  CHECK(returns_table(ceiling).table.rows[0][1] ==
        "at the ceiling: 4 of 5 seeds at 500 (share [0.284, 0.995])");
}

TEST_CASE("returns that no task gives are missing or unbounded, and never a crash") {
  Group group = made_up_group("ppo", 6, textbook);
  made_up::change(group, Baseline::kMaskWeights, [](RoundFacts& round, std::int64_t seed, int) {
    if (seed == 1) round.summary.reevaluated_return = HUGE_VAL;
    if (seed == 2) round.summary.reevaluated_return = 1e6;
  });
  CHECK(return_cell(group, Baseline::kMaskWeights, 3, kMetric).n() == 5);
  CHECK_NOTHROW(contributions_table(group, kMetric));
  Results results;
  results.groups = {group};
  CHECK_NOTHROW(report_contents(results));
  CHECK_NOTHROW(judge(results));
  CHECK_NOTHROW(compare(results, "baseline", kMetric));
}

TEST_CASE("scores over tasks: rliable's measures of the areas") {
  const Group one = made_up_group("bc", 5, textbook), other = made_up_group("ppo", 6, textbook);
  const Group* both[] = {&one, &other};
  const ReportTable table = scores_table(both, kMetric, "test");
  REQUIRE(table.table.rows.size() == 4);
  CHECK(table.table.rows[0][4] == "2 x 5");
  CHECK(table.table.rows[3][1].substr(0, 5) == "0.200");
  CHECK(table.table.rows[3][1].find('[') != std::string::npos);
  CHECK(table.table.rows[3][2].substr(0, 5) == "0.800");
  CHECK(table.table.rows[3][3] == "1.000");
  const Panel profile = profile_panel(both, kMetric, "test");
  REQUIRE(profile.lines.size() == 4);
  CHECK(profile.lines[3].y.front() == 1);
  CHECK(profile.lines[3].y.back() == 0);
  CHECK(profile.lines[3].low.size() == profile.lines[3].x.size());
  const Group few = made_up_group("bc", 4, textbook);
  const Group* alone[] = {&few};
  CHECK(scores_table(alone, kMetric, "test").table.rows.empty());
}

TEST_CASE("plain is what the paper's settings are, whatever its name") {
  Group group = made_up_group("ppo", 1, textbook);
  group.variant = "anything";
  CHECK(is_plain(group));
  group.settings.agent.sampler.steps = 77;
  CHECK(is_plain(group));
  group.variant = "default";
  group.settings.agent.network.init = Init::kXavier;
  CHECK_FALSE(is_plain(group));
  CHECK(plain_but_for(group, {"network.init"}));
  CHECK(departures(group.settings) == std::vector<std::string>{"network.init"});
  group.settings = paper_settings("cartpole", "ppo");
  group.settings.inputs.select = {2, 3};
  CHECK_FALSE(is_plain(group));
}

TEST_CASE("a comparison pairs by seed, and compares nothing that differs in more") {
  Results results;
  Group plain = made_up_group("ppo", 5, textbook);
  Group slow = made_up_group("ppo", 6, [](Baseline b, std::int64_t seed, int round) {
    return textbook(b, seed, round) - (round == 0 ? 0 : 10) - 0.5 * static_cast<double>(seed % 2);
  });
  slow.variant = "slow";
  slow.settings.agent.regularisation.weight_decay = 0.5;
  results.groups = {plain, slow};
  for (const char* key : {"variant", "reg.weight_decay"}) {
    CAPTURE(key);
    const std::vector<Comparison> found = compare(results, key, kMetric);
    REQUIRE(found.size() == 1);
    CHECK(found[0].range == "rounds 1-4");
    REQUIRE(found[0].arms.size() == 4);
    const std::vector<ComparedArm>& tickets = found[0].arms[0];
    REQUIRE(tickets.size() == 2);
    CHECK(tickets[0].area.n() == 5);
    CHECK(tickets[1].area.n() == 6);
    CHECK(tickets[1].difference.n() == 5);
    CHECK(*tickets[1].difference.mean == doctest::Approx(-10.2));
    CHECK(tickets[1].difference.interval().has_value());
    const std::string csv = comparison_csv(found[0], kMetric);
    CHECK(std::ranges::count(csv, '\n') == 9);
    CHECK(to_json(found, kMetric)[0]["rows"].size() == 8);
    CHECK(comparison_section(found, {}).figures[0].pictures[0].panels.size() == 2);
  }
  CHECK(compare(results, "variant", kMetric)[0].remark ==
        "slow against default: reg.weight_decay = 0.5 and 0.0");
  CHECK(compare(results, "baseline", kMetric).size() == 2);
  CHECK_THROWS_WITH_AS(compare(results, "network", kMetric), doctest::Contains("one value of it"),
                       InputError);
  CHECK_THROWS_WITH_AS(compare(results, "reg.weight_decoy", kMetric),
                       doctest::Contains("did you mean 'reg.weight_decay'?"), InputError);
  // A third that differs in another key as well is left out by name.
  Group third = slow;
  third.variant = "third";
  third.settings.agent.regularisation.weight_decay = 0.25;
  third.settings.agent.network.init = Init::kXavier;
  results.groups.push_back(third);
  const std::vector<Comparison> two = compare(results, "reg.weight_decay", kMetric);
  REQUIRE(two.size() == 1);
  CHECK(two[0].drawn.size() == 2);
  results.groups = {plain, third};
  CHECK_THROWS_WITH_AS(compare(results, "network.init", kMetric),
                       doctest::Contains("differ in reg.weight_decay = "), InputError);
  CHECK(two[0].remark.find("cartpole ppo 128-128 third") != std::string::npos);
}

TEST_CASE("schedules that differ are compared over densities") {
  const made_up::Returns falling = [](Baseline, std::int64_t seed, int) {
    return 100.0 + made_up::noise(Baseline::kMaskWeights, seed);
  };
  Results results;
  results.groups = {made_up::group({.seeds = 5, .rounds = 6, .finished = 6, .left = 0.5}, falling),
                    made_up::group({.seeds = 5, .rounds = 4, .finished = 4, .left = 0.25}, falling)};
  results.groups[1].variant = "fast";
  const std::vector<Comparison> found = compare(results, "imp.prune_fraction", kMetric);
  REQUIRE(found.size() == 1);
  CHECK(found[0].range == "densities from 100 % to 3.12 %");
  CHECK(*found[0].arms[0][0].area.mean == doctest::Approx(100));
  CHECK(*found[0].arms[0][1].area.mean == doctest::Approx(100));
}

TEST_CASE("chains under way count as far as half of their seeds have come") {
  const Baseline ticket[] = {Baseline::kMaskWeights};
  const SeedCurves two_of_three =
      seed_curves(made_up_group("bc", 3, textbook, 2), ticket, return_of(kMetric));
  CHECK(two_of_three.rounds == kRounds);
  CHECK(two_of_three.seeds == std::vector<std::int64_t>{0, 1});
  CHECK_FALSE(two_of_three.complete);
  CHECK(seed_curves(made_up_group("bc", 1, textbook, 2), ticket, return_of(kMetric)).rounds == 2);
  CHECK(seed_curves(made_up_group("bc", 1, textbook, 0), ticket, return_of(kMetric)).rounds == 0);
}

TEST_CASE("an input disappears in the first round without weights") {
  Group group = made_up_group("bc", 1, textbook);
  made_up::change(group, Baseline::kMaskWeights, [](RoundFacts& round, std::int64_t, int number) {
    round.input_kept[3] = number < 3 ? 1 : 0;
  });
  const ChainFacts& chain = group.chains.at(Baseline::kMaskWeights).at(0);
  CHECK(disappearance(chain, 3) == 3);
  CHECK(disappearance(chain, 0) == kRounds);
}

TEST_CASE("an input that no path leads from is not read, whatever weights it has") {
  RoundFacts round;
  round.summary.inputs_left = 4;
  round.input_kept = {3, 3, 3, 0};
  CHECK(effective_inputs(round) == 4);  // of a version that did not look
  CHECK(is_read(round, 2));
  round.input_effective = {1, 1, 0, 0};
  CHECK(effective_inputs(round) == 2);
  CHECK_FALSE(is_read(round, 2));
  round.summary.effective_inputs = 2;
  CHECK(effective_inputs(round) == 2);
  CHECK(literal_inputs(round) == 4);
}

TEST_CASE("inputs of a board by channel, row and column") {
  const TaskInfo& info = *find_task("minatar-breakout");
  CHECK(channel_inputs(info, 1).size() == 100);
  CHECK(channel_inputs(info, 1, 9).front() == 190);
  CHECK(channel_inputs(info, 1, std::nullopt, 4)[1] == 114);
  CHECK(channel_named(info, "ball") == 1U);
  CHECK_FALSE(channel_named(info, "goblin"));
}

TEST_CASE("dense agents on some of the inputs stand beside those on all") {
  const auto given = [](const char* variant, double reached, InputsConfig inputs) {
    Group group = made_up_group("ppo", 6, [=](Baseline, std::int64_t seed, int) {
      return reached + static_cast<double>(seed % 3) - 1;
    });
    group.variant = variant;
    group.settings.inputs = std::move(inputs);
    return group;
  };
  const InputsConfig needed = {.select = {2, 3}}, others = {.select = {2, 3}, .complement = true},
                     ticket = {.select = {}, .ticket_round = 5};
  Results results;
  results.groups = {made_up_group("ppo", 6, textbook), given("kept", 100, needed), given("other", 20, others),
                    given("r05", 100, ticket), given("slow", 60, {.select = {}, .ticket_round = 10})};
  CHECK(given_inputs(results, results.groups[0]).size() == 4);
  CHECK(given_inputs(results, results.groups[1]).empty());
  const std::vector<ReportFigure> figure = paper_figure(results, 8);
  const Panel& curves = figure.front().pictures.back().panels.at(0);
  REQUIRE(curves.lines.size() == 5);
  CHECK(curves.lines[0].title == "all inputs");
  CHECK(curves.lines[1].title == "pole angle, pole angular velocity");
  CHECK(curves.lines[2].title == "all but pole angle, pole angular velocity");
  CHECK(curves.lines[3].title == "those of round 5");
  CHECK(curves.lines[4].y.at(1) == doctest::Approx(60));
  CHECK(curves.lines[4].high.at(1) - curves.lines[4].y.at(1) == doctest::Approx(std::sqrt(4.0 / 5)));
}

TEST_CASE("learning curves: area on the scale of P") {
  RoundFacts facts;
  facts.curve_step = {0, 100, 400};
  facts.curve_mean = {0, 50, 100};
  const Scale scale{0, 100, true};
  CHECK(curve_area(facts, scale) == doctest::Approx((0.25 * 100 + 0.75 * 300) / 400));
}

TEST_CASE("a training that died is told from one at its ceiling and one that still learns") {
  RoundFacts facts;
  facts.curve_step = {0, 10, 20, 30, 40, 50, 60};
  facts.curve_mean = {1, 8, 3, 3, 3, 3, 3};
  CHECK(died_at(facts) == 20);
  facts.curve_mean = {1, 8, 9, 9, 9, 9, 9};
  CHECK_FALSE(died_at(facts));
  facts.curve_mean = {1, 8, 3, 3, 3, 3, 3.5};
  CHECK_FALSE(died_at(facts));
  facts.curve_mean = {1, 8, 7, 6, 3, 3, 3};
  CHECK_FALSE(died_at(facts));
  facts.curve_mean = {3, 3, 3, 3, 3, 3, 3};
  CHECK_FALSE(died_at(facts));
  Group group = made_up_group("bc", 1, textbook);
  made_up::change(group, Baseline::kMaskWeights, [](RoundFacts& round, std::int64_t, int) {
    round.curve_step = {0, 100, 200, 300, 400, 500};
    round.curve_mean = {1, 8, 3, 3, 3, 3};
  });
  CHECK(coverage_text(group).find("5 of them dead: the same return in every evaluation from 200 steps on") !=
        std::string::npos);
}

TEST_CASE("panels of tasks that are not here say so") {
  Results results;
  results.groups = {made_up::group({.task = "mazegrid", .algorithm = "dqn", .seeds = 2}, textbook)};
  const ReportFigure figure = paper_figure(results, 4).front();
  CHECK(figure.caption.find("Not in these stores: halfcheetah ppo") != std::string::npos);
  REQUIRE(figure.pictures.size() == 2);
  REQUIRE(figure.pictures[1].panels.size() == 3);
  CHECK(figure.pictures[1].panels[1].title == "atari-pong ppo");
  CHECK(figure.pictures[1].panels[1].remark == "not in this store");
}

TEST_CASE("captions say what differs, once if it is the same for all, and by the network's own defaults") {
  Results results;
  for (const char* game : {"minatar-asterix", "minatar-breakout"}) {
    Group group = made_up::group({.task = game, .algorithm = "bc", .seeds = 2}, textbook);
    group.settings.agent.network.architecture = Architecture::kCnn;
    group.settings.teacher.network.architecture = Architecture::kCnn;
    group.settings.agent.network.hidden = group.settings.teacher_choice.hidden = {128, 64};
    group.env_steps = 5'000'000;
    results.groups.push_back(std::move(group));
  }
  const std::string caption = paper_figure(results, 9).front().caption;
  CHECK(caption.find("5.00 M steps per round, 5 rounds") != std::string::npos);
  CHECK(caption.find("network.hidden") == std::string::npos);
  CHECK(caption.find("All of them: imp.prune_fraction = 0.5 (default 0.2: paper, section 2).") !=
        std::string::npos);
  // What a variant is made of, though the usual settings give it no bearing.
  Group maze = made_up::group({.task = "mazegrid", .algorithm = "dqn", .seeds = 2}, textbook);
  maze.variant = "decoupled";
  maze.settings.agent.regularisation.weight_decay = 0.1;
  maze.settings.agent.regularisation.l2_mode = L2Mode::kAdamW;
  results.groups = {maze};
  CHECK(paper_figure(results, 14).front().caption.find("reg.l2_mode = \"adamw\"") != std::string::npos);
}

TEST_CASE("nothing finished gives no findings and no figures") {
  Results results;
  results.groups = {made_up_group("bc", 1, textbook, 0)};
  for (const JudgedHypothesis& one : judge(results)) CHECK(one.verdict == statistics::Outcome::kNotRun);
  for (const ReportSection& section : report_contents(results)) CHECK(section.figures.empty());
  for (int number = 1; number <= kPaperFigures; ++number) CHECK_NOTHROW(paper_figure(results, number));
  CHECK_THROWS_AS(paper_figure(results, 16), InputError);
}

namespace {

using Colour = std::array<double, 3>;

// "#bd1a2e" as linear light.
Colour linear(std::string_view text) {
  Colour colour{};
  for (std::size_t i = 0; i < 3; ++i) {
    const double part = std::stoi(std::string(text.substr(1 + 2 * i, 2)), nullptr, 16) / 255.0;
    colour[i] = part <= 0.04045 ? part / 12.92 : std::pow((part + 0.055) / 1.055, 2.4);
  }
  return colour;
}

// What somebody without the middle cones sees (Machado, Oliveira and Fernandes 2009, severity 1).
Colour deuteranopic(const Colour& colour) {
  constexpr double kMatrix[3][3] = {
      {0.367322, 0.860646, -0.227968}, {0.280085, 0.672501, 0.047413}, {-0.011820, 0.042940, 0.968881}};
  Colour seen{};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) seen[i] += kMatrix[i][j] * colour[j];
    seen[i] = std::clamp(seen[i], 0.0, 1.0);
  }
  return seen;
}

// CIE L*a*b* under D65: Euclidean distances are those that eyes see; the first is the lightness.
Colour lab(const Colour& c) {
  const auto f = [](double t) { return t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116; };
  const double x = f((0.4124 * c[0] + 0.3576 * c[1] + 0.1805 * c[2]) / 0.95047),
               y = f(0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]),
               z = f((0.0193 * c[0] + 0.1192 * c[1] + 0.9505 * c[2]) / 1.08883);
  return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

}  // namespace

TEST_CASE("the paper's four baselines stay apart without red and green, and in grey") {
  for (const Baseline a : kPaperBaselines)
    for (const Baseline b : kPaperBaselines) {
      if (a == b) continue;
      CAPTURE(info_of(a).name);
      CAPTURE(info_of(b).name);
      const Colour first = linear(info_of(a).colour), second = linear(info_of(b).colour);
      const Colour p = lab(deuteranopic(first)), q = lab(deuteranopic(second));
      CHECK(std::hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]) > 40);  // 46.7 at least
      CHECK(std::abs(lab(first)[0] - lab(second)[0]) > 15);           // 17.7
      Series one, other;
      dress(one, a);
      dress(other, b);
      CHECK(one.dash != other.dash);
      CHECK(one.marker != other.marker);
    }
  Series ticket;
  dress(ticket, Baseline::kMaskWeights);
  CHECK(ticket.on_top);
}

TEST_CASE("bands end where returns do, and notes say how many seeds") {
  const auto near_the_ceiling = [](Baseline, std::int64_t seed, int) { return seed == 0 ? 500.0 : 300.0; };
  const Group group = made_up_group("bc", 2, near_the_ceiling);
  const Panel panel = return_panel(group, "x", kMetric);
  CHECK(panel.lines[0].y[0] == doctest::Approx(400));
  CHECK(panel.lines[0].high[0] == 500);
  CHECK(panel.lines[0].low[0] == doctest::Approx(400 - 200 / std::sqrt(2)));
  Group longer = group;
  longer.settings.task_options["cartpole.max_steps"] = std::int64_t{1000};
  CHECK(return_panel(longer, "x", kMetric).lines[0].high[0] == doctest::Approx(400 + 200 / std::sqrt(2)));
  const Group* groups[] = {&group};
  CHECK(figure_note(groups) == "n = 2 seeds. Lines: mean; bands: one sample standard deviation.");
}

TEST_CASE("both rows of MinAtar: perceptrons and convolutions") {
  for (const auto& [number, algorithm] : {std::pair{9, "bc"}, {10, "dqn"}}) {
    Results results;
    for (const char* game : {"minatar-asterix", "minatar-breakout"}) {
      results.groups.push_back(made_up::group({.task = game, .algorithm = algorithm, .seeds = 2}, textbook));
      Group cnn = results.groups.back();
      cnn.settings.agent.network.architecture = Architecture::kCnn;
      cnn.variant = "cnn";
      results.groups.push_back(std::move(cnn));
    }
    const ReportFigure figure = paper_figure(results, number).front();
    REQUIRE(figure.pictures.size() == 2);
    for (const Figure& row : figure.pictures) CHECK(row.panels.size() == 4);  // two games by two metrics
    CHECK(figure.pictures[1].panels[0].title.find("cnn") != std::string::npos);
  }
}

TEST_CASE("the whole paper on one page says of every figure what it shows, and what is not there") {
  Results results;
  results.groups = {made_up_group("bc", 2, textbook)};
  const std::vector<ReportSection> sections = paper_contents(results);
  REQUIRE(sections.size() == 15);
  for (const ReportSection& section : sections) CHECK(section.note.starts_with("The paper: "));
  CHECK(sections[2].figures.size() == 1);
  CHECK(sections[2].figures[0].caption.find("imp.prune_fraction = 0.5 (default 0.2: paper, section 2)") !=
        std::string::npos);
  CHECK(sections[12].figures.empty());
  CHECK(sections[12].note.find("jobs/figure-13.toml trains it") != std::string::npos);
}

TEST_CASE("the same thing has the same colour in the report and in a figure of the paper") {
  Results results;
  results.groups = {made_up_group("bc", 2, textbook), made_up_group("ppo", 2, textbook)};
  const auto colours_of = [](const Panel& panel) {
    std::map<std::string, std::string> colours;
    for (const Series& series : panel.lines) colours[series.title] = series.colour;
    return colours;
  };
  std::map<std::string, std::string> in_report;
  const std::vector<ReportSection> contents = report_contents(results);
  for (const ReportFigure& figure : contents.front().figures)
    if (figure.title.starts_with("Cloning against")) in_report = colours_of(figure.pictures[0].panels[0]);
  CHECK(in_report.size() == 2);
  const std::vector<ReportFigure> second = paper_figure(results, 2);
  CHECK(in_report == colours_of(second.front().pictures[0].panels[0]));
}

TEST_CASE("figures say what is there, what is missing, and keep the paper's colours and labels") {
  Results results;
  results.groups = {made_up_group("bc", 2, textbook, 3)};
  const std::vector<ReportFigure> figure = paper_figure(results, 3);
  REQUIRE(figure.size() == 1);
  CHECK(figure[0].caption.find("incomplete: 32 of 40 rounds of 8 chains") != std::string::npos);
  CHECK(figure[0].caption.find("acrobot bc") != std::string::npos);
  // The paper's metric, and beside it the one that claims are judged by.
  REQUIRE(figure[0].pictures.at(0).panels.size() == 2);
  const Panel& panel = figure[0].pictures[0].panels[0];
  CHECK(panel.y_label == "best return");
  CHECK(figure[0].pictures[0].panels[1].y_label == "re-evaluated return");
  const ReportMetrics final{{Metric::kFinal}, Metric::kFinal};
  CHECK(paper_figure(results, 3, final)[0].pictures[0].panels.size() == 1);
  REQUIRE(panel.lines.size() == 4);
  CHECK(panel.lines[0].title == "mask/weights");
  CHECK(panel.lines[3].title == "random/re-init");
  CHECK(panel.x_ticks.at(1).label == "50.0 %");
  // Seeds 0 and 1 differ by 1: their sample deviation is 1 / sqrt(2).
  CHECK(panel.lines[0].y.at(1) == doctest::Approx(99.5));
  CHECK(panel.lines[0].high.at(1) == doctest::Approx(99.5 + 1 / std::sqrt(2)));
}
