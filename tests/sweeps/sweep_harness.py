"""What the tests of whole sweeps share: running impsweep as a user does, alone or under mpirun."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

PROGRAM = os.environ["IMPSWEEP_PROGRAM"]
HAS_LIBTORCH = (pathlib.Path(PROGRAM).parent / "impsweep_torch.so").exists()  # sanitizer builds do not

# All baselines and both families of algorithms, with budgets that end in seconds.
JOB = """
[[sweep]]
name       = "ppo"
tasks      = ["cartpole"]
algorithms = ["ppo"]
seeds      = 1
rounds     = 3
imp.prune_fraction = 0.5
network.hidden = [32, 32]
rl.steps = 8192
eval.interval = 4096
eval.episodes = 5
eval.reevaluation_episodes = 10

[[sweep]]
name       = "bc"
tasks      = ["cartpole"]
algorithms = ["bc"]
seeds      = 1
rounds     = 3
imp.prune_fraction = 0.5
network.hidden = [32, 32]
rl.steps = 4096
eval.interval = 2048
eval.episodes = 5
eval.reevaluation_episodes = 10
bc.teacher_hidden = [32, 32]
bc.teacher_candidates = 2
teacher.rl.steps = 8192
teacher.eval.interval = 4096
teacher.eval.episodes = 5
teacher.eval.reevaluation_episodes = 10
"""
TRAININGS = 2 * (1 + 4 * 2) + 2  # round 0 is shared by the baselines; two candidates for the teacher


def mpirun(ranks, *options):
    return ["mpirun", *options, "--oversubscribe", "--bind-to", "none", "-n", str(ranks)]


class SweepTest(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="impsweep-test-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        self.job = self.write("job.toml", JOB)

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        return str(path)

    def path(self, name):
        return str(self.directory / name)

    def command(self, *arguments, ranks=1):
        return (mpirun(ranks) if ranks > 1 else []) + [PROGRAM, *arguments]

    def call(self, *arguments, ranks=1, environment=None, timeout=300):
        return subprocess.run(self.command(*arguments, ranks=ranks), capture_output=True, text=True,
                              timeout=timeout, env={**self.environment, **(environment or {})})

    def start(self, *arguments, ranks=1, launcher=None, output=subprocess.DEVNULL):
        """In a process group of its own, so that all of it can be killed."""
        command = (launcher + [PROGRAM, *arguments]) if launcher else self.command(*arguments, ranks=ranks)
        process = subprocess.Popen(command, stdout=output, stderr=output, env=self.environment, text=True,
                                   start_new_session=True)
        self.addCleanup(self.kill_group, process)
        return process

    def ranks(self, store):
        """The processes that work on a store: rank -> process number."""
        found = {}
        for process in pathlib.Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            try:
                command = (process / "cmdline").read_bytes().split(b"\0")
                environment = (process / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if command[0] != PROGRAM.encode() or self.path(store).encode() not in command:
                continue
            for entry in environment:
                if entry.startswith(b"OMPI_COMM_WORLD_RANK="):
                    found[int(entry.split(b"=")[1])] = int(process.name)
        return found

    def wait_until(self, condition, timeout=60):
        end = time.monotonic() + timeout
        while not (value := condition()):
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.02)
        return value

    def events(self, store, kind):
        """Events of one type in all logs of a store, in the order of their time."""
        events = []
        for log in (self.directory / store / "events").glob("*.log"):
            for line in log.read_text().splitlines():
                event = json.loads(line[26:])
                event["run"] = log.stem
                events.append(event)
        return sorted((e for e in events if e["type"] == kind), key=lambda e: e["time"])

    def kill_group(self, process, number=signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass

    def expect(self, code, *arguments, **options):
        result = self.call(*arguments, **options)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def rounds(self, store):
        """The finished trainings of a store: path -> (inode, time of last change)."""
        files = (self.directory / store / "rounds").glob("*/*.h5")
        return {str(file): (file.stat().st_ino, file.stat().st_mtime_ns) for file in files}
