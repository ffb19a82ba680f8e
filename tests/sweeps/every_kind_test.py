"""The net under every change: what every kind of training gives, as one digest. A digest that differs is either a
mistake or a change of results: then the semantics number of the task, the algorithm or pruning is raised (see
CONTRIBUTING.md, "Raises"), and the new digest is written here."""

import json
import os
import pathlib
import sys
import unittest

from sweep_harness import SweepTest

HERE = pathlib.Path(__file__).parent
DATA = pathlib.Path(os.environ["IMPSWEEP_TEST_DATA"])
EVERY_KIND = "9d9a7d761c367e127f267a167eb46d5d350641973146df1d6d2c6237e4505acf"
GYM = "bd10788a741606aa0902ab4900f16650e953bad128e1ce2432dd6dd3ab4aee44"
MASKS = "350a5a59b097d91364beabc4821b8b7374996945b85ac709f50e8c77baca086d"
ATARI = "5ecfae9290177d7f38226429ff9d2f295969f6cd6f4b13b33318b2511ed1ef0e"


class EveryKind(SweepTest):
    def digest(self, job, *options, ranks):
        self.expect(0, "run", str(HERE / job), "--store", self.path("S"), *options, ranks=ranks)
        found = json.loads(self.expect(0, "verify", self.path("S"), "--json").stdout)
        self.assertTrue(found["ok"])
        return found["digest"]

    def test_results_are_what_they_always_were(self):
        images = f'images.digits.path="{DATA / "digits"}"'
        self.assertEqual(self.digest("every-kind.toml", "--set", images, ranks=2), EVERY_KIND)

    def test_results_of_the_papers_robots_are_what_they_always_were(self):
        self.assertEqual(self.digest("every-kind-gym.toml", ranks=2), GYM)

    def test_results_of_other_masks_are_what_they_always_were(self):
        self.assertEqual(self.digest("every-kind-masks.toml", ranks=2), MASKS)

    def test_results_of_games_are_what_they_always_were(self):
        (self.directory / "roms").mkdir()
        self.write("roms/breakout.bin", "breakout\n")
        self.environment.update(IMPSWEEP_PYTHON=sys.executable, PYTHONPATH=str(DATA / "fake_ale"),
                                ALE_ROMS_DIR=self.path("roms"))
        self.assertEqual(self.digest("every-kind-atari.toml", ranks=1), ATARI)


if __name__ == "__main__":
    unittest.main()
