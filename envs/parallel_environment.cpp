#include "envs/parallel_environment.hpp"

#include <atomic>
#include <exception>
#include <thread>
#include <utility>

namespace impsweep {
namespace {

class ParallelEnvironment final : public Environment {
 public:
  ParallelEnvironment(std::unique_ptr<Environment> environment, int threads)
      : environment_(std::move(environment)), ranges_(static_cast<std::size_t>(threads)) {
    for (int t = 1; t < threads; ++t) helpers_.emplace_back([this, t] { help(t); });
  }
  ~ParallelEnvironment() override {
    stopping_ = true;
    ++round_;
    round_.notify_all();
    for (std::thread& helper : helpers_) helper.join();
  }

  void step(std::span<const std::int32_t> lanes, ActionBatch actions, ObservationBatch observations,
            std::span<StepResult> results) override {
    const std::size_t threads = ranges_.size(), columns = lanes.size();
    for (std::size_t t = 0; t < threads; ++t) {
      const std::size_t first = columns * t / threads, count = columns * (t + 1) / threads - first;
      const int column = static_cast<int>(first);
      ranges_[t] = {lanes.subspan(first, count), actions.from(column), observations.from(column),
                    results.subspan(first, count)};
    }
    unfinished_ = static_cast<int>(helpers_.size());
    ++round_;
    round_.notify_all();
    take_steps(0);
    for (int left = unfinished_; left > 0; left = unfinished_) unfinished_.wait(left);
    for (const Range& range : ranges_)
      if (range.error) std::rethrow_exception(range.error);
  }

  const TaskInfo& info() const override { return environment_->info(); }
  int lanes() const override { return environment_->lanes(); }
  void attach(int lane, RandomSource& draws) override { environment_->attach(lane, draws); }
  void reset(int lane, int column, ObservationBatch observations) override {
    environment_->reset(lane, column, observations);
  }
  int active_features(int lane, std::uint16_t* features) const override {
    return environment_->active_features(lane, features);
  }
  void expand(int columns, const std::uint32_t* begin, const std::uint16_t* feature,
              ObservationBatch observations) const override {
    environment_->expand(columns, begin, feature, observations);
  }
  std::string external_program() const override { return environment_->external_program(); }
  int state_size() const override { return environment_->state_size(); }
  void get_state(int lane, std::span<double> state) const override { environment_->get_state(lane, state); }
  void set_state(int lane, std::span<const double> state) override { environment_->set_state(lane, state); }
  void save(StateWriter& writer) const override { environment_->save(writer); }
  void load(StateReader& reader) override { environment_->load(reader); }

 private:
  // What one thread does in a round.
  struct Range {
    std::span<const std::int32_t> lanes;
    ActionBatch actions;
    ObservationBatch observations;
    std::span<StepResult> results;
    std::exception_ptr error = nullptr;
  };

  void take_steps(int thread) {
    Range& range = ranges_[static_cast<std::size_t>(thread)];
    if (range.lanes.empty()) return;
    try {
      environment_->step(range.lanes, range.actions, range.observations, range.results);
    } catch (...) {
      range.error = std::current_exception();
    }
  }

  void help(int thread) {
    for (unsigned done = 0;;) {
      round_.wait(done);
      done = round_;
      if (stopping_) return;
      take_steps(thread);
      if (--unfinished_ == 0) unfinished_.notify_one();
    }
  }

  std::unique_ptr<Environment> environment_;
  std::vector<Range> ranges_;  // by thread; 0 is the caller
  std::atomic<unsigned> round_ = 0;
  std::atomic<int> unfinished_ = 0;
  std::atomic<bool> stopping_ = false;
  std::vector<std::thread> helpers_;
};

}  // namespace

std::unique_ptr<Environment> in_parallel(std::unique_ptr<Environment> environment, int threads) {
  if (threads <= 1 || environment->share_among_processes(threads)) return environment;
  return std::make_unique<ParallelEnvironment>(std::move(environment), threads);
}

}  // namespace impsweep
