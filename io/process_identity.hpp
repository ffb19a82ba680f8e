// io/process_identity.hpp - who wrote a file that outlives its writer, so that others see whether it still
// runs.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace impsweep {

// A process of any machine. Hosts may share a name and containers a machine: `boot` is unique for a start of
// a machine, process numbers mean the same only within one process namespace, and the time of its start tells
// a process from a later one of its number.
struct ProcessIdentity {
  std::string host, boot, process_namespace, process_start;
  long pid = 0;
};

const ProcessIdentity& this_process();

// True if it ran on this machine since its start, in this namespace, and runs no more. False says nothing of
// processes elsewhere.
bool is_gone(const ProcessIdentity&);

// The fields host, boot, process_namespace, process_start and pid. What is missing or of another type stays
// empty when it is read.
void write_identity(nlohmann::json&, const ProcessIdentity&);
ProcessIdentity read_identity(const nlohmann::json&);

}  // namespace impsweep
