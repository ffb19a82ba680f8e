// Recorded results of other ways to a sparse network, from the programs that defined them.
#include <doctest/doctest.h>

#include <fmt/format.h>
#include <algorithm>

#include "engine/replay/sparse_methods.hpp"

using namespace impsweep;

TEST_CASE("sparse methods agree with the recorded ones") {
  const Hdf5File file =
      Hdf5File::open_readonly(std::string(IMPSWEEP_TEST_DATA) + "/oracle-sparse-methods.h5");
  const std::vector<std::string> known = sparse_method_names();
  OracleReplay replay;
  OracleComparison comparison(replay, 0);
  for (int index = 0; index < file.attribute_int("", "num_cases"); ++index) {
    const std::string group = fmt::format("case_{:03}", index);
    if (std::ranges::count(known, file.attribute_string(group, "method")) == 0) continue;
    comparison.start_case(index);
    replay_sparse_case(file, group, comparison);
    ++replay.cases;
  }
  CHECK(replay.cases >= 53);
  for (const char* quantity :
       {"layer_density", "count", "score (in tolerances)", "gradient (in tolerances)",
        "score_first (in tolerances)", "mask", "survivors", "constant", "sparsity", "fraction_at", "update",
        "kept", "drop_count", "weight_after", "m_after", "v_after"})
    CHECK(replay.max_abs_error.contains(quantity));
  if (replay.first_divergence)
    FAIL_CHECK("case " << replay.first_divergence->case_index << ": " << replay.first_divergence->quantity
                       << ", " << replay.first_divergence->place);
}
