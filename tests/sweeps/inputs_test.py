"""Agents that are given some of their inputs, as a user asks for them: the inputs of a ticket, and chosen ones."""

import unittest

import h5py
import numpy
from sweep_harness import SweepTest

JOB = """
[[sweep]]
name       = "ticket"
tasks      = ["acrobot"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 1
network.hidden = [12, 8]
imp.prune_fraction = 0.6
network.init = "kaiming_in_scaled"
network.input_scale = 0.7
rl.steps = 2048
eval.interval = 1024
eval.episodes = 2
eval.reevaluation_episodes = 2

[[sweep.variant]]
name = "left"
inputs.ticket_round = 3

[[sweep.variant]]
name = "gone"
inputs.ticket_round = 3
inputs.complement = true

[[sweep.variant]]
name = "elementwise"
inputs.ticket_round = 3
inputs.mode = "elementwise"

[[sweep.variant]]
name = "chain"
rounds = 4

[[sweep]]
name       = "chosen"
tasks      = ["mazegrid"]
algorithms = ["dqn"]
seeds      = 1
rounds     = 3
network.hidden = [16]
rl.steps = 1600
eval.interval = 1600
eval.episodes = 2
eval.reevaluation_episodes = 2
dqn.min_steps_learn = 640
dqn.batch_size = 32
dqn.replay_size = 1000
inputs.select = ["agent", "coin"]
"""


class Inputs(SweepTest):
    def setUp(self):
        super().setUp()
        self.job = self.write("inputs.toml", JOB)
        self.expect(0, "run", self.job, "--store", self.path("S"))

    def rounds_of(self, index, variant, task="acrobot.ppo.12-8", baseline="mask-weights"):
        return index[f"chains/{task}.{variant}.{baseline}.s00"]

    def test_inputs_of_a_ticket(self):
        with h5py.File(self.path("S") + "/index.h5") as index:
            ticket = self.rounds_of(index, "chain")["r03/mask/actor/0/weight"][:]
            read = ticket.any(axis=0)
            self.assertTrue(0 < read.sum() < 6, read)
            rows = {row["variant"].decode(): row for row in index["rounds"][:] if row["round"] == 0}
            for variant, given in (("left", read), ("gone", ~read)):
                dense = self.rounds_of(index, variant)["r00"]
                for part in ("actor", "critic"):
                    mask = dense[f"mask/{part}/0/weight"][:]
                    self.assertTrue((mask == given).all(), variant)
                    self.assertNotIn("1", dense[f"mask/{part}"], "later layers are dense")
                # The scale of initial weights is that of a layer with so few inputs.
                largest = numpy.abs(dense["initial/actor/0/weight"][:]).max() / 0.7
                self.assertTrue(0.7 < largest * numpy.sqrt(given.sum()) <= 1)
                self.assertEqual(dense["result"].attrs["inputs_left"], given.sum())
                self.assertEqual(rows[variant]["kept"], given.sum() * 12 + 12 * 8 + 8 * 3)
            entries = self.rounds_of(index, "elementwise")["r00"]
            self.assertTrue((entries["mask/actor/0/weight"][:] == ticket).all())
            self.assertTrue((entries["mask/critic/0/weight"][:] == read).all())

    def test_chosen_inputs_under_all_baselines(self):
        given = numpy.zeros(1200, bool)
        given[200:400] = given[800:1000] = True
        with h5py.File(self.path("S") + "/index.h5") as index:
            for baseline in ("mask-weights", "mask-permuted", "permuted-permuted", "random-re-init"):
                chain = self.rounds_of(index, "default", "mazegrid.dqn.16", baseline)
                entries = 400 * 16 + 16 * 4
                for number in range(3):
                    masks = [chain[f"r{number:02}/mask/q/0/weight"][:]]
                    if "1" in chain[f"r{number:02}/mask/q"]:
                        masks.append(chain[f"r{number:02}/mask/q/1/weight"][:])
                    self.assertFalse(masks[0][:, ~given].any())
                    kept = sum(int(mask.sum()) for mask in masks) + (0 if len(masks) == 2 else 16 * 4)
                    self.assertEqual(kept, entries)
                    entries -= round(0.2 * entries)

    def test_the_same_on_other_ranks_and_again(self):
        self.expect(0, "run", self.job, "--store", self.path("T"), ranks=3)
        self.expect(0, "verify", self.path("S"), "--against", self.path("T"))
        self.expect(0, "verify", self.path("S"), "--rerun", "1")

    def test_played_again_and_exported(self):
        chain = "mazegrid.dqn.16.default.mask-weights.s00"
        self.expect(0, "evaluate", self.path("S"), chain, "2", "--episodes", "2", "--trajectory", self.path("t.h5"))
        with h5py.File(self.path("t.h5")) as steps:
            self.assertEqual(steps["observation"].shape[1], 1200)
            self.assertEqual(set(steps["observation"][:].ravel()), {0, 1})
        self.expect(0, "export", self.path("S"), "ticket", "--chain", "acrobot.ppo.12-8.left.mask-weights.s00",
                    "--round", "0", "--output", self.path("t.h5"))
        self.expect(0, "status", self.path("S"))


if __name__ == "__main__":
    unittest.main()
