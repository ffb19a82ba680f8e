#include "engine/sweep.hpp"

#include <fmt/format.h>

#include <memory>
#include <thread>

#include "engine/chain_lookup.hpp"
#include "engine/commands/command.hpp"
#include "engine/coordinator.hpp"
#include "engine/fingerprint.hpp"
#include "engine/stop.hpp"
#include "engine/worker.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

constexpr std::chrono::milliseconds kIdleSleep{2};
constexpr int kLargestWorkingRankZero = 8;

std::vector<GridPoint> read_points(const SweepOptions& options) {
  std::vector<JobFile> files;
  for (const std::string& path : options.jobs) files.push_back(read_job_file(path));
  std::vector<JobEntry> overrides;
  for (const std::string& text : options.overrides) overrides.push_back(parse_assignment(text));
  return resolve(files, overrides);
}

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
      for (const TrainingIndex dependency : plan.trainings[i].dependencies) wanted[dependency] = true;
  return wanted;
}

int coordinate(Transport& transport, const WorkPlace& place, const SweepOptions& options) {
  Coordinator coordinator(transport, place.plan, place.store, wanted_trainings(place.plan, options),
                          options.retry_failed);
  const bool works = transport.ranks() == 1 || options.rank_zero == RankZero::kWorks ||
                     (options.rank_zero == RankZero::kAuto && transport.ranks() <= kLargestWorkingRankZero);
  while (!coordinator.finished() && !stop_requested()) {
    coordinator.attend();
    const std::optional<TrainingIndex> own = works ? coordinator.take(0) : std::nullopt;
    if (!own) {
      std::this_thread::sleep_for(kIdleSleep);
      continue;
    }
    coordinator.handle(compute(place, *own, [&](const TrainingSession& session) {
      coordinator.note_progress(0, session.env_steps(), session.last_return());
      coordinator.attend();
      return stop_requested();
    }));
  }
  const bool stopped = !coordinator.finished();
  coordinator.dismiss_workers();
  return coordinator.conclude(stopped);
}

}  // namespace

int run_sweep(Transport& transport, const SweepOptions& options) {
  const Fingerprint fingerprint = numerics_fingerprint(options.backend);
  if (transport.rank() == 0) {
    std::optional<Store> store;
    Plan plan;
    try {
      std::vector<GridPoint> points = read_points(options);
      const std::string text = frozen_job(points);
      plan = expand(std::move(points));
      store = Store::create_or_open(options.store, fingerprint);
      wanted_trainings(plan, options);  // a bad --only is found before anything is written
      store->freeze_job(text);
      store->sweep();
      transport.broadcast(text);
    } catch (...) {
      transport.broadcast("");
      throw;
    }
    return coordinate(transport, {plan, *store, options.backend, options.checkpoint_interval}, options);
  }
  const std::string text = transport.broadcast("");
  if (text.empty()) return kComplete;  // rank 0 says what is wrong
  try {
    const JobFile file = parse_job(text, "job of rank 0");
    const Plan plan = expand(resolve({&file, 1}));
    const Store store = Store::create_or_open(options.store, fingerprint);
    serve(transport, {plan, store, options.backend, options.checkpoint_interval});
  } catch (const InputError& error) {
    fmt::print(stderr, "impsweep: rank {} cannot work: {}\n", transport.rank(), error.what());
    Message goodbye;
    goodbye.kind = MessageKind::kGoodbye;
    transport.send(0, goodbye);
  }
  return kComplete;
}

}  // namespace impsweep
