"""What is far too large is answered or refused soon and named, and what is not goes on; a store that vanishes."""

import hashlib
import os
import resource
import shutil
import subprocess
import time
import unittest

from sweep_harness import SweepTest

SMALL = """
[[sweep]]
name = "small"
tasks = ["cartpole"]
algorithms = ["ppo"]
baselines = ["mask/weights"]
seeds = 2
rounds = 2
network.hidden = [[16], [60000, 60000]]
rl.steps = 2048
eval.interval = 1024
eval.episodes = 2
eval.reevaluation_episodes = 2
"""
GRID = "ppo.learning_rate = {grid = [%s]}\nppo.epochs = {grid = [%s]}\nppo.clip_grad_norm = {grid = [%s]}\n"
GRID += "ppo.entropy_coefficient = {grid = [%s]}\n"


class Limits(SweepTest):
    def measured(self, code, *arguments):
        """The call ends with this code within 5 s of processor time and 500 MB."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = self.expect(code, *arguments)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.assertLess(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 5, arguments)
        self.assertLess(after.ru_maxrss, 500_000, arguments)  # the largest child so far, in kB
        return result

    def test_absurd_sizes_are_answered_or_refused(self):
        job = self.write("absurd.toml", SMALL)
        for key in ("seeds=1000000", "seeds=1000000000000", "rounds=100000", "network.hidden=[1000000000,1000000000]",
                    "rl.steps=9000000000000000000", "network.hidden=[0]"):
            message = self.measured(2, "plan", job, "--set", key).stderr
            self.assertIn(key.split("=")[0], message)
        result = self.measured(2, "plan", job, "--set", "seeds=200000", "--set", "rounds=1000")
        self.assertIn("at most 1000000", result.stderr)
        for key in ("network.hidden=[65535,65535,65535,65535]", "rl.batch_B=4096", "seeds=100000",
                    "eval.episodes=100000"):
            self.measured(0, "plan", job, "--set", key)
        self.measured(0, "plan", job, "--set", 'imp.criterion="lamp"', "--set", 'imp.distribution="erk"')
        self.assertIn("imp.unit", self.measured(2, "plan", job, "--set", 'imp.unit="neuron"').stderr)
        axis = ", ".join(str((i + 1) * 1e-5) for i in range(1000))
        whole = ", ".join(str(i + 1) for i in range(1000))
        grid = self.write("grid.toml", SMALL + GRID % (axis, whole, axis, axis))
        self.assertIn("combinations", self.measured(2, "plan", grid).stderr)

    def test_a_frozen_job_asks_for_too_much(self):
        job = self.write("job.toml", SMALL.replace(", [60000, 60000]", ""))
        self.expect(0, "run", job, "--store", self.path("S"))
        text = "\n".join(("[[sweep]]", 'name = "x"', 'tasks = ["acrobot"]', 'algorithms = ["ppo"]',
                          'baselines = ["mask/weights"]', "seeds = 1000000", "rounds = 1000")) + "\n"
        (self.directory / "S" / "jobs" / (hashlib.sha256(text.encode()).hexdigest() + ".toml")).write_text(text)
        result = self.measured(0, "status", self.path("S"))
        self.assertIn("at most 1000000", result.stderr)
        self.measured(2, "status", self.path("S"), "--exit-code")

    def test_a_training_that_is_too_large_is_named_and_the_others_go_on(self):
        job = self.write("large.toml", SMALL)
        for ranks in (1, 3):
            store = f"S{ranks}"
            result = self.expect(1, "run", job, "--store", self.path(store), ranks=ranks)
            self.assertIn("of memory, most of it for 'network.hidden'", result.stdout)
            self.assertIn("4/8 trainings done", result.stdout)
            self.assertIn("2 failed, 2 blocked", result.stdout)
            self.expect(1, "run", job, "--store", self.path(store), ranks=ranks)  # and is tried again

    def test_a_limit_of_the_process_counts(self):
        job = self.write("job.toml", SMALL.replace("[[16], [60000, 60000]]", "[3000, 3000]"))
        command = self.command("run", job, "--store", self.path("S"))
        result = self.call_with(command, "ulimit -d 300000")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("its data is limited to", result.stdout)

    def call_with(self, command, shell):
        return subprocess.run(["bash", "-c", f'{shell}; exec "$@"', "bash", *command], capture_output=True, text=True,
                              timeout=300, env=self.environment)

    def test_a_store_that_vanishes_is_an_error(self):
        job = self.write("long.toml", SMALL.replace("[[16], [60000, 60000]]", "[16]").replace(
            "rl.steps = 2048", "rl.steps = 400000000"))
        for name, action in (("moved", lambda path: os.rename(path, str(path) + "-away")),
                             ("replaced", lambda path: (os.rename(path, str(path) + "-away"),
                                                        shutil.copytree(str(path) + "-away", path))),
                             ("removed", lambda path: shutil.rmtree(path, ignore_errors=True))):
            log = open(self.directory / f"{name}.log", "w+")
            self.addCleanup(log.close)
            process = self.start("run", job, "--store", self.path(name), output=log)
            self.wait_until(lambda: self.events(name, "start"))
            time.sleep(0.5)
            action(self.directory / name)
            self.assertEqual(process.wait(60), 1, name)
            log.seek(0)
            self.assertIn("has vanished or was moved", log.read(), name)


if __name__ == "__main__":
    unittest.main()
