// Cuts of the recorded updates and memories of rlpyt: n-step returns and a masked network; n-step returns
// across the end of the ring, errors of 0 and many duplicates.
#include <doctest/doctest.h>

#include <string>

#include "engine/replay/replay_oracle.hpp"

using namespace impsweep;

namespace {

const std::string kData = IMPSWEEP_TEST_DATA;

void check_agrees(const OracleReplay& replay, const char* quantity) {
  CHECK(replay.cases == 2);
  CHECK(replay.max_abs_error.contains(quantity));
  if (replay.first_divergence)
    FAIL_CHECK("case " << replay.first_divergence->case_index << ": " << replay.first_divergence->quantity
                       << ", " << replay.first_divergence->place);
}

}  // namespace

TEST_CASE("DQN updates agree with the recorded ones") {
  check_agrees(replay_oracle(kData + "/oracle-dqn.h5"), "after_update_5/parameters");
}

TEST_CASE("the replay memory agrees with the recorded one") {
  check_agrees(replay_oracle(kData + "/oracle-replay.h5"), "sample/next_observation");
}

TEST_CASE("a tolerance that is too small is exceeded") {
  CHECK(replay_oracle(kData + "/oracle-dqn.h5", 1e-12).first_divergence);
  CHECK(replay_oracle(kData + "/oracle-replay.h5", 1e-12).first_divergence);
}
