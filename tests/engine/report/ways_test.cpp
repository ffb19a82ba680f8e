// Ways to a sparse agent in one picture, and the steps from cloning to reinforcement learning.
#include "engine/report/ways.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "agents/config/cloning_config.hpp"
#include "engine/report/comparison.hpp"
#include "engine/report/steps.hpp"
#include "made_up.hpp"

using namespace impsweep;
using made_up::Shape;

namespace {

const ReportMetrics kJudged;

// Tickets alone; every round costs as many operations as its seed and round say.
Group tickets(const Shape& shape, double dense_return = 100) {
  Group group = made_up::group(shape, [&](Baseline baseline, std::int64_t seed, int round) {
    return dense_return - 10 * round + made_up::noise(baseline, seed);
  });
  std::erase_if(group.chains, [](const auto& each) { return each.first != Baseline::kMaskWeights; });
  made_up::change(group, Baseline::kMaskWeights, [](RoundFacts& facts, std::int64_t seed, int round) {
    facts.summary.train_flops = 1000.0 / (1 << round) + static_cast<double>(seed);
  });
  return group;
}

Group changing(SparseMethod method) {
  Group group = tickets({.rounds = 2});
  group.variant = enum_names(method)[static_cast<std::size_t>(method)];
  group.settings.sparse.method = method;
  group.settings.sparse.density = group.density = {0.5, 0.1};
  return group;
}

Group pruned_once(double density) {
  Group group = tickets({.rounds = 2, .left = density});
  group.variant = "once";
  return group;
}

const Panel& panel(const ReportFigure& figure, std::size_t number) {
  return figure.pictures.at(0).panels.at(number);
}

}  // namespace

TEST_CASE("a ticket costs all rounds before it, a mask that changes its own training") {
  const Group imp = tickets({}), rigl = changing(SparseMethod::kRigl);
  const ChainFacts& ticket = imp.chains.at(Baseline::kMaskWeights).at(3);
  CHECK(operations_until(imp, Baseline::kMaskWeights, ticket, 0) == 1003);
  CHECK(operations_until(imp, Baseline::kMaskWeights, ticket, 2) == 1003 + 503 + 253);
  const ChainFacts& other = rigl.chains.at(Baseline::kMaskWeights).at(3);
  CHECK(operations_until(rigl, Baseline::kMaskWeights, other, 1) == 503);
  ChainFacts gap = ticket;
  gap[1] = nullptr;
  CHECK(std::isnan(operations_until(imp, Baseline::kMaskWeights, gap, 2)));
}

TEST_CASE("all ways of a task stand in one picture, by density and by operations") {
  Results results;
  results.groups = {tickets({}), changing(SparseMethod::kSet), pruned_once(0.2), pruned_once(0.1)};
  Group still = changing(SparseMethod::kSet);
  still.variant = "static";
  still.settings.sparse.fraction = 0;
  results.groups.push_back(still);
  Group other = changing(SparseMethod::kRigl);  // of another training
  other.settings.agent.sampler.steps *= 2;
  other.network = "elsewhere";
  results.groups.push_back(other);
  const std::vector<ReportFigure> figures = ways_figures(results, kJudged);
  REQUIRE(figures.size() == 2);
  const Panel& by_density = panel(figures.front(), 0);
  const Panel& by_cost = panel(figures.front(), 1);
  REQUIRE(by_density.lines.size() == 4);
  CHECK(by_density.lines[0].title == "mask/weights");
  CHECK(by_density.lines[1].title == "set");
  CHECK(by_density.lines[2].title == "mask/weights, pruned once");
  CHECK(by_density.lines[3].title == "static");
  CHECK(by_density.lines[0].x == std::vector<double>{1, 0.5, 0.25, 0.125, 0.0625});
  CHECK(by_density.lines[1].x == std::vector<double>{0.5, 0.1});
  CHECK(by_density.lines[2].x == std::vector<double>{1, 0.2, 0.1});
  CHECK(by_density.lines[1].y[0] == doctest::Approx(100));
  CHECK(by_density.lines[1].low[0] < 100);  // Student's interval of five seeds
  CHECK(by_density.lines[1].high[0] > 100);
  CHECK(by_cost.lines[0].x[1] == doctest::Approx(1500 + 2 * 2));
  CHECK(by_cost.lines[1].x[1] == doctest::Approx(500 + 2));
  CHECK(by_cost.lines[2].x[2] == doctest::Approx(1500 + 2 * 2));
}

TEST_CASE("ways are compared over the densities that they share, a first round that is not dense included") {
  Results results;
  results.groups = {changing(SparseMethod::kSet), changing(SparseMethod::kRigl)};
  Comparison same = compare(results, "variant", Metric::kBest).at(0);
  CHECK(same.range == "rounds 0-1");
  CHECK(*same.arms[0][1].area.mean == doctest::Approx(95));  // of 100 and 90
  CHECK(*same.arms[0][1].difference.mean == doctest::Approx(0));

  results.groups = {tickets({}), changing(SparseMethod::kRigl)};  // 100, 90 ... at 1, 1/2 ... 1/16
  Comparison other = compare(results, "variant", Metric::kBest).at(0);
  CHECK(other.range == "densities from 50.0 % to 10.0 %");
  CHECK(*other.arms[0][0].area.mean == doctest::Approx(90 - 10 * std::log2(5) / 2));
  CHECK(*other.arms[0][1].area.mean == doctest::Approx(95));
}

TEST_CASE("without masks that change there is no such picture") {
  Results results;
  results.groups = {tickets({}), pruned_once(0.1)};
  CHECK(ways_figures(results, kJudged).empty());
}

TEST_CASE("steps from cloning to reinforcement learning, in their order") {
  const auto student = [](CloningData data) {
    Group group = tickets({.algorithm = "bc"});
    group.settings.agent.options<PolicyCloningConfig>().states.data = data;
    group.variant = "data=" + std::string(enum_names(data)[static_cast<std::size_t>(data)]);
    return group;
  };
  Results results;
  results.groups = {tickets({}), student(CloningData::kStudent), student(CloningData::kFixed),
                    student(CloningData::kTeacher)};
  const std::vector<ReportFigure> figures = steps_figures(results, kJudged);
  REQUIRE(figures.size() == 1);
  const Panel& performance = panel(figures.front(), 0);
  REQUIRE(performance.lines.size() == 4);
  CHECK(performance.lines[0].title == "bc, fixed");
  CHECK(performance.lines[1].title == std::string("bc, ") + "expert");
  CHECK(performance.lines[2].title == "bc, student");
  CHECK(performance.lines[3].title == "ppo");
  CHECK(performance.lines[0].y[1] == doctest::Approx(0.9));
  const Panel& limits = panel(figures.front(), 1);
  REQUIRE(limits.bars.size() == 1);
  CHECK(limits.bars.front().x.size() == 4);

  results.groups.resize(2);  // one kind of students only
  CHECK(steps_figures(results, kJudged).empty());
}
