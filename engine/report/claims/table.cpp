// The claims of the paper as rows.
#include "engine/report/claims/claims.hpp"

namespace impsweep::claims {
namespace {

using Names = std::initializer_list<const char*>;
std::vector<TaskAndAlgorithm> each(Names tasks, Names algorithms) {
  std::vector<TaskAndAlgorithm> settings;
  for (const char* task : tasks)
    for (const char* algorithm : algorithms) settings.push_back({task, algorithm});
  return settings;
}
std::vector<TaskAndAlgorithm> operator+(std::vector<TaskAndAlgorithm> a,
                                        const std::vector<TaskAndAlgorithm>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const std::vector<TaskAndAlgorithm> kClassic = each({"cartpole", "acrobot"}, {"bc", "ppo"}),
                                    kClassicPpo = each({"cartpole", "acrobot"}, {"ppo"}),
                                    kRobots =
                                        each({"halfcheetah", "walker2d", "hopper", "ant"}, {"bc", "ppo"}),
                                    kRobotsPpo = each({"halfcheetah", "walker2d", "hopper", "ant"}, {"ppo"}),
                                    kCloning = each(
                                        {"cartpole", "acrobot", "halfcheetah", "walker2d", "hopper", "ant"},
                                        {"bc"}),
                                    kMaze = each({"mazegrid"}, {"dqn"}),
                                    kGames = each({"minatar-asterix", "minatar-breakout", "minatar-freeway",
                                                   "minatar-space_invaders"},
                                                  {"bc", "dqn"}),
                                    kAtari = each({"atari"}, {"ppo"});

}  // namespace

const std::vector<Hypothesis>& hypotheses() {
  static const std::vector<Hypothesis> kHypotheses = {
      {"H1", "Winning tickets exist in all settings.", "AUC(mask/weights) - AUC(random/re-init) > 0",
       "mask/weights and random/re-init of every task and algorithm",
       kClassic + kRobots + kMaze + kGames + kAtari, tickets_exist},
      {"H2", "Cloned agents can be pruned further than RL agents without loss.",
       "d*(0.9) of cloning below that of RL",
       "mask/weights of bc and an RL algorithm on one task and network", kCloning, clones_are_pruned_further},
      {"H3", "In multilayer perceptrons the mask explains most of the ticket effect, the weights little.",
       "mask contribution above weight contribution", "mask/weights, mask/permuted and permuted/permuted",
       kClassic + kRobots + kMaze + kGames, mask_explains_most},
      {"H4", "Layer-wise pruning ratios contribute (cloning).",
       "AUC(permuted/permuted) - AUC(random/re-init) > 0", "permuted/permuted and random/re-init of bc",
       kCloning, layer_ratios_contribute_in_cloning},
      {"H5",
       "Cloning: mask/weights and mask/permuted about equal, above permuted/permuted, above random/re-init.",
       "signs of the three contributions by task", "all four baselines of bc", kCloning,
       baselines_come_in_order_in_cloning},
      {"H6",
       "Locomotion with PPO: permuted/permuted falls below random/re-init where actor and critic are pruned, "
       "not "
       "where the actor alone is.",
       "sign of AUC(permuted/permuted) - AUC(random/re-init)",
       "permuted/permuted and random/re-init of ppo, both imp.scope", kRobotsPpo,
       permuting_fails_where_the_critic_is_pruned},
      {"H7", "In convolutional networks the initial weights matter more.",
       "weight contribution, convolutional above MLP",
       "mask/weights and mask/permuted of both architectures on one task",
       kAtari + each({"minatar-asterix", "minatar-space_invaders"}, {"bc"}),
       weights_matter_more_in_convolutions},
      {"H8", "Early layers are pruned most.",
       "remaining fraction of the input layer below all others, rounds from 3 on",
       "finished mask/weights chains of mazegrid dqn", kMaze, early_layers_are_pruned_most},
      {"H9", "MazeGrid: what goes of the enemies' channels is where no enemy can be.",
       "AUROC of |weight| for reachable against other cells > 0.5", "mask/weights of mazegrid dqn", kMaze,
       enemies_are_kept_where_they_can_be},
      {"H10", "MazeGrid: the agent's channel is pruned least.",
       "its remaining fraction above all others, rounds 5-15", "finished mask/weights chains of mazegrid dqn",
       kMaze, agents_channel_is_pruned_least},
      {"H11", "A dense network on the inputs that are left learns as fast as on all inputs.",
       "ratio of the areas under the learning curves in [0.95, 1.05]",
       "mazegrid dqn with inputs.ticket_round, and plain", kMaze,
       dense_agents_learn_as_fast_on_the_inputs_left},
      {"H12", "Freeway: channels are pruned by speed, the slowest car's most; near pixels stay.",
       "rank correlation of speed and remaining fraction; distance of kept weights to the chicken",
       "mask/weights of minatar-freeway dqn", each({"minatar-freeway"}, {"dqn"}),
       freeway_cars_are_pruned_by_speed},
      {"H13", "Space Invaders: enemy bullets are kept only next to the cannon.",
       "share of their weight in rows 8 and 9 > 0.5", "mask/weights of minatar-space_invaders dqn",
       each({"minatar-space_invaders"}, {"dqn"}), bullets_are_kept_next_to_the_cannon},
      {"H14", "MinAtar: of the agent's channel only the row or column that it can be in survives.",
       "share of its weight there > 0.95", "mask/weights of minatar dqn",
       each({"minatar-breakout", "minatar-freeway", "minatar-space_invaders"}, {"dqn"}),
       agents_row_or_column_survives},
      {"H15", "Breakout: the bottom rows of ball and trail are pruned.",
       "their remaining fraction below the channel's", "mask/weights of minatar-breakout dqn",
       each({"minatar-breakout"}, {"dqn"}), bottom_rows_of_breakout_are_pruned},
      {"H16", "Locomotion: near 10 % density 20 to 50 % of the inputs are gone at dense-level return.",
       "part of the inputs gone > 0.2 in the last round with P >= 1 within one standard error",
       "mask/weights of ppo on the locomotion tasks", kRobotsPpo, whole_inputs_go_without_loss},
      {"H17", "Locomotion: early pruning improves performance.", "mean P over rounds 1-5 > 1",
       "mask/weights of ppo on the locomotion tasks", kRobotsPpo, early_pruning_improves_robots},
      {"H18", "Cart-Pole: position and velocity go before angle and angular velocity.",
       "order in which inputs disappear, with input weights scaled down",
       "mask/weights of cartpole ppo, network.init = kaiming_in_scaled with input_scale = 0.1",
       each({"cartpole"}, {"ppo"}), pole_outlasts_the_cart},
      {"H19", "Acrobot: sines and cosines go, both angular velocities stay.", "as H18",
       "mask/weights of acrobot ppo, network.init = kaiming_in_scaled with input_scale = 0.1",
       each({"acrobot"}, {"ppo"}), angular_velocities_outlast_angles},
      {"H20", "The input layer's initialisation controls the discovery of minimal inputs.",
       "rounds until the needless inputs, and the needed ones, are gone, by initialisation and scale",
       "mask/weights of cartpole and acrobot ppo under several network.init and network.input_scale",
       kClassicPpo, initialisation_controls_the_inputs_found},
      {"H21", "Agents train on the two selected inputs alone.",
       "final return within 1 SD of the agent with all inputs",
       "ppo with inputs.select, its complement, and all inputs", kClassicPpo, two_inputs_are_enough},
      {"H22", "Larger networks do not give better tickets at equal absolute size.",
       "P at matched numbers of weights, smaller - larger > -0.05", "mask/weights of several network.hidden",
       kClassic + kMaze, larger_networks_give_no_better_tickets},
      {"H23", "The mask's dominance is independent of the encoding.",
       "mask contribution > 0 under each encoding",
       "mask/permuted and permuted/permuted of mazegrid, mazegrid-rgb and mazegrid-entangled dqn",
       each({"mazegrid", "mazegrid-rgb", "mazegrid-entangled"}, {"dqn"}),
       mask_dominates_under_every_encoding},
      {"H24", "L2 does not harm the ticket effect; dropout lowers returns but keeps it.",
       "AUC(mask/weights) - AUC(random/re-init) > 0 with either; P with dropout below P without",
       "mazegrid dqn with reg.weight_decay, with reg.dropout, and plain", kMaze, regularised_tickets_exist},
      {"H25", "Late rewinding is not needed.", "P with rewinding - P without < 0.05",
       "mazegrid dqn with imp.rewind_step, and plain", kMaze, late_rewinding_is_not_needed},
      {"H26",
       "MinAtar: Freeway holds at high sparsity, Breakout and Space Invaders decline, Asterix improves at "
       "first.",
       "P in the last round, its fall, and its largest value in rounds 1-10", "mask/weights of minatar dqn",
       each({"minatar-asterix", "minatar-breakout", "minatar-freeway", "minatar-space_invaders"}, {"dqn"}),
       games_hold_decline_or_improve},
      {"H27", "MinAtar: the mask contributes most.", "mask contribution above the other two",
       "all four baselines of minatar bc and dqn", kGames, mask_contributes_most_in_games},
      {"H28", "Results hold with the algorithm swapped.", "AUC(mask/weights) - AUC(permuted/permuted) > 0",
       "mask/weights and permuted/permuted of mazegrid ppo and cartpole dqn",
       each({"mazegrid"}, {"ppo"}) + each({"cartpole"}, {"dqn"}), tickets_exist_with_algorithms_swapped},
      {"H29", "Digits: rim pixels are pruned first.",
       "weight of rim pixels below that of the centre; remaining fraction grows with the distance to the "
       "edge",
       "mask/weights of digits", each({"digits"}, {"supervised"}), rim_pixels_are_pruned_first},
  };
  return kHypotheses;
}

}  // namespace impsweep::claims
