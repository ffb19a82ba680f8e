#include "envs/locomotion/lane_robot.hpp"

#include <algorithm>
#include <cmath>

namespace impsweep::locomotion {
namespace {

const LaneSteps*& selected() {
  static const LaneSteps* choice = find_lane_steps("auto");
  return choice;
}

// The quaternion x, y, z, w of a rotation by rows, with the largest part of it under the root.
std::array<double, 4> orientation_of(const double* basis) {
  const auto at = [&](int row, int column) { return basis[3 * row + column]; };
  std::array<double, 4> q;
  const double trace = at(0, 0) + at(1, 1) + at(2, 2);
  if (trace > 0) {
    const double s = std::sqrt(trace + 1.0);
    const double scale = 0.5 / s;
    for (int i = 0; i < 3; ++i) {
      const int j = (i + 1) % 3, k = (i + 2) % 3;
      q[static_cast<std::size_t>(i)] = (at(k, j) - at(j, k)) * scale;
    }
    q[3] = s * 0.5;
    return q;
  }
  const int i = at(0, 0) < at(1, 1) ? (at(1, 1) < at(2, 2) ? 2 : 1) : (at(0, 0) < at(2, 2) ? 2 : 0);
  const int j = (i + 1) % 3, k = (i + 2) % 3;
  const double s = std::sqrt(at(i, i) - at(j, j) - at(k, k) + 1.0);
  const double scale = 0.5 / s;
  q[static_cast<std::size_t>(i)] = s * 0.5;
  q[static_cast<std::size_t>(j)] = (at(j, i) + at(i, j)) * scale;
  q[static_cast<std::size_t>(k)] = (at(k, i) + at(i, k)) * scale;
  q[3] = (at(k, j) - at(j, k)) * scale;
  return q;
}

}  // namespace

LaneRobot::LaneRobot(std::shared_ptr<const Model> model) : model_(std::move(model)) {}

void LaneRobot::reset(std::span<const double> joint_positions) {
  state_ = LaneState();
  double* value = state_.value;
  std::copy_n(model_->base_position, 3, value + LaneState::kBasePosition);
  // The inverse of no turn: zeros with a sign, which angles of half a turn show.
  std::fill_n(value + LaneState::kBaseTurn, 3, -0.0);
  value[LaneState::kBaseTurn + 3] = 1;
  for (std::size_t j = 0; j < joint_positions.size(); ++j)
    value[LaneState::kPosition + model_->driven_joints[j]] = joint_positions[j];
  LaneState* const states[] = {&state_};
  lane_steps().look(*model_, {states, 1});
}

void LaneRobot::push(std::span<const double> torques) {
  for (std::size_t j = 0; j < torques.size(); ++j)
    state_.value[LaneState::kTorque + model_->driven_joints[j]] = torques[j];
}

void LaneRobot::step(std::span<const double> torques) {
  push(torques);
  LaneState* const states[] = {&state_};
  lane_steps().step(*model_, {states, 1});
}

double LaneRobot::joint_position(int joint) const {
  return state_.value[LaneState::kPosition + model_->driven_joints[static_cast<std::size_t>(joint)]];
}
double LaneRobot::joint_velocity(int joint) const {
  return state_.value[LaneState::kVelocity + model_->driven_joints[static_cast<std::size_t>(joint)]];
}
double LaneRobot::rail_position(int rail) const {
  return state_.value[LaneState::kPosition + model_->rail_joints[static_cast<std::size_t>(rail)]];
}
double LaneRobot::rail_velocity(int rail) const {
  return state_.value[LaneState::kVelocity + model_->rail_joints[static_cast<std::size_t>(rail)]];
}

Pose LaneRobot::pose(bool ground_is_a_part) const {
  const double* value = state_.value;
  Pose pose;
  std::copy_n(value + LaneState::kTorsoPosition, 3, pose.position.begin());
  std::copy_n(value + LaneState::kTorsoVelocity, 3, pose.velocity.begin());
  pose.orientation = orientation_of(value + LaneState::kTorsoBasis);
  const auto parts = static_cast<double>(model_->counted_links.size() + (ground_is_a_part ? 1 : 0));
  pose.mean_x = value[LaneState::kSumX] / parts;
  pose.mean_y = value[LaneState::kSumY] / parts;
  return pose;
}

void LaneRobot::read_feet(std::span<float> touching) const {
  std::ranges::fill(touching, 0.0f);
  for (std::size_t g = 0; g < model_->geoms.size(); ++g) {
    if (state_.value[LaneState::kPoints + static_cast<int>(g)] == 0) continue;
    const auto foot = std::ranges::find(model_->foot_links, model_->geoms[g].link);
    if (foot != model_->foot_links.end())
      touching[static_cast<std::size_t>(foot - model_->foot_links.begin())] = 1.0f;
  }
}

const LaneSteps& lane_steps() {
  return *selected();
}

bool select_lane_steps(std::string_view name) {
  const LaneSteps* found = find_lane_steps(name);
  if (found != nullptr) selected() = found;
  return found != nullptr;
}

}  // namespace impsweep::locomotion
