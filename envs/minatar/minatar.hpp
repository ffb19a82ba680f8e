// envs/minatar/minatar.hpp - what the five MinAtar games share (Young and Tian 2019, package version 1.0.15):
// actions, sticky actions, the board of binary channels, options. A game is a struct:
//
//   struct Game {
//     static constexpr const char *kName, *kDescription;
//     static constexpr std::array kChannels = {"player", ...};      // names, in order
//     static constexpr std::array kMinimalActions = {kNoOp, ...};   // those that have a role
//     static constexpr int kMaxActive;                              // largest number of features that are 1
//     static constexpr double kUsualActive;                         // how many usually are
//     static constexpr int kFirstEpisode, kUsualEpisode;            // steps before and after training
//     void reset(RandomSource&);
//     StepResult step(Action, RandomSource&, bool ramping);         // leaves `truncated` alone
//     void draw(GameBoard<Game>&) const;
//     template <class A> void visit(A& archive);
//   };
//
// Boards are 10 x 10; x grows to the right, y downward. Feature channel * 100 + y * 10 + x is 1 where
// anything of that channel stands. Rewards are whole numbers; several may be collected in one step, and a
// step runs to its end even after the player was hit. A game has no step limit; freeway ends by itself.
#pragma once

#include <array>
#include <bit>
#include <cassert>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "envs/common_options.hpp"
#include "envs/environment.hpp"
#include "envs/lane_environment.hpp"

namespace impsweep::minatar {

inline constexpr int kSide = 10;                             // rows, columns
inline constexpr std::uint16_t kFullRow = (1 << kSide) - 1;  // a bit for each column

enum Action : std::uint8_t { kNoOp, kLeft, kUp, kRight, kDown, kFire };
inline constexpr int kAllActions = 6;

inline bool on_board(int x) {
  return x >= 0 && x < kSide;
}

// One bit per feature.
template <int kChannelCount>
class Board {
 public:
  static constexpr int kCells = kSide * kSide, kFeatures = kChannelCount * kCells;

  void mark(int channel, int x, int y) {
    assert(on_board(x) && on_board(y));
    const int feature = channel * kCells + y * kSide + x;
    words_[static_cast<std::size_t>(feature / 64)] |= std::uint64_t{1} << (feature % 64);
  }
  // A trail is drawn behind its owner, who may stand at the border.
  void mark_if_on_board(int channel, int x, int y) {
    if (on_board(x)) mark(channel, x, y);
  }
  // Bit x of `row` marks column x.
  void mark_row(int channel, int y, std::uint16_t row) {
    const int feature = channel * kCells + y * kSide;
    const auto word = static_cast<std::size_t>(feature / 64);
    const int shift = feature % 64;
    words_[word] |= std::uint64_t{row} << shift;
    if (shift > 64 - kSide) words_[word + 1] |= std::uint64_t{row} >> (64 - shift);
  }

  // Writes the marked features, ascending; returns their number.
  int active_features(std::uint16_t* features) const {
    int count = 0;
    for (std::size_t word = 0; word < kWords; ++word)
      for (std::uint64_t rest = words_[word]; rest != 0; rest &= rest - 1)
        features[count++] =
            static_cast<std::uint16_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(rest)));
    return count;
  }
  // Feature f to out[f * stride].
  void observe(float* out, int stride) const {
    for (std::size_t f = 0; f < kFeatures; ++f)
      out[f * static_cast<std::size_t>(stride)] = static_cast<float>(words_[f / 64] >> (f % 64) & 1);
  }

 private:
  static constexpr std::size_t kWords = (kFeatures + 63) / 64;
  std::array<std::uint64_t, kWords> words_{};
};

template <class Game>
using GameBoard = Board<static_cast<int>(Game::kChannels.size())>;

// Objects in order of creation, at most kCapacity.
template <class T, int kCapacity>
class FixedList {
 public:
  int size() const { return size_; }
  T& operator[](int i) { return items_[static_cast<std::size_t>(i)]; }
  const T* begin() const { return items_.data(); }
  const T* end() const { return items_.data() + size_; }

  void clear() { size_ = 0; }
  void push_back(const T& item) {
    // Only a state that no game leads to, as a forged checkpoint may hold it.
    if (size_ >= kCapacity) throw std::length_error("a game holds more objects than it can");
    items_[static_cast<std::size_t>(size_++)] = item;
  }
  void erase(int i) {  // keeps the order
    for (--size_; i < size_; ++i) (*this)[i] = (*this)[i + 1];
  }

  template <class Archive>
  void visit(Archive& archive) {
    archive.ranged("size", size_, 0, kCapacity);
    for (int i = 0; i < size_; ++i) archive("item", (*this)[i]);
  }

 private:
  std::array<T, static_cast<std::size_t>(kCapacity)> items_{};
  std::int32_t size_ = 0;
};

struct Parameters {
  double sticky_actions = 0.1;  // probability that the last executed action is executed again
  bool difficulty_ramping = true;
  bool minimal_actions = false;
  Action initial_last_action = kNoOp;  // what the first step may repeat
};

// A game with its sticky actions, in the form that LaneEnvironment expects of a task.
template <class Game>
struct StickyGame {
  static constexpr int kObservation = GameBoard<Game>::kFeatures;
  static constexpr int kActions = kAllActions;  // or a prefix: the positions of a minimal set
  using Action = int;
  using Parameters = minatar::Parameters;

  explicit StickyGame(const Parameters& chosen)
      : parameters(chosen), last_action(chosen.initial_last_action) {}

  // The last executed action is kept: an episode can begin with the final action of the one before.
  void reset(RandomSource& draws) {
    game.reset(draws);
    over = false;
  }

  // One draw U, whatever the probability and also after the end; then those of the game.
  StepResult step(int action, RandomSource& draws) {
    assert(!parameters.minimal_actions || action < static_cast<int>(Game::kMinimalActions.size()));
    const bool repeat = draws.uniform() < parameters.sticky_actions;
    if (!repeat)
      last_action = parameters.minimal_actions ? Game::kMinimalActions[static_cast<std::size_t>(action)]
                                               : static_cast<minatar::Action>(action);
    if (over) return {.reward = 0, .terminated = true, .truncated = false};
    const StepResult result = game.step(last_action, draws, parameters.difficulty_ramping);
    over = result.terminated;
    return result;
  }

  int active_features(std::uint16_t* features) const { return board().active_features(features); }
  void observe(float* out, int stride) const { board().observe(out, stride); }

  template <class Archive>
  void visit(Archive& archive) {
    archive("game", game);
    archive.ranged("last_action", last_action, kNoOp, kFire);
    archive("over", over);
  }

  Parameters parameters;
  Game game;
  minatar::Action last_action;
  bool over = false;

 private:
  GameBoard<Game> board() const {
    GameBoard<Game> board;
    game.draw(board);
    return board;
  }
};

// Options "minatar.*", the same for every game.
std::vector<Option> declared_options();
Parameters parameters_of(const TaskOptions&);

template <class Game>
TaskInfo game_info() {
  TaskInfo info;
  info.least_return = 0;  // no game takes points away
  info.name = std::string("minatar-") + Game::kName;
  info.family = "minatar";
  info.description = Game::kDescription;
  info.target_steps_per_second = 3e6;
  info.observation_size = info.code_size = GameBoard<Game>::kFeatures;
  info.actions = kAllActions;
  info.channel_names.assign(Game::kChannels.begin(), Game::kChannels.end());
  info.rows = info.columns = kSide;
  info.binary = true;
  info.max_active = Game::kMaxActive;
  info.usual_active = Game::kUsualActive;
  info.first_episode_steps = Game::kFirstEpisode;
  info.usual_episode_steps = Game::kUsualEpisode;
  info.steps_to_learn = 1e6;
  info.seconds_per_step = 110e-9;
  info.options = declared_options();
  return info;
}

// `options` holds a valid value for every declared option.
template <class Game>
std::unique_ptr<Environment> make_game(TaskInfo info, int lanes, const TaskOptions& options) {
  const Parameters parameters = parameters_of(options);
  if (parameters.minimal_actions) info.actions = static_cast<int>(Game::kMinimalActions.size());
  apply_max_steps("minatar", options, info);
  return std::make_unique<LaneEnvironment<StickyGame<Game>>>(std::move(info), lanes, parameters);
}

}  // namespace impsweep::minatar
