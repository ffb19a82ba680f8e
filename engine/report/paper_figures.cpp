// The figures of the paper as a table: which panels, of which runs.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "engine/job/sources.hpp"
#include "engine/plan/identity.hpp"
#include "engine/report/analysis.hpp"
#include "engine/report/contents.hpp"
#include "engine/report/figures.hpp"
#include "engine/report/plain.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

enum class FigureKind {
  kReturns,     // by baseline, against density
  kComparison,  // the groups of a task in one panel, mask/weights of each
  kSizes,       // the groups of a task and algorithm in one panel, against numbers of weights
  kInputs,      // input magnitudes by round
  kBoards,      // the same as maps, in a few rounds
  kLayers,
  kChannels,
  kInputsLeft,
  kGivenInputs,  // learning curves of dense agents on some inputs and on all
  kAggregate,    // over the tasks, one panel per algorithm
};

using Names = std::span<const std::string_view>;
using GroupFilter = bool (*)(const Group&);

struct FigurePart {
  FigureKind kind;
  Names tasks;
  Names algorithms;
  GroupFilter filter;
  const char* row = "";  // what sets it apart from another part of the same tasks
};

struct PaperFigure {
  const char* subject;
  const char* facts;  // what the paper's caption says of it, in our words
  std::vector<FigurePart> parts;
};

bool plain(const Group& group) {
  return is_plain(group);
}
// Locomotion agents of the main figures: both networks are pruned.
bool plain_actor_critic(const Group& group) {
  return plain(group) && (group.settings.imp.scope == PruneScope::kActorCritic || group.algorithm == "bc");
}
// The three of figure 8; other scales of the input layer are of section 4.2.
bool initialisations(const Group& group) {
  constexpr double kScale = 0.1;
  const NetworkConfig& network = group.settings.agent.network;
  return plain_but_for(group, {"network.init", "network.input_scale"}) &&
         (network.init != Init::kKaimingInScaled || network.input_scale == kScale);
}
bool scope_actor(const Group& group) {
  return group.settings.imp.scope == PruneScope::kActor && plain_but_for(group, {"imp.scope"});
}
bool plain_mlp(const Group& group) {
  return is_plain_mlp(group);
}
bool plain_cnn(const Group& group) {
  return group.settings.agent.network.architecture == Architecture::kCnn && is_plain(group);
}
bool with_l2(const Group& group) {
  return is_plain(group) || plain_but_for(group, {"reg.weight_decay", "reg.l2_mode"});
}
bool with_dropout(const Group& group) {
  return is_plain(group) || plain_but_for(group, {"reg.dropout", "reg.dropout_target"});
}
bool with_l2_or_dropout(const Group& group) {
  return with_l2(group) || with_dropout(group);
}
bool with_rewinding(const Group& group) {
  return is_plain(group) || plain_but_for(group, {"imp.rewind_step", "imp.rewind_budget"});
}
constexpr std::array<std::string_view, 2> kClassic = {"cartpole", "acrobot"};
constexpr std::array<std::string_view, 4> kLocomotion = {"halfcheetah", "walker2d", "hopper", "ant"};
constexpr std::array<std::string_view, 1> kCartpole = {"cartpole"}, kMaze = {"mazegrid"},
                                          kDigits = {"digits"};
constexpr std::array<std::string_view, 2> kEncodings = {"mazegrid-rgb", "mazegrid-entangled"};
constexpr std::array<std::string_view, 3> kAtari = {"atari-breakout", "atari-pong", "atari-qbert"};
constexpr std::array<std::string_view, 3> kBoardGames = {"minatar-freeway", "minatar-space_invaders",
                                                         "minatar-breakout"};
constexpr std::array<std::string_view, 4> kGames = {"minatar-asterix", "minatar-breakout", "minatar-freeway",
                                                    "minatar-space_invaders"};
constexpr std::array<std::string_view, 1> kBc = {"bc"}, kPpo = {"ppo"}, kDqn = {"dqn"},
                                          kSupervised = {"supervised"};
constexpr std::array<std::string_view, 2> kBcAndPpo = {"bc", "ppo"};

const std::vector<PaperFigure>& paper_figures() {
  static const std::vector<PaperFigure> kFigures = {
      {"Representation compression, and tickets in continuous control",
       "Left: rim pixels of MNIST go first, and of the enemies' channels what no enemy can reach. Right: "
       "over four robots, most of the effect is the mask's, and cloned agents can be pruned further than "
       "agents that learn by PPO.",
       {{FigureKind::kBoards, kDigits, kSupervised, plain},
        {FigureKind::kBoards, kMaze, kDqn, plain},
        {FigureKind::kAggregate, kLocomotion, kBcAndPpo, plain_actor_critic}}},
      {"Tickets under behavioural cloning and reinforcement learning",
       "Cloned agents can be pruned further before performance falls. Best return, one standard deviation; "
       "15 runs of Cart-Pole and Acrobot, 10 of the robots.",
       {{FigureKind::kComparison, kClassic, kBcAndPpo, plain},
        {FigureKind::kComparison, kLocomotion, kBcAndPpo, plain_actor_critic}}},
      {"Disentangling baselines in behavioural cloning",
       "The gap between mask/weights and mask/permuted is small: the mask counts. Best return, one standard "
       "deviation; 15 runs of Cart-Pole and Acrobot, 10 of the robots.",
       {{FigureKind::kReturns, kClassic, kBc, plain}, {FigureKind::kReturns, kLocomotion, kBc, plain}}},
      {"Tickets in on- and off-policy reinforcement learning",
       "The mask matters for PPO and DQN, on robots, MazeGrid and Atari; there weights count more. Best "
       "return, one standard deviation; 5 runs of MazeGrid and Atari, 10 of the robots.",
       {{FigureKind::kReturns, kLocomotion, kPpo, plain_actor_critic},
        {FigureKind::kReturns, kMaze, kDqn, plain},
        {FigureKind::kReturns, kAtari, kPpo, plain}}},
      {"MazeGrid: task-irrelevant inputs are pruned",
       "Enemies' pixels go where no enemy can be; the input layer is pruned most, the agent's channel least; "
       "dense agents learn on the inputs of moderate masks.",
       {{FigureKind::kBoards, kMaze, kDqn, plain},
        {FigureKind::kLayers, kMaze, kDqn, plain},
        {FigureKind::kChannels, kMaze, kDqn, plain},
        {FigureKind::kGivenInputs, kMaze, kDqn, plain}}},
      {"MinAtar: task-irrelevant inputs are pruned",
       "Freeway's channels by the speed of cars, Space Invaders' bullets but near the cannon, Breakout's "
       "bottom row, which ends the game.",
       {{FigureKind::kBoards, kBoardGames, kDqn, plain_mlp}}},
      {"Locomotion: whole inputs are pruned at dense-level return",
       "Near 10 % of the weights whole inputs are gone at the return of the dense agent; how many differs by "
       "task. Three tasks are shown, and two of them named.",
       {{FigureKind::kReturns, kLocomotion, kPpo, plain_actor_critic},
        {FigureKind::kInputsLeft, kLocomotion, kPpo, plain_actor_critic}}},
      {"Cart-Pole and Acrobot: inputs that survive, by initialisation",
       "Pole angle and its velocity are enough, and the two angular velocities of Acrobot; agents can be "
       "trained on these alone. Mean, one standard deviation; 10 runs.",
       {{FigureKind::kInputs, kClassic, kPpo, initialisations},
        {FigureKind::kInputsLeft, kClassic, kPpo, initialisations},
        {FigureKind::kGivenInputs, kClassic, kPpo, initialisations}}},
      {"Policy distillation on MinAtar",
       "Top: multilayer perceptrons, where the mask counts most; bottom: convolutional networks, where on "
       "Asterix and Space Invaders weights count more. Best return, one standard deviation; 5 runs.",
       {{FigureKind::kReturns, kGames, kBc, plain_mlp},
        {FigureKind::kReturns, kGames, kBc, plain_cnn, ", CNN"}}},
      {"Off-policy reinforcement learning on MinAtar",
       "Top: multilayer perceptrons; bottom: convolutional networks. Freeway holds, Breakout and Space "
       "Invaders decline; the MLP improves on Asterix. Best return, one standard deviation; 5 runs.",
       {{FigureKind::kReturns, kGames, kDqn, plain_mlp},
        {FigureKind::kReturns, kGames, kDqn, plain_cnn, ", CNN"}}},
      {"Network size, cloning and reinforcement learning",
       "At an equal number of weights larger networks give no better tickets, and the gap to "
       "permuted/permuted is the same. Best return, one standard deviation; 5 runs of MazeGrid, 15 of "
       "Cart-Pole and Acrobot.",
       {{FigureKind::kSizes, kClassic, kBcAndPpo, plain}, {FigureKind::kSizes, kMaze, kDqn, plain}}},
      {"Network size with the algorithms swapped",
       "PPO on MazeGrid, DQN on Cart-Pole, in several sizes.",
       {{FigureKind::kSizes, kMaze, kPpo, plain}, {FigureKind::kSizes, kCartpole, kDqn, plain}}},
      {"MazeGrid in other encodings",
       "Colours, and a random projection of the observation; the mask counts most under both.",
       {{FigureKind::kReturns, kEncodings, kDqn, plain}}},
      {"MazeGrid: regularisation and late rewinding",
       "L2 of 0.1 does not impair tickets; dropout of 0.1 lowers returns and keeps the effect; late "
       "rewinding to 0, 100 k, 400 k and 4000 k steps.",
       {{FigureKind::kComparison, kMaze, kDqn, with_l2},
        {FigureKind::kComparison, kMaze, kDqn, with_dropout},
        {FigureKind::kComparison, kMaze, kDqn, with_rewinding},
        {FigureKind::kReturns, kMaze, kDqn, with_l2_or_dropout}}},
      {"Locomotion with PPO, pruning the actor alone",
       "Figure 4's robots with the actor alone pruned; by the caption random/re-init is better than "
       "permuted/permuted here too. Best return, one standard deviation; 10 runs.",
       {{FigureKind::kReturns, kLocomotion, kPpo, scope_actor}}},
  };
  return kFigures;
}

// "imp.scope = "actor" (default "actor_critic": paper, section 3.3)", ..., of a group; empty if it has the
// defaults.
std::vector<std::string> difference_texts(const Group& group) {
  std::vector<std::string> texts;
  for (const SettingDifference& difference : departures_from(usual_settings(group), group.settings))
    if (difference.key != "master_seed" && difference.key != "digits.path" &&
        difference.key != "digits.content" && difference.key != "rl.steps" &&
        !difference.key.starts_with("inputs."))
      texts.push_back(fmt::format("{} = {} (default {}: {})", difference.key, difference.first,
                                  difference.second,
                                  source_of(difference.key, group.info->family, group.algorithm)));
  return texts;
}

constexpr std::size_t kBoardRounds = 4;
constexpr const char* kGivenRuns = "dense agents on some of the inputs (inputs.*)";

class Drawing {
 public:
  Drawing(const Results& results, int number, std::span<const Metric> metrics)
      : results_(results), number_(number), metrics_(metrics) {}

  std::vector<ReportFigure> run() {
    const PaperFigure& figure = paper_figures()[static_cast<std::size_t>(number_ - 1)];
    for (const FigurePart& part : figure.parts) draw_part(part);
    std::string caption = fmt::format("Figure {}. {}.", number_, figure.subject);
    caption += coverage_text_of_all();
    if (!missing_.empty()) caption += fmt::format(" Not in these stores: {}.", fmt::join(missing_, ", "));
    ReportFigure report{fmt::format("Figure {}: {}", number_, figure.subject), caption, {}, {}};
    for (std::size_t i = 0; i < pictures_.size(); ++i) {
      pictures_[i].name = pictures_.size() == 1 ? fmt::format("figure-{:02}", number_)
                                                : fmt::format("figure-{:02}{}", number_, char('a' + i));
      report.pictures.push_back(std::move(pictures_[i]));
    }
    return {std::move(report)};
  }

 private:
  // The groups of each task and algorithm, empty ones noted as missing.
  std::vector<const Group*> groups_of(std::string_view task, std::string_view algorithm,
                                      const FigurePart& part) {
    std::vector<const Group*> groups;
    for (const Group& group : results_.groups) {
      if (group.task != task || group.algorithm != algorithm || !part.filter(group) || !has_rounds(group))
        continue;
      groups.push_back(&group);
    }
    // Other sizes have figures of their own.
    const auto is_main = [](const Group* group) {
      return group->network == network_name(usual_settings(*group).agent.network);
    };
    if (part.kind != FigureKind::kSizes && std::ranges::any_of(groups, is_main)) {
      std::erase_if(groups, [&](const Group* group) {
        return !is_main(group) && group->settings.agent.network.architecture == Architecture::kMlp;
      });
    }
    for (const Group* group : groups) {
      shown_.push_back(group);
      note_coverage(group->name(), *group);
    }
    std::string name = fmt::format("{} {}{}", task, algorithm, part.row);
    if (groups.empty() && std::ranges::find(missing_, name) == missing_.end())
      missing_.push_back(std::move(name));
    return groups;
  }

  struct Coverage {
    std::string text;                      // "cartpole ppo 128-128: 15 seeds, ..."
    std::vector<std::string> differences;  // to the defaults
  };

  void note_coverage(const std::string& name, const Group& group) {
    std::string text = name + ": " + coverage_text(group);
    if (std::ranges::find(coverage_, text, &Coverage::text) == coverage_.end())
      coverage_.push_back({std::move(text), difference_texts(group)});
  }

  // What differs in all of them alike is said once.
  std::string coverage_text_of_all() const {
    std::vector<std::string> common;
    if (coverage_.size() > 1)
      for (const std::string& text : coverage_.front().differences)
        if (std::ranges::all_of(coverage_, [&](const Coverage& one) {
              return std::ranges::find(one.differences, text) != one.differences.end();
            }))
          common.push_back(text);
    std::string all;
    for (const Coverage& one : coverage_) {
      all += " " + one.text;
      bool first = true;
      for (const std::string& text : one.differences) {
        if (std::ranges::find(common, text) != common.end()) continue;
        all += (first ? "; " : ", ") + text;
        first = false;
      }
      all += ".";
    }
    if (!common.empty()) all += fmt::format(" All of them: {}.", fmt::join(common, ", "));
    return all;
  }

  void add(std::vector<Panel> panels, std::size_t columns, int width = 400, int height = 280) {
    const std::vector<const Group*> shown = std::exchange(shown_, {});
    if (panels.empty()) return;
    Figure figure{"", std::move(panels)};
    const bool maps =
        std::ranges::any_of(figure.panels, [](const Panel& panel) { return panel.map.has_value(); });
    const bool bars =
        std::ranges::any_of(figure.panels, [](const Panel& panel) { return !panel.bars.empty(); });
    if (maps) figure.map_scale = kMapScale;
    figure.note = figure_note(shown, maps ? Shown::kMaps : bars ? Shown::kBars : Shown::kLines);
    figure.columns = columns;
    figure.panel_width = width;
    figure.panel_height = height;
    pictures_.push_back(std::move(figure));
  }

  void draw_part(const FigurePart& part) {
    switch (part.kind) {
      case FigureKind::kAggregate:
        return aggregates(part);
      case FigureKind::kComparison:
      case FigureKind::kSizes:
        return comparisons(part);
      case FigureKind::kBoards:
        return boards(part);
      case FigureKind::kGivenInputs:
        return given_inputs_curves(part);
      default:
        break;
    }
    std::vector<Panel> panels;
    for (const std::string_view task : part.tasks)
      for (const std::string_view algorithm : part.algorithms) {
        const std::vector<const Group*> groups = groups_of(task, algorithm, part);
        if (groups.empty() && task.starts_with("atari-")) panels.push_back(absent_panel(task, algorithm));
        for (const Group* group : groups) {
          if (part.kind == FigureKind::kReturns)
            for (const Metric metric : metrics_)
              panels.push_back(return_panel(*group, group->name(), metric));
          else if (std::optional<Panel> made = panel(part.kind, *group))
            panels.push_back(std::move(*made));
        }
      }
    const auto has_data = [](const Panel& made) {
      return made.map || !made.lines.empty() || !made.bars.empty();
    };
    if (!pictures_.empty() || std::ranges::any_of(panels, has_data))
      add(std::move(panels), part.kind == FigureKind::kReturns ? columns_of_metrics() : 3);
  }

  // So that the metrics of one group stand beside each other.
  std::size_t columns_of_metrics() const { return metrics_.size() == 1 ? 3 : 2 * metrics_.size(); }

  // In the place of a panel that other programs would have to fill.
  static Panel absent_panel(std::string_view task, std::string_view algorithm) {
    Panel panel;
    panel.title = fmt::format("{} {}", task, algorithm);
    panel.remark = "not in this store";
    return panel;
  }

  void given_inputs_curves(const FigurePart& part) {
    std::vector<Panel> panels;
    for (const std::string_view task : part.tasks)
      for (const std::string_view algorithm : part.algorithms)
        for (const Group* all : groups_of(task, algorithm, part)) {
          std::vector<const Group*> given = given_inputs(results_, *all);
          std::erase_if(given, [](const Group* group) { return !has_rounds(*group); });
          shown_.insert(shown_.end(), given.begin(), given.end());
          if (!given.empty()) panels.push_back(given_inputs_panel(*all, given, all->name()));
          for (const Group* group : given)
            note_coverage(fmt::format("{} ({})", group->name(), inputs_text(*group)), *group);
        }
    if (panels.empty() && std::ranges::find(missing_, kGivenRuns) == missing_.end())
      missing_.emplace_back(kGivenRuns);
    add(std::move(panels), 3);
  }

  static std::optional<Panel> panel(FigureKind kind, const Group& group) {
    switch (kind) {
      case FigureKind::kInputs:
        return input_magnitude_panel(group, group.name());
      case FigureKind::kLayers:
        return layers_panel(group, group.name());
      case FigureKind::kChannels:
        return is_board(group) ? std::optional(channels_panel(group, group.name())) : std::nullopt;
      default:
        return inputs_left_panel(group, group.name());
    }
  }

  void aggregates(const FigurePart& part) {
    std::vector<Panel> panels;
    for (const std::string_view algorithm : part.algorithms) {
      std::vector<const Group*> groups;
      for (const std::string_view task : part.tasks)
        for (const Group* group : groups_of(task, algorithm, part)) groups.push_back(group);
      if (!groups.empty())
        for (const Metric metric : metrics_)
          panels.push_back(aggregate_panel(groups, std::string(algorithm), metric));
    }
    add(std::move(panels), 2);
  }

  // One panel per task where algorithms are compared, per task and algorithm where sizes are.
  void comparisons(const FigurePart& part) {
    std::vector<Panel> panels;
    for (const std::string_view task : part.tasks) {
      std::vector<NamedGroup> together;
      for (const std::string_view algorithm : part.algorithms) {
        std::vector<NamedGroup> sizes;
        for (const Group* group : groups_of(task, algorithm, part)) {
          const std::string name =
              group->algorithm + " " + group->network + (plain(*group) ? "" : " " + group->variant);
          together.push_back({group, name, group_colour(results_, *group)});
          const bool several = std::ranges::count(sizes, group->network, &NamedGroup::name) > 0;
          sizes.push_back({group, several ? group->network + " " + group->variant : group->network,
                           network_colour(results_, *group)});
        }
        if (part.kind == FigureKind::kSizes && !sizes.empty())
          for (const Metric metric : metrics_)
            panels.push_back(absolute_size_panel(sizes, fmt::format("{} {}", task, algorithm), metric));
      }
      if (part.kind == FigureKind::kComparison && !together.empty())
        for (const Metric metric : metrics_)
          panels.push_back(comparison_panel(together, std::string(task), metric));
    }
    add(std::move(panels), columns_of_metrics());
  }

  void boards(const FigurePart& part) {
    for (const std::string_view task : part.tasks)
      for (const std::string_view algorithm : part.algorithms)
        for (const Group* group : groups_of(task, algorithm, part)) {
          if (!is_board(*group)) continue;
          shown_ = {group};
          std::vector<Panel> panels;
          for (const std::size_t round : shown_rounds(*group, kBoardRounds))
            for (Panel& panel : board_panels(*group, round)) panels.push_back(std::move(panel));
          constexpr int kWidth = 200;
          // A row of channels for each round, or the rounds of the only channel in one row.
          const std::size_t channels = group->info->channel_names.size();
          add(std::move(panels), channels > 1 ? channels : kBoardRounds, kWidth,
              kWidth * group->info->rows / group->info->columns + 30);
        }
  }

  const Results& results_;
  int number_;
  std::span<const Metric> metrics_;
  std::vector<Figure> pictures_;
  std::vector<const Group*> shown_;  // in the picture that is made
  std::vector<Coverage> coverage_;
  std::vector<std::string> missing_;
};

}  // namespace

std::vector<ReportSection> paper_contents(const Results& results, const ReportMetrics& metrics) {
  std::vector<ReportSection> sections;
  for (int number = 1; number <= kPaperFigures; ++number) {
    const PaperFigure& figure = paper_figures()[static_cast<std::size_t>(number - 1)];
    ReportSection section{fmt::format("Figure {}: {}", number, figure.subject),
                          fmt::format("The paper: {}", figure.facts),
                          {},
                          paper_figure(results, number, metrics)};
    if (section.figures.front().pictures.empty()) {
      section.note +=
          fmt::format(" Nothing of it is in these stores; jobs/figure-{:02}.toml trains it.", number);
      section.figures.clear();
    }
    sections.push_back(std::move(section));
  }
  return sections;
}

std::vector<ReportFigure> paper_figure(const Results& results, int number, const ReportMetrics& metrics) {
  if (number < 1 || number > kPaperFigures)
    throw InputError("report: --figure {} is none of the paper's figures, 1 to {}", number, kPaperFigures);
  return Drawing(results, number, metrics.drawn).run();
}

}  // namespace impsweep
