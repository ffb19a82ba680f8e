"""Versions that only some results depend on: pinned with the first of them, compared for such alone, and never mixed."""

import unittest

from sweep_harness import SweepTest

HOPPER = """
[[sweep]]
name = "hopper"
tasks = ["hopper"]
algorithms = ["ppo"]
baselines = ["mask/weights"]
seeds = 1
rounds = 1
rl.steps = 2048
eval.interval = 2048
eval.episodes = 1
eval.reevaluation_episodes = 1
"""


class Numerics(SweepTest):
    def setUp(self):
        super().setUp()
        self.hopper = self.directory / "hopper.toml"
        self.hopper.write_text(HOPPER)
        self.pin = self.directory / "S/numerics/bullet.txt"

    def train(self, code, job, store="S", *more):
        return self.expect(code, "run", str(job), "--store", self.path(store), *more)

    def tampered(self, text="2.89, double precision\n", store="S"):
        pin = self.directory / store / "numerics/bullet.txt"
        pin.chmod(0o644)
        pin.write_text(text)

    def test_pinned_at_first_need_and_compared_for_such_alone(self):
        cartpole = ["--set", "bc.rounds=1", "--set", "ppo.rounds=1"]
        self.train(0, self.job, "S", *cartpole)
        self.assertFalse(self.pin.exists(), "nothing here depends on Bullet")
        self.train(0, self.hopper)
        self.assertRegex(self.pin.read_text(), r"^\d+\.\d+, double precision\n$")
        self.assertEqual(self.pin.stat().st_mode & 0o222, 0)
        self.tampered()
        refused = self.train(2, self.hopper, "S", "--set", "seeds=2").stderr
        for word in ("bullet.txt", "2.89, double precision", "this machine has", "another --store"):
            self.assertIn(word, refused)
        self.train(0, self.hopper)  # all done: nothing new would be computed with another version
        self.train(0, self.job, "S", *cartpole, "--set", "seeds=2")
        self.assertIn("bullet", self.expect(2, "verify", self.path("S"), "--rerun", "1").stderr)
        self.expect(0, "verify", self.path("S"))

    def test_stores_with_other_versions_do_not_merge(self):
        self.train(0, self.hopper)
        self.train(0, self.hopper, "T", "--set", "master_seed=2")
        self.tampered(store="T")
        before = sorted(path for path in (self.directory / "S").rglob("*"))
        refused = self.expect(2, "merge", self.path("S"), self.path("T")).stderr
        for word in ("bullet", "2.89, double precision", "do not mix"):
            self.assertIn(word, refused)
        self.assertEqual(sorted(path for path in (self.directory / "S").rglob("*")), before)

    def test_merged_stores_keep_their_pins(self):
        self.train(0, self.hopper)
        self.expect(0, "merge", self.path("U"), self.path("S"))
        self.assertEqual((self.directory / "U/numerics/bullet.txt").read_text(), self.pin.read_text())

    def test_damaged_pins_are_named(self):
        self.train(0, self.hopper)
        for text in ("", "two\nlines\n", "3.24", "\x1b[31m3.24\n", "x" * 5000 + "\n"):
            self.tampered(text)
            self.assertIn("numerics/bullet.txt", self.train(2, self.hopper, "S", "--set", "seeds=2").stderr)
        self.pin.unlink()
        self.pin.symlink_to("/etc/hostname")
        self.assertIn("is not a file", self.train(2, self.hopper, "S", "--set", "seeds=2").stderr)

    def test_results_of_a_version_without_pins_are_taken(self):
        self.train(0, self.hopper)
        self.pin.unlink()
        self.pin.parent.rmdir()
        self.expect(0, "verify", self.path("S"))
        self.train(0, self.hopper, "S", "--set", "seeds=2")
        self.assertTrue(self.pin.exists())


if __name__ == "__main__":
    unittest.main()
