// tests/engine/report/verdicts_from_returns.hpp - how often verdicts err when whole curves of returns are
// simulated and pass through everything that measures, scales, pairs and decides.
//
// verdict_simulation.hpp simulates the one number that is measured of every seed. Here the chains themselves
// are made up, so that a bias of an estimand shows as well: a largest round that is set against a single one,
// a scale that is estimated from the same agents, curves that end.
//
// A chain is level at 100 with a deviation of 10 between seeds and of 8 between rounds, and falls to 20 about
// a round of its own between 4 and 14; untrained networks return 0. With collapses, one round in eight falls
// to 20 as well. Arms that the null makes equal have the same distribution, but fall at rounds of their own.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/report/results.hpp"
#include "verdict_simulation.hpp"

namespace impsweep::claims::simulation {

enum class Curves { kSmooth, kCollapsing };

// The chains of a claim at the boundary of one of its parts.
struct Scenario {
  const char* claim;
  const char* null;  // "all baselines equal"
  // What `name` names is drawn from its streams.
  std::vector<Group> (*groups)(int seeds, Curves, const std::string& name);
};
const std::vector<Scenario>& scenarios();

Rates rates_from_returns(const Scenario&, int seeds, int trials, Curves);

// A row of docs/verdicts.md: rates at 5, 10 and 15 seeds.
const char* returns_header();
std::string returns_markdown(const Scenario&, int trials);

}  // namespace impsweep::claims::simulation
