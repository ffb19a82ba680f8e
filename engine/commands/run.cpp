// impsweep run: runs or resumes a sweep.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "agents/network/network.hpp"
#include "engine/commands/command.hpp"
#include "engine/job/external_task.hpp"
#include "engine/job/option_table.hpp"
#include "engine/sweep/stop.hpp"
#include "engine/sweep/sweep.hpp"
#include "engine/training/fingerprint.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

constexpr std::chrono::seconds kSlurmMargin{60};
constexpr std::chrono::milliseconds kShortestSilence{100};
constexpr int kPatienceAtStart = 10;  // times what makes a silent rank count as dead

template <class T>
T choice(const std::string& flag, const std::string& value, const std::map<std::string, T>& choices) {
  const auto found = choices.find(value);
  if (found != choices.end()) return found->second;
  std::vector<std::string> names;
  names.reserve(choices.size());
  for (const auto& [name, meaning] : choices) names.push_back(name);
  throw InputError("run: --{} {} is not known{}", flag, value, suggestion(value, names));
}

std::chrono::milliseconds duration(const std::string& flag, const std::string& text) {
  const auto parsed = parse_duration(text.c_str());
  if (!parsed) throw InputError("run: --{} {} is no duration; write 90s, 10m, 2h or D-HH:MM:SS", flag, text);
  return *parsed;
}

std::pair<std::string, std::string> parse_only(const std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size())
    throw InputError(
        "run: --only {} is not CHAIN:ROUND, e.g. cartpole.ppo.128-128.default.mask-weights.s00:r03", text);
  return {text.substr(0, colon), text.substr(colon + 1)};
}

SweepOptions::Chaos parse_chaos(const std::string& text) {
  SweepOptions::Chaos chaos{};
  char* end = nullptr;
  chaos.seconds = std::strtod(text.c_str(), &end);
  const char* last = text.data() + text.size();
  if (end != text.c_str() && chaos.seconds > 0 && *end == ',') {
    const auto [rest, error] = std::from_chars(end + 1, last, chaos.seed);
    if (error == std::errc() && rest == last) return chaos;
  }
  throw InputError("run: --chaos {} is not SECONDS,SEED, e.g. 20,1", text);
}

std::pair<int, int> parse_shard(const std::string& text) {
  int index = -1, count = 0;
  const char* last = text.data() + text.size();
  const auto [middle, first_error] = std::from_chars(text.data(), last, index);
  bool valid = first_error == std::errc() && middle != last && *middle == '/';
  if (valid) {
    const auto [end, second_error] = std::from_chars(middle + 1, last, count);
    valid = second_error == std::errc() && end == last && index >= 0 && index < count;
  }
  if (!valid) throw InputError("run: --shard {} is not i/n with 0 <= i < n, e.g. 0/4", text);
  return {index, count};
}

// The same jobs, store and overrides as `impsweep plan` has them.
int plan_instead(const boost::program_options::variables_map& values) {
  // Open MPI's names; one rank speaks for all.
  const char* rank = std::getenv("OMPI_COMM_WORLD_RANK");
  const char* ranks = std::getenv("OMPI_COMM_WORLD_SIZE");
  if (rank != nullptr && std::string(rank) != "0") return kComplete;
  Arguments arguments;
  if (ranks != nullptr) arguments = {"--ranks", ranks};
  if (values.count("job") != 0)
    for (const std::string& job : values["job"].as<std::vector<std::string>>()) arguments.push_back(job);
  // A store that is not there yet has done nothing.
  if (values.count("store") != 0 && std::filesystem::exists(values["store"].as<std::string>()))
    arguments.insert(arguments.end(), {"--store", values["store"].as<std::string>()});
  if (values.count("set") != 0)
    for (const std::string& assignment : values["set"].as<std::vector<std::string>>())
      arguments.insert(arguments.end(), {"--set", assignment});
  return command_plan(arguments);
}

}  // namespace

int command_run(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage(
      "run JOB.toml... --store DIR [options]",
      "Runs a sweep, or resumes it: what the store already holds is skipped. Under mpirun every rank trains\n"
      "one network at a time; alone, one process does everything. Results go to the store as they are\n"
      "finished, whole or not at all, and trainings under way keep checkpoints: a killed run loses a "
      "minute.\n"
      "SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 save running trainings and stop (exit code 3); a second\n"
      "SIGINT stops at once.\n\n"
      "Examples:\n"
      "  impsweep run jobs/quickstart.toml --store out\n"
      "  mpirun --bind-to none -n 8 impsweep run jobs/figure-03.toml --store out --set seeds=5\n"
      "  impsweep run my.toml --store out --set ppo.learning_rate=1e-3 --set cartpole.rounds=10");
  usage.options.add_options()("store", options::value<std::string>(), "directory of results, made if absent")(
      "set", options::value<std::vector<std::string>>()->composing(),
      "key=value: overrides a key of all sweeps, or NAME.key=value of the sweep called NAME; may be "
      "repeated")("only", options::value<std::string>(), "CHAIN:ROUND: only this training and what it needs")(
      "shard", options::value<std::string>(), "i/n: only every n-th chain from the i-th on, counting from 0")(
      "time-limit", options::value<std::string>(),
      "stop after this time: 90s, 10m, 2h, or D-HH:MM:SS; "
      "inside a Slurm job by default what is left of it, less a minute")(
      "checkpoint-every", options::value<std::string>()->default_value("60s"),
      "time between two checkpoints of a training under way")(
      "lost-after", options::value<std::string>()->default_value("30s"),
      "a rank, or another run on the store, that is silent for so long counts as dead; ranks have ten times "
      "as long to come together at the start")(
      "chaos", options::value<std::string>(),
      "SECONDS,SEED: workers kill themselves at random, every SECONDS on average; for tests, under "
      "mpirun --enable-recovery")(
      "backend", options::value<std::string>()->default_value("auto"),
      "auto, native (own kernels) or torch (LibTorch); results depend on it, so a store keeps to one")(
      "threads-per-rank", options::value<int>()->default_value(1),
      "threads that step a rank's environments; for locomotion on cores that would idle; results are the "
      "same")("rank0", options::value<std::string>()->default_value("auto"),
              "auto, works (trains too) or sleeps (only coordinates); auto works up to 8 ranks")(
      "order", options::value<std::string>()->default_value("heaviest"),
      "which trainings run first: heaviest (the longest chains, so that the sweep ends soonest) or seeds "
      "(every setting gets its first seed before any gets its next)")(
      "simd", options::value<std::string>()->default_value("auto"),
      "auto, scalar, avx2 or avx512; results are the same bits on each")(
      "retry-failed", "try trainings again that failed before")(
      "dry-run", "show what would be trained and cost, as `impsweep plan` does, and train nothing");
  usage.positional = {{"job", -1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;

  if (values->count("dry-run") != 0) return plan_instead(*values);
  SweepOptions sweep;
  if (values->count("job") == 0)
    throw InputError("run: no job file given; try `impsweep run jobs/quickstart.toml --store out`");
  sweep.jobs = (*values)["job"].as<std::vector<std::string>>();
  if (values->count("store") == 0) throw InputError("run: --store DIR is missing: where shall results go?");
  sweep.store = (*values)["store"].as<std::string>();
  if (values->count("set") != 0) sweep.overrides = (*values)["set"].as<std::vector<std::string>>();
  sweep.backend =
      choice<Backend>("backend", (*values)["backend"].as<std::string>(),
                      {{"auto", Backend::kNative}, {"native", Backend::kNative}, {"torch", Backend::kTorch}});
  if (sweep.backend == Backend::kTorch) require_libtorch();
  sweep.threads = (*values)["threads-per-rank"].as<int>();
  constexpr int kMostThreads = 256;
  if (sweep.threads < 1 || sweep.threads > kMostThreads)
    throw InputError("run: --threads-per-rank {} is outside 1..{}", sweep.threads, kMostThreads);
  sweep.rank_zero = choice<RankZero>(
      "rank0", (*values)["rank0"].as<std::string>(),
      {{"auto", RankZero::kAuto}, {"works", RankZero::kWorks}, {"sleeps", RankZero::kSleeps}});
  sweep.order = choice<SweepOrder>("order", (*values)["order"].as<std::string>(),
                                   {{"heaviest", SweepOrder::kHeaviest}, {"seeds", SweepOrder::kSeeds}});
  const std::string simd = (*values)["simd"].as<std::string>();
  if (!select_instructions(simd))
    throw InputError(
        "run: --simd {} is not known, or this processor lacks it; known: auto, scalar, avx2, avx512", simd);
  if (values->count("only") != 0) sweep.only = parse_only((*values)["only"].as<std::string>());
  if (values->count("shard") != 0) sweep.shard = parse_shard((*values)["shard"].as<std::string>());
  if (sweep.only && sweep.shard) throw InputError("run: --only and --shard exclude each other");
  sweep.retry_failed = values->count("retry-failed") != 0;
  const bool time_limit_given = values->count("time-limit") != 0;
  if (time_limit_given) set_time_limit(duration("time-limit", (*values)["time-limit"].as<std::string>()));
  sweep.lost_after = duration("lost-after", (*values)["lost-after"].as<std::string>());
  if (sweep.lost_after < kShortestSilence) throw InputError("run: --lost-after is at least 0.1s");
  if (values->count("chaos") != 0) sweep.chaos = parse_chaos((*values)["chaos"].as<std::string>());
  sweep.checkpoint_interval = duration("checkpoint-every", (*values)["checkpoint-every"].as<std::string>());

  trust_named_code();
  stop_waiting_when(stop_requested);
  install_stop_signals();
  const std::unique_ptr<Transport> transport = connect(kPatienceAtStart * sweep.lost_after);
  // One question per run; the other ranks are told.
  if (!time_limit_given && transport->rank() == 0)
    if (const auto left = slurm_time_left()) set_time_limit(*left - std::min(kSlurmMargin, *left / 10));
  return run_sweep(*transport, sweep);
}

}  // namespace impsweep
