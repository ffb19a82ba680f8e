// Whole updates of double Q-learning on real observations - sampling, three forward passes, loss, backward,
// norm clip, Adam, priorities - against LibTorch on the same batch; and prioritized replay alone.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agents/config/dqn_config.hpp"
#include "agents/config/paper_defaults.hpp"
#include "agents/learning/dqn.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/native_network.hpp"
#include "agents/network/model.hpp"
#include "agents/torch/eager_dqn.hpp"
#include "engine/bench/aged.hpp"
#include "engine/bench/bench.hpp"
#include "engine/job/settings.hpp"

namespace impsweep {
namespace {

constexpr int kBatch = 256, kUpdatesCompared = 5;

struct DqnCase {
  std::string task, architecture;
  double density, target;
  std::string name() const {
    return fmt::format("update/dqn/{}/{}/density-{:.3g}", task, architecture, density);
  }
};

// Transitions of a random player, as many as a memory of the paper's size holds.
class FilledMemory {
 public:
  FilledMemory(const std::string& task, const AgentConfig& config, std::int64_t transitions) {
    environment_ = make_environment(task, kLanes);
    const TaskInfo& info = environment_->info();
    options_.size = config.options<DqnConfig>().replay_size;
    options_.B = kLanes;
    options_.features = info.observation_size;
    options_.max_active = info.max_active;
    memory_ = std::make_unique<ReplayMemory>(options_);
    ObservationColumns observation(info, kLanes);
    std::vector<Stream> streams;
    std::vector<std::int32_t> lanes, action(kLanes);
    for (int lane = 0; lane < kLanes; ++lane) {
      streams.emplace_back(fmt::format("bench/dqn/{}", lane));
      lanes.push_back(lane);
    }
    for (int lane = 0; lane < kLanes; ++lane) {
      environment_->attach(lane, streams[static_cast<std::size_t>(lane)]);
      environment_->reset(lane, lane, observation.target());
    }
    std::vector<StepResult> results(kLanes);
    std::vector<float> reward(kLanes);
    std::vector<std::uint8_t> done(kLanes);
    Stream actions("bench/dqn/actions");
    for (std::int64_t step = 0; step < transitions / kLanes; ++step) {
      observation.observe(*environment_, lanes);
      memory_->observe(observation);
      for (std::int32_t& a : action) a = static_cast<std::int32_t>(actions.below(info.actions));
      environment_->step(lanes, {.discrete = action.data()}, observation.target(), results);
      for (std::size_t lane = 0; lane < reward.size(); ++lane) {
        reward[lane] = results[lane].reward;
        done[lane] = results[lane].terminated || results[lane].truncated;
        if (done[lane] != 0) environment_->reset(lanes[lane], lanes[lane], observation.target());
      }
      memory_->append(action, reward, done);
    }
  }

  ReplayMemory& memory() { return *memory_; }
  const ReplayOptions& options() const { return options_; }
  const TaskInfo& info() const { return environment_->info(); }

 private:
  static constexpr int kLanes = 10;
  std::unique_ptr<Environment> environment_;
  ReplayOptions options_;
  std::unique_ptr<ReplayMemory> memory_;
};

// A batch of binary observations in LibTorch's layout.
struct WrittenOut {
  std::vector<float> observation, next_observation;
  EagerDqnBatch batch;

  WrittenOut(const ReplayBatch& from, int features)
      : observation(write(from.observation.active(), from.size, features)),
        next_observation(write(from.next_observation.active(), from.size, features)) {
    batch = {.size = from.size,
             .features = features,
             .observation = observation.data(),
             .next_observation = next_observation.data(),
             .action = from.action.data(),
             .return_ = from.return_.data(),
             .done = from.done_n.data(),
             .weight = from.weight.data()};
  }

  static std::vector<float> write(const ActiveBatch& active, int size, int features) {
    std::vector<float> dense(static_cast<std::size_t>(size) * static_cast<std::size_t>(features), 0.0f);
    for (int b = 0; b < size; ++b)
      for (std::uint32_t e = active.begin[b]; e < active.begin[b + 1]; ++e)
        dense[static_cast<std::size_t>(b) * static_cast<std::size_t>(features) + active.feature[e]] = 1.0f;
    return dense;
  }
};

std::vector<BenchRow> measure_update(const DqnCase& c) {
  Settings settings = paper_settings(c.task, "dqn");
  if (c.architecture == "cnn") {
    settings.agent.network.architecture = Architecture::kCnn;
    settings.agent.network.hidden = paper_cnn_hidden();
  }
  const AgentConfig& config = settings.agent;
  const ModelSpec model = model_of(settings);
  Stream stream("bench/dqn/network");
  std::vector<std::uint8_t> mask;
  std::vector<float> start;
  for (const Tensor& tensor : tensors_of(model)) {
    const double bound = 1 / std::sqrt(static_cast<double>(tensor.fan_in));
    for (std::size_t i = 0; i < tensor.size; ++i) {
      mask.push_back(!tensor.is_weight || stream.uniform() < c.density ? 1 : 0);
      const auto value = static_cast<float>((2 * stream.uniform() - 1) * bound);
      start.push_back(mask.back() != 0 ? value : 0.0f);
    }
  }
  kill_units(model, start);
  FilledMemory filled(c.task, config, 20'000);
  const TaskInfo& info = filled.info();
  const NetworkOptions options{.max_batch = kBatch, .active_inputs = usual_active_inputs(info)};
  NativeNetwork online(model, mask, options), target(model, mask, options);
  online.gather(start, online.parameters());
  DqnLearner learner(online, target, model, config);
  learner.copy_to_target();
  const auto eager = make_eager_dqn(model, mask, start, config);
  require_openblas_behind_libtorch();

  ReplayBatch batch(filled.options(), kBatch);
  std::vector<double> uniform(kBatch);
  const auto sample = [&] {
    for (double& u : uniform) u = stream.uniform();
    filled.memory().sample(uniform, 0.4, batch);
  };
  for (int update = 0; update < kUpdatesCompared; ++update) {
    sample();
    learner.learn(batch);
    eager->learn(WrittenOut(batch, info.observation_size).batch);
  }
  std::vector<float> ours(start.size());
  online.scatter(online.parameters(), ours);
  require_close(c.name(), ours, eager->parameters(), 1e-6);  // of a dead unit's bias
  Ageing ageing(online);
  learner.visit(ageing);

  const WrittenOut written(batch, info.observation_size);
  const std::vector<double> seconds =
      measure({[&] {
                 sample();
                 learner.learn(batch);
                 filled.memory().set_priorities(batch, learner.td_abs_error());
               },
               [&] { eager->learn(written.batch); }},
              2.0);
  const NativeNetwork::Effective effective = online.effective();
  BenchRow row = comparison(c.name(), "LibTorch eager", seconds);
  row.target = c.target;
  row.note = fmt::format("batch {}, sampling and priorities included in ours; {} of {} weights effective",
                         kBatch, effective.trained, effective.kept);
  return {row};
}

std::vector<BenchRow> measure_replay(const std::string& task) {
  const AgentConfig config = paper_settings(task, "dqn").agent;
  FilledMemory filled(task, config, 100'000);
  ReplayBatch batch(filled.options(), kBatch);
  Stream stream("bench/replay");
  std::vector<double> uniform(kBatch);
  std::vector<float> error(kBatch);
  const double seconds = measure({[&] {
                           for (double& u : uniform) u = stream.uniform();
                           filled.memory().sample(uniform, 0.4, batch);
                           for (std::size_t j = 0; j < error.size(); ++j)
                             error[j] = static_cast<float>(uniform[j]);
                           filled.memory().set_priorities(batch, error);
                         }}).front();
  return {{.name = "replay/prioritized/" + task,
           .value = seconds * 1e6,
           .unit = "us",
           .target = 60.0,
           .note = fmt::format("sampling {} of {} with both observations, and new priorities", kBatch,
                               filled.memory().transitions())}};
}

}  // namespace

std::vector<BenchCase> dqn_cases() {
  std::vector<BenchCase> cases;
  const std::vector<DqnCase> updates = {
      {"mazegrid", "mlp", 1.0, 2.2},         {"mazegrid", "mlp", 0.33, 3.0},
      {"mazegrid", "mlp", 0.107, 5.0},       {"mazegrid", "mlp", 0.035, 15.0},
      {"minatar-breakout", "mlp", 1.0, 1.5}, {"minatar-breakout", "mlp", 0.33, 2.4},
      {"minatar-breakout", "mlp", 0.107, 6}, {"minatar-breakout", "mlp", 0.035, 15.0},
      {"minatar-breakout", "cnn", 1.0, 1.5}, {"minatar-breakout", "cnn", 0.107, 5.0}};
  cases.reserve(updates.size() + 2);
  for (const DqnCase& c : updates) cases.push_back({c.name(), [c] { return measure_update(c); }});
  for (const char* task : {"mazegrid", "minatar-breakout"})
    cases.push_back({std::string("replay/prioritized/") + task, [task] { return measure_replay(task); }});
  return cases;
}

}  // namespace impsweep
