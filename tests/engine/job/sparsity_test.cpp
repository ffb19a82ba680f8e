// Masks that change while learning, from job files to what trainings begin with.
#include "engine/job/sparsity.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <string>

#include "agents/sparsity/mask_update.hpp"
#include "engine/imp/sparse_start.hpp"
#include "engine/plan/plan.hpp"
#include "io/error.hpp"

using namespace impsweep;

namespace {

std::vector<GridPoint> points_of(const std::string& task, const std::string& algorithm,
                                 const std::string& rest) {
  const JobFile file = parse_job("[[sweep]]\ntasks = [\"" + task + "\"]\nalgorithms = [\"" + algorithm +
                                     "\"]\nseeds = 2\nrounds = 4\n" + rest,
                                 "sparse.toml");
  return resolve({&file, 1});
}

SparseConfig sparse_of(const std::string& task, const std::string& algorithm, const std::string& rest) {
  return points_of(task, algorithm, rest).at(0).settings.sparse;
}

}  // namespace

TEST_CASE("what a job does not say is what the methods' sources do") {
  const SparseConfig ppo = sparse_of("cartpole", "ppo", "sparse.method = \"rigl\"\n");
  CHECK(ppo.interval == 250);
  CHECK(ppo.fraction == 0.3);
  CHECK(ppo.end == 0.77);
  const SparseConfig vectors = sparse_of("cartpole", "dqn", "sparse.method = \"set\"\n");
  CHECK(vectors.interval == 1000);
  CHECK(vectors.fraction == 0.5);
  CHECK(vectors.end == 0.75);
  const SparseConfig boards = sparse_of("mazegrid", "dqn", "sparse.method = \"set\"\n");
  CHECK(boards.interval == 5000);
  CHECK(boards.fraction == 0.3);
  CHECK(boards.end == 0.8);
  const SparseConfig gradual = sparse_of("cartpole", "ppo", "sparse.method = \"gradual\"\n");
  CHECK(gradual.start == 0.2);
  CHECK(gradual.end == 0.8);
  CHECK(gradual.interval == 3);  // 5,008 gradient steps, 1,500 changes
  const SparseConfig own = sparse_of("cartpole", "ppo", "sparse.method = \"rigl\"\nsparse.interval = 7\n");
  CHECK(own.interval == 7);
  CHECK(own.fraction == 0.3);
  CHECK(published_sparsity(SparseMethod::kGradual, SparseSource::kPpo, 1'000'000).interval == 666);
  CHECK(published_sparsity(SparseMethod::kGradual, SparseSource::kPpo, 9'000'000).interval == 1000);
}

TEST_CASE("a chain has a round for each density, the densest first, and the ticket's baseline alone") {
  const std::vector<GridPoint> points =
      points_of("cartpole", "ppo", "sparse.method = \"set\"\nsparse.density = [0.1, 0.5, 0.2]\n");
  REQUIRE(points.size() == 1);
  CHECK(points[0].rounds == 3);
  CHECK(points[0].baselines == std::vector{Baseline::kMaskWeights});
  CHECK(points[0].settings.sparse.density == std::vector{0.5, 0.2, 0.1});
  const Plan plan = expand(points);
  REQUIRE(plan.trainings.size() == 6);
  const std::int64_t entries = prunable_entries(points[0].settings);
  for (const TrainingNode& node : plan.trainings) {
    CHECK(node.kept ==
          kept_at(entries, points[0].settings.sparse.density[static_cast<std::size_t>(node.round)]));
    CHECK(!node.mask_parent);
  }
}

TEST_CASE("methods differ in their recipes by what they read, and a dense round is everybody's") {
  const auto digests = [](const std::string& rest) {
    std::vector<std::string> names;
    const Plan plan = expand(points_of("cartpole", "ppo", rest + "baselines = [\"mask/weights\"]\n"));
    for (const TrainingIndex training : plan.chains.at(0).rounds)
      names.emplace_back(plan.trainings[training].digest.digits());
    return names;
  };
  const std::string rigl = "sparse.method = \"rigl\"\nsparse.density = [1, 0.2]\n";
  const std::vector<std::string> own = digests(rigl), imp = digests("");
  CHECK(own[0] == imp[0]);
  CHECK(own[1] != imp[1]);
  CHECK(digests(rigl + "sparse.start = 0.1\n") == own);        // of gradual pruning
  CHECK(digests(rigl + "imp.prune_fraction = 0.4\n") == own);  // of iterative pruning
  CHECK(digests(rigl + "sparse.fraction = 0.4\n")[1] != own[1]);
  CHECK(digests(rigl + "sparse.fraction = 0.4\n")[0] == own[0]);  // where nothing changes
}

TEST_CASE("layers keep exact counts, those that would be too many all they have") {
  const Settings settings = points_of("cartpole", "ppo", "sparse.method = \"set\"\n").at(0).settings;
  const ModelSpec model = model_of(settings);
  const std::vector<Tensor> tensors = tensors_of(model);
  const std::vector<std::size_t> prunable = prunable_tensors(tensors, model, settings.imp);
  REQUIRE(prunable.size() == 3);  // 4-128-128-2
  const std::vector<std::int64_t> counts = sparse_counts(tensors, prunable, {}, 1715);
  CHECK(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}) == 1715);
  // Parts in proportion to inputs plus outputs, 132 : 256 : 130, of which the last would be 430 of 256; what
  // is left of 1715 is divided 132 : 256.
  CHECK(counts[0] == 496);
  CHECK(counts[1] == 963);
  CHECK(counts[2] == 256);
  CHECK_THROWS_AS(sparse_counts(tensors, prunable, {}, 2), std::invalid_argument);
}

TEST_CASE("trainings begin with their counts, at the initial values, the same for SET and RigL") {
  const Settings settings =
      points_of("cartpole", "ppo", "sparse.method = \"set\"\nsparse.grow = \"initial\"\n").at(0).settings;
  const ModelSpec model = model_of(settings);
  const std::vector<Tensor> tensors = tensors_of(model);
  const std::vector<std::size_t> prunable = prunable_tensors(tensors, model, settings.imp);
  const Mask all(parameter_count(model), 1);
  std::vector<float> initial(all.size());
  std::iota(initial.begin(), initial.end(), 1.0F);
  const SparseInputs inputs = {.model = &model,
                               .tensors = &tensors,
                               .prunable = prunable,
                               .available = all,
                               .initial = initial,
                               .kept = 1715,
                               .length = {.steps = 1000, .last_change = 960, .has_rollouts = true}};
  const StreamNames streams = stream_names(settings, Baseline::kMaskWeights, 3, 1);
  SparseConfig config = settings.sparse;
  const SparseStart set = start_sparse(config, inputs, streams);
  for (std::size_t i = 0; i < prunable.size(); ++i) {
    const Tensor& tensor = tensors[prunable[i]];
    CHECK(kept_in(std::span(set.mask).subspan(tensor.offset, tensor.size)) == set.plan.counts[i]);
  }
  for (std::size_t i = 0; i < all.size(); ++i)
    if (set.parameters[i] != (set.mask[i] != 0 ? initial[i] : 0.0F)) FAIL("parameter " << i);
  CHECK(set.plan.schedule.end == 770);
  CHECK(set.plan.grown == initial);
  config.method = SparseMethod::kRigl;
  CHECK(start_sparse(config, inputs, streams).mask == set.mask);
  config.method = SparseMethod::kGradual;
  config.end = 0.99;
  const SparseStart gradual = start_sparse(config, inputs, streams);
  CHECK(gradual.mask == all);
  CHECK(gradual.plan.schedule.end == 960);  // the last one that can be
  CHECK(gradual.plan.grown.empty());
  StreamNames other = streams;
  other.seed = 4;
  config = settings.sparse;
  CHECK(start_sparse(config, inputs, other).mask != set.mask);
}
