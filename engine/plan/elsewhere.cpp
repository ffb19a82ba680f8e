#include "engine/plan/elsewhere.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/imp/pruning.hpp"
#include "engine/job/option_table.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
  return number;
}

std::string name_without_seed(const GridPoint& point, Baseline baseline) {
  return fmt::format("{}.{}.{}.{}.{}", point.settings.task, point.settings.algorithm,
                     network_name(point.settings.agent.network), point.variant, info_of(baseline).chain_name);
}

}  // namespace

ElsewhereRound find_elsewhere(std::span<const GridPoint> points, const std::string& key,
                              const std::string& text, std::int64_t reader_seed, const std::string& place) {
  const std::size_t colon = text.rfind(':');
  std::string_view round_text = colon == text.npos ? "" : std::string_view(text).substr(colon + 1);
  if (round_text.starts_with('r')) round_text.remove_prefix(1);
  const std::optional<std::int64_t> round = whole_number(round_text);
  if (!round || colon == 0)
    throw InputError(
        "{}: '{}' = \"{}\" is not \"CHAIN:ROUND\"; give e.g. "
        "\"cartpole.ppo.64-64.default.mask-weights.s00:5\"",
        place, key, text);
  std::string chain = text.substr(0, colon);
  std::int64_t seed = reader_seed;
  if (const std::size_t dot = chain.rfind(".s"); dot != chain.npos)
    if (const auto number = whole_number(std::string_view(chain).substr(dot + 2))) {
      seed = *number;
      chain.resize(dot);
    }
  std::vector<std::string> names;
  bool has_chain = false;
  for (std::size_t index = 0; index < points.size(); ++index)
    for (const Baseline baseline : points[index].baselines) {
      names.push_back(name_without_seed(points[index], baseline));
      if (names.back() != chain) continue;
      has_chain = true;
      if (std::ranges::count(points[index].seeds, seed) > 0 && *round < points[index].rounds)
        return {index, baseline, seed, static_cast<int>(*round)};
    }
  if (has_chain)
    throw InputError(
        "{}: '{}' = \"{}\": chain '{}' of this job has no round {} of seed {}; raise its 'rounds', or "
        "add the seed to it",
        place, key, text, chain, *round, seed);
  const std::string nearest = nearest_word(chain, names);
  throw InputError("{}: '{}' = \"{}\": this job has no chain '{}'{}", place, key, text, chain,
                   nearest.empty() ? "; write a [[sweep]] that has it" : "; did you mean '" + nearest + "'?");
}

void require_same_shape(const Settings& source, const Settings& reader, const std::string& place) {
  const ModelSpec giver = model_of(source);
  const std::vector<Tensor> given = tensors_of(giver);
  const ModelSpec model = model_of(reader);
  const std::vector<Tensor> wanted = tensors_of(model);
  for (const std::size_t index : prunable_tensors(wanted, model, reader.imp)) {
    const Tensor& tensor = wanted[index];
    const auto same = std::ranges::find(given, tensor.name, &Tensor::name);
    if (same != given.end() && same->shape == tensor.shape) continue;
    throw InputError(
        "{}: 'imp.mask_from': the networks of {} {} {} have {} '{}' {}, which this chain prunes; name a "
        "chain "
        "of the same shape{}",
        place, source.task, source.algorithm, network_name(source.agent.network),
        same == given.end() ? "no" : "a", tensor.name, same == given.end() ? "at all" : "of another shape",
        tensor.name.starts_with("critic/") ? ", or set imp.scope = \"actor\"" : "");
  }
  // Densities are of what is pruned: they would not be those of this chain.
  const auto names = [](const std::vector<Tensor>& tensors, const ModelSpec& of, const ImpConfig& imp) {
    std::set<std::string> found;
    for (const std::size_t index : prunable_tensors(tensors, of, imp)) found.insert(tensors[index].name);
    return found;
  };
  if (names(given, giver, source.imp) == names(wanted, model, reader.imp)) return;
  throw InputError(
      "{}: 'imp.mask_from': the chain named prunes other parts of its networks than this one, so that "
      "densities "
      "would differ; set the same 'imp.scope' and 'imp.prune_bias' for both",
      place);
}

}  // namespace impsweep
