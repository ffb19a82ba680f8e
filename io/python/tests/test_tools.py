"""What other tools make of a store."""

import pathlib
import shutil
import signal
import subprocess
import time
import unittest

import numpy as np

import impsweep
from stores import ENVIRONMENT, GOLDEN, PROGRAM, fresh_store, fresh_summary, needs, needs_program, scratch

TICKETS = {"baseline": "mask/weights", "task": "cartpole"}


@needs_program
class Scores(unittest.TestCase):
    def test_returns(self):
        for path in (fresh_store(), fresh_summary()):
            store = impsweep.Store(path)
            scores = store.scores(where=TICKETS, round=1, normalise=False)
            self.assertEqual(list(scores), ["ppo", "bc"])
            self.assertEqual((scores.tasks, scores.seeds), (["cartpole"], [0, 1]))
            rounds = store.table("rounds")
            for name, array in scores.items():
                self.assertEqual(array.shape, (2, 1))
                for seed in (0, 1):
                    row = np.flatnonzero((rounds["algorithm"] == name) & (rounds["seed"] == seed) & (rounds["round"] == 1)
                                         & (rounds["baseline"] == "mask/weights") & (rounds["task"] == "cartpole"))
                    self.assertEqual(array[seed, 0], rounds["reevaluated_return"][row[0]])

    def test_normalised_by_untrained_and_dense(self):
        store = impsweep.Store(fresh_store())
        where = {"task": "cartpole", "algorithm": "ppo"}
        dense = store.scores(by="baseline", where=where, round=0)
        self.assertEqual(sorted(dense), ["mask/permuted", "mask/weights", "permuted/permuted", "random/re-init"])
        for array in dense.values():  # one training, which is what 1 means
            self.assertAlmostEqual(array.mean(), 1)
        low, high = dense.bounds["cartpole"]
        curve = store.record("cartpole.ppo.16-12.default.mask-weights.s00", 0).array("curve/mean")
        other = store.record("cartpole.ppo.16-12.default.mask-weights.s01", 0).array("curve/mean")
        self.assertAlmostEqual(low, (curve[0] + other[0]) / 2)
        self.assertNotEqual(high, low)

    def test_choices_that_are_none(self):
        store = impsweep.Store(fresh_store())
        for arguments, words in (({"by": "colour"}, "'colour' is no column"), ({}, "choose by `where`"),
                                 ({"where": {"task": "pong"}}, "no finished round is left"),
                                 ({"round": 1, "density": 0.5}, "not both")):
            with self.assertRaisesRegex(impsweep.StoreError, words):
                store.scores(**arguments)

    @needs("rliable")
    def test_rliable_takes_them(self):
        from rliable import library, metrics
        scores = impsweep.Store(fresh_store()).scores(by="baseline", where={"task": "cartpole", "algorithm": "ppo"}, round=1)
        points, intervals = library.get_interval_estimates(
            dict(scores), lambda values: np.array([metrics.aggregate_iqm(values)]), reps=200)
        for name, array in scores.items():
            self.assertAlmostEqual(points[name][0], array.mean())  # the middle half of two values is both
            self.assertEqual(intervals[name].shape, (2, 1))


@needs_program
class TensorBoard(unittest.TestCase):
    @needs("tensorboardX", "tensorboard")
    def test_curves_and_rounds(self):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        store = impsweep.Store(fresh_store())
        chain = "cartpole.ppo.16-12.default.mask-weights.s01"
        logs = scratch() / "logs"
        written = store.to_tensorboard(logs, chains=[chain])
        events = EventAccumulator(str(logs / chain)).Reload()
        curves = store.table("curves")
        for number in range(3):
            rows = np.flatnonzero((curves["chain"] == chain) & (curves["round"] == number))
            shown = events.Scalars(f"r{number:02}/return")
            self.assertEqual([value.step for value in shown], curves["step"][rows].tolist())
            np.testing.assert_array_equal([value.value for value in shown],
                                          curves["mean_return"][rows].astype(np.float32))
        self.assertEqual([value.step for value in events.Scalars("round/density")], [0, 1, 2])
        self.assertEqual(written, sum(len(events.Scalars(tag)) for tag in events.Tags()["scalars"]))

    @needs("tensorboardX", "tensorboard")
    def test_running_trainings_by_their_heartbeats(self):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        job = scratch() / "long.toml"
        job.write_text('[[sweep]]\ntasks = ["cartpole"]\nalgorithms = ["ppo"]\nbaselines = ["mask/weights"]\nseeds = 1\n'
                       'rounds = 1\nrl.steps = 500000000\neval.interval = 20000\neval.episodes = 2\n')
        path = scratch() / "running"
        run = subprocess.Popen([PROGRAM, "run", job, "--store", path], env=ENVIRONMENT, stdout=subprocess.DEVNULL)
        try:
            for _ in range(600):
                if (path / "store.toml").exists() and (path / "jobs").is_dir() and any(
                        event["type"] == "heartbeat" and event["running"] and event["running"][0]["env_steps"] > 0
                        for event in impsweep.Store(path)._contents.events()):
                    break
                time.sleep(0.1)
            self.assertGreater(impsweep.Store(path).to_tensorboard(scratch() / "running-logs"), 0)
        finally:
            run.send_signal(signal.SIGTERM)
            run.wait(60)
        folder = next((scratch() / "running-logs" / "running").iterdir())
        shown = EventAccumulator(str(folder)).Reload().Scalars("return")
        self.assertGreater(shown[-1].step, 0)

    @needs("tensorboardX")
    def test_unknown_chains_are_refused(self):
        with self.assertRaisesRegex(impsweep.StoreError, "has no chain 'none'"):
            impsweep.Store(GOLDEN[0]).to_tensorboard(scratch() / "none", chains=["none"])


@needs_program
class WeightsAndBiases(unittest.TestCase):
    @needs("wandb")
    def test_runs_are_written_offline(self):
        folder = pathlib.Path(scratch()) / "wandb-runs"
        folder.mkdir()
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        chain = "cartpole.ppo.16-12.default.mask-weights.s00"
        self.assertEqual(impsweep.Store(fresh_store()).to_wandb(directory=folder, chains=[chain]), 1)
        files = list(folder.glob("wandb/offline-run-*/run-*.wandb"))
        self.assertEqual(len(files), 1)
        words = (chain.encode(), b"ppo.learning_rate", b"reevaluated_return")
        for _ in range(300):  # its service writes after finish()
            if all(word in files[0].read_bytes() for word in words):
                break
            time.sleep(0.1)
        for word in words:
            self.assertIn(word, files[0].read_bytes())


if __name__ == "__main__":
    unittest.main()
