"""A ticket that PyTorch has loaded acts as impsweep does: the same outputs and actions on the same observations."""

import unittest

import h5py
import numpy
from sweep_harness import HAS_LIBTORCH, SweepTest

try:
    import torch
except ImportError:
    torch = None

JOB = """
[[sweep]]
tasks      = ["cartpole"]
algorithms = ["ppo", "dqn"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 3
imp.prune_fraction = 0.5
network.hidden = [32, 24]
rl.steps = 8192
eval.interval = 4096
eval.episodes = 5
eval.reevaluation_episodes = 5

[[sweep]]
tasks      = ["hopper"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 2
network.hidden = [16, 16]
rl.steps = 5120
eval.interval = 5120
eval.episodes = 2
eval.reevaluation_episodes = 2
"""


def mlp(ticket, part, activation, tanh_output):
    layers = []
    names = [name for name in ticket["best"] if name.startswith(f"{part}.") and name.endswith(".weight")]
    for layer, name in enumerate(names):
        weight = ticket["best"][name]
        linear = torch.nn.Linear(weight.shape[1], weight.shape[0])
        linear.weight.data, linear.bias.data = weight, ticket["best"][f"{part}.{layer}.bias"]
        layers += [linear, activation()]
    layers.pop()
    return torch.nn.Sequential(*layers, *([torch.nn.Tanh()] if tanh_output else []))


@unittest.skipUnless(torch, "no torch for this Python")
@unittest.skipUnless(HAS_LIBTORCH, "impsweep was built without LibTorch, which writes the tickets")
class Trajectory(SweepTest):
    def setUp(self):
        super().setUp()
        self.expect(0, "run", self.write("small.toml", JOB), "--store", self.path("S"))

    def check(self, chain, number, part, activation=None, tanh_output=False):
        self.expect(0, "export", self.path("S"), "ticket", "--chain", chain, "--round", number, "--output",
                    self.path("t.pt"))
        self.expect(0, "evaluate", self.path("S"), chain, number, "--episodes", "20", "--greedy", "--trajectory",
                    self.path("t.h5"))
        ticket = torch.load(self.path("t.pt"))
        for name, mask in ticket["mask"].items():
            self.assertTrue((ticket["best"][name][mask == 0] == 0).all())
        network = mlp(ticket, part, activation or torch.nn.ReLU, tanh_output)
        with h5py.File(self.path("t.h5")) as steps:
            observation, outputs, action = (steps[name][:] for name in ("observation", "outputs", "action"))
            self.assertEqual(steps["ends"][:].sum(), 20)
            self.assertEqual(len(set(steps["episode"][:])), 20)
        self.assertGreater(len(observation), 150)
        with torch.no_grad():
            ours = network(torch.from_numpy(observation)).numpy()
        self.assertLess(numpy.abs(ours - outputs).max(), 1e-5)
        if action.ndim == 1:
            self.assertTrue((ours.argmax(axis=1) == action).all())
        else:
            self.assertLess(numpy.abs(ours - action).max(), 1e-5)

    def test_softmax_policy(self):
        self.check("cartpole.ppo.32-24.default.mask-weights.s00", "2", "actor")

    def test_values(self):
        self.check("cartpole.dqn.32-24.default.mask-weights.s00", "2", "q")

    def test_gaussian_policy(self):
        self.check("hopper.ppo.16-16.default.mask-weights.s00", "1", "actor", torch.nn.Tanh, True)

    def test_chance_is_kept_unless_greedy(self):
        chain = "cartpole.ppo.32-24.default.mask-weights.s00"
        self.expect(0, "evaluate", self.path("S"), chain, "2", "--episodes", "20", "--trajectory", self.path("t.h5"))
        with h5py.File(self.path("t.h5")) as steps:
            chosen = steps["outputs"][:].argmax(axis=1) == steps["action"][:]
        self.assertTrue(0.5 < chosen.mean() < 1)


if __name__ == "__main__":
    unittest.main()
