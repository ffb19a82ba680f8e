// engine/replay/sparse_methods.hpp - recordings of kind "sparse-methods": other ways to a sparse network.
// Each case names its method; a new one is its function, declared here, and an entry of the table in
// replay_sparse.cpp.
#pragma once

#include <string>
#include <vector>

#include "engine/replay/replay_oracle.hpp"

namespace impsweep {

// Throw InputError if the case is incomplete.
void replay_distribution(const Hdf5File&, const std::string& group, OracleComparison&);
void replay_lamp(const Hdf5File&, const std::string& group, OracleComparison&);
void replay_snip(const Hdf5File&, const std::string& group, OracleComparison&);
void replay_grasp(const Hdf5File&, const std::string& group, OracleComparison&);
void replay_synflow(const Hdf5File&, const std::string& group, OracleComparison&);
void replay_criterion(const Hdf5File&, const std::string& group, OracleComparison&);
void replay_sign_constant(const Hdf5File&, const std::string& group, OracleComparison&);
void replay_cubic_schedule(const Hdf5File&, const std::string& group, OracleComparison&);
void replay_cosine_schedule(const Hdf5File&, const std::string& group, OracleComparison&);
void replay_rigl_update(const Hdf5File&, const std::string& group, OracleComparison&);
void replay_set_update(const Hdf5File&, const std::string& group, OracleComparison&);

// The names of all methods that can be driven.
std::vector<std::string> sparse_method_names();

}  // namespace impsweep
