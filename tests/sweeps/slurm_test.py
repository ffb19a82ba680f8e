"""The Slurm scripts on a real Slurm of one node (slurm/test-cluster start): arrays, requeue, time limits, scancel."""

import os
import pathlib
import re
import shutil
import subprocess
import time
import unittest

from durability_test import LONG_JOB
from sweep_harness import PROGRAM, SweepTest

ROOT = pathlib.Path(__file__).parents[2]
SCRIPTS = ROOT / "slurm"


def cluster_is_up():
    return shutil.which("sinfo") is not None and subprocess.run(["scontrol", "ping"], capture_output=True).returncode == 0


@unittest.skipUnless(cluster_is_up(), "no Slurm here; slurm/test-cluster start makes one")
class Slurm(SweepTest):
    def setUp(self):
        super().setUp()
        self.job = self.write("job.toml", LONG_JOB.replace("400_000", "800_000"))
        self.expect(0, "run", self.job, "--store", self.path("undisturbed"))
        self.environment.update(IMPSWEEP=PROGRAM, IMPSWEEP_SLURM=str(SCRIPTS), IMPSWEEP_MPIRUN="--oversubscribe")

    def submit(self, script, *options):
        result = subprocess.run(
            ["sbatch", "--parsable", "--chdir", str(self.directory), *options, str(SCRIPTS / script), self.job,
             self.path("S"), "--lost-after", "4s", "--checkpoint-every", "1s"],
            capture_output=True, text=True, env=self.environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        number = result.stdout.strip().split(";")[0]
        self.addCleanup(subprocess.run, ["scancel", number], capture_output=True)
        return number

    def states(self, number):
        answer = subprocess.run(["squeue", "-h", "-r", "-j", number, "-o", "%K %T"], capture_output=True, text=True)
        if answer.returncode != 0 and "Invalid job id" not in answer.stderr:  # which is one that ended long ago
            return {"?": answer.stderr}  # a controller that is too busy says nothing of the job
        return dict(line.split() for line in answer.stdout.splitlines())

    def wait_for_end(self, number, timeout=600):
        """Until no task waits or runs: a requeued one does."""
        def ended():
            return all(state in ("COMPLETED", "FAILED", "CANCELLED") for state in self.states(number).values())
        self.wait_until(ended, timeout)

    def logs(self):
        return "\n".join(path.read_text() for path in sorted(self.directory.glob("impsweep-*.log")))

    def expect_undisturbed(self):
        status = self.call("status", self.path("S"), "--exit-code")
        self.assertEqual(status.returncode, 0, status.stdout + self.logs())
        self.expect(0, "verify", self.path("undisturbed"), "--against", self.path("S"))
        done = [event["training"] for event in self.events("S", "done")]
        self.assertEqual(len(done), len(set(done)), "a finished training was repeated")

    def test_array_of_three_with_requeue_by_signal_and_by_hand(self):
        number = self.submit("array.sbatch", "--array=0-2", "--ntasks=1")
        self.wait_until(lambda: len(self.events("S", "start")) >= 3, 120)
        time.sleep(1)
        subprocess.run(["scancel", "--signal=USR1", "--batch", f"{number}_0"], check=True)
        subprocess.run(["scontrol", "requeue", f"{number}_1"], check=True)
        self.wait_for_end(number)
        self.assertIn("restart 1", self.logs())
        self.assertGreaterEqual(len(self.events("S", "run-start")), 4, self.logs())
        self.expect_undisturbed()

    def test_signalled_twice(self):
        # What --signal=B:USR1 sends, at moments of our own.
        number = self.submit("sweep.sbatch", "--ntasks=2", "--time=2")
        for restart in (1, 2):
            self.wait_until(lambda: len(self.events("S", "run-start")) >= restart, 180)
            time.sleep(2)
            subprocess.run(["scancel", "--signal=USR1", "--batch", number], check=True)
            self.wait_until(lambda: len(re.findall("restart", self.logs())) >= restart, 60)
        self.wait_for_end(number)
        self.expect_undisturbed()

    def test_time_limit_is_met_twice(self):
        """Two minutes and more of work in jobs of a minute."""
        self.job = self.write("job.toml", LONG_JOB.replace("400_000", "12_000_000"))
        shutil.rmtree(self.path("undisturbed"))
        self.expect(0, "run", self.job, "--store", self.path("undisturbed"), ranks=2, timeout=1200)
        number = self.submit("sweep.sbatch", "--ntasks=2", "--time=1", "--signal=B:USR1@20")
        self.wait_for_end(number, 1200)
        self.assertGreaterEqual(len(re.findall("restart", self.logs())), 2, self.logs())
        self.expect_undisturbed()


if __name__ == "__main__":
    unittest.main()
