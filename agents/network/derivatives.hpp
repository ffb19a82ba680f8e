// agents/network/derivatives.hpp - first and second derivatives of a loss at one set of parameters, in double
// precision: what criteria of pruning look at before a training begins. Plain loops over samples, layers and
// weights, written once for numbers and for dual numbers; learning uses the backends instead.
//
// The product of the second derivatives H with a direction v is the derivative of the gradient along v
// (Pearlmutter 1994): the same two passes in dual numbers, whose tangents start as v.
#pragma once

#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "agents/network/network.hpp"

namespace impsweep {

// A number and its derivative along the direction.
struct Dual {
  double value = 0, tangent = 0;
  Dual() = default;
  Dual(double number, double derivative = 0) : value(number), tangent(derivative) {}
  Dual& operator+=(const Dual& other) {
    value += other.value;
    tangent += other.tangent;
    return *this;
  }
};
inline Dual operator+(const Dual& a, const Dual& b) {
  return {a.value + b.value, a.tangent + b.tangent};
}
inline Dual operator-(const Dual& a, const Dual& b) {
  return {a.value - b.value, a.tangent - b.tangent};
}
inline Dual operator*(const Dual& a, const Dual& b) {
  return {a.value * b.value, a.tangent * b.value + a.value * b.tangent};
}
inline Dual operator/(const Dual& a, const Dual& b) {
  return {a.value / b.value, (a.tangent - a.value / b.value * b.tangent) / b.value};
}
inline Dual exp(const Dual& a) {
  const double value = std::exp(a.value);
  return {value, value * a.tangent};
}
inline Dual log(const Dual& a) {
  return {std::log(a.value), a.tangent / a.value};
}
inline Dual tanh(const Dual& a) {
  const double value = std::tanh(a.value);
  return {value, (1 - value * value) * a.tangent};
}
inline double value_of(double number) {
  return number;
}
inline double value_of(const Dual& number) {
  return number.value;
}

// A loss as a function of what the networks answer: a sum over samples. Outputs are those of all parts, one
// behind the other. gradient() writes the derivatives of one sample's term with respect to them.
class OutputLoss {
 public:
  virtual ~OutputLoss() = default;
  virtual void gradient(int sample, std::span<const double> outputs, std::span<double> target) const = 0;
  virtual void gradient(int sample, std::span<const Dual> outputs, std::span<Dual> target) const = 0;
};

// Both from one template: struct OwnLoss : DerivedLoss<OwnLoss> { template <class S> void write(int sample,
// std::span<const S> outputs, std::span<S> target) const; };
template <class Own>
class DerivedLoss : public OutputLoss {
 public:
  void gradient(int sample, std::span<const double> outputs, std::span<double> target) const final {
    static_cast<const Own&>(*this).write(sample, outputs, target);
  }
  void gradient(int sample, std::span<const Dual> outputs, std::span<Dual> target) const final {
    static_cast<const Own&>(*this).write(sample, outputs, target);
  }
};

// A loss on a batch of observations, as networks see them: moments of the model are already applied.
struct BatchLoss {
  int samples = 0;
  std::vector<float> observations;  // [samples][features]
  std::shared_ptr<const OutputLoss> of_outputs;
};

// All in dense order, [parameter_count]; 0 for log_std and moments.
std::vector<double> loss_gradient(const ModelSpec&, std::span<const float> parameters, const BatchLoss&);

// H v at these parameters.
std::vector<double> curvature_times(const ModelSpec&, std::span<const float> parameters, const BatchLoss&,
                                    std::span<const double> direction);

// Outputs of all parts for one observation.
std::vector<double> outputs_for(const ModelSpec&, std::span<const float> parameters,
                                std::span<const float> observation);

// The derivative of the sum of all outputs of all parts, each of whose inputs is 1, if there were no
// activation functions.
std::vector<double> linear_flow(const ModelSpec&, std::span<const double> parameters);

}  // namespace impsweep
