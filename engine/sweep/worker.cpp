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

Message failure(TrainingIndex training, const std::string& reason, bool deterministic) {
  Message message;
  message.kind = MessageKind::kFailed;
  message.training = training;
  message.reason = reason;
  message.deterministic = deterministic;
  return message;
}

}  // namespace

Message compute(const WorkPlace& place, TrainingIndex training, const StopQuestion& should_stop) {
  const Digest& digest = place.plan.trainings[training].digest;
  try {
    Checkpoint checkpoint(place.store, place.plan, training, place.checkpoint_interval);
    std::optional<Record> record = run_training(place.plan, training, loader_from(place.store), place.backend,
                                                place.threads, should_stop, &checkpoint);
    Message message;
    message.training = training;
    message.kind = MessageKind::kReturned;
    if (!record) return message;
    const TimeSpent spent = checkpoint.spent();
    add_provenance(*record, provenance_texts(place.backend), spent.wall_seconds, spent.cpu_seconds);
    if (place.store.publish(digest, *record) == Publication::kDifferent)
      return failure(
          training,
          fmt::format("another run stored a different result for the same recipe {}; both are kept, see {}",
                      digest, (place.store.directory() / "quarantine").string()),
          true);
    message.kind = MessageKind::kDone;
    message.summary = read_summary(*record);
    return message;
  } catch (const TrainingFailure& error) {
    return failure(training, error.what(), true);
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

Farewell serve(Transport& transport, const WorkPlace& place, Clock::duration lost_after) {
  Message ready;
  ready.kind = MessageKind::kReady;
  ready.reason = fmt::format("{}, pid {}", provenance_texts(place.backend)["host"], getpid());
  transport.send(0, ready);
  bool stopping = false, finished = false;
  Farewell farewell = Farewell::kTogether;
  Clock::time_point last_heard = Clock::now();
  const auto next_message = [&] {
    std::optional<Message> message = transport.poll();
    if (message) last_heard = Clock::now();
    stopping |= message && (message->kind == MessageKind::kStop || message->kind == MessageKind::kLeave);
    if (message && message->kind == MessageKind::kLeave) farewell = Farewell::kAlone;
    finished |= message && message->kind == MessageKind::kFinish;
    return message;
  };
  const auto take_orders = [&] {
    while (next_message()) continue;
  };
  const auto is_orphan = [&] { return Clock::now() - last_heard > lost_after; };
  while (!stopping && !stop_requested()) {
    const std::optional<Message> message = next_message();
    if (!message) {
      if (is_orphan()) return Farewell::kOrphan;
      std::this_thread::sleep_for(kIdleSleep);
      continue;
    }
    if (message->kind != MessageKind::kAssign) continue;

    Clock::time_point last_poll = Clock::now(), last_progress = last_poll;
    const TrainingIndex training = message->training;
    const Message answer = compute(place, training, [&](const TrainingProgress& so_far) {
      const Clock::time_point now = Clock::now();
      if (now - last_poll >= kPollInterval) {
        last_poll = now;
        take_orders();
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
      return stopping || stop_requested() || is_orphan();
    });
    take_orders();
    if (is_orphan()) return Farewell::kOrphan;
    transport.send(0, answer);
  }
  Message goodbye;
  goodbye.kind = MessageKind::kGoodbye;
  transport.send(0, goodbye);
  // A signal may have reached this process alone: how all of them part is for rank 0 to say in any case.
  if (finished || farewell == Farewell::kAlone) return farewell;
  return await_finish(transport, lost_after);
}

Farewell await_finish(Transport& transport, Clock::duration lost_after) {
  for (Clock::time_point last_heard = Clock::now(); Clock::now() - last_heard <= lost_after;) {
    const std::optional<Message> message = transport.poll();
    if (!message) {
      std::this_thread::sleep_for(kIdleSleep);
      continue;
    }
    last_heard = Clock::now();
    if (message->kind == MessageKind::kFinish) return Farewell::kTogether;
    if (message->kind == MessageKind::kLeave) return Farewell::kAlone;
  }
  return Farewell::kOrphan;
}

}  // namespace impsweep
