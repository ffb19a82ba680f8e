#include "envs/atari/atari.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include "envs/atari/worker_emulator.hpp"

namespace impsweep::atari {
namespace {

// rlpyt multiplies by this as a float.
constexpr float kScale = static_cast<float>(1.0 / 255);

constexpr std::string_view kPrefix = "atari-";

Option option(std::string key, OptionValue fallback, std::string help) {
  Option declared;
  declared.key = std::move(key);
  declared.fallback = std::move(fallback);
  declared.help = std::move(help);
  return declared;
}

Option count_option(std::string key, std::int64_t fallback, double minimum, double maximum,
                    std::string help) {
  Option declared = option(std::move(key), fallback, std::move(help));
  declared.minimum = minimum;
  declared.maximum = maximum;
  return declared;
}

std::vector<Option> declared_options() {
  const Rules rules;
  // Read where jobs are (engine/job): an environment knows no budget.
  Option budget_unit =
      option("atari.budget_unit", std::string("steps"),
             "what rl.steps of a job counts: steps, or frames, of which a step has atari.frame_skip");
  budget_unit.choices = {"steps", "frames"};
  return {
      option("atari.episodic_lives", rules.episodic_lives, "a lost life ends the episode; the game goes on"),
      option("atari.clip_reward", rules.clip_reward, "rewards are the sign of what a step scores"),
      option("atari.fire_on_reset", rules.fire_on_reset, "fire and up are pressed at the start of a game"),
      count_option("atari.max_start_noops", rules.max_start_noops, 0, 1000,
                   "a game starts with 0 to this many frames without action"),
      count_option("atari.frame_skip", rules.frame_skip, 1, 64, "frames of a step"),
      count_option("atari.horizon", rules.horizon, 0, 1e9,
                   "steps after which a game is broken off, one later; 0: never"),
      std::move(budget_unit),
  };
}

Rules rules_from(const TaskOptions& options) {
  const auto count = [&](const char* key) {
    return static_cast<int>(std::get<std::int64_t>(options.at(key)));
  };
  Rules rules;
  rules.episodic_lives = std::get<bool>(options.at("atari.episodic_lives"));
  rules.clip_reward = std::get<bool>(options.at("atari.clip_reward"));
  rules.fire_on_reset = std::get<bool>(options.at("atari.fire_on_reset"));
  rules.max_start_noops = count("atari.max_start_noops");
  rules.frame_skip = count("atari.frame_skip");
  rules.horizon = count("atari.horizon");
  return rules;
}

const Game& game_of(const TaskInfo& info) {
  const Game* game = find_game(std::string_view(info.name).substr(kPrefix.size()));
  assert(game != nullptr);
  return *game;
}

float sign(double value) {
  return static_cast<float>((value > 0) - (value < 0));
}

}  // namespace

AtariEnvironment::AtariEnvironment(TaskInfo info, const Game& game, int lanes, const Rules& rules,
                                   EmulatorFactory emulator)
    : info_(std::move(info)),
      game_(game),
      rules_(rules),
      make_emulator_(std::move(emulator)),
      lanes_(static_cast<std::size_t>(lanes)) {
  info_.max_steps = rules.horizon;
  for (Lane& lane : lanes_) lane.images.resize(kImages * kImageSize);
}

AtariEnvironment::Lane& AtariEnvironment::at(int lane) {
  assert(lane >= 0 && lane < lanes());
  return lanes_[static_cast<std::size_t>(lane)];
}

void AtariEnvironment::start_emulator() {
  if (emulator_ == nullptr) emulator_ = make_emulator_(lanes());
}

void AtariEnvironment::reset(int index, int column, ObservationBatch observations) {
  Lane& lane = at(index);
  assert(lane.draws != nullptr && column < observations.stride);
  if (lane.phase == Phase::kLifeLost)
    lane.phase = Phase::kPlaying;
  else
    start_game(index);
  const std::int32_t only = index;
  observe({&only, 1}, observations.from(column));
}

void AtariEnvironment::start_game(int index) {
  start_emulator();
  Lane& lane = at(index);
  emulator_->reset(index);
  lane.lives = emulator_->play(index, kNoop, 1).lives;
  const int noops = static_cast<int>(lane.draws->below(rules_.max_start_noops + 1));
  if (noops > 0) emulator_->play(index, kNoop, noops);
  if (rules_.fire_on_reset)
    for (const int action : {kFire, kUp})
      if (game_.has(action)) emulator_->play(index, action, 1);
  std::ranges::fill(lane.images, std::uint8_t{0});
  push(lane, emulator_->last(index), emulator_->last(index));
  lane.steps = 0;
  lane.phase = Phase::kPlaying;
}

void AtariEnvironment::step(std::span<const std::int32_t> lanes, ActionBatch actions,
                            ObservationBatch observations, std::span<StepResult> results) {
  assert(results.size() >= lanes.size());
  for (std::size_t column = 0; column < lanes.size(); ++column) {
    const auto action = static_cast<std::size_t>(actions.discrete[column]);
    assert(action < game_.actions.size());
    results[column] = step_lane(lanes[column], game_.actions[action]);
  }
  observe(lanes, observations);
}

StepResult AtariEnvironment::step_lane(int index, int action) {
  Lane& lane = at(index);
  Emulator::Outcome outcome = emulator_->play(index, action, rules_.frame_skip);
  const double score = outcome.reward;
  const bool lost = outcome.lives < lane.lives && outcome.lives > 0;
  if (!lost) {
    push(lane, emulator_->before_last(index), emulator_->last(index));
  } else if (rules_.episodic_lives) {
    outcome = emulator_->play(index, kNoop, 1);
    std::ranges::fill(lane.images, std::uint8_t{0});
    push(lane, emulator_->last(index), emulator_->last(index));
  } else {
    // The frame of the no-op takes the place of the step's last frame, not of the one before.
    std::array<std::uint8_t, kScreenSize> earlier;
    std::ranges::copy(emulator_->before_last(index), earlier.begin());
    outcome = emulator_->play(index, kNoop, 1);
    push(lane, earlier, emulator_->last(index));
  }
  if (lost) lane.lives = outcome.lives;

  StepResult result;
  result.reward = rules_.clip_reward ? sign(score) : static_cast<float>(score);
  result.truncated = rules_.horizon > 0 && lane.steps >= rules_.horizon;
  result.terminated = outcome.game_over || (lost && rules_.episodic_lives);
  ++lane.steps;
  if (outcome.game_over || result.truncated)
    lane.phase = Phase::kOver;
  else
    lane.phase = result.terminated ? Phase::kLifeLost : Phase::kPlaying;
  return result;
}

void AtariEnvironment::push(Lane& lane, Emulator::Screen earlier, Emulator::Screen last) {
  std::uint8_t* out = lane.images.data() + static_cast<std::size_t>(lane.oldest) * kImageSize;
  lane.oldest = (lane.oldest + 1) % kImages;
  std::array<std::uint8_t, 2 * kScreenColumns> brighter;  // two rows
  for (std::size_t row = 0; row < kImageRows; ++row) {
    const std::size_t first = (1 + 2 * row) * kScreenColumns;
    for (std::size_t i = 0; i < brighter.size(); ++i)
      brighter[i] = std::max(earlier[first + i], last[first + i]);
    for (std::size_t column = 0; column < kImageColumns; ++column) {
      const std::uint8_t* upper = brighter.data() + 2 * column;
      const std::uint8_t* lower = upper + kScreenColumns;
      *out++ = static_cast<std::uint8_t>((upper[0] + upper[1] + lower[0] + lower[1] + 2) >> 2);
    }
  }
}

// Row by row of the batch, for several columns at once: each row is written in a run.
void AtariEnvironment::observe(std::span<const std::int32_t> lanes, ObservationBatch observations) {
  if (observations.data == nullptr) return;
  constexpr std::size_t kColumnsAtOnce = 16;
  for (std::size_t first = 0; first < lanes.size(); first += kColumnsAtOnce) {
    const std::size_t columns = std::min(kColumnsAtOnce, lanes.size() - first);
    float* out = observations.data + first;
    for (int age = 0; age < kImages; ++age) {
      std::array<const std::uint8_t*, kColumnsAtOnce> image;
      for (std::size_t c = 0; c < columns; ++c) image[c] = at(lanes[first + c]).image(age);
      for (std::size_t pixel = 0; pixel < kImageSize; ++pixel, out += observations.stride)
        for (std::size_t c = 0; c < columns; ++c) out[c] = static_cast<float>(image[c][pixel]) * kScale;
    }
  }
}

// Consoles that wait for a reset have no state: a game does not depend on those before.
void AtariEnvironment::save(StateWriter& writer) const {
  writer("lanes", lanes_.size());
  for (int index = 0; index < lanes(); ++index) {
    const Lane& lane = lanes_[static_cast<std::size_t>(index)];
    writer("lane", lane);
    writer("console", lane.in_play() ? emulator_->save(index) : std::string());
  }
}

void AtariEnvironment::load(StateReader& reader) {
  std::size_t count = 0;
  reader("lanes", count);
  if (count != lanes_.size()) throw ArchiveError("saved environment has another number of lanes");
  for (int index = 0; index < lanes(); ++index) {
    Lane& lane = at(index);
    std::string console;
    reader("lane", lane);
    reader("console", console);
    if (!lane.in_play()) continue;
    start_emulator();
    emulator_->load(index, console);
  }
}

TaskInfo game_info(const Game& game) {
  TaskInfo info;
  info.name = std::string(kPrefix) + game.name;
  info.family = "atari";
  info.description = "Atari 2600: " + game.description;
  info.rows = kImageRows;
  info.columns = kImageColumns;
  info.channel_names = {"oldest image", "third newest image", "second newest image", "newest image"};
  info.observation_size = static_cast<int>(kImages * kImageSize);
  info.actions = static_cast<int>(game.actions.size());
  info.max_steps = Rules{}.horizon;
  info.seconds_per_step = 600e-6;
  info.usual_episode_steps = 2000;  // the limit is half an hour of play, which few games need
  info.options = declared_options();
  info.evaluation_options = {{"atari.episodic_lives", false}, {"atari.clip_reward", false}};
  info.is_external = true;
  return info;
}

std::unique_ptr<Environment> make_game(TaskInfo info, int lanes, const TaskOptions& options) {
  const Game& game = game_of(info);
  return std::make_unique<AtariEnvironment>(
      std::move(info), game, lanes, rules_from(options),
      [&game](int consoles) { return std::make_unique<WorkerEmulator>(game, consoles); });
}

void require_game(const TaskInfo& info) {
  WorkerEmulator(game_of(info), 1);
}

}  // namespace impsweep::atari
