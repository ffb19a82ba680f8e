#include "engine/report/figures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include "engine/job/sources.hpp"
#include "engine/report/analysis.hpp"
#include "engine/report/plain.hpp"
#include "engine/statistics/describe.hpp"
#include "io/human_text.hpp"

namespace impsweep {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t kMostTicks = 7, kMostBarTicks = 5;  // bars stand in narrow panels
constexpr std::size_t kMostBars = 8;                      // inputs that are drawn as bars
constexpr std::size_t kMostCurves = 6;                    // learning curves in a panel
const char* const kDensityLabel = "prunable weights left";

std::string return_label(const Group& group, Metric metric) {
  std::string title(metric_title(metric));
  if (!group.info->is_data_set) return title;
  return title.substr(0, title.rfind(' ')) + " accuracy, %";
}

// Adds a point and the band about it, one sample deviation wide at either side; nothing without values.
void add_point(Series& series, double x, std::span<const double> values) {
  const std::vector<double> measured = statistics::complete(values).values;
  if (measured.empty()) return;
  const statistics::Description sample = statistics::describe(measured);
  series.x.push_back(x);
  series.y.push_back(sample.mean);
  series.low.push_back(sample.mean - sample.deviation);
  series.high.push_back(sample.mean + sample.deviation);
}

// Clips the band to what the values can be.
void clip_band(Series& series, double least, double most) {
  for (double& low : series.low) low = std::max(low, least);
  for (double& high : series.high) high = std::min(high, most);
}

// Other step limits than a task's own allow other returns.
void clip_to_returns(Series& series, const Group& group) {
  if (setting_number(group.settings, group.info->family + ".max_steps") > 0) return;
  clip_band(series, group.info->least_return, group.info->most_return);
}

// 1, 2 and 5 times powers of ten, from the largest to the smallest; fewer where they are many.
std::vector<Tick> logarithmic_ticks(double least, double most, std::string (*label)(double)) {
  const double decades = std::log10(most / least);
  std::vector<double> factors = {1, 2, 5};
  if (decades > 2.5) factors = {1, 3};
  if (decades > 4) factors = {1};
  std::vector<Tick> ticks;
  for (double decade = std::pow(10.0, std::floor(std::log10(least))); decade <= most; decade *= 10)
    for (const double factor : factors)
      if (const double at = decade * factor; at >= least * 0.999 && at <= most * 1.001)
        ticks.push_back({at, label(at)});
  return ticks;
}

// For layers, inputs, channels and networks: apart from the colours of the baselines, and from each other
// also for readers who do not see red and green apart (Okabe and Ito 2008).
constexpr std::array kColours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00",
                                 "#56b4e9", "#7a5195", "#8c6d31", "#7f7f7f"};
std::string colour_at(std::size_t i) {
  return kColours[i % kColours.size()];
}

// Labels only some of the rounds, so that the labels do not overlap.
std::vector<Tick> density_ticks(const Group& group, std::size_t most = kMostTicks) {
  std::vector<Tick> ticks;
  const std::size_t stride = (group.rounds() + most - 1) / most;
  for (std::size_t round = 0; round < group.rounds(); round += std::max<std::size_t>(1, stride))
    ticks.push_back({static_cast<double>(round), percent_text(group.density[round])});
  return ticks;
}

// At multiples of 1, 2 or 5 times a power of ten.
std::vector<Tick> step_ticks(double most) {
  double step = std::pow(10.0, std::floor(std::log10(std::max(most, 1.0))) - 1);
  for (const double factor : {2.0, 2.5, 2.0, 2.0})
    if (most / step > kMostTicks) step *= factor;
  std::vector<Tick> ticks;
  for (double at = 0; at <= most * 1.001; at += step) ticks.push_back({at, count_text(at)});
  return ticks;
}

// Mean and band of a value by round; rounds without a finished seed are left out.
Series line_over_rounds(const Group& group, Baseline baseline, const RoundValue& value,
                        const std::function<double(std::size_t)>& x) {
  Series series;
  for (std::size_t round = 0; round < group.rounds(); ++round)
    add_point(series, x(round), over_seeds(group, baseline, round, value));
  return series;
}

double as_x(std::size_t round) {
  return static_cast<double>(round);
}

Series line_over_rounds(const Group& group, Baseline baseline, const RoundValue& value) {
  return line_over_rounds(group, baseline, value, as_x);
}

Panel density_panel(const Group& group, const std::string& title, const std::string& y_label) {
  Panel panel;
  panel.title = title;
  panel.x_label = kDensityLabel;
  panel.y_label = y_label;
  panel.x_ticks = density_ticks(group);
  return panel;
}

// A part of the networks, and how much of it is left.
struct GroupPart {
  std::string title;
  RoundValue left;
};

Panel parts_panel(const Group& group, const std::string& title, const std::string& y_label,
                  const std::vector<GroupPart>& parts) {
  Panel panel = density_panel(group, title, y_label);
  panel.y_minimum = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Series series = line_over_rounds(group, shown_baseline(group), parts[i].left);
    clip_band(series, 0, 1);
    series.title = parts[i].title;
    series.colour = colour_at(i);
    panel.lines.push_back(std::move(series));
  }
  return panel;
}

std::vector<double> mean_magnitude(const Group& group, std::size_t round) {
  std::vector<double> mean(static_cast<std::size_t>(group.tensors.front().shape[1]), 0.0);
  double seeds = 0;
  for (const auto& [seed, chain] : group.chains.at(shown_baseline(group))) {
    if (!chain[round]) continue;
    for (std::size_t i = 0; i < mean.size(); ++i) mean[i] += chain[round]->input_magnitude[i];
    ++seeds;
  }
  for (double& value : mean) value = seeds > 0 ? value / seeds : kNotANumber;
  return mean;
}

bool round_is_there(const Group& group, std::size_t round) {
  return !over_seeds(group, shown_baseline(group), round, literal_inputs).empty();
}

std::string input_name(const Group& group, std::size_t input) {
  const bool convolution = group.tensors.front().shape.size() > 2;
  const auto& names = convolution ? group.info->channel_names : group.info->observation_names;
  return input < names.size() ? names[input] : fmt::format("input {}", input);
}

// Dark blue to orange, for what is ordered.
std::string ramp(double part) {
  constexpr std::array<std::array<double, 3>, 3> kStops = {{{38, 50, 110}, {170, 70, 130}, {240, 150, 50}}};
  const double place = std::clamp(part, 0.0, 1.0) * (kStops.size() - 1);
  const auto stop = std::min<std::size_t>(static_cast<std::size_t>(place), kStops.size() - 2);
  const double rest = place - static_cast<double>(stop);
  std::string colour = "#";
  for (std::size_t c = 0; c < 3; ++c)
    colour += fmt::format("{:02x}", std::lround(kStops[stop][c] * (1 - rest) + kStops[stop + 1][c] * rest));
  return colour;
}

Panel learning_panel(const Group& group, const std::string& title) {
  Panel panel;
  panel.title = title;
  panel.x_label = group.info->is_data_set ? "images shown" : "environment steps";
  panel.y_label = group.info->is_data_set ? "accuracy on the test set, %" : "return";
  panel.x_ticks = step_ticks(static_cast<double>(group.env_steps));
  return panel;
}

// Evaluation return by training step in a round, mean and deviation over the seeds that have finished it.
Series learning_curve(const Group& group, Baseline baseline, std::size_t round) {
  Series series;
  series.marker = Marker::kNone;
  std::vector<const RoundFacts*> seeds;
  for (const auto& [seed, chain] : group.chains.at(baseline))
    if (chain[round]) seeds.push_back(chain[round].get());
  if (seeds.empty()) return series;
  const std::vector<double>& steps = seeds.front()->curve_step;
  for (std::size_t point = 0; point < steps.size(); ++point) {
    std::vector<double> values;
    for (const RoundFacts* seed : seeds)
      if (point < seed->curve_mean.size() && seed->curve_step[point] == steps[point])
        values.push_back(finite_or_missing(seed->curve_mean[point]));
    add_point(series, steps[point], values);
  }
  return series;
}

}  // namespace

void dress(Series& series, Baseline baseline) {
  constexpr std::array kDashes = {Dash::kSolid, Dash::kDashed, Dash::kDotted, Dash::kDashDotted};
  constexpr std::array kMarkers = {Marker::kCircle, Marker::kTriangle, Marker::kSquare, Marker::kDiamond};
  const BaselineInfo& info = info_of(baseline);
  const std::vector<Baseline> all = baselines();
  const auto place = static_cast<std::size_t>(std::ranges::find(all, baseline) - all.begin());
  series.title = info.name;
  series.colour = info.colour;
  series.dash = kDashes[place % kDashes.size()];
  series.marker = kMarkers[place % kMarkers.size()];
  series.on_top = baseline == Baseline::kMaskWeights;
}

std::string percent_text(double part) {
  const double percent = 100 * part;
  if (percent > 99.95) return "100 %";
  return percent >= 9.95    ? fmt::format("{:.1f} %", percent)
         : percent >= 0.995 ? fmt::format("{:.2f} %", percent)
                            : fmt::format("{:.3f} %", percent);
}

bool has_rounds(const Group& group) {
  return std::ranges::any_of(group.chains, [](const auto& seeds) {
    return std::ranges::any_of(seeds.second, [](const auto& chain) {
      return std::ranges::any_of(chain.second, [](const auto& round) { return round != nullptr; });
    });
  });
}

Baseline shown_baseline(const Group& group) {
  return group.chains.contains(Baseline::kMaskWeights) ? Baseline::kMaskWeights : group.chains.begin()->first;
}

std::string coverage_text(const Group& group) {
  std::size_t seeds = 0, chains = 0, done = 0, total = 0, furthest = 0, dead = 0;
  double latest_death = 0;
  for (const auto& [baseline, by_seed] : group.chains) {
    seeds = std::max(seeds, by_seed.size());
    for (const auto& [seed, chain] : by_seed) {
      ++chains;
      for (std::size_t round = 0; round < chain.size(); ++round) {
        ++total;
        if (!chain[round]) continue;
        ++done;
        if (const std::optional<double> death = died_at(*chain[round])) {
          ++dead;
          latest_death = std::max(latest_death, *death);
        }
        furthest = std::max(furthest, round + 1);
      }
    }
  }
  std::string text = fmt::format("{} seed{}, {} {} per round", seeds, seeds == 1 ? "" : "s",
                                 count_text(static_cast<double>(group.env_steps)),
                                 group.info->is_data_set ? "images" : "steps");
  const std::int64_t paper_steps = usual_settings(group).agent.sampler.steps;
  const std::string source = source_of("rl.steps", group.info->family, group.algorithm);
  if (group.env_steps != paper_steps)
    text += fmt::format(" ({}: {})", source.starts_with("paper") ? "the paper" : "default",
                        count_text(static_cast<double>(paper_steps)));
  if (dead > 0)
    text += fmt::format(", {} of them dead: the same return in every evaluation from {} steps on or earlier",
                        dead, count_text(latest_death));
  if (done == total)
    return text + fmt::format(", {} round{}", group.rounds(), group.rounds() == 1 ? "" : "s");
  return text + fmt::format("; incomplete: {} of {} rounds of {} chains, up to round {} of 0-{}", done, total,
                            chains, furthest == 0 ? "none" : fmt::format("{}", furthest - 1),
                            group.rounds() - 1);
}

Panel return_panel(const Group& group, const std::string& title, Metric metric) {
  Panel panel = density_panel(group, title, return_label(group, metric));
  for (const auto& [baseline, seeds] : group.chains) {
    Series series = line_over_rounds(group, baseline, return_of(metric));
    clip_to_returns(series, group);
    dress(series, baseline);
    panel.lines.push_back(std::move(series));
  }
  return panel;
}

Panel comparison_panel(std::span<const NamedGroup> groups, const std::string& title, Metric metric) {
  const auto longest =
      std::ranges::max_element(groups, {}, [](const NamedGroup& named) { return named.group->rounds(); });
  Panel panel = density_panel(*longest->group, title, return_label(*longest->group, metric));
  const bool one_schedule = std::ranges::all_of(
      groups, [&](const NamedGroup& named) { return of_one_schedule(*named.group, *longest->group); });
  if (!one_schedule) {
    panel.logarithmic_x = true;
    panel.x_ticks.clear();
    const double least = std::ranges::min(groups, {}, [](const NamedGroup& named) {
                           return named.group->density.back();
                         }).group->density.back();
    panel.x_ticks = logarithmic_ticks(least, 1, percent_text);
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const Group& group = *groups[i].group;
    Series series = line_over_rounds(group, shown_baseline(group), return_of(metric), [&](std::size_t round) {
      return one_schedule ? as_x(round) : group.density[round];
    });
    clip_to_returns(series, group);
    series.title = groups[i].name;
    series.colour = colour_at(groups[i].colour);
    series.dash = static_cast<Dash>(groups[i].colour % 4);
    series.marker = static_cast<Marker>(groups[i].colour % 4);
    panel.lines.push_back(std::move(series));
  }
  return panel;
}

Panel absolute_size_panel(std::span<const NamedGroup> groups, const std::string& title, Metric metric) {
  Panel panel;
  panel.title = title;
  panel.x_label = "prunable weights left (number)";
  panel.y_label = return_label(*groups.front().group, metric);
  panel.logarithmic_x = true;
  double least = std::numeric_limits<double>::infinity(), most = 1;
  for (const NamedGroup& named : groups) {
    least = std::min(least, static_cast<double>(std::max<std::int64_t>(1, named.group->kept.back())));
    most = std::max(most, static_cast<double>(named.group->kept.front()));
  }
  panel.x_ticks = logarithmic_ticks(least, most, [](double weights) { return count_text(weights); });
  for (std::size_t i = 0; i < groups.size(); ++i)
    for (const Baseline baseline : {Baseline::kMaskWeights, Baseline::kPermutedPermuted}) {
      const Group& group = *groups[i].group;
      if (!group.chains.contains(baseline)) continue;
      Series series = line_over_rounds(group, baseline, return_of(metric), [&](std::size_t round) {
        return static_cast<double>(group.kept[round]);
      });
      clip_to_returns(series, group);
      dress(series, baseline);
      series.title = groups[i].name + (baseline == Baseline::kMaskWeights ? " ticket" : " permuted");
      series.colour = colour_at(groups[i].colour);
      panel.lines.push_back(std::move(series));
    }
  return panel;
}

Panel layers_panel(const Group& group, const std::string& title) {
  std::vector<GroupPart> layers;
  for (const std::size_t tensor : group.prunable)
    layers.push_back(
        {fmt::format("{} [{}]", group.tensors[tensor].name, fmt::join(group.tensors[tensor].shape, "x")),
         [&group, tensor](const RoundFacts& round) { return remaining_fraction(group, round, tensor); }});
  return parts_panel(group, title, "part of the tensor left", layers);
}

Panel channels_panel(const Group& group, const std::string& title) {
  std::vector<GroupPart> channels;
  for (std::size_t channel = 0; channel < group.info->channel_names.size(); ++channel)
    channels.push_back({group.info->channel_names[channel],
                        [&group, inputs = channel_inputs(*group.info, channel)](const RoundFacts& round) {
                          return remaining_fraction_of_inputs(group, round, inputs);
                        }});
  return parts_panel(group, title, "part of the channel's weights left", channels);
}

Panel inputs_left_panel(const Group& group, const std::string& title) {
  Panel panel = density_panel(group, title, "inputs left");
  panel.y_minimum = 0;
  if (const int inputs = group.tensors.front().shape[1]; inputs <= static_cast<int>(kMostBars))
    for (int i = 0; i <= inputs; ++i) panel.y_ticks.push_back({static_cast<double>(i), fmt::format("{}", i)});
  for (const auto& [baseline, seeds] : group.chains) {
    Series series = line_over_rounds(group, baseline, effective_inputs);
    clip_band(series, 0, group.tensors.front().shape[1]);
    dress(series, baseline);
    panel.lines.push_back(std::move(series));
  }
  return panel;
}

std::optional<Panel> units_left_panel(const Group& group, const std::string& title) {
  Panel panel = density_panel(group, title, "hidden units left");
  panel.y_minimum = 0;
  for (std::size_t t = 0; t < group.tensors.size(); ++t) {
    const Tensor& bias = group.tensors[t];  // one for each unit, and on a path if the unit is
    if (bias.part < 0 || bias.is_weight || bias.is_output) continue;
    Series series = line_over_rounds(group, shown_baseline(group), [t](const RoundFacts& round) {
      return t < round.effective_per_tensor.size() ? static_cast<double>(round.effective_per_tensor[t])
                                                   : kNotANumber;
    });
    clip_band(series, 0, static_cast<double>(bias.size));
    series.title = fmt::format("{} [{}]", bias.name.substr(0, bias.name.rfind('/')), bias.size);
    series.colour = colour_at(panel.lines.size());
    series.dash = static_cast<Dash>(panel.lines.size() % 4);
    series.marker = static_cast<Marker>(panel.lines.size() % 4);
    panel.lines.push_back(std::move(series));
  }
  if (panel.lines.empty()) return std::nullopt;
  return panel;
}

std::vector<std::size_t> shown_rounds(const Group& group, std::size_t most) {
  std::vector<std::size_t> finished;
  for (std::size_t round = 0; round < group.rounds(); ++round)
    if (round_is_there(group, round)) finished.push_back(round);
  if (finished.size() <= most) return finished;
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < most; ++i) shown.push_back(finished[i * (finished.size() - 1) / (most - 1)]);
  return shown;
}

std::optional<Panel> input_magnitude_panel(const Group& group, const std::string& title) {
  const auto inputs = static_cast<std::size_t>(group.tensors.front().shape[1]);
  if (is_board(group)) return std::nullopt;
  Panel panel = density_panel(group, title, "sum of |weight|");
  const std::vector<std::size_t> rounds = shown_rounds(group, inputs > kMostBars ? group.rounds() : 12);
  panel.x_ticks.clear();
  const std::size_t ticks = inputs > kMostBars ? kMostTicks : kMostBarTicks;
  const std::size_t stride = std::max<std::size_t>(1, (rounds.size() + ticks - 1) / ticks);
  for (std::size_t i = 0; i < rounds.size(); i += stride)
    panel.x_ticks.push_back({static_cast<double>(i), percent_text(group.density[rounds[i]])});
  if (inputs <= kMostBars) {
    panel.y_minimum = 0;
    for (std::size_t input = 0; input < inputs; ++input) {
      Series series;
      series.title = input_name(group, input);
      series.colour = colour_at(input);
      for (std::size_t i = 0; i < rounds.size(); ++i) {
        series.x.push_back(static_cast<double>(i));
        series.y.push_back(mean_magnitude(group, rounds[i])[input]);
      }
      panel.bars.push_back(std::move(series));
    }
    return panel;
  }
  panel.y_label = "";
  HeatMap map;
  map.rows = inputs;
  map.columns = rounds.size();
  map.square_cells = false;
  map.cells.assign(map.rows * map.columns, 0.0);
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    const std::vector<double> magnitude = mean_magnitude(group, rounds[i]);
    const double largest = std::max(1e-30, *std::ranges::max_element(magnitude));
    for (std::size_t input = 0; input < inputs; ++input)
      map.cells[input * map.columns + i] = magnitude[input] / largest;
  }
  if (inputs <= 64)
    for (std::size_t input = 0; input < inputs; ++input)
      panel.y_ticks.push_back({static_cast<double>(input), input_name(group, input)});
  panel.map = std::move(map);
  return panel;
}

std::vector<Panel> board_panels(const Group& group, std::size_t round) {
  const std::vector<double> magnitude = mean_magnitude(group, round);
  const double largest = *std::ranges::max_element(magnitude);
  const auto rows = static_cast<std::size_t>(group.info->rows),
             columns = static_cast<std::size_t>(group.info->columns);
  std::vector<Panel> panels;
  for (std::size_t channel = 0; channel < group.info->channel_names.size(); ++channel) {
    Panel panel;
    panel.title =
        fmt::format("{}, {}", group.info->channel_names[channel], percent_text(group.density[round]));
    const auto first = magnitude.begin() + static_cast<std::ptrdiff_t>(channel * rows * columns);
    panel.map =
        HeatMap{rows, columns, {first, first + static_cast<std::ptrdiff_t>(rows * columns)}, largest, true};
    panels.push_back(std::move(panel));
  }
  return panels;
}

Panel curves_panel(const Group& group, Baseline baseline, const std::string& title) {
  Panel panel = learning_panel(group, title);
  const std::vector<std::size_t> rounds = shown_rounds(group, kMostCurves);
  for (std::size_t i = 0; i < rounds.size(); ++i) {
    Series series = learning_curve(group, baseline, rounds[i]);
    if (series.x.empty()) continue;
    series.low.clear();
    series.high.clear();
    series.title = percent_text(group.density[rounds[i]]);
    series.colour =
        ramp(rounds.size() < 2 ? 0 : static_cast<double>(i) / static_cast<double>(rounds.size() - 1));
    panel.lines.push_back(std::move(series));
  }
  return panel;
}

std::string inputs_text(const Group& group) {
  const InputsConfig& inputs = group.settings.inputs;
  if (!inputs.restricts()) return "all inputs";
  std::string names;
  if (inputs.ticket_round > 0) {
    names = fmt::format("those of round {}", inputs.ticket_round);
  } else {
    constexpr std::size_t kMostNames = 6;
    for (std::size_t i = 0; i < std::min(kMostNames, inputs.select.size()); ++i)
      names += (i == 0 ? "" : ", ") + input_name(group, static_cast<std::size_t>(inputs.select[i]));
    if (inputs.select.size() > kMostNames) names = fmt::format("{} chosen ones", inputs.select.size());
  }
  if (inputs.complement) return "all but " + names;
  return names + (inputs.mode == InputsMode::kElementwise ? ", weight by weight" : "");
}

Panel given_inputs_panel(const Group& all, std::span<const Group* const> given, const std::string& title) {
  Panel panel = learning_panel(all, title);
  std::vector<const Group*> groups = {&all};
  groups.insert(groups.end(), given.begin(), given.end());
  for (std::size_t i = 0; i < groups.size(); ++i) {
    Series series = learning_curve(*groups[i], shown_baseline(*groups[i]), 0);
    clip_to_returns(series, *groups[i]);
    series.title = inputs_text(*groups[i]);
    series.colour = colour_at(i);
    panel.lines.push_back(std::move(series));
  }
  return panel;
}

Panel aggregate_panel(std::span<const Group* const> groups, const std::string& title, Metric metric) {
  const Group& longest = **std::ranges::max_element(groups, {}, [](const Group* g) { return g->rounds(); });
  Panel panel = density_panel(longest, title, "normalised " + std::string(metric_title(metric)));
  for (const Baseline baseline : baselines()) {
    Series series;
    dress(series, baseline);
    for (std::size_t round = 0; round < longest.rounds(); ++round) {
      std::vector<double> means;
      std::size_t usable = 0;
      for (const Group* group : groups) {
        const Scale scale = scale_of(*group, metric);
        if (!scale.usable) continue;
        ++usable;
        const std::vector<double> values =
            statistics::complete(over_seeds(*group, baseline, round, return_of(metric))).values;
        if (!values.empty()) means.push_back(scale.performance(statistics::mean(values)));
      }
      if (means.empty() || means.size() < usable) break;  // a mean over other tasks would jump
      add_point(series, as_x(round), means);
    }
    if (!series.x.empty()) panel.lines.push_back(std::move(series));
  }
  if (std::ranges::none_of(groups, [&](const Group* group) { return scale_of(*group, metric).usable; }))
    panel.remark = "dense agents are no better than untrained ones: nothing to normalise by";
  return panel;
}

std::string figure_note(std::span<const Group* const> groups, Shown shown) {
  std::size_t least = std::numeric_limits<std::size_t>::max(), most = 0;
  bool under_way = false;
  for (const Group* group : groups)
    for (const auto& [baseline, seeds] : group->chains) {
      std::size_t begun = 0;
      for (const auto& [seed, chain] : seeds) {
        begun += std::ranges::any_of(chain, [](const auto& round) { return round != nullptr; }) ? 1 : 0;
        under_way |= std::ranges::count(chain, nullptr) > 0;
      }
      least = std::min(least, begun);
      most = std::max(most, begun);
    }
  if (most == 0) return "";
  std::string n = least == most ? fmt::format("n = {}", most) : fmt::format("n = {} to {}", least, most);
  const std::string seeds =
      fmt::format("{} seed{}{}", n, most == 1 ? "" : "s", under_way ? ", some under way" : "");
  switch (shown) {
    case Shown::kLines:
      return seeds + ". Lines: mean; bands: one sample standard deviation.";
    case Shown::kBars:
      return seeds + ". Bars: mean over seeds, of the best checkpoints.";
    case Shown::kMaps:
      return fmt::format("{} under {}, {}. Mean over seeds, of the best checkpoints.", groups.front()->name(),
                         info_of(shown_baseline(*groups.front())).name, seeds);
  }
  return "";
}

std::size_t network_colour(const Results& results, const Group& group) {
  using Name = std::array<std::string, 2>;
  std::vector<Name> names;
  for (const Group& other : results.groups)
    if (const Name name{other.network, other.variant}; std::ranges::find(names, name) == names.end())
      names.push_back(name);
  return static_cast<std::size_t>(std::ranges::find(names, Name{group.network, group.variant}) -
                                  names.begin());
}

std::size_t group_colour(const Results& results, const Group& group) {
  using Name = std::array<std::string, 3>;
  // The main network of each task stands for one thing, whatever its size.
  const auto name_of = [](const Group& one) {
    const bool is_main = one.network == network_name(usual_settings(one).agent.network);
    return Name{one.algorithm, is_main ? "" : one.network, one.variant};
  };
  std::vector<Name> names;
  for (const Group& other : results.groups)
    if (std::ranges::find(names, name_of(other)) == names.end()) names.push_back(name_of(other));
  std::ranges::stable_sort(names, {}, [](const Name& name) { return name[0]; });
  return static_cast<std::size_t>(std::ranges::find(names, name_of(group)) - names.begin());
}

}  // namespace impsweep
