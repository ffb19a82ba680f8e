"""Masks that change while learning, and students of other states than their teacher's, as users have them: whole sweeps,
killed and resumed, on several ranks and instruction sets; exact counts in every file; what cannot be had together."""

import json
import pathlib
import subprocess
import unittest

import h5py
import numpy as np
from sweep_harness import SweepTest

SIZES = """
network.hidden = [24, 24]
eval.episodes = 4
eval.reevaluation_episodes = 5
"""

CHANGING = """
[[sweep]]
name       = "ppo"
tasks      = ["cartpole"]
algorithms = ["ppo"]
seeds      = 1
rl.steps   = 24576
eval.interval  = 2048
sparse.density = [0.1, 0.4]
sparse.interval = 40
imp.scope  = "actor_critic"
""" + SIZES + """
[[sweep.variant]]
name = "gradual"
sparse.method = "gradual"

[[sweep.variant]]
name = "set"
sparse.method = "set"
sparse.grow = "initial"

[[sweep.variant]]
name = "rigl"
sparse.method = "rigl"
sparse.align = "update"

[[sweep]]
name       = "dqn"
tasks      = ["cartpole"]
algorithms = ["dqn"]
seeds      = 1
rl.steps   = 12288
eval.interval  = 1024
dqn.min_steps_learn = 1024
dqn.target_update_interval = 13
dqn.batch_size = 32
sparse.density = [1, 0.25]
sparse.interval = 25
""" + SIZES + """
[[sweep.variant]]
name = "gradual"
sparse.method = "gradual"

[[sweep.variant]]
name = "rigl"
sparse.method = "rigl"
"""

STUDENTS = """
[[sweep]]
tasks      = ["cartpole", "mazegrid"]
algorithms = ["bc"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 2
imp.prune_fraction = 0.5
bc.data    = {grid = ["expert", "student", "fixed"]}
bc.fixed_steps = 700
rl.steps   = 2048
eval.interval  = 1024
bc.teacher_hidden = [16]
bc.teacher_candidates = 1
teacher.rl.steps = 4096
teacher.eval.interval = 4096
teacher.eval.episodes = 4
teacher.eval.reevaluation_episodes = 5
dqn.min_steps_learn = 1024
""" + SIZES


class Sparse(SweepTest):
    def digest(self, store):
        found = json.loads(self.expect(0, "verify", self.path(store), "--json").stdout)
        self.assertTrue(found["ok"])
        return found["digest"]

    def table(self, store, *options):
        text = self.expect(0, "export", self.path(store), "rounds", "--format", "json", *options).stdout
        return json.loads(text)

    def run_with_kills(self, job, store, *options):
        """Each attempt has a little more time, so that a slow machine gets through too."""
        for attempt in range(1000):
            process = self.start("run", job, "--store", self.path(store), "--checkpoint-every", "0.02s", *options)
            try:
                self.assertEqual(process.wait(0.2 + 0.05 * attempt), 0)
            except subprocess.TimeoutExpired:
                self.kill_group(process)
                process.wait()
                continue
            self.assertGreater(attempt, 0, "it was never killed")
            return

    def test_every_way_gives_the_same_store(self):
        job = self.write("changing.toml", CHANGING)
        self.expect(0, "run", job, "--store", self.path("A"))
        expected = self.digest("A")
        self.expect(0, "run", job, "--store", self.path("B"), "--simd", "scalar", ranks=3)
        self.assertEqual(self.digest("B"), expected)
        self.run_with_kills(job, "C", "--simd", "avx2")
        self.assertEqual(self.digest("C"), expected)
        for path in self.rounds("A"):
            self.expect(0, "rerun", path)

        # Every file has exactly as many weights as it should, and nothing at pruned places.
        rows = self.table("A", "--with", "sparse.method", "--with", "sparse.density")
        self.assertEqual(len(rows), 3 * 2 + 2 * 2)
        for row in rows:
            with h5py.File(self.path(f"A/rounds/{row['digest'][:2]}/{row['digest']}.h5")) as file:
                names = [name.decode() for name in file["result"].attrs["tensors"]]
                kept = dict(zip(names, file["result/kept_per_tensor"][()]))
                networks = ("actor", "critic") if row["algorithm"] == "ppo" else ("q",)
                weights = [n for n in names if n.endswith("weight") and n.startswith(networks)]
                self.assertEqual(sum(kept[n] for n in weights), row["kept"])
                for name in weights:
                    values = file["weights/best/" + name][()]
                    self.assertEqual(values.size, kept[name])
                    if "mask/" + name in file:
                        self.assertEqual(int(file["mask/" + name][()].sum()), kept[name])
                self.assertGreater(file["provenance"].attrs["train_flops"], 0)
                if row["density"] < 1:
                    density = file["curve/density"][()]
                    self.assertEqual(density.size, file["curve/step"].size)
                    self.assertAlmostEqual(density[-1], row["density"], places=12)
                    if "gradual" in row["chain"]:
                        self.assertEqual(density[0], 1)
                        self.assertTrue((np.diff(density) <= 0).all())
                    else:
                        self.assertTrue((density == density[0]).all())
                else:
                    self.assertNotIn("curve/density", file)
        by_chain = {(row["chain"], row["round"]): row for row in rows}
        dense = by_chain["cartpole.dqn.24-24.rigl.mask-weights.s00", 0]
        self.assertEqual(dense["digest"], by_chain["cartpole.dqn.24-24.gradual.mask-weights.s00", 0]["digest"])
        sparse = by_chain["cartpole.dqn.24-24.gradual.mask-weights.s00", 1]
        self.assertLess(sparse["train_flops"], dense["train_flops"])
        self.assertGreater(sparse["train_flops"], 0.25 * dense["train_flops"])

        self.expect(0, "report", self.path("A"), "--output", self.path("report"))
        page = pathlib.Path(self.path("report/index.html")).read_text()
        self.assertIn("Ways to a sparse agent", page)

    def test_students_of_all_kinds_of_states(self):
        job = self.write("students.toml", STUDENTS)
        self.expect(0, "run", job, "--store", self.path("A"))
        expected = self.digest("A")
        self.run_with_kills(job, "B")
        self.assertEqual(self.digest("B"), expected)
        self.assertEqual(len({row["digest"] for row in self.table("A") if row["algorithm"] == "bc"}), 12)

    def test_what_cannot_be_had_together(self):
        job = self.write("changing.toml", CHANGING)
        for setting, words in {
                "ppo.sparse.method=dense": "one of none, gradual, set, rigl",
                "ppo.sparse.density=[0.5,0.5]": "twice",
                "ppo.sparse.density=[]": "give 1 to",
                "ppo.sparse.density=0.001": "at least one",
                "ppo.sparse.density=1.5": "out of range",
                "ppo.sparse.interval=0": "out of range",
                "ppo.imp.rewind_step=1024": "imp.rewind_step",
                "ppo.imp.prune_bias=true": "imp.prune_bias",
                "ppo.ppo.target_kl=0.1": "ppo.target_kl",
                "ppo.sparse.start=0.9": "sparse.start",
                "ppo.baselines=[\"random/re-init\"]": "mask/weights",
        }.items():
            with self.subTest(setting):
                result = self.call("plan", job, "--set", setting)
                self.assertEqual(result.returncode, 2, result.stdout + result.stderr)
                self.assertIn(words, result.stderr)

    def test_a_mask_that_would_never_change_is_doubted(self):
        job = self.write("changing.toml", CHANGING)
        result = self.expect(0, "plan", job, "--set", "dqn.sparse.interval=100000")
        self.assertIn("never changes", result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
