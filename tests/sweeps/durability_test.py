"""Nothing is lost: trainings killed in the middle, dead ranks, several runs on one store. Results are the same bits."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import h5py

from sweep_harness import PROGRAM, SweepTest, mpirun

# Trainings of a second or two, so that most kills hit the middle of one. Two seeds: round 0 and the four baselines'
# two rounds each; the student's teacher is a training of its own.
LONG_JOB = """
[[sweep]]
name       = "ppo"
tasks      = ["cartpole"]
algorithms = ["ppo"]
seeds      = 2
rounds     = 3
imp.prune_fraction = 0.5
network.hidden = [32, 32]
rl.steps = 400_000
eval.interval = 100_000
eval.episodes = 5
eval.reevaluation_episodes = 10

[[sweep]]
name       = "bc"
tasks      = ["cartpole"]
algorithms = ["bc"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 2
imp.prune_fraction = 0.5
network.hidden = [32, 32]
rl.steps = 200_000
eval.interval = 100_000
eval.episodes = 5
eval.reevaluation_episodes = 10
bc.teacher_hidden = [32, 32]
bc.teacher_candidates = 1
teacher.rl.steps = 100_000
teacher.eval.interval = 50_000
teacher.eval.episodes = 5
teacher.eval.reevaluation_episodes = 10

[[sweep]]
name       = "dqn"
tasks      = ["cartpole"]
algorithms = ["dqn"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 2
imp.prune_fraction = 0.5
network.hidden = [32, 32]
rl.steps = 40_000
dqn.replay_size = 10_000
dqn.min_steps_learn = 1000
eval.interval = 10_000
eval.episodes = 5
eval.reevaluation_episodes = 10
"""
TRAININGS = 2 * (1 + 4 * 2) + 2 + 1 + 2
RECOVERY = ("--enable-recovery",)
FAST = ("--checkpoint-every", "0.2s", "--lost-after", "2s")


class Durability(SweepTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.undisturbed = tempfile.mkdtemp(prefix="impsweep-test-")
        cls.addClassCleanup(shutil.rmtree, cls.undisturbed, ignore_errors=True)
        job = pathlib.Path(cls.undisturbed) / "job.toml"
        job.write_text(LONG_JOB)
        subprocess.run([PROGRAM, "run", job, "--store", cls.undisturbed + "/store"], check=True, capture_output=True)

    def setUp(self):
        super().setUp()
        self.job = self.write("job.toml", LONG_JOB)

    def run_job(self, store, *options, **arguments):
        return self.expect(0, "run", self.job, "--store", self.path(store), *options, **arguments)

    def expect_undisturbed(self, store):
        self.expect(0, "verify", self.undisturbed + "/store", "--against", self.path(store))
        self.assertEqual(len(self.rounds(store)), TRAININGS)
        for folder in ("live", "leases"):  # a kill in the middle of writing leaves a .tmp, swept after a day
            left = [path.name for path in (self.directory / store / folder).iterdir() if path.suffix != ".tmp"]
            self.assertEqual(left, [], "left over")

    def start_run(self, store, *options, ranks=4, **arguments):
        return self.start("run", self.job, "--store", self.path(store), *FAST, *options,
                          launcher=mpirun(ranks, *RECOVERY), **arguments)

    def checkpoints(self, store):
        return sorted((self.directory / store / "live").glob("*.h5"))

    def test_killed_in_the_middle_of_a_training(self):
        for _ in range(4):
            process = self.start("run", self.job, "--store", self.path("S"), *FAST)
            self.wait_until(lambda: self.checkpoints("S"))
            time.sleep(0.5)
            self.kill_group(process)
            process.wait()
        self.run_job("S")
        self.expect_undisturbed("S")

    def test_signals_keep_what_was_done(self):
        saved = 0
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2):
            started = len(self.events("S", "start"))
            process = self.start("run", self.job, "--store", self.path("S"))
            self.wait_until(lambda: len(self.events("S", "start")) > started)
            time.sleep(0.15)
            before = len(self.rounds("S"))
            start = time.monotonic()
            process.send_signal(number)
            self.assertEqual(process.wait(timeout=20), 3)
            self.assertLess(time.monotonic() - start, 5)  # about 0.1 s on an idle machine
            self.assertTrue(self.checkpoints("S") or len(self.rounds("S")) > before, "what was under way is lost")
            saved += len(self.checkpoints("S")) > 0
        self.assertGreater(saved, 0)
        self.run_job("S")
        self.expect_undisturbed("S")

    def test_signal_to_mpirun_reaches_all_ranks(self):
        process = self.start("run", self.job, "--store", self.path("S"), ranks=3)
        self.wait_until(lambda: len(self.events("S", "start")) >= 3)
        time.sleep(0.5)
        process.send_signal(signal.SIGUSR1)
        self.assertEqual(process.wait(timeout=20), 3)
        self.assertGreaterEqual(len(self.checkpoints("S")), 1)
        self.expect(3, "status", self.path("S"), "--exit-code")
        self.run_job("S", ranks=3)
        self.expect_undisturbed("S")

    def test_damaged_checkpoints(self):
        process = self.start("run", self.job, "--store", self.path("S"), *FAST)
        self.wait_until(lambda: len(self.checkpoints("S")) == 2)
        self.kill_group(process)
        process.wait()
        newest = min(self.checkpoints("S"), key=lambda path: len(path.name))
        newest.write_bytes(newest.read_bytes()[:5000])
        result = self.run_job("S", "--only", "cartpole.ppo.32-32.default.mask-weights.s00:r00")
        self.assertIn("quarantine", result.stderr)
        self.run_job("S")
        self.expect_undisturbed("S")

    def test_dead_workers(self):
        log = open(self.directory / "log", "w+")
        self.addCleanup(log.close)
        process = self.start_run("S", output=log)
        self.wait_until(lambda: len(self.events("S", "start")) >= 4)
        time.sleep(0.7)
        for rank, pid in self.ranks("S").items():
            if rank in (1, 3):
                os.kill(pid, signal.SIGKILL)
        process.wait(timeout=300)
        log.seek(0)
        self.expect(0, "status", self.path("S"), "--exit-code")
        self.assertEqual({event["rank"] for event in self.events("S", "lost")}, {1, 3}, log.read())
        self.expect_undisturbed("S")

    def test_death_while_the_ranks_come_together(self):
        """MPI_Init waits for a rank that died in it, for ever; the others end by themselves."""
        process = self.start("run", self.job, "--store", self.path("S"), "--lost-after", "0.5s",
                             launcher=mpirun(3, *RECOVERY))
        os.kill(self.wait_until(lambda: self.ranks("S").get(1)), signal.SIGKILL)
        process.wait(timeout=120)
        self.run_job("S", ranks=2)
        self.expect_undisturbed("S")

    def test_slow_worker_is_welcome_again(self):
        process = self.start_run("S", ranks=3)
        self.wait_until(lambda: len(self.events("S", "start")) >= 3)
        slow = self.ranks("S")[1]
        os.kill(slow, signal.SIGSTOP)
        self.wait_until(lambda: self.events("S", "lost"))
        os.kill(slow, signal.SIGCONT)
        process.wait(timeout=300)
        self.expect(0, "status", self.path("S"), "--exit-code")
        self.expect_undisturbed("S")

    def test_workers_leave_when_rank_zero_is_dead(self):
        process = self.start_run("S")
        self.wait_until(lambda: len(self.events("S", "start")) >= 4)
        time.sleep(0.5)
        os.kill(self.ranks("S")[0], signal.SIGKILL)
        process.wait(timeout=60)
        self.assertEqual(self.ranks("S"), {})
        self.assertGreaterEqual(len(self.checkpoints("S")), 1)
        self.expect(3, "status", self.path("S"), "--exit-code")
        self.run_job("S", ranks=2)
        self.expect_undisturbed("S")

    def test_training_that_kills_two_ranks_fails_with_evidence(self):
        self.job = self.write("job.toml", LONG_JOB[: LONG_JOB.index('[[sweep]]\nname       = "bc"')]
                              .replace("400_000", "100_000_000"))
        process = self.start_run("S", "--rank0", "sleeps", "--set", "seeds=1", "--set", "rounds=1", ranks=4)
        for death in (1, 2):
            start = self.wait_until(lambda: self.events("S", "start")[death - 1:])[0]
            time.sleep(0.3)
            os.kill(self.ranks("S")[start["rank"]], signal.SIGKILL)
            self.wait_until(lambda: len(self.events("S", "lost")) == death)
        process.wait(timeout=60)
        self.expect(1, "status", self.path("S"), "--exit-code")
        status = json.loads(self.expect(0, "status", self.path("S"), "--json").stdout)
        self.assertEqual(len(status["failed"]), 1)
        self.assertIn("2 workers were lost", status["failed"][0]["reason"])
        self.assertIn("pid", status["failed"][0]["reason"])

    def test_chaos(self):
        process = self.start_run("S", "--chaos", "2,1", ranks=4)
        process.wait(timeout=300)
        self.assertGreaterEqual(len(self.events("S", "lost")), 1)
        self.run_job("S")
        self.expect_undisturbed("S")

    def test_two_runs_share_a_store(self):
        runs = [self.start("run", self.job, "--store", self.path("S"), ranks=2) for _ in range(2)]
        for run in runs:
            self.assertEqual(run.wait(timeout=300), 0)
        done = [event["training"] for event in self.events("S", "done")]
        self.assertEqual(len(done), len(set(done)), "a training was computed twice")
        self.assertEqual(len(done), TRAININGS)
        self.assertEqual(len({event["run"] for event in self.events("S", "done")}), 2, "one run did everything")
        self.expect_undisturbed("S")

    def test_merge_and_pack(self):
        for shard in (0, 1):
            self.run_job(f"part{shard}", "--shard", f"{shard}/2")
        self.expect(0, "merge", self.path("S"), self.path("part0"), self.path("part1"))
        again = self.expect(0, "merge", self.path("S"), self.path("part0"))
        self.assertIn("0 results copied", again.stdout)
        self.expect_undisturbed("S")
        self.expect(0, "status", self.path("S"), "--exit-code")
        packed = self.expect(0, "pack", self.path("S"), self.path("pack.h5"))
        self.assertIn(f"{TRAININGS} of {TRAININGS} trainings", packed.stdout)
        with h5py.File(self.path("pack.h5")) as pack:
            self.assertEqual(len(set(pack["rounds"]["digest"])), TRAININGS)
            chain = pack["chains/cartpole.ppo.32-32.default.mask-weights.s00"]
            self.assertEqual(sorted(chain), ["r00", "r01", "r02"])
            self.assertEqual(int(chain["r02/mask/actor/1/weight"][()].sum() > 0), 1)
        explained = self.expect(0, "explain", self.path("S"), "cartpole.ppo.32-32.default.mask-weights.s00")
        self.assertIn("3/3 rounds done", explained.stdout)

    def test_lease_of_a_vanished_run_is_taken_over(self):
        chain = "cartpole.ppo.32-32.default.mask-weights.s00:r00"
        self.expect(3, "run", self.job, "--store", self.path("S"), "--only", chain, "--time-limit", "0s")
        process = self.start("run", self.job, "--store", self.path("S"), "--only", chain)
        lease = self.wait_until(lambda: list((self.directory / "S" / "leases").iterdir()))[0]
        text = lease.read_text()
        self.kill_group(process)
        process.wait()
        lease.write_text(text.replace('"host":"', '"host":"elsewhere-').replace(
            '"interval_seconds":10.0', '"interval_seconds":0.5'))
        start = time.monotonic()
        result = self.expect(0, "run", self.job, "--store", self.path("S"), "--only", chain)
        self.assertGreater(time.monotonic() - start, 1.5)
        self.assertIn("1/1 trainings done", result.stdout)


if __name__ == "__main__":
    unittest.main()
