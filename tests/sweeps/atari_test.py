"""Sweeps of Atari games as a user runs them. A stand-in (tests/data/fake_ale) plays the Arcade Learning Environment;
tests/envs knows the genuine one."""

import os
import pathlib
import signal
import sys
import unittest

import h5py
import numpy
from sweep_harness import SweepTest

JOB = """
[[sweep]]
tasks      = ["atari-breakout"]
algorithms = ["ppo"]
baselines  = ["mask/weights", "random/re-init"]
seeds      = 1
rounds     = 2
imp.prune_fraction = 0.9
rl.steps = 640
rl.batch_B = 4
rl.batch_T = 16
rl.decorrelation_steps = 3
ppo.epochs = 1
eval.interval = 320
eval.episodes = 3
eval.reevaluation_episodes = 4
"""
CHAIN = "atari-breakout.ppo.cnn16x8-32x4-512.default.mask-weights.s00"
STAND_IN = pathlib.Path(os.environ["IMPSWEEP_TEST_DATA"]) / "fake_ale"


def convolve(boards, weight, bias, stride, padding):
    """[sample][channel][row][column], as PyTorch's conv2d defines it."""
    boards = numpy.pad(boards, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = numpy.lib.stride_tricks.sliding_window_view(boards, weight.shape[2:], (2, 3))[:, :, ::stride, ::stride]
    return numpy.einsum("nchwyx,fcyx->nfhw", windows, weight) + bias[:, None, None]


def actor_outputs(ticket, observations):
    """What rlpyt's network makes of them, in double precision."""
    layers = [[ticket[f"best/actor.{layer}.{kind}"][()].astype(float) for kind in ("weight", "bias")]
              for layer in range(4)]
    hidden = numpy.maximum(convolve(observations.reshape(-1, 4, 104, 80), *layers[0], 4, 0), 0)
    hidden = numpy.maximum(convolve(hidden, *layers[1], 2, 1), 0).reshape(len(observations), -1)
    hidden = numpy.maximum(hidden @ layers[2][0].T + layers[2][1], 0)
    return hidden @ layers[3][0].T + layers[3][1]


class Atari(SweepTest):
    def setUp(self):
        super().setUp()
        self.job = self.write("atari.toml", JOB)
        (self.directory / "roms").mkdir()
        self.write("roms/breakout.bin", "breakout\n")
        self.environment.update(IMPSWEEP_PYTHON=sys.executable, PYTHONPATH=str(STAND_IN),
                                ALE_ROMS_DIR=self.path("roms"))

    def workers(self):
        """What this test has started and still runs, by the environment that it gave them."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if self.path("roms").encode() in (process / "environ").read_bytes():
                    found.append((process / "cmdline").read_bytes()[:100])
            except OSError:
                continue  # it has ended
        return found

    def checkpoint_times(self, store):
        times = set()
        for file in (self.directory / store / "live").glob("*.h5"):
            try:
                times.add(file.stat().st_mtime_ns)
            except FileNotFoundError:
                continue  # its training is complete
        return times

    def test_any_number_of_ranks_and_stops_give_equal_bits(self):
        self.expect(0, "run", self.job, "--store", self.path("alone"))
        self.expect(0, "run", self.job, "--store", self.path("together"), ranks=3)
        self.expect(0, "verify", self.path("alone"), "--against", self.path("together"), "--rerun", "1")
        for number in (signal.SIGTERM, signal.SIGKILL):
            store, stops = f"stopped-{number}", 0
            while True:
                process = self.start("run", self.job, "--store", self.path(store), "--checkpoint-every", "0.01s")
                known = self.checkpoint_times(store)
                self.wait_until(lambda: process.poll() is not None or self.checkpoint_times(store) - known)
                process.send_signal(number)
                if process.wait(timeout=60) == 0:
                    break
                stops += 1
            self.assertGreater(stops, 2)
            self.expect(0, "verify", self.path("alone"), "--against", self.path(store))
        self.wait_until(lambda: not self.workers())  # none outlives its sweep, however that ends

    def test_a_ticket_acts_as_its_weights_say(self):
        self.expect(0, "run", self.job, "--store", self.path("S"))
        self.expect(0, "evaluate", self.path("S"), CHAIN, "1", "--episodes", "2", "--trajectory", self.path("steps.h5"))
        self.expect(0, "export", self.path("S"), "ticket", "--chain", CHAIN, "--round", "1",
                    "--output", self.path("ticket.h5"))
        with h5py.File(self.directory / "S" / "index.h5") as index:
            provenance = index[f"chains/{CHAIN}/r01/provenance"].attrs
            self.assertEqual(provenance["external_program"], b"ALE 0.12.1")
        with h5py.File(self.path("ticket.h5")) as ticket, h5py.File(self.path("steps.h5")) as steps:
            kept = sum(ticket[f"mask/actor.{layer}.weight"][()].sum(dtype=int) for layer in range(4))
            self.assertEqual(kept, round(0.1 * 1_783_808))
            self.assertEqual(ticket["mask/critic.0.weight"][()].sum(dtype=int), 512)
            observations = steps["observation"][()]
            self.assertEqual(observations.shape[1], 4 * 104 * 80)
            self.assertLess(abs(actor_outputs(ticket, observations) - steps["outputs"][()]).max(), 1e-5)
            # Games are played to their end, over three lives, and scored by more than the sign of a reward.
            self.assertEqual(steps["ends"][()].sum(), 2)
            self.assertGreater(steps["reward"][()].max(), 1)

    def test_without_the_emulator(self):
        for change, words in (({"PYTHONPATH": ""}, "has no package ale_py"),
                              ({"ALE_ROMS_DIR": self.path("elsewhere")}, "has no breakout.bin"),
                              ({"IMPSWEEP_PYTHON": self.path("nothing")}, "cannot be started")):
            result = self.call("run", self.job, "--store", self.path("S"), environment=change)
            self.assertEqual(result.returncode, 2)
            self.assertIn(words, result.stderr)
            self.assertIn("pip install ale-py", result.stderr)
            self.assertFalse((self.directory / "S").exists())
        self.expect(0, "plan", self.job, environment={"PYTHONPATH": ""})  # which plays nothing

    def test_an_emulator_that_ends(self):
        result = self.call("run", self.job, "--store", self.path("S"), environment={"FAKE_ALE_DIES_AT": "100"})
        self.assertEqual(result.returncode, 1)
        self.assertIn("these are the last words", self.events("S", "failed")[0]["reason"])
        self.expect(0, "run", self.job, "--store", self.path("S"))  # mended, without --retry-failed


if __name__ == "__main__":
    unittest.main()
