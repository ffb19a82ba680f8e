// engine/bench/aged.hpp - networks and optimizers as they are after thousands of updates.
//
// Some units are dead by then: no sample reaches them, so that their weights have no gradient, and the first
// moments of these have decayed to the smallest subnormal numbers, where rounding keeps them. Arithmetic on
// such numbers costs some processors a hundred cycles: a measurement from a fresh optimizer would not see it.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "agents/network/network.hpp"

namespace impsweep {

// Every fourth hidden unit of the layers that are no convolutions dies: its bias becomes so small that no
// input of usual size wakes it. `parameters` in dense order.
void kill_units(const ModelSpec&, std::vector<float>& parameters);

// Sets the first moments of an optimizer's weights without gradient to what is left after thousands of
// updates, to be called after an update; visit() of a learner or of its optimizer takes it.
class Ageing {
 public:
  explicit Ageing(Network& network) : network_(network) {}

  template <class T>
  void operator()(const char*, T& part) {
    if constexpr (requires { part.visit(*this); }) part.visit(*this);
  }
  template <class T>
  void sized(std::string_view name, T& values) {
    if (name == "adam.first") aged_ += age(values);
  }
  template <class T, class Bound>
  void ranged(std::string_view, T&, Bound, Bound) {}
  template <class T, class Bound>
  void sized_ranged(std::string_view name, T& values, Bound, Bound) {
    sized(name, values);
  }
  template <class Predicate>
  void require(std::string_view, const Predicate&) {}
  // How many moments are subnormal now.
  std::size_t aged() const { return aged_; }

 private:
  std::size_t age(std::span<float> first_moment) const;

  Network& network_;
  std::size_t aged_ = 0;
};

}  // namespace impsweep
