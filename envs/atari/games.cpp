#include "envs/atari/games.hpp"

#include <algorithm>
#include <numeric>

namespace impsweep::atari {
namespace {

std::vector<int> all_actions() {
  std::vector<int> actions(18);
  std::iota(actions.begin(), actions.end(), 0);
  return actions;
}

}  // namespace

bool Game::has(int action) const {
  return std::ranges::count(actions, action) > 0;
}

const std::vector<Game>& games() {
  static const std::vector<Game> list = {
      {"alien", "clear a maze of eggs while aliens hunt", all_actions()},
      {"amidar", "paint the edges of a lattice, chased by guards", {0, 1, 2, 3, 4, 5, 10, 11, 12, 13}},
      {"assault", "shoot what a mother ship sends down", {0, 1, 2, 3, 4, 11, 12}},
      {"asterix", "collect what crosses the lanes, avoid the lyres", {0, 2, 3, 4, 5, 6, 7, 8, 9}},
      {"asteroids",
       "shoot rocks that break into smaller ones",
       {0, 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13, 14, 15}},
      {"atlantis", "defend a city with three fixed guns", {0, 1, 11, 12}},
      {"bank_heist", "rob banks in a maze of streets, pursued by the police", all_actions()},
      {"battle_zone", "fight tanks on a plain, seen from one's own tank", all_actions()},
      {"beam_rider", "shoot what comes along five beams of light", {0, 1, 2, 3, 4, 6, 7, 11, 12}},
      {"berzerk", "fight robots in a maze whose walls kill", all_actions()},
      {"bowling", "ten frames against ten pins", {0, 1, 2, 5, 10, 13}},
      {"boxing", "two boxers seen from above, two minutes", all_actions()},
      {"breakout", "break a wall of bricks with ball and paddle", {0, 1, 3, 4}},
      {"centipede", "shoot a centipede that winds down through mushrooms", all_actions()},
      {"chopper_command", "protect a convoy of trucks by helicopter", all_actions()},
      {"crazy_climber", "climb a skyscraper whose windows close", {0, 2, 3, 4, 5, 6, 7, 8, 9}},
      {"defender", "protect the people of a planet from abduction", all_actions()},
      {"demon_attack", "shoot demons that split", {0, 1, 3, 4, 11, 12}},
      {"double_dunk", "basketball, two against two", all_actions()},
      {"enduro", "overtake cars, day and night", {0, 1, 3, 4, 5, 8, 9, 11, 12}},
      {"fishing_derby", "two anglers and a shark", all_actions()},
      {"freeway", "bring a chicken across ten lanes of traffic", {0, 2, 5}},
      {"frostbite", "build an igloo by jumping on floes of ice", all_actions()},
      {"gopher", "keep a gopher from the carrots", {0, 1, 2, 3, 4, 10, 11, 12}},
      {"gravitar", "fly against gravity and shoot bunkers", all_actions()},
      {"hero", "rescue miners from shafts", all_actions()},
      {"ice_hockey", "two against two on the ice", all_actions()},
      {"jamesbond", "drive, dive and shoot through missions", all_actions()},
      {"kangaroo", "climb to the young one, past monkeys and apples", all_actions()},
      {"krull", "four scenes of a quest for a fortress", all_actions()},
      {"kung_fu_master",
       "fight through the floors of a temple",
       {0, 2, 3, 4, 5, 8, 9, 11, 12, 13, 14, 15, 16, 17}},
      {"montezuma_revenge", "explore a pyramid for keys and treasure", all_actions()},
      {"ms_pacman", "clear mazes of dots, chased by ghosts", {0, 2, 3, 4, 5, 6, 7, 8, 9}},
      {"name_this_game", "guard a treasure under water from an octopus", {0, 1, 3, 4, 11, 12}},
      {"phoenix", "shoot birds and the ship behind them", {0, 1, 3, 4, 5, 11, 12, 13}},
      {"pitfall", "run through the jungle for treasure", all_actions()},
      {"pong", "table tennis against the console, up to 21", {0, 1, 3, 4, 11, 12}},
      {"private_eye", "search a town for stolen things and clues", all_actions()},
      {"qbert", "colour the cubes of a pyramid by hopping", {0, 1, 2, 3, 4, 5}},
      {"riverraid", "fly up a river, shoot and refuel", all_actions()},
      {"road_runner", "run from a coyote, eat seeds on the road", all_actions()},
      {"robotank", "fight squadrons of tanks by sensors, in any weather", all_actions()},
      {"seaquest", "rescue divers by submarine while the air lasts", all_actions()},
      {"skiing", "a slalom against the clock", {0, 3, 4}},
      {"solaris", "cross a galaxy, sector by sector", all_actions()},
      {"space_invaders", "shoot rows of invaders before they land", {0, 1, 3, 4, 11, 12}},
      {"star_gunner", "shoot ships over a planet", all_actions()},
      {"surround", "leave a trail, and shut the other in", {0, 2, 3, 4, 5}},
      {"tennis", "one set against the console", all_actions()},
      {"time_pilot", "air combat through five epochs", {0, 1, 2, 3, 4, 5, 10, 11, 12, 13}},
      {"tutankham", "search tombs for treasure, shoot their guards", {0, 2, 3, 4, 5, 10, 11, 12}},
      {"up_n_down", "drive and jump over cars for flags", {0, 1, 2, 5, 10, 13}},
      {"venture", "enter the rooms of a dungeon for treasure", all_actions()},
      {"video_pinball", "pinball with bumpers and targets", {0, 1, 2, 3, 4, 5, 10, 11, 12}},
      {"wizard_of_wor", "fight monsters in a maze", {0, 1, 2, 3, 4, 5, 10, 11, 12, 13}},
      {"yars_revenge", "eat through a shield and fire at what it guards", all_actions()},
      {"zaxxon", "fly through a fortress in slanting view", all_actions()},
      {"tetris", "fill rows with falling blocks", {0, 1, 3, 4, 5}},
  };
  return list;
}

const Game* find_game(std::string_view name) {
  const auto found = std::ranges::find(games(), name, &Game::name);
  return found == games().end() ? nullptr : &*found;
}

}  // namespace impsweep::atari
