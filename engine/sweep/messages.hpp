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
#pragma once

#include <cstdint>
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
  std::int32_t rank = 0;                           // the sender
  TrainingIndex training = 0;                      // into the plan, which is the same on every rank
  std::vector<TrainingIndex> diverged_candidates;  // assign: for its teacher, to be passed over
  std::int64_t env_steps = 0;
  double last_return = 0;
  bool deterministic = true;  // failed: it would fail again
  bool diverged = false;      // failed: by its own doing
  bool unstored = false;      // failed: it was computed, and its result could not be stored
  std::string reason;         // failed, ready
  RoundSummary summary;       // done

  template <class Archive>
  void visit(Archive& archive) {
    archive("kind", kind);
    archive("rank", rank);
    archive("training", training);
    archive("diverged_candidates", diverged_candidates);
    archive("env_steps", env_steps);
    archive("last_return", last_return);
    archive("deterministic", deterministic);
    archive("diverged", diverged);
    archive("unstored", unstored);
    archive("reason", reason);
    archive("summary", summary);
  }
};

}  // namespace impsweep
