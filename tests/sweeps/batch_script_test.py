"""When the scripts for Slurm queue a job again, with stand-ins for Slurm, mpirun and the program. slurm_test has the
genuine ones."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

SCRIPTS = pathlib.Path(__file__).parents[2] / "slurm"
STAND_INS = {
    # Computes until it is told to stop, or ends by itself at once; FINISHES says how many trainings it finishes.
    "mpirun": """#!/bin/bash
        trap 'exit 0' USR1
        mkdir -p S/rounds
        for ((i = 0; i < ${FINISHES:-0}; ++i)); do touch S/rounds/$RANDOM$RANDOM.h5; done
        touch started
        [ "$ENDS" = at-once ] || { sleep 60 & wait $!; }
        """,
    "impsweep": """#!/bin/bash
        exit ${VERDICT:-3}
        """,
    "scontrol": """#!/bin/bash
        echo "$@" >> scontrol.log
        """,
}


class BatchScript(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="impsweep-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        for name, text in STAND_INS.items():
            (self.directory / name).write_text(text)
            (self.directory / name).chmod(0o755)

    def run_job(self, stop=False, **environment):
        """Exit code, output, and whether the job queued itself again."""
        for name in ("started", "scontrol.log"):
            (self.directory / name).unlink(missing_ok=True)
        log = (self.directory / "job.log").open("w")  # as Slurm does: what outlives the script may write on
        self.addCleanup(log.close)
        process = subprocess.Popen(
            ["bash", str(SCRIPTS / "sweep.sbatch"), "job.toml", "S"], cwd=self.directory, text=True,
            stdout=log, stderr=log, start_new_session=True,
            env={**os.environ, "PATH": f"{self.directory}:{os.environ['PATH']}", "SLURM_JOB_ID": "7",
                 "IMPSWEEP": str(self.directory / "impsweep"), "IMPSWEEP_SLURM": str(SCRIPTS), **environment})
        try:
            if stop:
                deadline = time.monotonic() + 30
                while not (self.directory / "started").exists() and time.monotonic() < deadline:
                    time.sleep(0.01)
                process.send_signal(signal.SIGUSR1)
            process.wait(timeout=30)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        requests = self.directory / "scontrol.log"
        again = requests.exists() and requests.read_text() == "requeue 7\n"
        return process.returncode, (self.directory / "job.log").read_text(), again

    def test_work_is_left(self):
        code, output, again = self.run_job(stop=True, FINISHES="2", SLURM_RESTART_COUNT="4")
        self.assertEqual((code, again), (0, True), output)
        self.assertIn("restart 5", output)

    def test_stopped_before_anything_could_be_achieved(self):
        code, output, again = self.run_job(stop=True)
        self.assertEqual((code, again), (0, True), output)

    def test_nothing_was_achieved(self):
        code, output, again = self.run_job(ENDS="at-once")
        self.assertEqual((code, again), (3, False), output)
        self.assertIn("nothing was achieved", output)

    def test_too_many_restarts(self):
        code, output, again = self.run_job(stop=True, FINISHES="1", SLURM_RESTART_COUNT="6", IMPSWEEP_RESTARTS="6")
        self.assertEqual((code, again), (3, False), output)
        self.assertIn("submit the job again", output)

    def test_complete_or_only_failures_left(self):
        for verdict in (0, 1):
            code, output, again = self.run_job(ENDS="at-once", VERDICT=str(verdict))
            self.assertEqual((code, again), (verdict, False), output)


if __name__ == "__main__":
    unittest.main()
