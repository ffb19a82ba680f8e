// envs/locomotion/model.hpp - one robot on the ground as plain numbers: what its simulation in lanes needs to
// know of it. World::model() reads them from Bullet's own structures once they are made, so that masses,
// thresholds and orders are stated in one place only.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace impsweep::locomotion {

// Sizes of the largest robots.
inline constexpr int kMostLinks = 20, kMostJoints = 9, kMostGeoms = 13;
inline constexpr int kMostPoints = 4;  // of contact, of a geom with the ground
inline constexpr int kBaseLink = -1;

// The solver's settings (world.cpp gives them to Bullet).
struct SolverSettings {
  double time_step;  // s
  int iterations;
  double residual;            // squared, at which iterations end
  double contact_correction;  // part of an overlap that is taken back in a step
  double limit_correction;
  double deepest_corrected;  // rad (negative): beyond it an overstepped limit only stops
  double slop;               // m
  double gravity;            // m/s^2
  double damping;            // linear and angular
  double most_velocity;      // of a coordinate
  double most_limit_impulse, most_contact_impulse;
};

struct Model {
  enum class Motion { kFixed, kHinge, kRail };
  using Triple = double[3];

  // The frame of a link has its origin in the centre of mass and, at the zero pose, axes parallel to the
  // world's.
  struct Link {
    Motion motion;
    int parent;          // index of a link before it, or kBaseLink
    int joint = -1;      // place among the moving joints; -1 of a fixed link
    double mass;         // kg; 0: a joint only, which has no inertia either
    Triple inertia;      // kg m^2, about the axes
    Triple axis;         // of a hinge
    double axis_length;  // m of the axis above: not always 1
    Triple axis_linear;  // velocity of the centre of mass at a joint velocity of 1
    Triple from_anchor;  // centre of mass, from the joint
    Triple anchor;       // joint, from the parent's centre of mass
    Triple rest;  // from_anchor + anchor: centre of mass from the parent's, of a link that is not turned
  };

  struct Geom {
    enum class Shape { kSphere, kTwoSpheres, kCapsule };
    Shape shape;
    int link;               // or kBaseLink
    bool refreshed_before;  // kept contact points move with the link before a new one is looked for
    bool turned;            // against its link; else `rotation` is the identity
    double rotation[9];     // of the geom in its link, by rows
    Triple place;           // m, of the geom in its link
    double end[2][3];       // m, centres of two spheres
    double radius;          // m
    double margin;          // m, Bullet's; a capsule's is its radius
    double half_length;     // m, of a capsule along the geom's z axis
    double keeps;           // m, gap and shift up to which a contact point is kept
    double friction;        // with the ground
  };

  struct Limit {
    int joint;
    double lower, upper;  // rad
  };

  bool planar;
  double base_mass;
  Triple base_inertia, base_position;  // at reset
  int joints = 0;                      // that move: rails and the root's hinge too
  std::vector<Link> links;
  std::vector<Geom> geoms;    // in the order in which their contacts are solved
  std::vector<Limit> limits;  // in the order in which they are solved
  // Two geoms of one body come in an order that depends on which geoms have contact points: `exchanged[set]`
  // of the set of those, a bit each, says that geom `tied + 1` comes before geom `tied`. -1: no such pair.
  int tied = -1;
  std::vector<bool> exchanged;

  std::vector<int> rail_joints, driven_joints;  // in the order of World's
  std::vector<int> torso_links;                 // from the first link on to the torso's; empty: the base
  std::vector<int> counted_links;               // whose centres make the mean position
  std::vector<int> foot_links;
  SolverSettings solver;
};

}  // namespace impsweep::locomotion
