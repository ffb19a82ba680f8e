"""When the scripts for Slurm, PBS and LSF queue a job again, with stand-ins for the batch systems, mpirun and the
program. slurm_test has the genuine Slurm."""

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
        echo "$@" > mpirun.log
        mkdir -p S/rounds
        for ((i = 0; i < ${FINISHES:-0}; ++i)); do touch S/rounds/$RANDOM$RANDOM.h5; done
        touch started
        [ "$ENDS" = at-once ] || { sleep 60 & wait $!; }
        """,
    # Its verdicts come one after the other, the last for ever; before mpirun has ended there is work left.
    "impsweep": """#!/bin/bash
        [ -e started ] || exit 3
        verdicts=(${VERDICTS:-3})
        n=$(cat verdicts.log 2> /dev/null | wc -l)
        echo x >> verdicts.log
        [ "$n" -lt ${#verdicts[@]} ] || n=$((${#verdicts[@]} - 1))
        exit ${verdicts[$n]}
        """,
    "scontrol": """#!/bin/bash
        if [ "$1" = show ]; then echo "   Command=$ORIGINAL job.toml S"; exit; fi
        echo "$@" >> requests.log
        """,
    "qsub": """#!/bin/bash
        echo "qsub $@" >> requests.log
        """,
    "qstat": """#!/bin/bash
        echo "    Resource_List.walltime = 02:00:00"
        """,
    "brequeue": """#!/bin/bash
        echo "brequeue $@" >> requests.log
        """,
}


class BatchScript:
    """What holds for every batch system."""

    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="impsweep-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        for name, text in STAND_INS.items():
            (self.directory / name).write_text(text)
            (self.directory / name).chmod(0o755)
        (self.directory / "nodes").write_text("a\na\nb\nb\n")

    def run_job(self, stop=False, kill=signal.SIGUSR1, **environment):
        """Exit code, output, and whether the job queued itself again."""
        for name in ("started", "requests.log", "verdicts.log"):
            (self.directory / name).unlink(missing_ok=True)
        log = (self.directory / "job.log").open("w")  # as batch systems do: what outlives the script may write on
        self.addCleanup(log.close)
        process = subprocess.Popen(
            ["bash", str(SCRIPTS / self.script), *self.arguments], cwd=self.directory, text=True,
            stdout=log, stderr=log, start_new_session=True,
            env={**os.environ, "PATH": f"{self.directory}:{os.environ['PATH']}",
                 "IMPSWEEP": str(self.directory / "impsweep"), "IMPSWEEP_SLURM": str(SCRIPTS), "IMPSWEEP_PAUSE": "0.1",
                 **self.environment, **environment})
        try:
            if stop:
                deadline = time.monotonic() + 60
                while not (self.directory / "started").exists() and time.monotonic() < deadline:
                    time.sleep(0.01)
                process.send_signal(kill)
            process.wait(timeout=60)
        finally:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        requests = self.directory / "requests.log"
        self.requests = requests.read_text() if requests.exists() else ""
        return process.returncode, (self.directory / "job.log").read_text(), self.requests.startswith(self.request)

    def after_restarts(self, restarts):
        raise NotImplementedError

    def test_work_is_left(self):
        code, output, again = self.run_job(stop=True, FINISHES="2", **self.after_restarts(4))
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
        code, output, again = self.run_job(stop=True, FINISHES="1", IMPSWEEP_RESTARTS="6", **self.after_restarts(6))
        self.assertEqual((code, again), (3, False), output)
        self.assertIn("submit the job again", output)

    def test_complete_or_only_failures_left_or_without_jobs(self):
        for verdict in (0, 1, 2):
            code, output, again = self.run_job(ENDS="at-once", VERDICTS=str(verdict))
            self.assertEqual((code, again), (verdict, False), output)

    def test_a_hiccup_of_status_is_no_verdict(self):
        for verdicts in ("139", "0 139", "1 3", "2 124"):
            code, output, again = self.run_job(ENDS="at-once", FINISHES="1", VERDICTS=verdicts)
            self.assertEqual((code, again), (0, True), verdicts + "\n" + output)

    def test_mpirun_is_ended_by_two_verdicts_only(self):
        code, output, again = self.run_job(VERDICTS="0 3 2 2 1 1")
        self.assertEqual((code, again), (1, False), output)
        self.assertGreaterEqual(len((self.directory / "verdicts.log").read_text().splitlines()), 6)


class Slurm(BatchScript, unittest.TestCase):
    script, arguments, request = "sweep.sbatch", ["job.toml", "S"], "requeue 7\n"
    environment = {"SLURM_JOB_ID": "7", "SLURM_SUBMIT_DIR": "/nowhere"}

    def after_restarts(self, restarts):
        return {"SLURM_RESTART_COUNT": str(restarts)}

    def test_the_scripts_are_found_beside_the_original(self):
        copy = self.directory / "slurm_script"
        shutil.copy(SCRIPTS / self.script, copy)
        environment = {**os.environ, "PATH": f"{self.directory}:{os.environ['PATH']}", **self.environment,
                       "IMPSWEEP": str(self.directory / "impsweep"), "ORIGINAL": str(SCRIPTS / self.script),
                       "ENDS": "at-once", "VERDICTS": "0", "IMPSWEEP_PAUSE": "0.1"}
        result = subprocess.run(["bash", str(copy), *self.arguments], cwd=self.directory, env=environment, timeout=60,
                                capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_arguments_are_missing(self):
        self.arguments = ["job.toml"]
        code, output, again = self.run_job(ENDS="at-once")
        self.assertEqual((code, again), (2, False), output)
        self.assertIn("JOB.toml and STORE are missing", output)


class Pbs(BatchScript, unittest.TestCase):
    script, arguments, request = "sweep.pbs", [], "qsub -N impsweep -l nodes=1:ppn=2+1:ppn=2,walltime=7200 -v JOB=job.toml,STORE=S,"

    @property
    def environment(self):
        return {"PBS_JOBID": "7.server", "PBS_O_WORKDIR": str(self.directory), "JOB": "job.toml", "STORE": "S",
                "PBS_NODEFILE": str(self.directory / "nodes")}

    def after_restarts(self, restarts):
        return {"IMPSWEEP_RESTART": str(restarts)}

    def test_the_walltime_is_a_time_limit(self):
        for walltime, limit in ((None, "7080s"), ("100", "50s")):
            self.run_job(ENDS="at-once", VERDICTS="0", OPTIONS="--set seeds=2",
                         **({"PBS_WALLTIME": walltime} if walltime else {}))
            command = (self.directory / "mpirun.log").read_text()
            self.assertTrue(command.endswith(f"run job.toml --store S --time-limit {limit} --set seeds=2\n"), command)

    def test_the_next_job_is_the_next_restart(self):
        self.run_job(stop=True, FINISHES="1", **self.after_restarts(2))
        self.assertIn("IMPSWEEP_RESTART=3", self.requests)
        self.assertTrue(self.requests.endswith(f"{SCRIPTS}/sweep.pbs\n"), self.requests)


class Lsf(BatchScript, unittest.TestCase):
    script, arguments, request = "sweep.lsf", [], "brequeue 7\n"

    @property
    def environment(self):
        return {"LSB_JOBID": "7", "LS_SUBCWD": str(self.directory), "JOB": "job.toml", "STORE": "S"}

    def after_restarts(self, restarts):
        (self.directory / ".impsweep-restarts-7").write_text(f"{restarts}\n")
        return {}

    def test_restarts_are_counted_until_the_end(self):
        count = self.directory / ".impsweep-restarts-7"
        self.run_job(stop=True, FINISHES="1")
        self.assertEqual(count.read_text(), "1\n")
        self.run_job(ENDS="at-once", VERDICTS="0")
        self.assertFalse(count.exists())

    def test_the_run_limit_is_any_of_its_signals(self):
        for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM):
            code, output, again = self.run_job(stop=True, FINISHES="1", kill=number)
            self.assertEqual((code, again), (0, True), output)


if __name__ == "__main__":
    unittest.main()
