// Whole trainings of the first experiment, PPO on Cart-Pole: both backends, a chain of thirty rounds, two
// workers on two cores, and what a process costs.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>

#include "agents/acting/evaluation.hpp"
#include "agents/native/kernels/kernels.hpp"
#include "engine/bench/bench.hpp"
#include "engine/bench/bench_chain.hpp"
#include "io/process.hpp"

namespace impsweep {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kChain = R"(
[[sweep]]
name       = "bench"
tasks      = ["cartpole"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 30
)";

double wall_seconds(const std::function<void()>& work) {
  const Clock::time_point start = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

TrainingOutcome train(const TrainingRequest& request) {
  TrainingSession session(request);
  while (session.advance()) {
  }
  return session.outcome();
}

std::vector<BenchRow> measure_training(double density, double target) {
  static BenchChain chain(kChain);
  const int round = round_of_density(chain, density);
  const TrainingRequest native = chain.request(round), torch = chain.request(round, Backend::kTorch);
  TrainingOutcome ours, theirs;
  double seconds[2];
  seconds[1] = wall_seconds([&] { theirs = train(torch); });
  require_openblas_behind_libtorch();
  seconds[0] = wall_seconds([&] { ours = train(native); });
  // Rounding differs, so trainings drift apart; both must have learned.
  const std::string name = fmt::format("training/cartpole-ppo/density-{:.3g}", density);
  if (ours.best_return < 475 || theirs.best_return < 475)
    throw std::runtime_error(fmt::format("{}: best returns are {} and {}, 475 expected", name,
                                         ours.best_return, theirs.best_return));
  const auto steps = static_cast<double>(ours.env_steps);
  return {{.name = name,
           .value = steps / seconds[0],
           .unit = "steps/s",
           .reference_name = "--backend torch",
           .reference = steps / seconds[1],
           .ratio = seconds[1] / seconds[0],
           .target = target,
           .kernel = std::string(kernels().name),
           .note = fmt::format("{:.2f} s with its {} evaluation episodes, LibTorch {:.2f} s", seconds[0],
                               ours.evaluation_episodes, seconds[1])}};
}

std::vector<BenchRow> measure_evaluation(double density) {
  static BenchChain chain(kChain);
  const TrainingRequest request = chain.request(round_of_density(chain, density));
  const std::vector<float> best = train(request).best_parameters;
  constexpr int kEpisodes = 20;
  double steps_per_second[2] = {0, 0};
  for (const Backend backend : {Backend::kNative, Backend::kTorch}) {
    const auto network = make_network(backend, request.model, request.mask, {.max_batch = kEpisodes});
    network->gather(best, network->parameters());
    network->parameters_changed();
    const std::unique_ptr<Evaluator> evaluator = make_evaluator(request, kEpisodes);
    double steps = 0;
    const double seconds =
        measure({[&] {
          steps = 0;
          // A step of Cart-Pole gives a reward of one.
          for (const float value : evaluator->play_episodes(*network, 0, kEpisodes, "bench").returns)
            steps += value;
        }}).front();
    steps_per_second[backend == Backend::kTorch ? 1 : 0] = steps / seconds;
  }
  return {{.name = fmt::format("evaluation/cartpole-ppo/density-{:.3g}", density),
           .value = steps_per_second[0],
           .unit = "steps/s",
           .reference_name = "--backend torch",
           .reference = steps_per_second[1],
           .ratio = steps_per_second[0] / steps_per_second[1],
           .kernel = std::string(kernels().name),
           .note = fmt::format("{} episodes at once", kEpisodes)}};
}

std::vector<BenchRow> measure_chain() {
  BenchChain chain(kChain);
  const double start = thread_cpu_seconds();
  const TrainingOutcome last = train(chain.request(static_cast<int>(chain.rounds()) - 1));
  return {{.name = "chain/cartpole-ppo/30-rounds",
           .value = thread_cpu_seconds() - start,
           .unit = "s",
           .target = 30.0,
           .kernel = std::string(kernels().name),
           .note = "actor pruned, critic dense, evaluations included"}};
}

// Wall seconds until this many processes have done the work, each on its own.
double seconds_of_processes(int processes, const std::function<void()>& work) {
  return wall_seconds([&] {
    std::vector<pid_t> children;
    for (int p = 0; p < processes; ++p) {
      const pid_t child = ::fork();
      if (child < 0) throw std::runtime_error("fork failed");
      if (child == 0) {
        work();
        ::_exit(0);
      }
      children.push_back(child);
    }
    for (const pid_t child : children) {
      int status = 0;
      ::waitpid(child, &status, 0);
      if (status != 0) throw std::runtime_error("a worker process failed");
    }
  });
}

// Nothing but fused multiply-adds in registers and first-level cache: what the second core can give at best.
void multiply_add_loop() {
  AlignedFloats a(64 * 64, 0.5f), b(64 * 64, 0.25f), c(64 * 64, 0.0f);
  for (int i = 0; i < 40'000; ++i)
    kernels().gemm({.rows = 64,
                    .depth = 64,
                    .columns = 64,
                    .a = a.data(),
                    .a_row = 64,
                    .a_depth = 1,
                    .b = b.data(),
                    .b_stride = 64,
                    .c = c.data(),
                    .c_stride = 64});
}

std::vector<BenchRow> measure_two_workers() {
  BenchChain chain(kChain);
  const TrainingRequest dense = chain.request(0), sparse = chain.request(8);
  const auto work = [&] {
    for (int repeat = 0; repeat < 2; ++repeat) {
      train(dense);
      train(sparse);
    }
  };
  double gain = 0, limit = 0;
  for (int attempt = 0; attempt < 2; ++attempt) {
    gain = std::max(gain, 2 * seconds_of_processes(1, work) / seconds_of_processes(2, work));
    limit = std::max(
        limit, 2 * seconds_of_processes(1, multiply_add_loop) / seconds_of_processes(2, multiply_add_loop));
  }
  return {{.name = "scaling/two-workers",
           .value = gain,
           .unit = "x",
           .reference_name = "FMA loop",
           .reference = limit,
           .ratio = gain / limit,
           .target = 0.95,
           .note = "throughput of two processes against one"}};
}

std::vector<BenchRow> measure_process() {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("pipe failed");
  BenchChain chain(kChain);
  const TrainingRequest request = chain.request(0);
  seconds_of_processes(1, [&] {
    train(request);
    const double megabytes = static_cast<double>(peak_memory_bytes()) / (1 << 20);
    if (::write(ends[1], &megabytes, sizeof megabytes) != sizeof megabytes) ::_exit(1);
  });
  double megabytes = 0;
  if (::read(ends[0], &megabytes, sizeof megabytes) != sizeof megabytes)
    throw std::runtime_error("no answer");
  ::close(ends[0]);
  ::close(ends[1]);
  double start = 1e9;
  for (int attempt = 0; attempt < 5; ++attempt)
    start = std::min(start, seconds_of_processes(1, [] {
                       const int nowhere = ::open("/dev/null", O_WRONLY);
                       ::dup2(nowhere, STDOUT_FILENO);
                       ::execl("/proc/self/exe", "impsweep", "--help", nullptr);
                       ::_exit(1);
                     }));
  return {{.name = "process/resident-memory", .value = megabytes, .unit = "MB", .target = 300.0},
          {.name = "process/start-of-help", .value = start, .unit = "s", .target = 0.2}};
}

}  // namespace

std::vector<BenchCase> training_cases() {
  return {{"process", measure_process},
          {"scaling/two-workers", measure_two_workers},
          {"training/cartpole-ppo/density-1", [] { return measure_training(1.0, 3.5); }},
          {"training/cartpole-ppo/density-0.107", [] { return measure_training(0.107, 8.0); }},
          {"evaluation/cartpole-ppo/density-1", [] { return measure_evaluation(1.0); }},
          {"evaluation/cartpole-ppo/density-0.107", [] { return measure_evaluation(0.107); }},
          {"chain/cartpole-ppo/30-rounds", measure_chain}};
}

}  // namespace impsweep
