// One small piece of work for each group of rates, and how long it takes on the reference machine.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agents/learning/adam.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "agents/native/subnormals.hpp"
#include "agents/network/network.hpp"
#include "engine/calibration/calibration.hpp"
#include "envs/environment.hpp"
#include "envs/random.hpp"
#include "io/process.hpp"

namespace impsweep {
namespace {

// A network under a random mask, which passes forward and backward over one batch again and again.
class Passes {
 public:
  Passes(std::vector<int> sizes, double density, double active_inputs, int batch)
      : batch_(batch), stride_(round_up_to_lanes(batch)), active_inputs_(active_inputs) {
    Stream stream("calibration/network");
    ModelSpec model;
    model.parts.push_back({.name = "q", .sizes = sizes});
    std::vector<std::uint8_t> mask(parameter_count(model), 1);
    std::vector<float> dense(mask.size(), 0.0f);
    for (const Tensor& tensor : tensors_of(model))
      for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
        if (tensor.is_weight) mask[i] = stream.uniform() < density ? 1 : 0;
        if (mask[i] != 0)
          dense[i] = static_cast<float>((2 * stream.uniform() - 1) / std::sqrt(tensor.fan_in));
      }
    network_ = make_native_network(model, mask, {.max_batch = batch, .active_inputs = active_inputs});
    network_->gather(dense, network_->parameters());
    network_->parameters_changed();
    const auto matrix = [&](int rows) { return static_cast<std::size_t>(rows) * stride_; };
    input_.assign(matrix(sizes.front()), 0.0f);
    for (float& value : input_) value = static_cast<float>(2 * stream.uniform() - 1);
    output_.assign(matrix(sizes.back()), 0.0f);
    gradient_.assign(matrix(sizes.back()), 0.01f);
    for (int sample = 0; sample < batch && active_inputs > 0; ++sample) {
      for (int feature = 0; feature < sizes.front(); ++feature)
        if (stream.uniform() < active_inputs / sizes.front())
          ones_.push_back(static_cast<std::uint16_t>(feature));
      ones_begin_.push_back(static_cast<std::uint32_t>(ones_.size()));
    }
  }

  void run() {
    const FlushSubnormals flush;
    const MutableBatch output{output_.data(), stride_};
    if (active_inputs_ > 0)
      network_->forward_active(0, batch_, {ones_begin_.data(), ones_.data()}, output);
    else
      network_->forward(0, batch_, {input_.data(), stride_}, output);
    network_->backward(0, batch_, {gradient_.data(), stride_});
  }

  Network& network() { return *network_; }

 private:
  int batch_, stride_;
  double active_inputs_;
  std::unique_ptr<Network> network_;
  AlignedFloats input_, output_, gradient_;
  std::vector<std::uint32_t> ones_begin_ = {0};
  std::vector<std::uint16_t> ones_;
};

// Lanes of a task that act at random.
class Play {
 public:
  Play(const std::string& task, int lanes) : environment_(make_environment(task, lanes)), results_(lanes) {
    const TaskInfo& info = environment_->info();
    stride_ = round_up_to_lanes(lanes);
    observation_.assign(static_cast<std::size_t>(info.observation_size) * stride_, 0.0f);
    actions_.assign(static_cast<std::size_t>(lanes), 0);
    continuous_.assign(static_cast<std::size_t>(info.actions) * stride_, 0.0f);
    streams_.reserve(static_cast<std::size_t>(lanes));
    for (int lane = 0; lane < lanes; ++lane) {
      lanes_.push_back(lane);
      streams_.emplace_back("calibration/" + task + "/" + std::to_string(lane));
      environment_->attach(lane, streams_.back());
      environment_->reset(lane, lane, {observation_.data(), stride_});
    }
  }

  void run(int steps) {
    const TaskInfo& info = environment_->info();
    for (int step = 0; step < steps; ++step) {
      for (const std::int32_t lane : lanes_) {
        const auto place = static_cast<std::size_t>(lane);
        if (!info.continuous) actions_[place] = static_cast<std::int32_t>(random_.below(info.actions));
        for (int a = 0; info.continuous && a < info.actions; ++a)
          continuous_[static_cast<std::size_t>(a * stride_ + lane)] =
              static_cast<float>(2 * random_.uniform() - 1);
      }
      environment_->step(lanes_, {actions_.data(), continuous_.data(), stride_},
                         {observation_.data(), stride_}, results_);
      for (const std::int32_t lane : lanes_) {
        const StepResult& result = results_[static_cast<std::size_t>(lane)];
        if (result.terminated || result.truncated)
          environment_->reset(lane, lane, {observation_.data(), stride_});
      }
    }
  }

 private:
  std::unique_ptr<Environment> environment_;
  std::vector<StepResult> results_;
  int stride_ = 0;
  AlignedFloats observation_, continuous_;
  std::vector<std::int32_t> lanes_, actions_;
  std::vector<Stream> streams_;
  Stream random_{"calibration/actions"};
};

struct Piece {
  double reference_seconds;  // the shortest on the reference machine
  std::function<void()> run;
};

}  // namespace

Rates measure_rates(double seconds) {
  Passes dense({4, 128, 128, 2}, 1.0, 0, 64);
  Passes sparse({1200, 512, 256, 4}, 0.107, 120, 256);
  Passes large({1200, 512, 256, 4}, 1.0, 0, 16);
  Adam adam({}, {}, large.network().gradients().size());
  Play cartpole("cartpole", 10), acrobot("acrobot", 10), maze("mazegrid", 10);
  std::optional<Play> robot;  // not where robots need a program that is missing
  if (!find_task("hopper")->is_external) robot.emplace("hopper", 10);
  const std::array<Piece, kRateGroups> pieces = {{
      {0.60e-3,
       [&] {
         for (int i = 0; i < 20; ++i) dense.run();
       }},
      {1.17e-3, [&] { sparse.run(); }},
      {1.40e-3,
       [&] {
         for (int i = 0; i < 8; ++i) adam.clip_and_step(large.network(), 1e-9, 10);
       }},
      {1.70e-3, [&] { cartpole.run(300), acrobot.run(100), maze.run(300); }},
      {0.71e-3,
       [&] {
         if (robot) robot->run(40);
       }},
  }};
  std::array<double, kRateGroups> shortest = {};
  for (std::size_t g = 0; g < kRateGroups; ++g) {
    pieces[g].run();
    shortest[g] = std::numeric_limits<double>::infinity();
  }
  const double start = thread_cpu_seconds();
  for (int round = 0; round < 3 || thread_cpu_seconds() - start < seconds; ++round)
    for (std::size_t g = 0; g < kRateGroups; ++g) {
      const double begin = thread_cpu_seconds();
      pieces[g].run();
      shortest[g] = std::min(shortest[g], thread_cpu_seconds() - begin);
    }
  Rates rates;
  for (std::size_t g = 0; g < kRateGroups; ++g)
    rates.factor[g] = std::max(shortest[g], 1e-9) / pieces[g].reference_seconds;
  if (!robot)
    rates.factor[static_cast<std::size_t>(RateGroup::kPhysics)] =
        rates.factor[static_cast<std::size_t>(RateGroup::kScalar)];
  rates.source = "measured on this machine";
  return rates;
}

}  // namespace impsweep
