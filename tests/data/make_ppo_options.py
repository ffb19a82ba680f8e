"""Writes oracle-ppo-options.h5: what numpy makes of the rules behind PPO's optional keys.

The file is kept; run this only to change it. Rules are written here as the programs write them that have them:
running moments and scaled rewards as the wrappers VecNormalize and NormalizeReward do, orthogonal matrices as
torch.nn.init.orthogonal_, the others as CleanRL's ppo.py. All in double precision.
"""

import pathlib

import h5py
import numpy as np

HERE = pathlib.Path(__file__).parent


class RunningMeanStd:
    def __init__(self, shape):
        self.mean, self.var, self.count = np.zeros(shape), np.ones(shape), 1e-4

    def update(self, batch):
        mean, var, count = batch.mean(axis=0), batch.var(axis=0), len(batch)
        delta, total = mean - self.mean, self.count + count
        square = self.var * self.count + var * count + delta**2 * self.count * count / total
        self.mean, self.var, self.count = self.mean + delta * count / total, square / total, total


def write_moments(group, rng):
    # Small and large numbers, an offset that hides the spread, a constant, and zeros.
    scale, offset = np.array([1, 300, 0.01, 0, 0]), np.array([0, -50, 1000, 2.5, 0])
    moments = RunningMeanStd(5)
    probe = (rng.normal(size=(7, 5)) * 3 * scale + offset).astype("f4")
    group["probe"] = probe
    for number, count in enumerate([64, 1, 200, 37]):
        batch = (rng.normal(size=(count, 5)) * scale + offset + number).astype("f4")
        moments.update(batch.astype("f8"))
        step = group.create_group(f"batch_{number}")
        step["rows"], step["mean"], step["variance"] = batch, moments.mean, moments.var
        step["count"] = np.array([moments.count])
        step["seen"] = np.clip((probe - moments.mean) / np.sqrt(moments.var + 1e-8), -10, 10)


def write_rewards(group, rng):
    T, B, gamma, rollouts = 20, 3, 0.97, 4
    moments, returns = RunningMeanStd(()), np.zeros(B)
    group.attrs["discount"] = gamma
    for number in range(rollouts):
        reward = (rng.normal(size=(T, B)) * [1, 5, 0.1] + (number == 2) * 40).astype("f4")
        done = rng.random((T, B)) < 0.1
        scaled = np.zeros((T, B))
        for t in range(T):
            returns = returns * gamma + reward[t]
            moments.update(returns)
            scaled[t] = np.clip(reward[t] / np.sqrt(moments.var + 1e-8), -10, 10)
            returns[done[t]] = 0
        rollout = group.create_group(f"rollout_{number}")
        rollout["reward"], rollout["done"], rollout["scaled"] = reward, done.astype("u1"), scaled


def write_orthogonal(group, rng):
    for rows, columns in [(5, 3), (3, 5), (4, 4), (1, 6), (6, 1), (33, 64), (40, 17)]:
        drawn = rng.normal(size=(rows, columns))
        flat = drawn.T if rows < columns else drawn
        q, r = np.linalg.qr(flat)
        q = q * np.sign(np.diag(r))
        case = group.create_group(f"{rows}x{columns}")
        case["drawn"], case["orthogonal"] = drawn, q.T if rows < columns else q


def write_minibatch(group, rng):
    n, clip, weight = 37, 0.2, 0.7
    advantage = rng.normal(size=n).astype("f4") * 3 + 1
    group["advantage"] = advantage
    a = advantage.astype("f8")
    group["normalised"] = (a - a.mean()) / (a.std(ddof=1) + 1e-8)
    old, value = rng.normal(size=n).astype("f4"), None
    value = (old + rng.normal(size=n) * 0.3).astype("f4")
    returns = (old + rng.normal(size=n) * 0.5).astype("f4")

    def loss(v):
        clipped = old + np.clip(v - old, -clip, clip)
        return weight * 0.5 * np.maximum((v - returns) ** 2, (clipped - returns) ** 2).mean()

    v, step = value.astype("f8"), 1e-6
    gradient = [(loss(v + step * unit) - loss(v - step * unit)) / (2 * step) for unit in np.eye(n)]
    group["value"], group["old_value"], group["return"] = value, old, returns
    group["value_loss"], group["value_gradient"] = np.array([loss(v) / weight]), np.array(gradient)
    group.attrs["clip"], group.attrs["weight"] = clip, weight


rng = np.random.default_rng(17)
with h5py.File(HERE / "oracle-ppo-options.h5", "w", libver=("earliest", "v110"), track_order=False) as f:
    write_moments(f.create_group("moments"), rng)
    write_rewards(f.create_group("rewards"), rng)
    write_orthogonal(f.create_group("orthogonal"), rng)
    write_minibatch(f.create_group("minibatch"), rng)
