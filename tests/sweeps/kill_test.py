"""kill -9, many times: at random moments of a worker, of rank 0, of mpirun, of everything, and in the middle of the
system calls that checkpoints, results and the index are made of. Nothing finished is lost or repeated, and the results
are the bits of an undisturbed run. IMPSWEEP_KILLS sets how many at random (200), IMPSWEEP_KILL_SEED which moments."""

import json
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

from durability_test import Durability, RECOVERY, TRAININGS
from sweep_harness import PROGRAM, mpirun

KILLS = int(os.environ.get("IMPSWEEP_KILLS", "200"))
SEED = int(os.environ.get("IMPSWEEP_KILL_SEED", "1"))
TARGETS = ("worker", "rank 0", "mpirun", "all")


class Kills(Durability):
    def test_kills(self):
        chance = random.Random(SEED)
        counts = dict.fromkeys(TARGETS, 0)
        stores = repeated = 0
        self.addCleanup(lambda: print(f"\n{sum(counts.values())} kills: {json.dumps(counts)}; {stores} stores, "
                                      f"{repeated} trainings repeated"))
        while sum(counts.values()) < KILLS:
            store = f"S{stores}"
            stores += 1
            finished = {}
            while True:
                # Without a worker the sweep would soon be complete, so the last kills of a store come to nothing.
                process = self.start("run", self.job, "--store", self.path(store), "--checkpoint-every", "0.05s",
                                     "--lost-after", "1s", launcher=mpirun(3, *RECOVERY))
                self.strike(process, store, chance, counts)
                now = self.rounds(store)
                for file, identity in finished.items():
                    self.assertEqual(now.get(file), identity, "a finished training was lost or repeated")
                finished = now
                if len(finished) == TRAININGS or sum(counts.values()) >= KILLS:
                    break
            self.run_job(store)
            self.expect_undisturbed(store)
            done = [event["training"] for event in self.events(store, "done")]
            repeated += len(done) - len(set(done))
        self.assertEqual(repeated, 0)

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_kills_at_system_calls(self):
        """The n-th rename, link, fsync and write to a file is entered and never left; every n more than once."""
        counts = {}
        stores = 0
        for call, moments in (("rename", range(1, 22, 2)), ("link", range(1, 12, 2)), ("fsync", range(1, 40, 3)),
                              ("write", range(20, 220, 20)), ("unlink", range(1, 8))):
            counts[call] = 0
            store = f"C{stores}"
            stores += 1
            finished = {}
            for moment in moments:
                run = subprocess.run(
                    ["strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                     f"inject={call}:signal=KILL:when={moment}", PROGRAM, "run", self.job, "--store",
                     self.path(store), "--checkpoint-every", "0.05s"], capture_output=True, env=self.environment)
                now = self.rounds(store)
                for file, identity in finished.items():
                    self.assertEqual(now.get(file), identity, "a finished training was lost or repeated")
                finished = now
                if run.returncode == 0:
                    break
                self.assertEqual(run.returncode, -signal.SIGKILL, run.stderr.decode())
                counts[call] += 1
            self.run_job(store)
            self.expect_undisturbed(store)
            done = [event["training"] for event in self.events(store, "done")]
            self.assertEqual(len(done), len(set(done)), "a training was repeated")
        print(f"\nkilled in system calls: {json.dumps(counts)}")
        self.assertGreater(sum(counts.values()), 25)

    def strike(self, process, store, chance, counts):
        target = chance.choice(TARGETS)
        if target in ("worker", "rank 0"):
            self.wait_until(lambda: len(self.ranks(store)) == 3 or process.poll() is not None)
        time.sleep(chance.expovariate(1 / 0.6))
        ranks = self.ranks(store)
        workers = [ranks[rank] for rank in sorted(ranks) if rank > 0]
        victims = {"worker": [chance.choice(workers)] if workers else [],
                   "rank 0": [ranks[0]] if 0 in ranks else [],
                   "mpirun": [process.pid],
                   "all": [*ranks.values(), process.pid]}[target]
        if process.poll() is None and victims:
            for victim in victims:
                try:
                    os.kill(victim, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            counts[target] += 1
        # After a worker's death the others go on; they need not be waited for every time.
        if target == "worker" and chance.random() < 0.5:
            time.sleep(chance.expovariate(1 / 2.0))
            self.kill_group(process)
        try:
            self.assertNotEqual(process.wait(timeout=60), 2, "the run was refused")
        finally:
            self.kill_group(process)
        self.wait_until(lambda: not self.ranks(store))


def load_tests(loader, tests, pattern):
    return unittest.TestSuite([Kills("test_kills_at_system_calls"), Kills("test_kills")])  # and none of those that it inherits


if __name__ == "__main__":
    unittest.main()
