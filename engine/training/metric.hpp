// engine/training/metric.hpp - by which of its returns a trained agent is measured.
//
//   best         the highest mean of an evaluation during training: what the paper plots. Of forty noisy
//                evaluations the highest is too high, and where agents are at a ceiling it tells none apart
//   reevaluated  fresh episodes of the best checkpoint (eval.reevaluation_episodes, 100 unless a job says
//                otherwise): what comparisons and verdicts use
//   final        as many fresh episodes of the network at the end of the training
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "engine/training/round_record.hpp"

namespace impsweep {

enum class Metric { kBest, kReevaluated, kFinal };
inline constexpr std::array kMetrics = {Metric::kBest, Metric::kReevaluated, Metric::kFinal};

std::string_view metric_name(Metric);   // as on command lines: "reevaluated"
std::string_view metric_title(Metric);  // in texts: "re-evaluated return"
std::optional<Metric> find_metric(std::string_view name);

double return_by(const RoundSummary&, Metric);

}  // namespace impsweep
