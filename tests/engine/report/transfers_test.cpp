// Masks of other chains in a matrix, and schedules and units in figures, from made-up chains.
#include "engine/report/transfers.hpp"

#include <doctest/doctest.h>

#include "engine/report/analysis.hpp"
#include "engine/report/figures.hpp"
#include "made_up.hpp"

using namespace impsweep;

namespace {

constexpr Metric kMetric = Metric::kReevaluated;

// Dense agents return 100, those with the mask what is given, times 100.
Group learner(const std::string& algorithm, const std::string& mask_from, double performance) {
  Group group =
      made_up::group({.algorithm = algorithm, .rounds = 2, .finished = 2},
                     [&](Baseline, std::int64_t, int round) { return round == 0 ? 100 : 100 * performance; });
  group.settings.imp.mask_from = mask_from;
  for (const Baseline baseline :
       {Baseline::kMaskPermuted, Baseline::kPermutedPermuted, Baseline::kRandomReinit})
    group.chains.erase(baseline);
  return group;
}

}  // namespace

TEST_CASE("sources by what they do not share with their reader") {
  const Group reader = learner("bc", "", 1);
  const std::string& network = reader.network;
  const auto text = [&](const std::string& from) { return source_text(from, reader); };
  CHECK(text("cartpole.ppo." + network + ".default.mask-weights:10") == "ppo, round 10");
  CHECK(text("cartpole.ppo." + network + ".source.mask-weights.s05:r03") == "ppo source, seed 5, round 03");
  CHECK(text("acrobot.ppo.7-7.default.random-erk:1") == "acrobot ppo 7-7 random-erk, round 1");
  CHECK(text("cartpole.ppo." + network + ".a.b.mask-weights.s00:1") == "ppo a.b, seed 0, round 1");
  CHECK(text("what:1") == "what:1");
}

TEST_CASE("a matrix has a row for each source and a column for each learner") {
  const std::string own = "cartpole.ppo." + learner("ppo", "", 1).network + ".default.mask-weights:2";
  const std::string other = "cartpole.bc." + learner("ppo", "", 1).network + ".default.mask-weights:2";
  Results results;
  results.groups = {learner("ppo", "", 0.1), learner("ppo", own, 0.8), learner("bc", own, 0.6),
                    learner("ppo", other, -0.3)};
  const std::vector<TransferMatrix> matrices = transfer_matrices(results, kMetric);
  REQUIRE(matrices.size() == 1);
  const TransferMatrix& matrix = matrices.front();
  CHECK(matrix.sources == std::vector<std::string>{"ppo, round 2", "bc, round 2"});
  CHECK(matrix.learners == std::vector<std::string>{"ppo", "bc"});
  REQUIRE(matrix.performance[0][0].size() == 5);
  CHECK(matrix.performance[0][0][3] == doctest::Approx(0.8));
  CHECK(matrix.performance[0][1][0] == doctest::Approx(0.6));
  CHECK(matrix.performance[1][0][0] == doctest::Approx(-0.3));
  CHECK(matrix.performance[1][1].empty());

  const std::optional<ReportSection> section = transfers_section(results, {});
  REQUIRE(section);
  REQUIRE(section->tables.size() == 1);
  CHECK(section->tables[0].table.rows[0][1].find("0.8") != std::string::npos);
  CHECK(section->tables[0].table.rows[1][2] == "no values");
  const Figure& picture = section->figures.at(0).pictures.at(0);
  REQUIRE(picture.panels.size() == 2);  // one for each metric
  const HeatMap& map = *picture.panels[0].map;
  CHECK(map.cells[0] == doctest::Approx(0.8));
  CHECK(map.cells[2] > 0);  // below the untrained network, but there
  CHECK(map.cells[2] < 0.05);
  CHECK(map.cells[3] == 0);  // not there
  CHECK(picture.panels[0].y_ticks.at(1).label == "bc, round 2");

  results.groups = {learner("ppo", "", 1)};
  CHECK_FALSE(transfers_section(results, {}));
}

TEST_CASE("schedules are one if their keys are, and densities where keys do not say") {
  Group first = learner("ppo", "", 1), second = learner("bc", "", 1);
  second.density[1] += 0.01;  // of whole weights
  CHECK(of_one_schedule(first, second));
  second.settings.imp.prune_fraction = 0.3;
  CHECK_FALSE(of_one_schedule(first, second));
  first.settings.imp.densities = {0.4};
  CHECK_FALSE(of_one_schedule(first, second));
  second.settings.imp.densities = {0.4};
  CHECK(of_one_schedule(first, second));
  second.settings.imp.unit = PruneUnit::kNeuron;
  CHECK_FALSE(of_one_schedule(first, second));
  second.density = first.density;
  CHECK(of_one_schedule(first, second));
}

TEST_CASE("hidden units left are the biases on a path") {
  Group group = learner("bc", "", 1);
  CHECK(units_left_panel(group, "")->lines.at(0).x.empty());  // results that do not say
  made_up::change(group, Baseline::kMaskWeights, [&](RoundFacts& facts, std::int64_t seed, int round) {
    for (const Tensor& tensor : group.tensors)
      facts.effective_per_tensor.push_back(static_cast<std::int64_t>(tensor.size) - round * (10 + seed));
  });
  const std::optional<Panel> panel = units_left_panel(group, "");
  REQUIRE(panel);
  REQUIRE(panel->lines.size() == 2);
  CHECK(panel->lines[0].title == "actor/0 [128]");
  CHECK(panel->lines[0].y == std::vector<double>{128, 116});
  CHECK(panel->lines[1].y == std::vector<double>{128, 116});
}
