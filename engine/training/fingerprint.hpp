// engine/training/fingerprint.hpp - what results depend on besides their recipe, and what this program is.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "agents/learning/trainer.hpp"

namespace impsweep {

// Entries that must agree for two machines to share a store: backend, compiler, C library and its choice of
// mathematical functions. The native kernels give equal bits on every instruction set, so that does not
// enter; the LibTorch backend adds its version and the pinned core types.
std::map<std::string, std::string> numerics_fingerprint(Backend);

// What the trainings of one task depend on besides: versions of the simulator, and of LibTorch and its BLAS
// where they compute. A store pins such an entry with the first result that depends on it, and compares it
// only for others that do. Opens the LibTorch module, if that is the backend.
std::map<std::string, std::string> numerics_of(const TaskInfo&, Backend);

// The backend that has exactly these numerics on this machine. InputError "origin: ..." with the first entry
// that differs if there is none.
Backend backend_with_numerics(const std::map<std::string, std::string>& wanted, const std::string& origin);

// Pins the instruction set of networks and robots, which changes no bit: "auto", "scalar", "avx2" or
// "avx512". False if there is no such one here.
bool select_instructions(std::string_view name);

// Where and by what a result was computed: version, compiler, host, Slurm ids, instruction set.
std::map<std::string, std::string> provenance_texts(Backend);

// Several lines for --version.
std::string version_text();

}  // namespace impsweep
