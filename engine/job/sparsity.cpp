#include "engine/job/sparsity.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>

#include "engine/imp/sparse_start.hpp"
#include "io/error.hpp"

namespace impsweep {

void apply_sparsity(const SparsePoint& point, std::span<const JobEntry> entries, bool takes_published) {
  SparseConfig& sparse = point.settings.sparse;
  const auto entry_of = [&](std::string_view key) { return std::ranges::find(entries, key, &JobEntry::key); };
  const auto density = entry_of("sparse.density");
  const std::string& place = density != entries.end() ? density->place : point.place;
  if (sparse.density.empty() || std::ssize(sparse.density) > kMostRounds)
    throw InputError("{}: 'sparse.density' lists {} densities; give 1 to {}", place, sparse.density.size(),
                     kMostRounds);
  std::ranges::sort(sparse.density, std::greater());
  if (std::ranges::adjacent_find(sparse.density) != sparse.density.end())
    throw InputError("{}: 'sparse.density' lists {} twice; remove one", place,
                     *std::ranges::adjacent_find(sparse.density));
  if (std::ranges::count(point.baselines, Baseline::kMaskWeights) == 0)
    throw InputError(
        "{}: 'sparse.method' trains the baseline 'mask/weights' alone, which 'baselines' does not list; add "
        "it, or write a sweep of their own for the others",
        point.place);
  point.baselines = {Baseline::kMaskWeights};
  point.rounds = static_cast<int>(sparse.density.size());
  if (!takes_published) return;
  const SparseConfig published = published_sparsity(point.settings);
  const auto is_given = [&](const char* key) { return entry_of(key) != entries.end(); };
  if (!is_given("sparse.interval")) sparse.interval = published.interval;
  if (!is_given("sparse.fraction")) sparse.fraction = published.fraction;
  if (!is_given("sparse.end")) sparse.end = published.end;
}

void check_densities(const Settings& settings, const std::string& place) {
  const RestrictedModel given = restricted_model_of(settings);
  const std::vector<Tensor> tensors = tensors_of(given.model);
  const std::vector<std::size_t> prunable = prunable_tensors(tensors, given.model, settings.imp);
  for (const double density : settings.sparse.density) try {
      sparse_counts(tensors, prunable, given.available, kept_at(prunable_entries(settings), density));
    } catch (const std::invalid_argument& error) {
      throw InputError(
          "{}: 'sparse.density' = {} leaves {} weights of network {}, and each of its {} layers keeps at "
          "least one; raise it",
          place, density, kept_at(prunable_entries(settings), density), network_name(settings.agent.network),
          prunable.size());
    }
}

}  // namespace impsweep
