#include "engine/store/status_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "io/human_text.hpp"

namespace impsweep {
namespace {

constexpr std::array kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};

std::string group_line(const GroupStatus& group) {
  return fmt::format("{:<12} {:<5} {:<12} {:<18} {:>6}/{:<6} {:>8}/{:<7}", group.task, group.algorithm,
                     group.network, group.baseline, group.chains_done, group.chains, group.rounds_done,
                     group.rounds);
}

std::string group_head() {
  return fmt::format("{:<12} {:<5} {:<12} {:<18} {:>13} {:>16}", "task", "alg.", "network", "baseline",
                     "chains", "trainings");
}

std::string running_line(const LiveTraining& training) {
  return fmt::format("rank {:<3} {} {:.0f} %: return {:.1f}", training.rank, training.name,
                     100 * part_done(training.env_steps, training.total_steps), training.last_return);
}

std::string unfinished_line(const char* what, const UnfinishedTraining& training) {
  return fmt::format("{} {} {}: {}", what, training.chain, training.round, training.reason);
}

// How long, how sure, and how much of it is due to the order of trainings and not to their amount.
std::string eta_text(const StoreStatus& status) {
  std::string text =
      "ETA " + interval_text(status.eta_seconds, status.eta_low_seconds, status.eta_high_seconds);
  if (status.eta_lower_bound_seconds > 0)
    text += fmt::format(", {:.0f} % above the least possible",
                        100 * std::max(status.eta_seconds / status.eta_lower_bound_seconds - 1, 0.0));
  return text;
}

// A line of the live screen: what is known at a glance comes first, as a narrow terminal cuts the name.
std::string running_screen_line(const LiveTraining& training) {
  constexpr std::size_t kCurve = 12;
  return fmt::format("{} rank {:<3} {:>8.1f} {:<12} {}",
                     bar_text(part_done(training.env_steps, training.total_steps), 10), training.rank,
                     training.last_return, return_curve(training.returns, kCurve), training.name);
}

}  // namespace

std::string sparkline(std::span<const double> values, std::size_t width) {
  const std::span<const double> newest = values.last(std::min(values.size(), width));
  const double largest = newest.empty() ? 0 : std::ranges::max(newest);
  std::string line;
  for (const double value : newest) {
    const double part = largest > 0 ? value / largest : 0;
    line += kBars[static_cast<std::size_t>(std::clamp(std::lround(part * 7), 0L, 7L))];
  }
  return line;
}

std::string return_curve(std::span<const double> values, std::size_t width) {
  if (values.empty() || width == 0) return "";
  // Buckets of neighbours where there are more values than places.
  const std::size_t places = std::min(values.size(), width);
  std::vector<double> shown;
  for (std::size_t place = 0; place < places; ++place) {
    const std::size_t first = place * values.size() / places, last = (place + 1) * values.size() / places;
    double sum = 0;
    for (const double value : values.subspan(first, last - first)) sum += value;
    shown.push_back(sum / static_cast<double>(last - first));
  }
  double lowest = std::numeric_limits<double>::infinity(), highest = -lowest;
  for (const double value : shown)
    if (std::isfinite(value)) {
      lowest = std::min(lowest, value);
      highest = std::max(highest, value);
    }
  std::string line;
  for (const double value : shown) {
    const double part = highest > lowest ? (value - lowest) / (highest - lowest) : 0.5;
    line += std::isfinite(value) ? kBars[static_cast<std::size_t>(std::clamp(std::lround(part * 7), 0L, 7L))]
                                 : " ";
  }
  return line;
}

std::string beside_chains_text(const BesideChains& beside) {
  std::string text;
  if (beside.candidates > 0)
    text = fmt::format("{}/{} candidates for teachers", beside.candidates_done, beside.candidates);
  if (beside.ticket_rounds > 0)
    text += fmt::format("{}{}/{} rounds of tickets that give their inputs", text.empty() ? "" : ", ",
                        beside.ticket_rounds_done, beside.ticket_rounds);
  return text;
}

std::string without_path_text(std::size_t rounds) {
  if (rounds == 0) return {};
  return fmt::format(
      "{} finished round{} a policy that no input reaches: a path of kept weights is missing, and it acts "
      "alike whatever it sees (`export ... rounds`: effective_inputs = 0)",
      rounds, rounds == 1 ? " has" : "s have");
}

std::string irreproducible_text(const std::vector<std::string>& tasks) {
  if (tasks.empty()) return {};
  return fmt::format(
      "not reproducible: {}: equal seeds and actions give other episodes, so that these results cannot be "
      "computed again",
      fmt::join(tasks, ", "));
}

std::string status_text(const StoreStatus& status, const std::string& directory) {
  std::string text = fmt::format(
      "{}: {}/{} chains, {}/{} trainings done, {} running on {} rank{}, {} failed, {} blocked\n", directory,
      status.chains_done, status.chains, status.trainings_done, status.trainings, status.running.size(),
      status.live_ranks, status.live_ranks == 1 ? "" : "s", status.failed.size(), status.blocked.size());
  if (status.trainings_done < status.trainings && status.live_ranks > 0)
    text += fmt::format("{} steps/s, {}\n", count_text(status.env_steps_per_second), eta_text(status));
  else if (status.trainings_done < status.trainings)
    text += fmt::format("no run is working on it; about {} of work left on one core\n",
                        duration_text(status.eta_seconds));
  else if (status.last_completed)
    text +=
        fmt::format("the last run took {} on {} rank{}; it had predicted {}\n",
                    duration_text(status.last_completed->seconds), status.last_completed->ranks,
                    status.last_completed->ranks == 1 ? "" : "s",
                    interval_text(status.last_completed->predicted_seconds,
                                  status.last_completed->low_seconds, status.last_completed->high_seconds));
  if (!status.irreproducible.empty()) text += irreproducible_text(status.irreproducible) + "\n";
  if (status.without_path > 0) text += without_path_text(status.without_path) + "\n";
  text += fmt::format("\n{}\n", group_head());
  for (const GroupStatus& group : status.groups) text += fmt::format("{}\n", group_line(group));
  if (const std::string beside = beside_chains_text(status.beside); !beside.empty())
    text += fmt::format("besides      {}\n", beside);
  for (const LiveTraining& training : status.running)
    text += fmt::format("running  {}\n", running_line(training));
  for (const UnfinishedTraining& training : status.failed)
    text += fmt::format("{}\n", unfinished_line("FAILED  ", training));
  for (const UnfinishedTraining& training : status.blocked)
    text += fmt::format("{}\n", unfinished_line("blocked ", training));
  return text;
}

std::string status_screen(const StoreStatus& status, const std::string& directory,
                          std::span<const double> rates, std::size_t rows, std::size_t columns,
                          std::span<const std::string> returns) {
  const std::size_t kBar = columns < 100 ? 10 : 40, kRates = kBar;
  const double part = part_done(status.trainings_done, status.trainings);
  std::vector<std::string> lines = {
      directory,
      fmt::format("{} {:5.1f} %  {}/{} trainings, {}/{} chains, {} failed, {} blocked", bar_text(part, kBar),
                  100 * part, status.trainings_done, status.trainings, status.chains_done, status.chains,
                  status.failed.size(), status.blocked.size()),
  };
  if (status.trainings_done == status.trainings)
    lines.emplace_back("complete");
  else if (status.live_ranks == 0)
    lines.push_back(fmt::format("no run is working on it; about {} of work left on one core",
                                duration_text(status.eta_seconds)));
  else
    lines.push_back(fmt::format("{} {} steps/s on {} rank{}, {}", sparkline(rates, kRates),
                                count_text(status.env_steps_per_second), status.live_ranks,
                                status.live_ranks == 1 ? "" : "s", eta_text(status)));

  // A list takes at most its share of what is left of the screen, and then says how much it keeps back.
  const auto add = [&](const std::string& head, const std::vector<std::string>& list, std::size_t most) {
    if (list.empty() || most < 4) return;
    lines.emplace_back();
    lines.push_back(head);
    const std::size_t shown = list.size() <= most - 2 ? list.size() : most - 3;
    lines.insert(lines.end(), list.begin(), list.begin() + static_cast<std::ptrdiff_t>(shown));
    if (shown < list.size()) lines.push_back(fmt::format("... and {} more", list.size() - shown));
  };
  const auto left = [&] { return rows > lines.size() + 1 ? rows - lines.size() - 1 : 0; };
  std::vector<std::string> running, failures, groups;
  for (const LiveTraining& training : status.running) running.push_back(running_screen_line(training));
  for (const UnfinishedTraining& training : status.failed)
    failures.push_back(unfinished_line("FAILED", training));
  for (const UnfinishedTraining& training : status.blocked)
    failures.push_back(unfinished_line("blocked", training));
  for (const GroupStatus& group : status.groups) groups.push_back(group_line(group));
  add("running: return of the last evaluation, and how it went", running, left() / 2);
  add("failures:", failures, left() / 2);
  add("returns, from round 0 on:", {returns.begin(), returns.end()}, left() * 2 / 3);
  add(group_head(), groups, left());

  std::string screen;
  for (const std::string& line : lines) screen += first_characters(line, columns) + "\n";
  return screen;
}

}  // namespace impsweep
