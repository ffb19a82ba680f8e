"""Single rounds, trained again from their files as a user does it."""

import json
import os
import pathlib
import shutil
import unittest

import h5py
from sweep_harness import SweepTest


class Rerun(SweepTest):
    def setUp(self):
        super().setUp()
        self.expect(0, "run", self.job, "--store", self.path("S"), "--set", "rounds=2", ranks=2)

    def files(self, store="S"):
        return sorted((self.directory / store / "rounds").glob("*/*.h5"))

    def attributes(self, path):
        with h5py.File(path) as file:
            return {name: value.decode() if isinstance(value, bytes) else value for name, value in file.attrs.items()}

    def one(self, algorithm, number):
        """The file of a round under mask/weights, or of round 0."""
        for path in self.files():
            found = self.attributes(path)
            if found["algorithm"] == algorithm and found["round"] == number and (
                    number == 0 or 'baseline = "mask/weights"' in found["recipe"]) and found["seed"] == 0:
                return path
        self.fail(f"no round {number} of {algorithm}")

    def test_every_round_of_a_store(self):
        before = {path: path.read_bytes() for path in self.files()}
        self.assertEqual(len(before), 2 * (1 + 4) + 2)
        for path in before:
            self.assertIn("equal", self.expect(0, "rerun", str(path)).stdout)
        found = json.loads(self.expect(0, "rerun", str(self.one("bc", 1)), "--json").stdout)
        self.assertTrue(found["ok"])
        self.assertIsNone(found["difference"])
        self.assertEqual(found["training"], "cartpole.bc.32-32.default.mask-weights.s00 r01")
        self.assertEqual({path: path.read_bytes() for path in self.files()}, before)

    def test_files_on_their_own(self):
        lone = self.path("lone.h5")
        shutil.copy(self.one("ppo", 0), lone)
        self.assertIn("cartpole.ppo.32-32", self.expect(0, "rerun", lone).stdout)
        shutil.copy(self.one("ppo", 1), lone)
        self.assertIn("--store", self.expect(2, "rerun", lone).stderr)
        self.expect(0, "rerun", lone, "--store", self.path("S"))
        shutil.copy(self.one("bc", 0), lone)
        self.assertIn("teacher", self.expect(2, "rerun", lone).stderr)
        self.expect(0, "rerun", lone, "--store", self.path("S"))

    def test_what_is_missing_is_named(self):
        os.remove(self.one("ppo", 0))
        self.assertIn("run the job again", self.expect(2, "rerun", str(self.one("ppo", 1))).stderr)
        self.assertIn("nowhere.h5", self.expect(2, "rerun", self.path("nowhere.h5")).stderr)
        broken = pathlib.Path(self.path("broken.h5"))
        broken.write_bytes(self.one("bc", 0).read_bytes()[:-1])
        self.assertIn("broken.h5", self.expect(2, "rerun", str(broken)).stderr)
        self.expect(2, "rerun")

    def test_a_difference_is_named(self):
        """A store in which another training's result stands in the place of round 0."""
        shutil.copytree(self.path("S"), self.path("T"))
        parent = self.directory / "T" / self.one("ppo", 0).relative_to(self.directory / "S")
        expert = next(path for path in self.files() if self.attributes(path)["seed"] == 1000)
        os.remove(parent)
        shutil.copy(expert, parent)
        lone = self.path("lone.h5")
        shutil.copy(self.one("ppo", 1), lone)
        found = self.expect(1, "rerun", lone, "--store", self.path("T"))
        self.assertRegex(found.stdout, r"different  cartpole\.ppo.* r01: first at \S+: .* against ")


if __name__ == "__main__":
    unittest.main()
