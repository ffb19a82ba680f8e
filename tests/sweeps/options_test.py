"""Networks that normalise their observations, and networks without hidden layers, through everything that a store
is asked for: sweeps, tickets, evaluations, reports, and rounds trained again."""

import json
import pathlib
import sys
import unittest

import h5py
import numpy as np
from sweep_harness import SweepTest

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "io/python/src"))
try:
    import impsweep
    import torch
except ImportError:  # pandas, or PyTorch
    impsweep = torch = None

JOB = """
[[sweep]]
name       = "normalised"
tasks      = ["cartpole"]
algorithms = ["ppo"]
seeds      = 1
rounds     = 3
imp.prune_fraction = 0.3
network.hidden = [[], [16]]
network.init   = "orthogonal"
rl.steps = 4096
eval.interval = 2048
eval.episodes = 4
eval.greedy = true
eval.reevaluation_episodes = 5
imp.rewind_step = 1024
ppo.obs_norm = true
ppo.reward_norm = true
ppo.normalize_advantage = true
ppo.advantage_scope = "minibatch"
ppo.clip_value_loss = true
ppo.target_kl = 0.02
ppo.clip_schedule = "constant"

[[sweep]]
name       = "robot"
tasks      = ["hopper"]
algorithms = ["ppo", "bc"]
baselines  = ["mask/weights", "random/re-init"]
seeds      = 1
rounds     = 2
network.hidden = []
network.tanh_mean = false
bc.teacher_hidden = [8]
bc.teacher_candidates = 1
ppo.obs_norm = true
ppo.initial_log_std = -0.5
rl.steps = 5120
eval.interval = 5120
eval.episodes = 2
eval.reevaluation_episodes = 2
teacher.rl.steps = 5120
teacher.eval.interval = 5120
teacher.eval.episodes = 2
teacher.eval.reevaluation_episodes = 2
"""
LINEAR = "cartpole.ppo.linear.default.mask-weights.s00"


def actor_outputs(ticket, observations, activation):
    """What a ticket says its actor answers, in double precision; moments as they stand in it."""
    best = {name: values[()].astype("f8") for name, values in ticket["best"].items()}
    x = observations.astype("f8")
    if "observation_mean" in best:
        deviation = np.sqrt(best["observation_variance"] + 1e-8)
        x = np.clip((x - best["observation_mean"]) / deviation, -10, 10)
    layers = sorted(name[:-len(".weight")] for name in best if name.startswith("actor.") and name.endswith(".weight"))
    for layer in layers:
        x = x @ best[f"{layer}.weight"].T + best[f"{layer}.bias"]
        if layer != layers[-1]:
            x = activation(x)
    return x


class Options(SweepTest):
    def test_normalised_and_linear_networks(self):
        store = self.path("S")
        self.expect(0, "run", self.write("options.toml", JOB), "--store", store, ranks=2)
        self.assertTrue(json.loads(self.expect(0, "verify", store, "--rerun", "0.3", "--json").stdout)["ok"])
        relu, tanh = (lambda x: np.maximum(x, 0)), np.tanh
        for chain, last, moments, activation in (
                (LINEAR, 2, True, relu), (LINEAR.replace("linear", "16"), 2, True, relu),
                (LINEAR.replace("mask-weights", "random-re-init"), 2, True, relu),
                ("hopper.ppo.linear.default.mask-weights.s00", 1, True, tanh),
                ("hopper.bc.linear.default.mask-weights.s00", 1, False, tanh)):
            with self.subTest(chain):
                self.expect(0, "export", store, "ticket", "--chain", chain, "--round", str(last), "--output",
                            self.path("ticket.h5"))
                found = json.loads(self.expect(0, "evaluate", store, chain, f"r{last:02}", "--episodes", "5",
                                               "--trajectory", self.path("steps.h5"), "--json").stdout)
                with h5py.File(self.path("ticket.h5")) as ticket, h5py.File(self.path("steps.h5")) as steps:
                    self.assertEqual("observation_mean" in ticket["best"], moments)
                    outputs = actor_outputs(ticket, steps["observation"][()], activation)
                    self.assertLess(abs(outputs - steps["outputs"][()]).max() / (1 + abs(outputs).max()), 1e-5)
                    if torch:  # the module of the Python package sees what the program does
                        module = impsweep.Store(store).ticket(chain, last).module()
                        seen = torch.from_numpy(steps["observation"][()])
                        answered = module(seen).detach().numpy()
                        self.assertLess(abs(answered - outputs).max() / (1 + abs(outputs).max()), 1e-5)
                        acted = module.act(seen).numpy()
                        self.assertEqual(acted.ndim, 2 if "hopper" in chain else 1)
                    if "cartpole" in chain:  # eval.greedy holds here as well
                        self.assertTrue((steps["action"][()] == steps["outputs"][()].argmax(axis=1)).all())
                        self.assertAlmostEqual(ticket["best/observation_count"][0],
                                               steps_taken(self.path("S"), chain, last), delta=1)
                self.assertEqual(len(found["returns"]), 5)

    def test_reports_tables_and_rounds_trained_again(self):
        store = self.path("S")
        self.expect(0, "run", self.write("options.toml", JOB), "--store", store, ranks=2)
        for table in ("rounds", "curves", "inputs", "layers"):
            self.assertIn("linear", self.expect(0, "export", store, table).stdout)
        self.expect(0, "report", store, "--output", self.path("report"))
        self.expect(0, "status", store, "--returns")
        some = next((self.directory / "S" / "rounds").glob("*/*.h5"))
        self.expect(0, "rerun", str(some))
        packed = self.path("packed.h5")
        self.expect(0, "pack", store, packed)


def steps_taken(store, chain, number):
    with h5py.File(f"{store}/index.h5") as index:
        return index[f"chains/{chain}/r{number:02}/result"].attrs["best_step"] + rewound(index, chain, number)


def rewound(index, chain, number):
    """Observations behind the snapshot that the round began with."""
    if number == 0 or "random-re-init" in chain:
        return 0
    return index[f"chains/{chain}/r00/snapshots/1024"].attrs["step"]


if __name__ == "__main__":
    unittest.main()
