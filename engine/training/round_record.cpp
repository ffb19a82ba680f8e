#include "engine/training/round_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/imp/effective.hpp"
#include "io/error.hpp"
#include "io/process.hpp"
#include "io/store.hpp"

namespace impsweep {
namespace {

constexpr std::int64_t kFormat = 1;
const std::string kResult = "result";
constexpr std::string_view kKept = "kept";  // is there only where the plan could not know it

// Attributes that a result may lack: kept, and what earlier versions did not write.
bool may_lack(std::string_view name) {
  return name == kKept || name == "effective_inputs" || name == "effective_density" ||
         name == "episodes_cut" || name == "train_flops";
}

std::vector<std::uint64_t> shape_of(const Tensor& tensor) {
  return {tensor.shape.begin(), tensor.shape.end()};
}

// Parameters of one tensor: whole where nothing is masked, else the kept values in flat order.
Array packed(const Tensor& tensor, const std::vector<float>& parameters, const Mask& mask) {
  std::vector<float> values;
  bool whole = true;
  for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
    if (mask[i] != 0)
      values.push_back(parameters[i]);
    else
      whole = false;
  }
  return whole ? Array{shape_of(tensor), std::move(values)} : Array::vector(std::move(values));
}

void put_parameters(Record& record, const std::string& group, const std::vector<Tensor>& tensors,
                    const std::vector<float>& parameters, const Mask& mask) {
  for (const Tensor& tensor : tensors)
    record.arrays[group + "/" + tensor.name] = packed(tensor, parameters, mask);
}

std::vector<float> unpacked(const Record& record, const std::string& group,
                            const std::vector<Tensor>& tensors, const Mask& mask) {
  std::vector<float> parameters(mask.size(), 0.0f);
  for (const Tensor& tensor : tensors) {
    const std::string path = group + "/" + tensor.name;
    const std::vector<float>& values = record.values<float>(path);
    std::size_t next = 0;
    for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
      if (mask[i] == 0) continue;
      if (next == values.size()) break;
      parameters[i] = values[next++];
    }
    const auto kept = static_cast<std::size_t>(
        std::count_if(mask.begin() + static_cast<std::ptrdiff_t>(tensor.offset),
                      mask.begin() + static_cast<std::ptrdiff_t>(tensor.offset + tensor.size),
                      [](auto m) { return m != 0; }));
    if (values.size() != kept)
      throw InputError("{}: '{}' holds {} values where the mask keeps {}; remove the file and run again",
                       record.origin, path, values.size(), kept);
  }
  return parameters;
}

void put_curve(Record& record, const std::vector<EvaluationPoint>& curve) {
  std::vector<std::int64_t> step;
  std::vector<double> mean, deviation;
  std::size_t episodes = 0;
  for (const EvaluationPoint& point : curve) episodes = std::max(episodes, point.returns.size());
  std::vector<float> returns;
  for (const EvaluationPoint& point : curve) {
    step.push_back(point.step);
    mean.push_back(point.mean);
    deviation.push_back(point.deviation);
    returns.insert(returns.end(), point.returns.begin(), point.returns.end());
    returns.insert(returns.end(), episodes - point.returns.size(), std::numeric_limits<float>::quiet_NaN());
  }
  const std::uint64_t points = curve.size();
  record.arrays["curve/step"] = Array::vector(std::move(step));
  record.arrays["curve/mean"] = Array::vector(std::move(mean));
  record.arrays["curve/deviation"] = Array::vector(std::move(deviation));
  record.arrays["curve/returns"] = Array::matrix(points, episodes, std::move(returns));
}

// The input that entry i of the first layer's weight reads: a feature, or a channel of a convolution.
std::size_t input_of(const Tensor& first, std::size_t i) {
  const auto inputs = static_cast<std::size_t>(first.shape[1]);
  const std::size_t kernel = first.size / (static_cast<std::size_t>(first.shape[0]) * inputs);
  return i / kernel % inputs;
}

// Sum of |weight| from each input into the first layer of the first network.
std::vector<double> input_magnitudes(const std::vector<Tensor>& tensors,
                                     const std::vector<float>& parameters) {
  const Tensor& first = tensors.front();
  std::vector<double> magnitude(static_cast<std::size_t>(first.shape[1]), 0.0);
  for (std::size_t i = 0; i < first.size; ++i)
    magnitude[input_of(first, i)] += std::abs(static_cast<double>(parameters[first.offset + i]));
  return magnitude;
}

std::int64_t sum(const std::vector<std::int64_t>& counts) {
  return std::reduce(counts.begin(), counts.end());
}

std::int64_t inputs_read(const std::vector<Tensor>& tensors, const Mask& mask) {
  return std::ranges::count_if(kept_per_input(tensors, mask),
                               [](std::int64_t weights) { return weights > 0; });
}

}  // namespace

Mask read_mask(const Record& record, const std::vector<Tensor>& tensors) {
  Mask mask;
  for (const Tensor& tensor : tensors) {
    const std::string path = "mask/" + tensor.name;
    if (!record.has_array(path)) {
      mask.insert(mask.end(), tensor.size, 1);
      continue;
    }
    const std::vector<std::uint8_t>& values = record.values<std::uint8_t>(path);
    if (values.size() != tensor.size)
      throw InputError("{}: '{}' holds {} entries where the network has {}; remove the file and run again",
                       record.origin, path, values.size(), tensor.size);
    if (std::ranges::any_of(values, [](std::uint8_t value) { return value > 1; }))
      throw InputError("{}: '{}' holds other values than 0 and 1; remove the file and run again",
                       record.origin, path);
    mask.insert(mask.end(), values.begin(), values.end());
  }
  return mask;
}

std::vector<std::int64_t> kept_per_input(const std::vector<Tensor>& tensors, const Mask& mask) {
  const Tensor& first = tensors.front();
  return kept_per_input(first, std::span(mask).subspan(first.offset, first.size));
}

std::vector<std::int64_t> kept_per_input(const Tensor& first_layer, std::span<const std::uint8_t> mask) {
  std::vector<std::int64_t> kept(static_cast<std::size_t>(first_layer.shape[1]), 0);
  for (std::size_t i = 0; i < mask.size(); ++i) kept[input_of(first_layer, i)] += mask[i];
  return kept;
}

bool is_without_weights(const Record& record) {
  return record.has_array("result/tensor_magnitude");
}

NetworkCounts network_counts(const Record& record, const ModelSpec& model) {
  const std::vector<Tensor> tensors = tensors_of(model);
  const auto inputs = static_cast<std::size_t>(tensors.front().shape[1]);
  NetworkCounts counts;
  if (is_without_weights(record)) {
    counts.input_kept = record.values<std::int64_t>("result/input_kept");
    counts.input_effective = record.values<std::int64_t>("result/input_effective");
    counts.entries = record.values<std::int64_t>("result/tensor_entries");
    counts.kept = record.values<std::int64_t>("result/kept_per_tensor");
    counts.effective = record.values<std::int64_t>("result/effective_per_tensor");
    counts.magnitude = record.values<double>("result/tensor_magnitude");
  } else {
    const RoundResult round = read_round(record, model);
    const Mask on_paths = effective_parameters(model, tensors, round.mask);
    counts.input_kept = kept_per_input(tensors, round.mask);
    counts.input_effective = kept_per_input(tensors, on_paths);
    for (const Tensor& tensor : tensors) {
      std::int64_t left = 0, useful = 0;
      double total = 0;
      for (std::size_t i = tensor.offset; i < tensor.offset + tensor.size; ++i) {
        left += round.mask[i];
        useful += on_paths[i];
        total += std::abs(static_cast<double>(round.best[i]));  // 0 where pruned
      }
      counts.entries.push_back(static_cast<std::int64_t>(tensor.size));
      counts.kept.push_back(left);
      counts.effective.push_back(useful);
      counts.magnitude.push_back(total);
    }
  }
  if (counts.input_kept.size() != inputs || counts.input_effective.size() != inputs ||
      counts.entries.size() != tensors.size() || counts.kept.size() != tensors.size() ||
      counts.effective.size() != tensors.size() || counts.magnitude.size() != tensors.size())
    throw InputError("{}: its counts are those of another network; restore a copy", record.origin);
  return counts;
}

Record without_weights(const Record& record, const ModelSpec& model) {
  constexpr std::array kLeftOut = {"mask", "weights", "initial", "snapshots"};
  const auto is_left_out = [&](const std::string& place) {
    return std::ranges::any_of(
        kLeftOut, [&](const std::string& group) { return place == group || place.starts_with(group + "/"); });
  };
  if (is_without_weights(record)) return record;
  const NetworkCounts counts = network_counts(record, model);
  Record summary;
  summary.origin = record.origin;
  for (const auto& [group, attributes] : record.attributes)
    if (!is_left_out(group)) summary.attributes[group] = attributes;
  for (const auto& [path, array] : record.arrays)
    if (!is_left_out(path)) summary.arrays[path] = array;
  summary.arrays["result/input_kept"] = Array::vector(counts.input_kept);
  summary.arrays["result/input_effective"] = Array::vector(counts.input_effective);
  summary.arrays["result/tensor_entries"] = Array::vector(counts.entries);
  summary.arrays["result/effective_per_tensor"] = Array::vector(counts.effective);
  summary.arrays["result/tensor_magnitude"] = Array::vector(counts.magnitude);
  constexpr std::array kReturns = {"curve/returns", "result/best_returns", "result/final_returns"};
  const bool whole = std::ranges::all_of(kReturns, [&](const char* path) {
    return !record.has_array(path) || std::ranges::all_of(record.values<float>(path), [](float value) {
      return !(value != std::trunc(value)) || std::isnan(value);
    });
  });
  if (whole) return summary;
  summary.arrays["curve/mean"] = Array::vector(curve_means(record));
  for (const char* path : kReturns) summary.arrays.erase(path);
  return summary;
}

Record make_round_record(const Plan& plan, TrainingIndex index, const TrainingRequest& request,
                         const TrainingOutcome& outcome) {
  const TrainingNode& node = plan.trainings[index];
  const Settings& settings = plan.settings[node.settings];
  const std::vector<Tensor> tensors = tensors_of(request.model);

  Record record;
  auto& root = record.attributes[""];
  root["format"] = kFormat;
  root["digest"] = std::string(node.digest.digits());
  root["recipe"] = canonical_bytes(recipe_of(plan, index));
  root["task"] = settings.task;
  root["algorithm"] = settings.algorithm;
  root["network"] = network_name(settings.agent.network);
  root["seed"] = node.seed;
  root["round"] = static_cast<std::int64_t>(node.round);

  put_curve(record, outcome.curve);
  const bool changes = request.mask_plan.has_value();
  const Mask& mask = changes ? outcome.masks.best : request.mask;
  if (changes) record.arrays["curve/density"] = Array::vector(outcome.masks.density);
  auto& result = record.attributes[kResult];
  const ReturnSummary final = summarize(outcome.final_returns), best = summarize(outcome.best_returns);
  double best_deviation = 0;
  for (const EvaluationPoint& point : outcome.curve)
    if (point.step == outcome.best_step) best_deviation = point.deviation;
  RoundSummary summary;
  const std::vector<std::size_t> prunable = prunable_tensors(tensors, request.model, settings.imp);
  const std::int64_t kept = sum(kept_per_tensor(tensors, prunable, mask));
  // What the plan could not know, the mask says.
  const bool counts_itself = node.inputs_parent || node.mask_from;
  summary.density = node.mask_from
                        ? static_cast<double>(kept) / static_cast<double>(prunable_entries(settings))
                        : node.density;
  summary.best_step = outcome.best_step;
  summary.best_return = outcome.best_return;
  summary.best_deviation = best_deviation;
  summary.final_return = final.mean;
  summary.final_deviation = final.deviation;
  summary.reevaluated_return = best.mean;
  summary.reevaluated_deviation = best.deviation;
  const Mask effective = effective_parameters(request.model, tensors, mask);
  summary.inputs_left = inputs_read(tensors, mask);
  summary.effective_inputs = inputs_read(tensors, effective);
  summary.effective_density = summary.density *
                              static_cast<double>(sum(kept_per_tensor(tensors, prunable, effective))) /
                              static_cast<double>(std::max<std::int64_t>(kept, 1));
  if (counts_itself) summary.kept = kept;
  summary.env_steps = outcome.env_steps;
  summary.updates = outcome.updates;
  summary.evaluation_episodes = outcome.evaluation_episodes;
  summary.episodes_cut = outcome.episodes_cut;
  const auto write = [&](std::string_view name, const auto& value) {
    if (name != kKept || counts_itself) result[std::string(name)] = value;
  };
  summary.visit_result(write);
  std::vector<std::string> names;
  std::vector<std::size_t> all;
  for (const Tensor& tensor : tensors) {
    all.push_back(names.size());
    names.push_back(tensor.name);
  }
  result["tensors"] = names;
  record.arrays["result/kept_per_tensor"] = Array::vector(kept_per_tensor(tensors, all, mask));
  record.arrays["result/effective_per_tensor"] = Array::vector(kept_per_tensor(tensors, all, effective));
  record.arrays["result/final_returns"] = Array::vector(outcome.final_returns);
  record.arrays["result/best_returns"] = Array::vector(outcome.best_returns);
  record.arrays["result/input_magnitude"] = Array::vector(input_magnitudes(tensors, outcome.best_parameters));

  for (const Tensor& tensor : tensors) {
    const auto first = mask.begin() + static_cast<std::ptrdiff_t>(tensor.offset);
    const auto last = first + static_cast<std::ptrdiff_t>(tensor.size);
    if (std::find(first, last, 0) != last)
      record.arrays["mask/" + tensor.name] = {shape_of(tensor), std::vector<std::uint8_t>(first, last)};
  }
  put_parameters(record, "weights/best", tensors, outcome.best_parameters, mask);
  if (settings.imp.prune_from == PruneFrom::kFinal && !changes)
    put_parameters(record, "weights/final", tensors, outcome.final_parameters, request.mask);
  const bool moves = node.mask_parent && settings.imp.criterion == Criterion::kMovement;
  if ((node.round == 0 && !changes) || moves)
    put_parameters(record, "initial", tensors, request.initial_parameters, request.mask);
  if (node.round == 0) {
    for (const Snapshot& snapshot : outcome.snapshots) {
      const std::string group = fmt::format("snapshots/{}", snapshot.requested_step);
      put_parameters(record, group, tensors, snapshot.parameters, request.mask);
      record.attributes[group]["step"] = snapshot.step;
    }
  }
  return record;
}

RoundResult read_round(const Record& record, const ModelSpec& model) {
  const std::vector<Tensor> tensors = tensors_of(model);
  RoundResult round;
  round.mask = read_mask(record, tensors);
  round.best = unpacked(record, "weights/best", tensors, round.mask);
  if (record.has_array("weights/final/" + tensors.front().name))
    round.final = unpacked(record, "weights/final", tensors, round.mask);
  if (record.has_array("initial/" + tensors.front().name))
    round.initial = unpacked(record, "initial", tensors, round.mask);
  return round;
}

Mask read_foreign_mask(const Record& record, const std::vector<Tensor>& tensors,
                       std::span<const std::size_t> wanted) {
  Mask mask(tensors.back().offset + tensors.back().size, 1);
  for (const std::size_t index : wanted) {
    const Tensor& tensor = tensors[index];
    const std::string path = "mask/" + tensor.name;
    if (!record.has_array("weights/best/" + tensor.name))
      throw InputError("{}: its networks have no '{}', whose mask another chain is to have", record.origin,
                       tensor.name);
    if (!record.has_array(path)) continue;
    const std::vector<Tensor> alone(1, tensor);
    std::ranges::copy(read_mask(record, alone), mask.begin() + static_cast<std::ptrdiff_t>(tensor.offset));
  }
  return mask;
}

RoundSnapshot read_snapshot(const Record& record, const ModelSpec& model, std::int64_t requested_step) {
  const std::vector<Tensor> tensors = tensors_of(model);
  const std::string group = fmt::format("snapshots/{}", requested_step);
  return {record.integer(group, "step"), unpacked(record, group, tensors, read_mask(record, tensors))};
}

double read_reevaluated_return(const Record& record) {
  return record.number(kResult, "reevaluated_return");
}

void require_whole_curve(const Record& record) {
  if (!record.has_array("curve/step")) return;
  const std::size_t steps = record.values<std::int64_t>("curve/step").size();
  for (const char* path : {"curve/mean", "curve/deviation", "curve/returns"}) {
    if (!record.has_array(path)) continue;
    const std::vector<std::uint64_t>& shape = record.array(path).shape;
    if (shape.empty() || shape.front() != steps)
      throw InputError(
          "{}: '{}' has another length than the {} steps of its curve; remove the file and run again",
          record.origin, path, steps);
  }
}

RoundSummary read_summary(const Record& record) {
  const auto reader = [&](const std::string& group) {
    return [&record, group]<class T>(const char* name, T& value) {
      if (may_lack(name) && !record.has_attribute(group, name)) return;
      if constexpr (std::is_integral_v<T>)
        value = record.integer(group, name);
      else
        value = record.number(group, name);
    };
  };
  RoundSummary summary;
  const auto result = reader(kResult), times = reader(std::string(kProvenance));
  summary.visit_result(result);
  summary.visit_times(times);
  return summary;
}

void add_provenance(Record& record, const std::map<std::string, std::string>& texts, double wall_seconds,
                    double cpu_seconds) {
  auto& provenance = record.attributes[std::string(kProvenance)];
  for (const auto& [name, text] : texts) provenance[name] = text;
  provenance["wall_seconds"] = wall_seconds;
  provenance["cpu_seconds"] = cpu_seconds;
  provenance["peak_memory_bytes"] = peak_memory_bytes();
}

std::vector<double> curve_means(const Record& record) {
  std::vector<double> means = record.values<double>("curve/mean");
  const std::size_t points = record.values<std::int64_t>("curve/step").size();
  if (is_without_weights(record) && !record.has_array("curve/returns") && means.size() == points)
    return means;
  const std::vector<float>& returns = record.values<float>("curve/returns");
  if (means.size() != points || points == 0 || returns.size() % points != 0)
    throw InputError("{}: the arrays of its curve do not fit together; remove the file and run again",
                     record.origin);
  const std::size_t episodes = returns.size() / points;
  for (std::size_t i = 0; i < points; ++i)
    if (episodes == 0 || std::isnan(returns[i * episodes]))
      means[i] = std::numeric_limits<double>::quiet_NaN();
  return means;
}

}  // namespace impsweep
