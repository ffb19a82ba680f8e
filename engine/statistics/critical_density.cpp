#include "engine/statistics/critical_density.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "engine/statistics/describe.hpp"

namespace impsweep::statistics {

std::vector<double> isotonic_non_increasing(std::span<const double> y) {
  require_finite(y, "isotonic_non_increasing");
  struct Block {
    double sum;
    std::size_t size;
    double mean() const { return sum / static_cast<double>(size); }
  };
  std::vector<Block> blocks;
  for (const double value : y) {
    blocks.push_back({value, 1});
    while (blocks.size() >= 2 && blocks[blocks.size() - 2].mean() < blocks.back().mean()) {
      const Block last = blocks.back();
      blocks.pop_back();
      blocks.back().sum += last.sum;
      blocks.back().size += last.size;
    }
  }
  std::vector<double> fit;
  fit.reserve(y.size());
  for (const Block& block : blocks) fit.insert(fit.end(), block.size, block.mean());
  return fit;
}

std::optional<CriticalRound> critical_round(std::span<const double> performance, double alpha) {
  if (performance.empty() || std::ranges::any_of(performance, [](double value) { return std::isnan(value); }))
    return std::nullopt;
  const std::vector<double> fit = isotonic_non_increasing(performance);
  const auto below = std::ranges::find_if(fit, [&](double value) { return value < alpha; });
  return CriticalRound{static_cast<std::size_t>(below - fit.begin()), below == fit.end()};
}

std::optional<double> critical_density(const CriticalRound& round, std::span<const double> density) {
  if (round.survived == 0) return std::nullopt;
  if (round.survived > density.size())
    throw std::invalid_argument("critical_density: fewer densities than rounds");
  return density[round.survived - 1];
}

CriticalSummary summarise(std::span<const CriticalRound> rounds) {
  if (rounds.empty()) throw std::invalid_argument("summarise: no seeds");
  std::vector<double> survived;
  CriticalSummary summary;
  for (const CriticalRound& round : rounds) {
    survived.push_back(static_cast<double>(round.survived));
    summary.censored += round.censored ? 1 : 0;
  }
  summary.n = rounds.size();
  summary.mean = mean(survived);
  summary.median = median(survived);
  summary.mean_is_lower_bound = summary.censored > 0;
  summary.median_is_lower_bound = 2 * summary.censored >= summary.n;
  return summary;
}

}  // namespace impsweep::statistics
