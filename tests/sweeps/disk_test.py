"""Disks that are full or read-only, and clocks that are set back: a message, and what was finished stays. Needs root
for the file systems, and faketime for the clock."""

import json
import os
import shutil
import subprocess
import unittest

from durability_test import TRAININGS, Durability

ROOT = unittest.skipUnless(os.geteuid() == 0, "needs root to mount")


class Disk(Durability):
    def mount(self, *options):
        directory = self.directory / "disk"
        directory.mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), "tmpfs", directory], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", directory], capture_output=True)

    def remount(self, *options):
        subprocess.run(["mount", "-o", ",".join(("remount", *options)), self.directory / "disk"], check=True)

    @ROOT
    def test_full_disk(self):
        for size in ("64k", "200k", "400k"):  # full at once, in the middle, nearly at the end
            for ranks in (1, 3):
                with self.subTest(size=size, ranks=ranks):
                    self.mount(f"size={size}")
                    result = self.call("run", self.job, "--store", self.path("disk/S"), "--checkpoint-every", "0.1s",
                                       ranks=ranks, timeout=120)
                    text = result.stdout + result.stderr
                    self.assertIn(result.returncode, (1, 2), text)
                    self.assertIn("No space left on device", text)
                    self.assertIn("free some space", text)
                    before = self.rounds("disk/S")
                    self.remount("size=64m")
                    self.run_job("disk/S")
                    after = self.rounds("disk/S")
                    for file, identity in before.items():
                        self.assertEqual(after[file], identity, "a finished training was lost or repeated")
                    self.expect_undisturbed("disk/S")
                    subprocess.run(["umount", self.directory / "disk"], check=True)

    @ROOT
    def test_read_only_store(self):
        self.mount("size=64m")
        self.run_job("disk/S", "--only", "cartpole.ppo.32-32.default.mask-weights.s00:r01")
        self.remount("ro")
        for ranks in (1, 3):
            result = self.call("run", self.job, "--store", self.path("disk/S"), ranks=ranks, timeout=60)
            self.assertEqual(result.returncode, 2, result.stdout)
            self.assertIn("Read-only file system", result.stderr)
        status = json.loads(self.expect(0, "status", self.path("disk/S"), "--json").stdout)
        self.assertEqual(status["trainings"]["done"], 2)
        self.expect(0, "export", self.path("disk/S"), "rounds")
        self.expect(0, "explain", self.path("disk/S"), "cartpole.ppo.32-32.default.mask-weights.s00")
        self.remount("rw")
        self.run_job("disk/S")
        self.expect_undisturbed("disk/S")

    @unittest.skipUnless(shutil.which("faketime"), "needs faketime")
    def test_clock_set_back(self):
        """A run a day ahead is stopped; the next one finds leases, events and checkpoints from the future."""
        ahead = ["faketime", "-f", "+1d"]
        process = self.start("run", self.job, "--store", self.path("S"), "--checkpoint-every", "0.1s", launcher=ahead)
        self.wait_until(lambda: len(self.events("S", "done")) >= 3 and self.checkpoints("S"))
        self.kill_group(process)
        process.wait()
        before = self.rounds("S")
        self.assertEqual(json.loads(self.expect(0, "status", self.path("S"), "--json").stdout)["trainings"]["done"],
                         len(before))
        self.run_job("S")
        after = self.rounds("S")
        self.assertEqual({file: after[file] for file in before}, before)
        self.assertEqual(len(after), TRAININGS)
        self.expect_undisturbed("S")
        self.expect(0, "status", self.path("S"), "--exit-code")


def load_tests(loader, tests, pattern):
    return unittest.TestSuite(Disk(name) for name in
                              ("test_full_disk", "test_read_only_store", "test_clock_set_back"))


if __name__ == "__main__":
    unittest.main()
