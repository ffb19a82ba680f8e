#include "engine/replay/replay_environment.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>
#include <span>
#include <stdexcept>

#include "engine/replay/trace_reader.hpp"
#include "envs/environment.hpp"
#include "io/error.hpp"

namespace impsweep {
namespace {

// A request that the recording does not hold.
struct DrawMismatch : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Hands out recorded draws and checks kind, n and step of every request.
class RecordedDraws final : public RandomSource {
 public:
  explicit RecordedDraws(std::vector<RecordedDraw> draws) : draws_(std::move(draws)) {}

  void begin_step(int step) { step_ = step; }
  bool all_taken() const { return next_ == draws_.size() || draws_[next_].step > step_; }

  double uniform() override { return take(DrawKind::kUniform, 0); }
  std::int64_t below(std::int64_t n) override { return static_cast<std::int64_t>(take(DrawKind::kBelow, n)); }

 private:
  double take(DrawKind kind, std::int64_t n) {
    if (next_ == draws_.size()) throw DrawMismatch("more draws are requested than were recorded");
    const RecordedDraw& draw = draws_[next_];
    if (draw.kind != kind || draw.step != step_ || (kind == DrawKind::kBelow && draw.n != n))
      throw DrawMismatch("a draw of another kind, range or step was recorded");
    ++next_;
    return draw.value;
  }

  std::vector<RecordedDraw> draws_;
  std::size_t next_ = 0;
  int step_ = -1;
};

// The task under its own name or that of its original.
const TaskInfo* task_recorded_as(const std::string& recorded) {
  for (const std::string& name : task_names()) {
    const TaskInfo& info = *find_task(name);
    if (name == recorded || info.recorded_as.contains(recorded)) return &info;
  }
  return nullptr;
}

// The U behind -0.1 + 0.2 U = `value`, as robots draw the positions of their joints. Division finds it up to
// rounding; of the neighbours, the one that gives the value back is taken.
double uniform_behind(double value) {
  const auto scaled = [](double u) { return -0.1 + (0.1 - -0.1) * u; };
  double best = (value + 0.1) / 0.2;
  double below = best, above = best;
  for (int ulps = 0; ulps < 8 && scaled(best) != value; ++ulps) {
    below = std::nextafter(below, -1.0);
    above = std::nextafter(above, 2.0);
    for (const double u : {below, above})
      if (scaled(u) == value) best = u;
  }
  return best;
}

std::vector<RecordedDraw> draws_of(const RecordedEpisode& episode) {
  if (episode.action_size == 0) return episode.draws;
  std::vector<RecordedDraw> draws;
  for (const double value : episode.scaled_draws)
    draws.push_back({DrawKind::kUniform, 0, uniform_behind(value), -1});
  return draws;
}

// Consecutive floats differ by one, also across zero.
std::int64_t ulps_between(float a, float b) {
  const auto ordered = [](float value) -> std::int64_t {
    const std::int32_t bits = std::bit_cast<std::int32_t>(value);
    return bits >= 0 ? bits : std::int64_t{std::numeric_limits<std::int32_t>::min()} - bits;
  };
  return std::abs(ordered(a) - ordered(b));
}

bool same_bits(std::span<const double> a, std::span<const double> b) {
  return std::ranges::equal(a, b, {}, std::bit_cast<std::uint64_t, double>,
                            std::bit_cast<std::uint64_t, double>);
}
bool same_bits(std::span<const float> a, std::span<const float> b) {
  return std::ranges::equal(a, b, {}, std::bit_cast<std::uint32_t, float>,
                            std::bit_cast<std::uint32_t, float>);
}

const TaskInfo& task_of(const EnvironmentTrace& trace) {
  if (const auto env = trace.attributes.find("env"); env != trace.attributes.end())
    if (const std::string* name = std::get_if<std::string>(&env->second))
      if (const TaskInfo* info = task_recorded_as(*name)) return *info;
  const std::string stem = std::filesystem::path(trace.file).stem().string();
  if (const TaskInfo* info = find_task(stem)) return *info;
  std::string names;
  for (const std::string& name : task_names()) names += (names.empty() ? "" : ", ") + name;
  throw InputError(
      "{}: neither the root attribute env nor the file name '{}' is a task; name the file after one of: {}",
      trace.file, stem, names);
}

// Those that the name of the original stands for, and over them those that an episode names.
TaskOptions options_of(const TaskInfo& info, const EnvironmentTrace& trace, const RecordedEpisode& episode) {
  TaskOptions options;
  if (const auto env = trace.attributes.find("env"); env != trace.attributes.end())
    if (const std::string* name = std::get_if<std::string>(&env->second))
      if (const auto original = info.recorded_as.find(*name); original != info.recorded_as.end())
        options = original->second;
  std::vector<Option> known = info.options;
  known.insert(known.end(), info.replay_options.begin(), info.replay_options.end());
  for (const Option& option : known) {
    const std::string name = option.key.substr(option.key.rfind('.') + 1);
    const auto attribute =
        episode.attributes.find(name == "sticky_actions" ? std::string("sticky_action_prob") : name);
    const auto gym_id = episode.attributes.find("gym_id");
    if (attribute != episode.attributes.end()) {
      const std::int64_t* flag = std::get_if<std::int64_t>(&attribute->second);
      const bool as_flag = flag != nullptr && std::holds_alternative<bool>(option.fallback);
      options[option.key] = as_flag ? OptionValue(*flag != 0) : attribute->second;
    } else if (name == "version" && gym_id != episode.attributes.end()) {
      const std::string* id = std::get_if<std::string>(&gym_id->second);
      if (id != nullptr && id->rfind('-') != std::string::npos)
        options[option.key] = id->substr(id->rfind('-') + 1);
    }
  }
  return options;
}

// One lane of the task with its recorded draws; the values after the last reset or step.
class Run {
 public:
  Run(const TaskInfo& info, const EnvironmentTrace& trace, const RecordedEpisode& episode)
      : environment_(make_environment(info.name, 1, options_of(info, trace, episode))),
        draws_(draws_of(episode)),
        observation_(static_cast<std::size_t>(info.observation_size)),
        active_(static_cast<std::size_t>(info.max_active)),
        state_(static_cast<std::size_t>(environment_->state_size())) {
    environment_->attach(0, draws_);
  }

  void reset() {
    draws_.begin_step(-1);
    environment_->reset(0, 0, written_observation());
    look();
  }
  void step(int step, const RecordedEpisode& episode) {
    static constexpr std::int32_t kLane = 0;
    draws_.begin_step(step);
    ActionBatch action{.stride = 1};
    if (episode.action_size == 0)
      action.discrete = episode.action.data() + step;
    else
      action.continuous =
          episode.continuous_action.data() + static_cast<std::ptrdiff_t>(step) * episode.action_size;
    environment_->step({&kLane, 1}, action, written_observation(), {&result_, 1});
    look();
  }
  void set_state(std::span<const double> state) { environment_->set_state(0, state); }

  const TaskInfo& info() const { return environment_->info(); }  // as the options of the recording make it
  bool all_draws_taken() const { return draws_.all_taken(); }
  std::span<const float> observation() const { return observation_; }
  std::span<const double> state() const { return state_; }
  const StepResult& result() const { return result_; }

 private:
  // Coded observations are read as learners read them: by their active features.
  bool is_coded() const { return !active_.empty(); }
  ObservationBatch written_observation() { return {is_coded() ? nullptr : observation_.data(), 1}; }
  void look() {
    environment_->get_state(0, state_);
    if (!is_coded()) return;
    const std::uint32_t begin[] = {
        0, static_cast<std::uint32_t>(environment_->active_features(0, active_.data()))};
    environment_->expand(1, begin, active_.data(), {observation_.data(), 1});
  }

  std::unique_ptr<Environment> environment_;
  RecordedDraws draws_;
  std::vector<float> observation_;
  std::vector<std::uint16_t> active_;  // [max_active]
  std::vector<double> state_;
  StepResult result_;
};

// Compares the runs of one episode with its recording and adds to the replay's account.
class Comparison {
 public:
  Comparison(const RecordedEpisode& episode, const TraceTolerance& rules, double tolerance,
             EnvironmentReplay& replay)
      : episode_(episode), rules_(rules), tolerance_(tolerance), replay_(replay) {}

  void diverged(int step, const std::string& field) {
    if (!replay_.first_divergence) replay_.first_divergence = Divergence{episode_.index, step, field};
  }

  void reset(const Run& run) {
    if (!run.all_draws_taken()) diverged(-1, "draws");
    compare_state(-1, run.state(), "state");
    const auto as_drawn = [](double state, double drawn) {
      return state == drawn || state == static_cast<double>(static_cast<float>(drawn));
    };
    if (!episode_.initial_state.empty() && !run.state().empty() && tolerance_ == 0 &&
        !std::ranges::equal(run.state(), episode_.initial_state, as_drawn))
      diverged(-1, "initial_state");
    compare_observation(-1, run.observation());
  }

  // Results of the open-loop run after step t.
  void open_loop(int t, const Run& run) {
    const bool draws_agree = run.all_draws_taken();
    if (!draws_agree) diverged(t, "draws");
    compare_state(t, run.state(), "state");
    compare_observation(t, run.observation());
    compare_result(t, run.result(), "");
    const bool exact = draws_agree && same_bits(run.state(), recorded_state(t + 1)) &&
                       same_bits(run.observation(), recorded_observation(t + 1)) &&
                       run.result().reward == recorded_reward(t) && flags_agree(t, run.result());
    if (exact) ++replay_.exact_steps;
  }

  // Results of one step from the recorded state t.
  void single_step(int t, const Run& run) {
    compare_state(t, run.state(), "single_step/state");
    compare_result(t, run.result(), "single_step/");
  }

  std::span<const double> recorded_state(int t) const {
    const std::size_t size = static_cast<std::size_t>(episode_.state_size);
    return std::span(episode_.state).subspan(static_cast<std::size_t>(t) * size, size);
  }

 private:
  std::span<const float> recorded_observation(int t) const {
    const std::size_t size = static_cast<std::size_t>(episode_.observation_size);
    return std::span(episode_.observation).subspan(static_cast<std::size_t>(t) * size, size);
  }

  // As the learner sees it.
  double recorded_reward(int t) const {
    const double reward = episode_.reward[static_cast<std::size_t>(t)];
    return episode_.action_size == 0 ? reward : static_cast<float>(reward);
  }

  bool truncated_agrees(int t, const StepResult& result) const {
    return episode_.truncated.empty() ||
           result.truncated == (episode_.truncated[static_cast<std::size_t>(t)] != 0);
  }
  bool flags_agree(int t, const StepResult& result) const {
    return result.terminated == (episode_.terminated[static_cast<std::size_t>(t)] != 0) &&
           truncated_agrees(t, result);
  }

  // Notes the error and says whether it stays within `limit`; a NaN never does.
  bool within(double error, double limit) {
    if (std::isnan(error)) error = std::numeric_limits<double>::infinity();
    replay_.max_abs_error = std::max(replay_.max_abs_error, error);
    return error <= limit;
  }

  void compare_state(int t, std::span<const double> state, const char* field) {
    if (state.empty()) return;
    const std::span<const double> recorded = recorded_state(t + 1);
    const double limit = tolerance_ > 0 ? tolerance_ : (t < 0 ? rules_.first_state : rules_.state);
    bool good = true;
    for (std::size_t i = 0; i < state.size(); ++i) {
      double error = std::abs(state[i] - recorded[i]);
      if (static_cast<int>(i) < rules_.angles)
        error = std::min(error, std::abs(std::remainder(error, 2 * std::numbers::pi)));
      good = within(error, limit) && good;
    }
    if (!good) diverged(t, field);
  }

  void compare_observation(int t, std::span<const float> observation) {
    const std::span<const float> recorded = recorded_observation(t + 1);
    const int ulps = t < 0 ? rules_.first_observation_ulps : 0;
    bool good = true;
    for (std::size_t i = 0; i < observation.size(); ++i) {
      const bool close = within(std::abs(double{observation[i]} - recorded[i]),
                                tolerance_ > 0 ? tolerance_ : rules_.observation);
      good = good && (close || ulps_between(observation[i], recorded[i]) <= ulps);
    }
    if (!good) diverged(t, "observation");
  }

  void compare_result(int t, const StepResult& result, const std::string& prefix) {
    const std::size_t i = static_cast<std::size_t>(t);
    if (!within(std::abs(result.reward - recorded_reward(t)), tolerance_ > 0 ? tolerance_ : rules_.reward))
      diverged(t, prefix + "reward");
    if (result.terminated != (episode_.terminated[i] != 0)) diverged(t, prefix + "terminated");
    if (!truncated_agrees(t, result)) diverged(t, prefix + "truncated");
  }

  const RecordedEpisode& episode_;
  const TraceTolerance& rules_;
  double tolerance_;
  EnvironmentReplay& replay_;
};

// Refuses recordings that no episode of the task can have.
void check_against_task(const EnvironmentTrace& trace, const RecordedEpisode& episode, const TaskInfo& info,
                        int state_size) {
  const auto refuse = [&](const char* field, const std::string& reason) {
    throw InputError("{}: {}/{}: {}; this is not a recording of {}", trace.file, episode.name, field, reason,
                     info.name);
  };
  if (episode.observation_size != info.observation_size)
    refuse("observation",
           fmt::format("{} features instead of {}", episode.observation_size, info.observation_size));
  if (info.continuous != (episode.action_size > 0))
    refuse("action", info.continuous ? "the task has continuous actions" : "the task has discrete actions");
  if (info.continuous && episode.action_size != info.actions)
    refuse("action", fmt::format("{} components instead of {}", episode.action_size, info.actions));
  if (info.continuous && episode.scaled_draws.size() != static_cast<std::size_t>(info.actions))
    refuse("draws", fmt::format("{} instead of {}", episode.scaled_draws.size(), info.actions));
  for (const double value : episode.scaled_draws)
    if (!(value >= -0.1 && value < 0.1)) refuse("draws", fmt::format("a joint starts at {}", value));
  for (const std::int32_t action : episode.action)
    if (action < 0 || action >= info.actions)
      refuse("action", fmt::format("action {} is outside 0 to {}", action, info.actions - 1));
  if (state_size == 0) return;
  if (episode.state_size != state_size)
    refuse("state", fmt::format("{} components instead of {}", episode.state_size, state_size));
  constexpr double kLargest = 1e6;
  for (const double component : episode.state)
    if (std::abs(component) > kLargest) refuse("state", fmt::format("a component of {}", component));
}

void replay_episode(const EnvironmentTrace& trace, const RecordedEpisode& episode, const TaskInfo& info,
                    const EnvironmentReplayOptions& options, EnvironmentReplay& replay) {
  Run open_loop(info, trace, episode), single_step(info, trace, episode);
  const int state_size = static_cast<int>(open_loop.state().size());
  check_against_task(trace, episode, open_loop.info(), state_size);
  const TraceTolerance& rules = info.trace_tolerance;
  const bool single_steps = state_size > 0 && rules.whole_state;
  Comparison comparison(episode, rules, options.tolerance, replay);
  int t = -1;
  try {
    open_loop.reset();
    comparison.reset(open_loop);
    if (single_steps) single_step.reset();
    for (t = 0; t < episode.steps; ++t) {
      open_loop.step(t, episode);
      comparison.open_loop(t, open_loop);
      if (!single_steps) continue;
      single_step.set_state(comparison.recorded_state(t));
      single_step.step(t, episode);
      comparison.single_step(t, single_step);
    }
  } catch (const DrawMismatch&) {
    comparison.diverged(t, "draws");  // nothing after it can be compared
  }
}

}  // namespace

EnvironmentReplay replay_environment_trace(const std::string& path, const EnvironmentReplayOptions& options) {
  const EnvironmentTrace trace = read_environment_trace(path);
  const TaskInfo& info = task_of(trace);
  EnvironmentReplay replay;
  replay.file = path;
  replay.env = info.name;
  for (const RecordedEpisode& episode : trace.episodes) {
    ++replay.episodes;
    replay.steps += episode.steps;
    try {
      replay_episode(trace, episode, info, options, replay);
    } catch (const std::invalid_argument& error) {
      throw InputError("{}: {}: {}", path, episode.name, error.what());
    }
  }
  return replay;
}

void to_json(nlohmann::json& json, const EnvironmentReplay& replay) {
  json = {{"file", replay.file},
          {"env", replay.env},
          {"episodes", replay.episodes},
          {"steps", replay.steps},
          {"exact_steps", replay.exact_steps},
          {"max_abs_error", replay.max_abs_error},
          {"first_divergence", nullptr}};
  if (const auto& divergence = replay.first_divergence)
    json["first_divergence"] = {
        {"episode", divergence->episode}, {"step", divergence->step}, {"field", divergence->field}};
  if (!replay.other_versions.empty()) json["other_versions"] = replay.other_versions;
}

}  // namespace impsweep
