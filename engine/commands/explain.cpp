// impsweep explain: where a chain is, and why it is not further.
#include <fmt/format.h>

#include "engine/commands/command.hpp"
#include "engine/plan/chain_lookup.hpp"
#include "engine/store/contents.hpp"
#include "engine/store/journal.hpp"
#include "io/error.hpp"
#include "io/human_text.hpp"

namespace impsweep {
namespace {

class Explainer {
 public:
  Explainer(const Store& store, const StoreContents& contents)
      : store_(store),
        contents_(contents),
        costs_(
            learned_costs(contents.plan,
                          [&](TrainingIndex i) { return contents.find(contents.plan.trainings[i].digest); })),
        history_(read_history(store)) {
    for (const RunningTraining& running : history_.running) running_[running.digest] = running;
  }

  std::string explain(TrainingIndex training) const {
    const TrainingNode& node = contents_.plan.trainings[training];
    if (const auto done = contents_.summaries.find(training); done != contents_.summaries.end())
      return fmt::format("done     best return {:.1f} at step {}, took {}", done->second.best_return,
                         done->second.best_step, duration_text(done->second.wall_seconds));
    const double seconds = costs_.seconds(contents_.plan, training);
    if (const auto found = running_.find(node.digest); found != running_.end()) {
      const double part = part_done(found->second.env_steps, node.env_steps);
      return fmt::format("running  on rank {}, step {} of {} ({:.0f} %), return {:.1f}, about {} left",
                         found->second.rank, found->second.env_steps, node.env_steps, 100 * part,
                         found->second.last_return, duration_text(seconds * (1 - part)));
    }
    if (const auto failure = history_.failures.find(node.digest); failure != history_.failures.end())
      return fmt::format(
          "FAILED   {}{}", failure->second.reason,
          failure->second.deterministic ? " (--retry-failed tries again)" : " (the next run tries again)");
    std::string waits;
    std::size_t open = 0;
    const std::span<const TrainingIndex> dependencies = contents_.plan.dependencies(training);
    for (const TrainingIndex dependency : dependencies) {
      if (contents_.summaries.contains(dependency)) continue;
      if (open++ == 0) waits = training_name(contents_.plan, dependency);
    }
    if (open > 0)
      return fmt::format("waiting  for {} of {} trainings, first {}; then about {}", open,
                         dependencies.size(), waits, duration_text(seconds));
    std::string text = fmt::format("ready    about {} of work", duration_text(seconds));
    try {
      if (const auto checkpoint = store_.load_checkpoint(node.digest, RecordPart::kAttributes)) {
        const std::int64_t step = checkpoint->integer("", "step");
        text = fmt::format("stopped  at step {} of {} ({:.0f} %), goes on from there", step, node.env_steps,
                           100 * part_done(step, node.env_steps));
      }
    } catch (const NewerFormat& newer) {
      text = fmt::format("stopped  {}", newer.what());
    }
    return text + (history_.live_runs == 0
                       ? "; no run is working on this store"
                       : fmt::format("; {} trainings run now on {} ranks, those with more "
                                     "work behind them come first",
                                     running_.size(), history_.live_ranks));
  }

  double seconds_left(const Chain& chain) const {
    double seconds = 0;
    for (const TrainingIndex training : chain.rounds)
      if (!contents_.summaries.contains(training)) seconds += costs_.seconds(contents_.plan, training);
    return seconds;
  }

 private:
  const Store& store_;
  const StoreContents& contents_;
  CostModel costs_;
  History history_;
  std::map<TrainingId, RunningTraining> running_;
};

}  // namespace

int command_explain(const Arguments& arguments) {
  namespace options = boost::program_options;
  Usage usage("explain DIR CHAIN",
              "Shows, round by round, where a chain is: done, running, stopped at a checkpoint, waiting for\n"
              "what, failed why - and how much work is left.\n\n"
              "Example: impsweep explain out cartpole.ppo.128-128.default.mask-weights.s00");
  usage.positional = {{"store", 1}, {"chain", 1}};
  const auto values = parse(usage, arguments);
  if (!values) return kComplete;
  if (values->count("store") == 0 || values->count("chain") == 0)
    throw InputError("explain: it takes a store and a chain; see `impsweep explain --help`");
  const Store store = Store::open((*values)["store"].as<std::vector<std::string>>().front());
  const StoreContents contents = read_contents(store);
  const Chain& chain = find_chain(contents.plan, (*values)["chain"].as<std::vector<std::string>>().front(),
                                  store.directory().string());
  const Explainer explainer(store, contents);
  std::size_t done = 0;
  for (const TrainingIndex training : chain.rounds) done += contents.summaries.contains(training);
  fmt::print("{}: {}/{} rounds done, about {} of work left on one core, round after round\n", chain.name,
             done, chain.rounds.size(), duration_text(explainer.seconds_left(chain)));
  for (std::size_t round = 0; round < chain.rounds.size(); ++round) {
    const TrainingNode& node = contents.plan.trainings[chain.rounds[round]];
    fmt::print("r{:02}  density {:6.2f} %  {}\n", round, 100 * node.density,
               explainer.explain(chain.rounds[round]));
  }
  const auto first = contents.plan.dependencies(chain.rounds.front());
  std::vector<TrainingIndex> needed(first.begin(), first.end());
  for (const TrainingIndex training : chain.rounds)
    if (const auto source = contents.plan.trainings[training].mask_from) needed.push_back(*source);
  for (const TrainingIndex dependency : needed)
    fmt::print("needs {}  {}\n", training_name(contents.plan, dependency), explainer.explain(dependency));
  return kComplete;
}

}  // namespace impsweep
