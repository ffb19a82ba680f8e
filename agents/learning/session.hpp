// agents/learning/session.hpp - one training from first to last step: learning, evaluations, best checkpoint,
// snapshots. This is the whole pure function; where its mask comes from and where its result goes is the
// engine's business.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "agents/acting/evaluation.hpp"
#include "agents/learning/trainer.hpp"

namespace impsweep {

struct EvaluationPoint {
  std::int64_t step = 0;
  std::vector<float> returns;      // of its episodes
  double mean = 0, deviation = 0;  // NaN if no episode ended

  template <class Archive>
  void visit(Archive& archive) {
    archive("step", step);
    archive("returns", returns);
    archive("mean", mean);
    archive("deviation", deviation);
  }
};

// Parameters are in dense order, 0 where masked.
struct Snapshot {
  std::int64_t requested_step = 0, step = 0;
  std::vector<float> parameters;

  template <class Archive>
  void visit(Archive& archive) {
    archive("requested_step", requested_step);
    archive("step", step);
    archive("parameters", parameters);
  }
};

// What became of a mask that changes.
struct MaskHistory {
  std::vector<double> density;            // at each evaluation, of the weights that may be pruned
  std::vector<std::uint8_t> best, final;  // of best_parameters and final_parameters, dense order

  template <class Archive>
  void visit(Archive& archive) {
    archive("density", density);
    archive.ranged("best_mask", best, 0, 1);
    archive.ranged("final_mask", final, 0, 1);
  }
};

// The best checkpoint is one whose mask has as few weights as it is to have in the end.
struct TrainingOutcome {
  std::vector<EvaluationPoint> curve;  // the untrained network's evaluation comes first and is never the best
  std::int64_t best_step = 0;
  double best_return = 0;  // mean evaluation return at best_step
  std::vector<float> best_parameters, final_parameters;
  std::vector<Snapshot> snapshots;
  std::vector<float> final_returns;      // fresh episodes of the final network
  std::vector<float> best_returns;       // fresh episodes of the best checkpoint
  std::int64_t env_steps = 0;            // played by this training, not where its schedules started
  std::int64_t updates = 0;              // gradient steps
  std::int64_t evaluation_episodes = 0;  // in all evaluations
  std::int64_t episodes_cut = 0;         // of them, by eval.max_episode_steps
  double train_flop = 0;                 // of all gradient steps, as of MaskUpdates::flop()
  MaskHistory masks;                     // empty where the mask stays

  template <class Archive>
  void visit(Archive& archive) {
    archive("curve", curve);
    archive("best_step", best_step);
    archive("best_return", best_return);
    archive("best_parameters", best_parameters);
    archive("final_parameters", final_parameters);
    archive("snapshots", snapshots);
    archive("final_returns", final_returns);
    archive("best_returns", best_returns);
    archive("env_steps", env_steps);
    archive("updates", updates);
    archive("evaluation_episodes", evaluation_episodes);
    archive("episodes_cut", episodes_cut);
  }
};

class TrainingSession {
 public:
  explicit TrainingSession(TrainingRequest);

  // One iteration, or the evaluation that is due. Returns false when the training is complete; after every
  // call the session is at a safe point. Throws TrainingFailure, and Interrupted where the request's
  // interruption asks for it; then the session can only be saved, as of the safe point before.
  bool advance();

  std::int64_t env_steps() const { return trainer_->env_steps(); }
  std::int64_t total_steps() const { return request_.config.sampler.steps; }
  double last_return() const { return outcome_.curve.empty() ? 0.0 : outcome_.curve.back().mean; }

  // Valid once advance() has returned false.
  const TrainingOutcome& outcome() const { return outcome_; }
  std::string external_program() const { return evaluator_->external_program(); }

  // Saving at a safe point and loading into a fresh session of the same request continues to the same bits.
  void save(StateWriter&) const;
  void load(StateReader&);

 private:
  void iterate();
  bool evaluation_is_due() const;
  void evaluate();
  void conclude();
  void play_best(std::int64_t episodes);
  std::vector<float> current_parameters();
  std::vector<std::uint8_t> current_mask() const;  // empty where the mask stays
  std::vector<float> returns_of(PlayedEpisodes);   // counted
  std::vector<float> play(const char* purpose, std::int64_t episodes);

  TrainingRequest request_;
  std::unique_ptr<Evaluator> evaluator_;
  std::unique_ptr<Trainer> trainer_;
  TrainingOutcome outcome_;
};

}  // namespace impsweep
