// engine/sweep/messages.hpp - what ranks say to each other. Bulk data never travels: workers write their
// results to the store.
//
//   worker -> rank 0   ready     I have nothing to do; reason: my host and process number
//                      progress  the training is at env_steps, its last evaluation gave last_return
//                      done      the training is stored; here is its summary
//                      failed    the training cannot be completed, for this reason
//                      returned  I stopped before the training was complete
//   both ways          alive     sent by the clock, whatever the sender is doing
//   rank 0 -> worker   assign    run this training
//                      stop      stop at the next safe point and say goodbye
//                      leave     the same, but ranks are lost, so end without MPI_Finalize
//   worker -> rank 0   goodbye   my last message
//   rank 0 -> worker   finish    all is written: call MPI_Finalize
//
// Messages may be lost with a node that fails, and those to a rank that seems dead are not sent. Rank 0
// therefore numbers what it assigns to a rank, and every message of a worker says which assignment it
// accepted last and whether it has nothing to do: both sides then see an assignment or an answer that went
// astray, and one that comes late or twice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/training/round_record.hpp"

namespace impsweep {

enum class MessageKind : std::uint8_t {
  kReady,
  kAlive,
  kAssign,
  kProgress,
  kDone,
  kFailed,
  kReturned,
  kStop,
  kLeave,
  kFinish,
  kGoodbye
};

struct Message {
  MessageKind kind = MessageKind::kReady;
  std::int32_t rank = 0;         // the sender
  std::uint32_t assignment = 0;  // assign: its number, from 1; of a worker: the last it accepted, or answers
  bool idle = false;             // of a worker: it has no training, and has said that it is ready
  TrainingIndex training = 0;    // into the plan, which is the same on every rank
  std::vector<TrainingIndex> diverged_candidates;  // assign: for its teacher, to be passed over
  std::int64_t env_steps = 0;
  double last_return = 0;
  bool deterministic = true;  // failed: it would fail again
  bool diverged = false;      // failed: by its own doing
  bool unstored = false;      // failed: it was computed, and its result could not be stored
  bool too_large = false;     // failed: for this rank; it was not tried
  std::string reason;         // failed, ready
  RoundSummary summary;       // done

  // What does not count for its kind does not travel.
  template <class Archive>
  void visit(Archive& archive) {
    archive("kind", kind);
    archive("rank", rank);
    archive("assignment", assignment);
    archive("idle", idle);
    const bool of_training = kind == MessageKind::kAssign || kind == MessageKind::kProgress ||
                             kind == MessageKind::kDone || kind == MessageKind::kFailed ||
                             kind == MessageKind::kReturned;
    if (of_training) archive("training", training);
    if (kind == MessageKind::kAssign) archive("diverged_candidates", diverged_candidates);
    if (kind == MessageKind::kProgress) {
      archive("env_steps", env_steps);
      archive("last_return", last_return);
    }
    if (kind == MessageKind::kFailed) {
      archive("deterministic", deterministic);
      archive("diverged", diverged);
      archive("unstored", unstored);
      archive("too_large", too_large);
    }
    if (kind == MessageKind::kFailed || kind == MessageKind::kReady) archive("reason", reason);
    if (kind == MessageKind::kDone) archive("summary", summary);
  }
};

// As they travel. decode() throws ArchiveError for bytes that are no message.
std::vector<std::byte> encode(const Message&);
Message decode(std::span<const std::byte>);

}  // namespace impsweep
