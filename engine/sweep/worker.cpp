#include "engine/sweep/worker.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "engine/job/external_task.hpp"
#include "engine/sweep/attempt.hpp"
#include "engine/sweep/memory_check.hpp"
#include "engine/sweep/stop.hpp"
#include "engine/training/fingerprint.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kIdleSleep{1};
constexpr std::chrono::milliseconds kPollInterval{20};

Message failure(TrainingIndex training, const std::string& reason, bool deterministic,
                bool diverged = false) {
  Message message;
  message.kind = MessageKind::kFailed;
  message.training = training;
  message.reason = reason;
  message.deterministic = deterministic;
  message.diverged = diverged;
  return message;
}

}  // namespace

Message compute(const WorkerContext& context, TrainingIndex training,
                const std::vector<TrainingIndex>& diverged_candidates, const StopQuestion& should_stop) {
  const TrainingId& digest = context.plan.trainings[training].digest;
  if (const std::optional<std::string> shortage =
          memory_shortage(context.plan, training, memory_limit(context.ranks_here))) {
    Message too_large = failure(training, *shortage, false);
    too_large.too_large = true;
    return too_large;
  }
  Attempt attempt(context.store, digest);
  if (const std::string verdict = attempt.verdict(); !verdict.empty())
    return failure(training, verdict, true);
  std::vector<TrainingId> diverged;
  diverged.reserve(diverged_candidates.size());
  for (const TrainingIndex candidate : diverged_candidates)
    diverged.push_back(context.plan.trainings[candidate].digest);
  try {
    const Fingerprint numerics = numerics_of(task_of(context.plan, training), context.backend);
    context.store.require_pins(numerics);
    Checkpoint checkpoint(context.store, context.plan, training, context.checkpoint_interval, numerics);
    std::optional<Record> record = run_training(context.plan, training, loader_from(context.store, diverged),
                                                context.backend, context.threads, should_stop, &checkpoint);
    Message message;
    message.training = training;
    message.kind = MessageKind::kReturned;
    if (!record) return message;
    const TimeSpent spent = checkpoint.spent();
    Fingerprint provenance = provenance_texts(context.backend);
    provenance.insert(numerics.begin(), numerics.end());
    add_provenance(*record, provenance, spent.wall_seconds, spent.cpu_seconds);
    Publication publication{};
    try {
      context.store.pin(numerics);
      publication = context.store.publish(digest, *record);
    } catch (const InputError& error) {
      Message unstored = failure(training, error.what(), false);
      unstored.unstored = true;
      return unstored;
    }
    // Episodes that do not repeat make other results each time: the first is kept.
    const Settings& settings = context.plan.settings[context.plan.trainings[training].settings];
    if (publication == Publication::kDifferent && is_reproducible(settings))
      return failure(
          training,
          fmt::format("another run stored a different result for the same recipe {}; both are kept, see {}",
                      digest, (context.store.directory() / "quarantine").string()),
          true);
    attempt.succeeded();
    message.kind = MessageKind::kDone;
    message.summary = read_summary(*record);
    return message;
  } catch (const TrainingFailure& error) {
    return failure(training, error.what(), true, true);
  } catch (const InputError& error) {
    return failure(training, error.what(), false);  // disk full, a missing file: may be mended
  } catch (const TaskUnavailable& error) {
    return failure(training, error.what(), false);  // an emulator that is missing here, or that ended
  } catch (const std::bad_alloc&) {
    return failure(training, "out of memory", false);
  } catch (const std::exception& error) {
    return failure(training, error.what(), true);
  }
}

Shutdown serve(WorkerSession& session, const WorkerContext& context) {
  session.send_ready(fmt::format("{}, pid {}", provenance_texts(context.backend)["host"], getpid()));
  while (true) {
    session.read_messages();
    if (session.is_over() || stop_requested()) break;
    const std::optional<Message> assignment = session.take_assignment();
    if (!assignment) {
      std::this_thread::sleep_for(kIdleSleep);
      continue;
    }
    Clock::time_point last_poll = Clock::now();
    bool stop = false;
    session.answer(compute(
        context, assignment->training, assignment->diverged_candidates, [&](const TrainingProgress& so_far) {
          if (const Clock::time_point now = Clock::now(); now - last_poll >= kPollInterval) {
            last_poll = now;
            stop = session.should_stop(so_far.env_steps, so_far.last_return);
          }
          return stop || stop_requested();
        }));
  }
  return await_shutdown(session);
}

// A signal may have reached this process alone: how all of them part is for rank 0 to say in any case.
Shutdown await_shutdown(WorkerSession& session) {
  session.send_goodbye();
  while (true) {
    if (const std::optional<Shutdown> shutdown = session.shutdown()) return *shutdown;
    std::this_thread::sleep_for(kIdleSleep);
  }
}

}  // namespace impsweep
