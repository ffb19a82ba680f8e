#include "engine/training/metric.hpp"

#include <algorithm>

namespace impsweep {

std::string_view metric_name(Metric metric) {
  switch (metric) {
    case Metric::kBest:
      return "best";
    case Metric::kReevaluated:
      return "reevaluated";
    case Metric::kFinal:
      return "final";
  }
  return "";
}

std::string_view metric_title(Metric metric) {
  switch (metric) {
    case Metric::kBest:
      return "best return";
    case Metric::kReevaluated:
      return "re-evaluated return";
    case Metric::kFinal:
      return "final return";
  }
  return "";
}

std::optional<Metric> find_metric(std::string_view name) {
  const auto found = std::ranges::find(kMetrics, name, metric_name);
  return found == kMetrics.end() ? std::nullopt : std::optional(*found);
}

double return_by(const RoundSummary& summary, Metric metric) {
  switch (metric) {
    case Metric::kBest:
      return summary.best_return;
    case Metric::kReevaluated:
      return summary.reevaluated_return;
    case Metric::kFinal:
      return summary.final_return;
  }
  return 0;
}

}  // namespace impsweep
