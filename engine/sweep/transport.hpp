// engine/sweep/transport.hpp - how ranks reach each other. The sweep is written against this; MPI is one
// implementation, a process alone is the other. send() and poll() may be called from several threads.
//
// A rank may die without a word (`mpirun --enable-recovery` lets the others go on). Nothing here ever waits
// for one, except the broadcast, which comes first of all.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "engine/sweep/messages.hpp"

namespace impsweep {

class Transport {
 public:
  virtual ~Transport() = default;
  virtual int rank() const = 0;
  virtual int ranks() const = 0;

  // Returns at once; the message is on its way.
  virtual void send(int to, const Message&) = 0;

  // The next message that has arrived, if any. Never waits.
  virtual std::optional<Message> poll() = 0;

  // The rank seems to be dead: nothing is sent to it any more, until a message of it arrives after all.
  virtual void forget(int rank) = 0;

  // Ends this process when what it sent is on its way, without MPI_Finalize, which would wait for all ranks,
  // the dead ones too.
  [[noreturn]] virtual void leave(int exit_code) = 0;

  // Rank 0's text on every rank. All ranks must call it.
  virtual std::string broadcast(const std::string& text) = 0;
};

// MPI if this process was started by an MPI launcher, else a process alone. MPI is initialised here and
// finalised when the object dies. Throws InputError for a step that `srun` started without PMIx: every task
// would run the whole sweep. Ranks that do not connect within `patience` say so and end with kStopped: one of
// them has died, and the library would wait for it for ever.
std::unique_ptr<Transport> connect(std::chrono::milliseconds patience);

}  // namespace impsweep
