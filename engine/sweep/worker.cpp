#include "engine/sweep/worker.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "engine/sweep/stop.hpp"
#include "engine/training/fingerprint.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kIdleSleep{1};
constexpr std::chrono::milliseconds kPollInterval{20};
constexpr std::chrono::milliseconds kProgressInterval{1000};

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
    if (publication == Publication::kDifferent)
      return failure(
          training,
          fmt::format("another run stored a different result for the same recipe {}; both are kept, see {}",
                      digest, (context.store.directory() / "quarantine").string()),
          true);
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

Shutdown serve(Transport& transport, const WorkerContext& context, Clock::duration lost_after) {
  Message ready;
  ready.kind = MessageKind::kReady;
  ready.reason = fmt::format("{}, pid {}", provenance_texts(context.backend)["host"], getpid());
  transport.send(0, ready);
  bool stopping = false, finished = false;
  Shutdown shutdown = Shutdown::kCollective;
  Clock::time_point last_heard = Clock::now();
  const auto next_message = [&] {
    std::optional<Message> message = transport.poll();
    if (message) last_heard = Clock::now();
    stopping |= message && (message->kind == MessageKind::kStop || message->kind == MessageKind::kLeave);
    if (message && message->kind == MessageKind::kLeave) shutdown = Shutdown::kIndependent;
    finished |= message && message->kind == MessageKind::kFinish;
    return message;
  };
  const auto read_messages = [&] {
    while (next_message()) continue;
  };
  const auto rank_zero_is_lost = [&] { return Clock::now() - last_heard > lost_after; };
  while (!stopping && !stop_requested()) {
    const std::optional<Message> message = next_message();
    if (!message) {
      if (rank_zero_is_lost()) return Shutdown::kRankZeroLost;
      std::this_thread::sleep_for(kIdleSleep);
      continue;
    }
    if (message->kind != MessageKind::kAssign) continue;

    Clock::time_point last_poll = Clock::now(), last_progress = last_poll;
    const TrainingIndex training = message->training;
    const std::vector<TrainingIndex> diverged = message->diverged_candidates;
    const Message answer = compute(context, training, diverged, [&](const TrainingProgress& so_far) {
      const Clock::time_point now = Clock::now();
      if (now - last_poll >= kPollInterval) {
        last_poll = now;
        read_messages();
      }
      if (now - last_progress >= kProgressInterval) {
        last_progress = now;
        Message progress;
        progress.kind = MessageKind::kProgress;
        progress.training = training;
        progress.env_steps = so_far.env_steps;
        progress.last_return = so_far.last_return;
        transport.send(0, progress);
      }
      return stopping || stop_requested() || rank_zero_is_lost();
    });
    read_messages();
    if (rank_zero_is_lost()) return Shutdown::kRankZeroLost;
    transport.send(0, answer);
  }
  Message goodbye;
  goodbye.kind = MessageKind::kGoodbye;
  transport.send(0, goodbye);
  // A signal may have reached this process alone: how all of them part is for rank 0 to say in any case.
  if (finished || shutdown == Shutdown::kIndependent) return shutdown;
  return await_finish(transport, lost_after);
}

Shutdown await_finish(Transport& transport, Clock::duration lost_after) {
  for (Clock::time_point last_heard = Clock::now(); Clock::now() - last_heard <= lost_after;) {
    const std::optional<Message> message = transport.poll();
    if (!message) {
      std::this_thread::sleep_for(kIdleSleep);
      continue;
    }
    last_heard = Clock::now();
    if (message->kind == MessageKind::kFinish) return Shutdown::kCollective;
    if (message->kind == MessageKind::kLeave) return Shutdown::kIndependent;
  }
  return Shutdown::kRankZeroLost;
}

}  // namespace impsweep
