#include "engine/sweep/sweep.hpp"

#include <fmt/format.h>

#include <cmath>
#include <condition_variable>
#include <csignal>
#include <memory>
#include <mutex>
#include <set>
#include <thread>

#include "engine/exit_code.hpp"
#include "engine/plan/chain_lookup.hpp"
#include "engine/sweep/coordinator.hpp"
#include "engine/sweep/memory_check.hpp"
#include "engine/sweep/stop.hpp"
#include "engine/sweep/store_ledger.hpp"
#include "engine/sweep/store_token.hpp"
#include "engine/sweep/ticker.hpp"
#include "engine/sweep/worker.hpp"
#include "engine/training/fingerprint.hpp"
#include "envs/random.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

constexpr std::chrono::milliseconds kIdleSleep{2};
constexpr int kLargestWorkingRankZero = 8;
constexpr int kLeasesPerSilence = 3;  // so another run takes over when it would declare a rank lost

// What this run is to complete: everything, or some chains or one training, with all that they need.
std::vector<bool> wanted_trainings(const Plan& plan, const SweepOptions& options) {
  std::vector<bool> wanted(plan.trainings.size(), false);
  if (options.only) {
    wanted[find_round(plan, options.only->first, options.only->second, "--only")] = true;
  } else {
    for (std::size_t c = 0; c < plan.chains.size(); ++c) {
      if (options.shard && static_cast<int>(c) % options.shard->second != options.shard->first) continue;
      for (const TrainingIndex training : plan.chains[c].rounds) wanted[training] = true;
    }
  }
  for (TrainingIndex i = static_cast<TrainingIndex>(plan.trainings.size()); i-- > 0;)
    if (wanted[i])
      for (const TrainingIndex dependency : plan.dependencies(i)) wanted[dependency] = true;
  return wanted;
}

// A training far into the sweep must not be the first to find that an emulator is missing.
void require_tasks(const Plan& plan) {
  std::set<std::pair<std::string, std::string>> known;  // tasks and their options
  for (const Settings& settings : plan.settings) {
    std::string options;
    for (const auto& [key, value] : settings.task_options) options += key + " = " + value_text(value) + "\n";
    if (known.emplace(settings.task, std::move(options)).second)
      require_task(settings.task, settings.task_options);
  }
}

// That what is still to be trained would be trained with the versions of what is there.
void require_pinned_versions(const Plan& plan, const Store& store, Backend backend) {
  const Digests finished = store.finished();
  std::set<const TaskInfo*> tasks;
  for (TrainingIndex i = 0; i < plan.trainings.size(); ++i)
    if (!finished.contains(plan.trainings[i].digest.digits())) tasks.insert(&task_of(plan, i));
  for (const TaskInfo* task : tasks) store.require_pins(numerics_of(*task, backend));
}

void tell_workers(Transport& transport, MessageKind kind) {
  Message message;
  message.kind = kind;
  for (int rank = 1; rank < transport.ranks(); ++rank) transport.send(rank, message);
}

int coordinate(Transport& transport, const WorkerContext& context, const SweepOptions& options) {
  StoreLedger ledger(context.plan, context.store, transport.ranks(), options.lost_after / kLeasesPerSilence);
  Coordinator coordinator(transport, context.plan, ledger, wanted_trainings(context.plan, options),
                          {.by_seed = options.order == SweepOrder::kSeeds,
                           .retry_failed = options.retry_failed,
                           .chaos = options.chaos.has_value(),
                           .lost_after = options.lost_after,
                           .time_left = time_left});
  const auto works = [&] {
    if (transport.ranks() == 1 || options.rank_zero == RankZero::kWorks) return true;
    return options.rank_zero == RankZero::kAuto &&
           (transport.ranks() <= kLargestWorkingRankZero || !coordinator.has_workers());
  };
  const auto somebody_works = [&] {
    return coordinator.has_workers() || (works() && !coordinator.is_set_aside(0));
  };
  const auto goes_on = [&] {
    return !coordinator.finished() && !coordinator.store_is_lost() && !stop_requested() && somebody_works();
  };
  while (goes_on()) {
    coordinator.process_events();
    const std::optional<TrainingIndex> own = works() ? coordinator.take(0) : std::nullopt;
    if (!own) {
      std::this_thread::sleep_for(kIdleSleep);
      continue;
    }
    const std::vector<TrainingIndex> diverged = coordinator.diverged_candidates(*own);
    coordinator.handle(compute(context, *own, diverged, [&](const TrainingProgress& so_far) {
      coordinator.note_progress(0, so_far.env_steps, so_far.last_return);
      coordinator.process_events();
      return stop_requested() || coordinator.store_is_lost();
    }));
  }
  std::optional<std::string> stopped;
  if (!coordinator.finished() && (stop_requested() || !coordinator.nothing_succeeds()))
    stopped = stop_reason();
  coordinator.dismiss_workers();
  while (!coordinator.all_have_left()) std::this_thread::sleep_for(kIdleSleep);
  const int exit_code = coordinator.conclude(stopped);
  if (coordinator.ranks_were_lost()) {
    tell_workers(transport, MessageKind::kLeave);
    transport.leave(exit_code);
  }
  tell_workers(transport, MessageKind::kFinish);
  return exit_code;
}

// Sends SIGKILL to this process after a random time. Exponential, so that the deaths of all workers together
// come with the mean spacing that was asked for.
std::jthread kill_after_random_time(const SweepOptions::Chaos& chaos, int rank, int workers) {
  Stream stream(fmt::format("chaos/{}/{}", chaos.seed, rank));
  const std::chrono::duration<double> life(-chaos.seconds * workers * std::log(1.0 - stream.uniform()));
  return std::jthread([life](const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any wake;
    if (!wake.wait_for(lock, stop, life, [&] { return stop.stop_requested(); })) raise(SIGKILL);
  });
}

// What rank 0 broadcasts: its job, below a comment with the token of its store.
const std::string kTokenLine = "# token: ";
constexpr std::chrono::seconds kPatienceForToken{20};

std::string token_in(const std::string& text) {
  return text.substr(kTokenLine.size(), text.find('\n') - kTokenLine.size());
}

}  // namespace

int run_sweep(Transport& transport, const SweepOptions& options) {
  const Fingerprint fingerprint = numerics_fingerprint(options.backend);
  if (transport.rank() == 0) {
    std::optional<Store> store;
    std::optional<StoreToken> token;
    Plan plan;
    try {
      remember_external_tasks(options.store);
      plan = read_plan(options.jobs, options.overrides);
      const std::string text = frozen_job(plan.points);
      require_tasks(plan);
      store = Store::create_or_open(options.store, fingerprint);
      wanted_trainings(plan, options);  // a bad --only is found before anything is written
      const std::vector<FrozenJob> jobs = store->jobs();
      if (std::ranges::none_of(jobs, [&](const FrozenJob& job) { return job.text == text; }))
        require_names_free(
            *store, plan.points,
            "give the sweep a [[sweep.variant]] with a name that says what is new, or run it into "
            "another --store");
      require_pinned_versions(plan, *store, options.backend);
      store->freeze_job(text);
      store->remove_leftovers();
      if (transport.ranks() > 1) token.emplace(*store);
      transport.broadcast(token ? kTokenLine + token->name() + "\n" + text : text);
    } catch (...) {
      transport.broadcast("");
      throw;
    }
    const Ticker alive(sign_of_life_interval(options.lost_after, transport.ranks()),
                       [&] { tell_workers(transport, MessageKind::kAlive); });
    try {
      return coordinate(transport,
                        {plan, *store, options.backend, options.threads,
                         ranks_on_this_host(transport.ranks()), options.checkpoint_interval},
                        options);
    } catch (...) {
      tell_workers(transport, MessageKind::kStop);
      tell_workers(transport, MessageKind::kFinish);
      throw;
    }
  }
  const std::string text = transport.broadcast("");
  if (text.empty()) return kComplete;  // rank 0 says what is wrong
  WorkerSession session(transport, options.lost_after);
  try {
    require_token(options.store, token_in(text), kPatienceForToken);
    const Ticker alive(sign_of_life_interval(options.lost_after, transport.ranks()),
                       [&] { session.send_alive(); });
    std::jthread killer;
    if (options.chaos)
      killer = kill_after_random_time(*options.chaos, transport.rank(), transport.ranks() - 1);
    const JobFile file = parse_job(text, "job of rank 0");
    const Plan plan = expand(resolve_frozen(file));
    const Store store = Store::create_or_open(options.store, fingerprint);
    const Shutdown shutdown =
        serve(session, {plan, store, options.backend, options.threads, ranks_on_this_host(transport.ranks()),
                        options.checkpoint_interval});
    if (shutdown == Shutdown::kRankZeroLost)
      fmt::print(stderr, "impsweep: rank {} has not heard of rank 0 for {} s; its training is saved\n",
                 transport.rank(), std::chrono::duration<double>(options.lost_after).count());
    if (shutdown != Shutdown::kCollective)
      transport.leave(shutdown == Shutdown::kRankZeroLost ? kStopped : kComplete);
  } catch (const InputError& error) {
    fmt::print(stderr, "impsweep: rank {} cannot work: {}\n", transport.rank(), error.what());
    if (await_shutdown(session) != Shutdown::kCollective) transport.leave(kComplete);
  }
  return kComplete;
}

}  // namespace impsweep
