#include "agents/learning/first_loss.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace impsweep {
namespace {

constexpr double kTiny = 1e-8;

template <class S>
std::vector<S> softmax(std::span<const S> logits, double temperature) {
  using std::exp;
  double largest = value_of(logits[0]);
  for (const S& logit : logits) largest = std::max(largest, value_of(logit));
  std::vector<S> probability;
  S sum(0.0);
  for (const S& logit : logits) {
    probability.push_back(exp((logit - S(largest)) / S(temperature)));
    sum += probability.back();
  }
  for (S& value : probability) value = value / sum;
  return probability;
}

// From the derivatives with respect to the probabilities of a softmax to those of its logits.
template <class S>
void write_logit_gradient(const std::vector<S>& probability, const std::vector<S>& slope, double temperature,
                          std::span<S> target) {
  S mean(0.0);
  for (std::size_t k = 0; k < slope.size(); ++k) mean += probability[k] * slope[k];
  for (std::size_t k = 0; k < slope.size(); ++k)
    target[k] = probability[k] * (slope[k] - mean) / S(temperature);
}

template <class S>
S clipped(const S& error, double delta) {
  if (std::abs(value_of(error)) <= delta) return error;
  return S(value_of(error) > 0 ? delta : -delta);
}

std::size_t place(const Samples& s, std::size_t row, int sample) {
  return row * static_cast<std::size_t>(s.stride) + static_cast<std::size_t>(sample);
}

struct PolicyGradientLoss : DerivedLoss<PolicyGradientLoss> {
  Samples s;
  std::vector<float> advantage;
  std::vector<double> log_std;
  PolicyLossTerms terms;

  template <class S>
  void write(int sample, std::span<const S> outputs, std::span<S> target) const {
    const double share = 1.0 / s.size();
    const auto actions = static_cast<std::size_t>(s.actions);
    if (s.continuous)
      write_gaussian(sample, share, outputs.first(actions), target.first(actions));
    else
      write_softmax(sample, share, outputs.first(actions), target.first(actions));
    if (outputs.size() > actions)
      target[actions] = S(terms.value_coefficient * share) *
                        (outputs[actions] - S(double{s.return_[static_cast<std::size_t>(sample)]}));
  }

  template <class S>
  void write_softmax(int sample, double share, std::span<const S> logits, std::span<S> target) const {
    using std::log;
    const std::vector<S> probability = softmax(logits, terms.temperature);
    const auto taken = static_cast<std::size_t>(s.action[static_cast<std::size_t>(sample)]);
    std::vector<S> slope(probability.size());
    for (std::size_t k = 0; k < slope.size(); ++k)
      slope[k] = S(terms.entropy_coefficient * share) *
                 (log(probability[k] + S(kTiny)) + probability[k] / (probability[k] + S(kTiny)));
    const double old = s.probability[place(s, taken, sample)];
    slope[taken] += S(-share * advantage[static_cast<std::size_t>(sample)] / (old + kTiny));
    write_logit_gradient(probability, slope, terms.temperature, target);
  }

  template <class S>
  void write_gaussian(int sample, double share, std::span<const S> mean, std::span<S> target) const {
    using std::exp;
    S log_likelihood(0.0);
    std::vector<S> score(mean.size());
    for (std::size_t d = 0; d < mean.size(); ++d) {
      const double deviation = std::exp(log_std[d]) + kTiny;
      const S z = (S(double{s.continuous_action[place(s, d, sample)]}) - mean[d]) / S(deviation);
      log_likelihood += S(-log_std[d]) - S(0.5) * z * z;
      score[d] = z / S(deviation);
    }
    const auto i = static_cast<std::size_t>(sample);
    const S ratio = exp(log_likelihood - S(double{s.log_likelihood[i]}));
    for (std::size_t d = 0; d < mean.size(); ++d) target[d] = S(-share * advantage[i]) * ratio * score[d];
  }
};

struct CloningLoss : DerivedLoss<CloningLoss> {
  Samples s;
  std::vector<double> log_std;
  bool has_critic = false;
  double temperature = 1;

  template <class S>
  void write(int sample, std::span<const S> outputs, std::span<S> target) const {
    const double share = 1.0 / s.size();
    const auto actions = static_cast<std::size_t>(s.actions);
    if (s.continuous) {
      for (std::size_t d = 0; d < actions; ++d)
        target[d] =
            S(share / std::exp(2 * log_std[d])) * (outputs[d] - S(double{s.mean[place(s, d, sample)]}));
    } else {
      const std::vector<S> probability = softmax(outputs.first(actions), temperature);
      for (std::size_t k = 0; k < actions; ++k)
        target[k] = S(share / temperature) * (probability[k] - S(double{s.probability[place(s, k, sample)]}));
    }
    if (has_critic)
      target[actions] = S(share) * (outputs[actions] - S(double{s.value[static_cast<std::size_t>(sample)]}));
  }
};

struct ClassificationLoss : DerivedLoss<ClassificationLoss> {
  std::vector<std::int32_t> labels;
  std::vector<double> weights;
  double temperature = 1;

  template <class S>
  void write(int sample, std::span<const S> outputs, std::span<S> target) const {
    const auto i = static_cast<std::size_t>(sample);
    const std::vector<S> probability = softmax(outputs, temperature);
    for (std::size_t k = 0; k < probability.size(); ++k) {
      const double wanted = k == static_cast<std::size_t>(labels[i]) ? 1.0 : 0.0;
      target[k] = S(weights[i] / temperature) * (probability[k] - S(wanted));
    }
  }
};

// What is common to losses of action values.
struct ValueOutputs {
  std::size_t actions = 0;
  bool dueling = false;

  template <class S>
  std::vector<S> values(std::span<const S> outputs) const {
    std::vector<S> q(outputs.begin(), outputs.begin() + static_cast<std::ptrdiff_t>(actions));
    if (!dueling) return q;
    S mean(0.0);
    for (const S& advantage : q) mean += advantage / S(static_cast<double>(actions));
    for (S& value : q) value = value - mean + outputs[actions];
    return q;
  }

  template <class S>
  void write_outputs(const std::vector<S>& slope, std::span<S> target) const {
    S sum(0.0);
    for (const S& value : slope) sum += value;
    for (std::size_t k = 0; k < actions; ++k)
      target[k] = dueling ? slope[k] - sum / S(static_cast<double>(actions)) : slope[k];
    if (dueling) target[actions] = sum;
  }
};

struct ActionValueLoss : DerivedLoss<ActionValueLoss> {
  ValueOutputs outputs_of;
  double delta = 1;
  std::vector<std::int32_t> action;
  std::vector<double> wanted, weight;

  template <class S>
  void write(int sample, std::span<const S> outputs, std::span<S> target) const {
    const auto i = static_cast<std::size_t>(sample);
    const std::vector<S> q = outputs_of.values(outputs);
    std::vector<S> slope(q.size(), S(0.0));
    const auto taken = static_cast<std::size_t>(action[i]);
    slope[taken] =
        S(weight[i] / static_cast<double>(wanted.size())) * clipped(q[taken] - S(wanted[i]), delta);
    outputs_of.write_outputs(slope, target);
  }
};

struct ValueCloningLoss : DerivedLoss<ValueCloningLoss> {
  ValueOutputs outputs_of;
  double delta = 1;
  std::vector<double> wanted;

  template <class S>
  void write(int sample, std::span<const S> outputs, std::span<S> target) const {
    const std::vector<S> q = outputs_of.values(outputs);
    std::vector<S> slope;
    for (std::size_t k = 0; k < q.size(); ++k)
      slope.push_back(S(1.0 / static_cast<double>(wanted.size())) *
                      clipped(q[k] - S(wanted[static_cast<std::size_t>(sample) * q.size() + k]), delta));
    outputs_of.write_outputs(slope, target);
  }
};

}  // namespace

std::shared_ptr<const OutputLoss> policy_gradient_loss(const Samples& samples,
                                                       std::span<const float> advantage,
                                                       std::span<const float> log_std,
                                                       const PolicyLossTerms& terms) {
  auto loss = std::make_shared<PolicyGradientLoss>();
  loss->s = samples;
  loss->advantage.assign(advantage.begin(), advantage.end());
  loss->log_std.assign(log_std.begin(), log_std.end());
  loss->terms = terms;
  return loss;
}

std::shared_ptr<const OutputLoss> cloning_loss(const Samples& samples, std::span<const float> student_log_std,
                                               bool has_critic, double temperature) {
  auto loss = std::make_shared<CloningLoss>();
  loss->s = samples;
  loss->log_std.assign(student_log_std.begin(), student_log_std.end());
  loss->has_critic = has_critic;
  loss->temperature = temperature;
  return loss;
}

std::shared_ptr<const OutputLoss> classification_loss(std::vector<std::int32_t> labels,
                                                      std::vector<double> weights, double temperature) {
  auto loss = std::make_shared<ClassificationLoss>();
  loss->labels = std::move(labels);
  loss->weights = std::move(weights);
  loss->temperature = temperature;
  return loss;
}

std::shared_ptr<const OutputLoss> action_value_loss(int actions, bool dueling, double delta,
                                                    std::vector<std::int32_t> action,
                                                    std::vector<double> target, std::vector<double> weight) {
  auto loss = std::make_shared<ActionValueLoss>();
  loss->outputs_of = {static_cast<std::size_t>(actions), dueling};
  loss->delta = delta;
  loss->action = std::move(action);
  loss->wanted = std::move(target);
  loss->weight = std::move(weight);
  return loss;
}

std::shared_ptr<const OutputLoss> value_cloning_loss(int actions, bool dueling, double delta,
                                                     std::vector<double> target) {
  auto loss = std::make_shared<ValueCloningLoss>();
  loss->outputs_of = {static_cast<std::size_t>(actions), dueling};
  loss->delta = delta;
  loss->wanted = std::move(target);
  return loss;
}

}  // namespace impsweep
