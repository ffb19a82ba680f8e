"""The version stands in one place, CMakeLists.txt; the program, results and what is written for people agree with it."""

import pathlib
import re
import shutil
import subprocess
import unittest

import h5py
from sweep_harness import SweepTest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
VERSION = re.search(r"project\(impsweep VERSION ([\d.]+)", (ROOT / "CMakeLists.txt").read_text())[1]


def git(*arguments):
    """Whether git is there and content."""
    command = ["git", "-C", str(ROOT), *arguments]
    return shutil.which("git") and subprocess.run(command, capture_output=True).returncode == 0


class Version(SweepTest):
    def test_program_and_results_name_version_and_commit(self):
        lines = self.expect(0, "--version").stdout.splitlines()
        self.assertEqual(lines[0], f"impsweep {VERSION}")
        commit = re.fullmatch(r"commit ([0-9a-f]{12}|unknown)(\+changes)?", lines[1])[1]
        if (ROOT / ".git").exists() and git("rev-parse", "HEAD"):  # some commit of ours, as nothing may be built since
            self.assertTrue(git("cat-file", "-e", f"{commit}^{{commit}}"), commit)
        self.expect(0, "run", self.job, "--store", self.path("S"), "--set", "rounds=1", "--only",
                    "cartpole.ppo.32-32.default.mask-weights.s00:0")
        [result] = (self.directory / "S/rounds").glob("*/*.h5")
        with h5py.File(result) as round_file:
            provenance = round_file["provenance"].attrs
            self.assertEqual(provenance["impsweep version"].decode(), VERSION)
            self.assertEqual(provenance["impsweep commit"].decode(), lines[1].removeprefix("commit "))

    def test_texts_name_the_version(self):
        self.assertIn(f"\n## {VERSION}", (ROOT / "CHANGELOG.md").read_text())
        self.assertIn(f"\nversion: {VERSION}\n", (ROOT / "CITATION.cff").read_text())


if __name__ == "__main__":
    unittest.main()
