"""Supervised sweeps as a user runs them: a small data set of IDX files, and Fashion-MNIST where it is installed."""

import gzip
import json
import os
import pathlib
import shutil
import struct
import unittest

import h5py
import numpy
from sweep_harness import SweepTest

JOB = """
[[sweep]]
tasks      = ["digits"]
algorithms = ["supervised"]
seeds      = 1
rounds     = 3
imp.prune_fraction = 0.7
network.hidden = [20]
rl.steps = 6000
eval.interval = 2000
digits.path = "{path}"
"""
CHAIN = "digits.supervised.20.default.mask-weights.s00"
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")


def write_idx(path, array):
    data = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
    with (gzip.open if path.suffix == ".gz" else open)(path, "wb") as file:
        file.write(data)


def write_digits(directory, suffix=""):
    """Each class is a bright block somewhere in the middle; the rim is always dark."""
    directory.mkdir()
    random = numpy.random.default_rng(1)
    for part, count in (("train", 1000), ("t10k", 300)):
        labels = random.integers(0, 10, count).astype(numpy.uint8)
        images = numpy.zeros((count, 28, 28), numpy.uint8)
        for image, label in zip(images, labels):
            row, column = 6 + 8 * (label // 5), 5 + 4 * (label % 5)
            image[row:row + 5, column:column + 3] = random.integers(60, 256, (5, 3))
            image[6:22, 5:24] += random.integers(0, 60, (16, 19)).astype(numpy.uint8) // 2
        write_idx(directory / f"{part}-images-idx3-ubyte{suffix}", images)
        write_idx(directory / f"{part}-labels-idx1-ubyte{suffix}", labels)


class Digits(SweepTest):
    def setUp(self):
        super().setUp()
        write_digits(self.directory / "data")
        self.job = self.write("digits.toml", JOB.format(path=self.path("data")))

    def test_whole_sweep(self):
        self.expect(0, "plan", self.job)
        self.expect(0, "run", self.job, "--store", self.path("S"))
        status = json.loads(self.expect(0, "status", self.path("S"), "--json").stdout)
        self.assertEqual(status["trainings"], {"total": 9, "done": 9, "running": 0, "failed": 0})
        with h5py.File(self.path("S") + "/index.h5") as index:
            dense = index[f"chains/{CHAIN}/r00"]
            self.assertGreater(dense["result"].attrs["best_return"], 95, "accuracy in percent")
            self.assertEqual(list(dense["curve/step"][:]), [0, 2040, 4020, 6000])
            self.assertEqual(dense["curve/returns"].shape, (4, 1))
            ticket = index[f"chains/{CHAIN}/r02"]
            kept = ticket["mask/classifier/0/weight"][:].sum(axis=0).reshape(28, 28)
            self.assertLess(kept[0].mean(), kept[10].mean(), "a dark row goes first")
        self.expect(0, "verify", self.path("S"), "--rerun", "1")
        result = json.loads(self.expect(0, "evaluate", self.path("S"), CHAIN, "1", "--json").stdout)
        self.assertEqual(result["episodes"], 1)
        played = self.expect(0, "evaluate", self.path("S"), CHAIN, "1", "--trajectory", self.path("steps.h5")).stdout
        self.assertIn(f"{result['mean']:.2f} % of the test set", played)
        with h5py.File(self.path("steps.h5")) as steps:
            self.assertEqual(steps["observation"].shape, (300, 784))
            self.assertAlmostEqual(100 * steps["reward"][:].mean(), result["mean"], places=4)
        self.assertIn(b"digits", self.expect(0, "tasks").stdout.encode())
        self.expect(0, "export", self.path("S"), "ticket", "--chain", CHAIN, "--round", "2", "--output",
                    self.path("t.h5"))
        self.expect(0, "export", self.path("S"), "inputs")
        if shutil.which("gnuplot"):
            report = json.loads(self.expect(0, "report", self.path("S"), "--output", self.path("R"), "--json").stdout)
            findings = next(h for h in report["hypotheses"] if h["id"] == "H29")["findings"]
            self.assertEqual([finding["seeds"] for finding in findings], [1, 1])
            rim_over_centre, tau = (finding["value"] for finding in findings)
            self.assertLess(rim_over_centre, 0.01, "the rim goes first")
            self.assertGreater(tau, 0.5, "and the further out, the earlier")
            for finding in findings:
                self.assertIn("1 of 1 seeds do so; median", finding["note"])

    def test_data_that_move(self):
        """The same images elsewhere, and compressed, are the same trainings."""
        self.expect(0, "run", self.job, "--store", self.path("S"))
        before = self.rounds("S")
        shutil.rmtree(self.path("data"))
        self.expect(0, "status", self.path("S"))
        error = self.expect(2, "run", self.job, "--store", self.path("S")).stderr
        self.assertIn("put the four IDX files", error)
        write_digits(self.directory / "packed", ".gz")
        self.expect(0, "run", self.job, "--store", self.path("S"), "--set", "digits.path=" + self.path("packed"))
        self.assertEqual(self.rounds("S"), before)

    def test_killed_in_mid_training(self):
        self.expect(0, "run", self.job, "--store", self.path("S"))
        longer = ["--set", "rl.steps=60000"]
        self.expect(0, "run", self.job, "--store", self.path("A"), *longer)
        process = self.start("run", self.job, "--store", self.path("B"), *longer, "--checkpoint-every", "0s")
        self.wait_until(lambda: list((self.directory / "B" / "live").glob("*.h5")))
        self.kill_group(process)
        process.wait()
        self.expect(0, "run", self.job, "--store", self.path("B"), *longer)
        self.expect(0, "verify", self.path("A"), "--against", self.path("B"))

    @unittest.skipUnless(FASHION.is_dir(), "needs Debian's package dataset-fashion-mnist")
    def test_fashion_mnist(self):
        self.expect(0, "run", self.job, "--store", self.path("S"), "--set", f"digits.path={FASHION}", "--set",
                    "rounds=1", "--set", "rl.steps=120000", "--set", "eval.interval=60000")
        with h5py.File(self.path("S") + "/index.h5") as index:
            self.assertGreater(index[f"chains/{CHAIN}/r00/result"].attrs["best_return"], 80)


if __name__ == "__main__":
    unittest.main()
