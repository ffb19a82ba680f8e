#include "engine/imp/criterion.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "agents/network/initialisation.hpp"
#include "engine/imp/selection.hpp"
#include "envs/random.hpp"

namespace impsweep {
namespace {

constexpr int kSynflowSteps = 100;
constexpr double kNormFloor = 1e-8;

// Calls visit(tensor, position) for every weight that may be pruned and is left.
template <class Visit>
void for_each_left(const ScoreInputs& in, Visit visit) {
  for (const std::size_t index : in.prunable) {
    const Tensor& tensor = (*in.tensors)[index];
    for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i)
      if (in.mask[i] != 0) visit(tensor, i);
  }
}

// score(tensor, position) of each of them.
template <class Score>
std::vector<double> scored(const ScoreInputs& in, Score score) {
  std::vector<double> values(in.mask.size());
  for_each_left(in, [&](const Tensor& tensor, std::size_t i) { values[i] = score(tensor, i); });
  return values;
}

double magnitude_at(std::span<const float> weights, std::size_t i) {
  return std::abs(static_cast<double>(weights[i]));
}

std::vector<double> magnitude(const ScoreInputs& in) {
  return scored(in, [&](const Tensor&, std::size_t i) { return magnitude_at(in.weights, i); });
}

std::vector<double> normalised(const ScoreInputs& in) {
  std::vector<double> divisor(in.tensors->size());
  if (in.imp->normalise == Normalisation::kBound) {
    for (const std::size_t index : in.prunable)
      divisor[index] = initial_bound((*in.tensors)[index], *in.network);
  } else {
    const Tensor* first = in.tensors->data();
    for_each_left(in, [&](const Tensor& tensor, std::size_t i) {
      divisor[static_cast<std::size_t>(&tensor - first)] += std::pow(magnitude_at(in.weights, i), 2);
    });
    for (double& value : divisor) value = std::sqrt(value) + kNormFloor;
  }
  const Tensor* first = in.tensors->data();
  return scored(in, [&](const Tensor& tensor, std::size_t i) {
    return magnitude_at(in.weights, i) / divisor[static_cast<std::size_t>(&tensor - first)];
  });
}

std::vector<double> lamp(const ScoreInputs& in) {
  std::vector<double> values(in.mask.size());
  for (const std::size_t index : in.prunable) {
    const Tensor& tensor = (*in.tensors)[index];
    std::vector<std::size_t> order;
    for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i)
      if (in.mask[i] != 0) order.push_back(i);
    std::ranges::sort(order, std::ranges::greater{},
                      [&](std::size_t i) { return magnitude_at(in.weights, i); });
    double sum = 0;  // from the largest down, so that nothing is lost at the top
    for (std::size_t first = 0, next = 0; first < order.size(); first = next) {
      const double square = std::pow(magnitude_at(in.weights, order[first]), 2);
      for (next = first; next < order.size() &&
                         magnitude_at(in.weights, order[next]) == magnitude_at(in.weights, order[first]);
           ++next)
        sum += square;
      for (std::size_t k = first; k < next; ++k) values[order[k]] = sum > 0 ? square / sum : 0;
    }
  }
  return values;
}

std::vector<double> movement(const ScoreInputs& in) {
  return scored(in, [&](const Tensor&, std::size_t i) {
    if (in.imp->movement == Movement::kDistance)
      return std::abs(static_cast<double>(in.weights[i]) - in.initial[i]);
    return magnitude_at(in.weights, i) - magnitude_at(in.initial, i);
  });
}

std::vector<double> random_scores(const ScoreInputs& in) {
  Stream stream(in.streams->of_training("random-scores"));
  return scored(in, [&](const Tensor&, std::size_t) { return stream.uniform(); });
}

// The gradient of the loss, without what may not be pruned.
std::vector<double> prunable_gradient(const ScoreInputs& in) {
  const std::vector<double> gradient = loss_gradient(*in.model, in.weights, *in.loss);
  return scored(in, [&](const Tensor&, std::size_t i) { return gradient[i]; });
}

std::vector<double> snip(const ScoreInputs& in) {
  const std::vector<double> gradient = prunable_gradient(in);
  return scored(in, [&](const Tensor&, std::size_t i) { return std::abs(gradient[i] * in.weights[i]); });
}

std::vector<double> grasp(const ScoreInputs& in) {
  const std::vector<double> product = curvature_times(*in.model, in.weights, *in.loss, prunable_gradient(in));
  return scored(in, [&](const Tensor&, std::size_t i) { return in.weights[i] * product[i]; });
}

std::vector<double> synflow(const ScoreInputs& in) {
  std::vector<double> absolute;
  for (std::size_t i = 0; i < in.weights.size(); ++i)
    absolute.push_back(in.mask[i] != 0 ? magnitude_at(in.weights, i) : 0.0);
  const std::vector<double> flow = linear_flow(*in.model, absolute);
  return scored(in, [&](const Tensor&, std::size_t i) { return absolute[i] * flow[i]; });
}

constexpr auto kCriteria = std::to_array<CriterionInfo>({
    {"magnitude", false, false, false, 1, magnitude},
    {"normalised", false, false, false, 1, normalised},
    {"lamp", false, false, false, 1, lamp},
    {"movement", false, false, false, 1, movement},
    {"random", false, false, false, 1, random_scores},
    {"snip", true, true, false, 1, snip},
    {"grasp", true, true, false, 1, grasp},
    {"synflow", true, false, true, kSynflowSteps, synflow},
});

constexpr bool table_has_all_names() {
  for (std::size_t i = 0; i < kCriteria.size(); ++i)
    if (kCriteria[i].name != enum_names(Criterion{})[i]) return false;
  return kCriteria.size() == enum_names(Criterion{}).size();
}
static_assert(table_has_all_names());

}  // namespace

const CriterionInfo& info_of(Criterion criterion) {
  return kCriteria[static_cast<std::size_t>(criterion)];
}

std::vector<double> scores(const ScoreInputs& in) {
  return info_of(in.imp->criterion).scores(in);
}

Mask mask_by_criterion(const ScoreInputs& given, std::int64_t kept, PruningSteps steps) {
  const CriterionInfo& criterion = info_of(given.imp->criterion);
  Mask mask(given.mask.begin(), given.mask.end());
  ScoreInputs in = given;
  in.mask = mask;
  const std::vector<std::int64_t> left = kept_per_tensor(*in.tensors, in.prunable, mask);
  const std::int64_t all = std::accumulate(left.begin(), left.end(), std::int64_t{0});
  if (all == 0) return mask;
  if (steps.count == 0) steps.count = criterion.steps;
  if (steps.density == 0) steps.density = static_cast<double>(kept) / static_cast<double>(all);
  for (int step = 1; step <= steps.count; ++step) {
    const double part = std::pow(steps.density, static_cast<double>(step) / steps.count);
    const auto removed = static_cast<std::int64_t>(static_cast<double>(all) * (1 - part));
    const std::int64_t after = step == steps.count ? kept : std::max(kept, all - removed);
    keep_highest(criterion.scores(in), *in.tensors,
                 rankings(*in.model, *in.tensors, in.prunable, *in.imp, in.available, mask, after,
                          criterion.by_network),
                 mask);
    if (steps.kept != nullptr) steps.kept->push_back(after);
  }
  return mask;
}

}  // namespace impsweep
