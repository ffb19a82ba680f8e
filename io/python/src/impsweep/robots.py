"""The four robots: bodies, hinges and limits of the model files of pybullet_envs, in metres and radians
(the same numbers as in envs/locomotion/robot.cpp). Angles come from observations, so the forward position, which no
observation has, is the sum of the velocities."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = tuple[float, float, float]
Points = NDArray[np.float64]
STEP_SECONDS = 4 * 0.0165 / 4  # of simulated time between observations
VELOCITY_SCALE = 0.3  # of the velocities in observations
LEADING = 8  # features before the joints: height, bearing (2), velocity (3), roll, pitch


@dataclass(frozen=True)
class Body:
    parent: int  # -1: the torso
    origin: Vector  # in the parent's coordinates
    line: tuple[Vector, Vector]  # in its own: the axis of its capsule
    radius: float  # of the capsule; of the torso of the ant, of a ball
    anchor: Vector = (0, 0, 0)
    axis: Vector | None = None  # of the hinge to its parent; None: fixed
    limits: tuple[float, float] = (0, 0)


@dataclass(frozen=True)
class Robot:
    bodies: tuple[Body, ...]
    height: float  # of the torso at the start
    planar: bool = True


def _tilted(centre: Vector, angle: float, half: float) -> tuple[Vector, Vector]:
    """End points of a capsule that lies along z at angle 0 and is turned about +y."""
    dx, dz = half * math.sin(angle), half * math.cos(angle)
    return (centre[0] - dx, 0, centre[2] - dz), (centre[0] + dx, 0, centre[2] + dz)


def _cheetah() -> Robot:
    y, r = (0.0, 1.0, 0.0), 0.046
    return Robot((
        Body(-1, (0, 0, 0), ((-0.5, 0, 0), (0.5, 0, 0)), r),
        Body(0, (-0.5, 0, 0), _tilted((0.1, 0, -0.13), -3.8, 0.145), r, axis=y, limits=(-0.52, 1.05)),
        Body(1, (0.16, 0, -0.25), _tilted((-0.14, 0, -0.07), -2.03, 0.15), r, axis=y, limits=(-0.785, 0.785)),
        Body(2, (-0.28, 0, -0.14), _tilted((0.03, 0, -0.097), -0.27, 0.094), r, axis=y, limits=(-0.4, 0.785)),
        Body(0, (0.5, 0, 0), _tilted((-0.07, 0, -0.12), 0.52, 0.133), r, axis=y, limits=(-1.5, 0.8)),
        Body(4, (-0.14, 0, -0.24), _tilted((0.065, 0, -0.09), -0.6, 0.106), r, axis=y, limits=(-1.2, 1.1)),
        Body(5, (0.13, 0, -0.18), _tilted((0.045, 0, -0.07), -0.6, 0.07), r, axis=y, limits=(-3.1, -0.3)),
        Body(0, (0, 0, 0), _tilted((0.6, 0, 0.1), 0.87, 0.15), r)), 0.7)


def _upright(legs: int, foot: tuple[Vector, Vector]) -> Robot:
    y, hip, knee, ankle = (0.0, -1.0, 0.0), (0.0, 0.0, 1.05), (0.0, 0.0, 0.6), (0.0, 0.0, 0.1)
    right = math.radians
    bodies = [Body(-1, (0, 0, 0), ((0, 0, 1.45), hip), 0.05)]
    for _ in range(legs):
        thigh = len(bodies)
        bodies.append(Body(0, (0, 0, 0), (hip, knee), 0.05, hip, y, (-right(150), 0)))
        bodies.append(Body(thigh, (0, 0, 0), (knee, ankle), 0.04, knee, y, (-right(150), 0)))
        bodies.append(Body(thigh + 1, (0, 0, 0), foot, 0.06, ankle, y, (-right(45), right(45))))
    return Robot(tuple(bodies), 1.25)


def _ant() -> Robot:
    bodies = [Body(-1, (0, 0, 0), ((0, 0, 0), (0, 0, 0)), 0.25)]
    for sx, sy, axis, low, high in ((1, 1, (-1, 1, 0), 30, 100), (-1, 1, (1, 1, 0), -100, -30),
                                    (-1, -1, (-1, 1, 0), -100, -30), (1, -1, (1, 1, 0), 30, 100)):
        leg, end = len(bodies), (0.2 * sx, 0.2 * sy, 0.0)
        bodies.append(Body(0, (0, 0, 0), ((0, 0, 0), end), 0.08))
        bodies.append(Body(leg, end, ((0, 0, 0), end), 0.08, axis=(0, 0, 1), limits=(-math.radians(40), math.radians(40))))
        bodies.append(Body(leg + 1, end, ((0, 0, 0), (0.4 * sx, 0.4 * sy, 0.0)), 0.08, axis=axis,
                           limits=(math.radians(low), math.radians(high))))
    return Robot(tuple(bodies), 0.75, planar=False)


ROBOTS = {
    "halfcheetah": _cheetah(),
    "hopper": _upright(1, ((-0.13, 0, 0.1), (0.26, 0, 0.1))),
    "walker2d": _upright(2, ((0, 0, 0.1), (0.2, 0, 0.1))),
    "ant": _ant(),
}


def rotation(axis: Vector, angle: float) -> Points:
    """[3][3] about an axis (Rodrigues)."""
    unit = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -unit[2], unit[1]], [unit[2], 0, -unit[0]], [-unit[1], unit[0], 0]])
    turned: Points = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * (cross @ cross)
    return turned


def lines_of(robot: Robot, observation: NDArray[np.float32]) -> Points:
    """[bodies][2][3] end points, with the torso's own origin at x = y = 0."""
    roll, pitch = float(observation[6]), float(observation[7])
    torso = rotation((0, 1, 0), pitch) @ rotation((1, 0, 0), roll)
    middle = robot.bodies[0].line[0][2] * 0.5 + robot.bodies[0].line[1][2] * 0.5  # the torso turns about its centre
    places: list[tuple[Points, Points]] = []
    lines = []
    joint = 0
    for body in robot.bodies:
        if body.parent < 0:
            turn, place = torso, np.array([0, 0, robot.height + float(observation[0])]) - torso @ np.array([0, 0, middle])
        else:
            parent_turn, parent_place = places[body.parent]
            turn, place = parent_turn, parent_place + parent_turn @ np.array(body.origin)
            if body.axis is not None:
                low, high = body.limits
                angle = (low + high) / 2 + float(observation[LEADING + 2 * joint]) * (high - low) / 2
                joint += 1
                bend = rotation(body.axis, angle)
                place = place + turn @ (np.array(body.anchor) - bend @ np.array(body.anchor))
                turn = turn @ bend
        places.append((turn, place))
        lines.append([place + turn @ np.array(point) for point in body.line])
    return np.array(lines)
