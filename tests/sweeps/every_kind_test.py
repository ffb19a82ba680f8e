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
EVERY_KIND = "6b2d72aee3e67399619fbdf15b21e97a6ba36124b25f1db356a97dd66e35a2ca"
ATARI = "3008a041fb156fcbc914c38ae2addc70fc9cc1ddca21905a3d0767e1bf789592"


class EveryKind(SweepTest):
    def digest(self, job, *options, ranks):
        self.expect(0, "run", str(HERE / job), "--store", self.path("S"), *options, ranks=ranks)
        found = json.loads(self.expect(0, "verify", self.path("S"), "--json").stdout)
        self.assertTrue(found["ok"])
        return found["digest"]

    def test_results_are_what_they_always_were(self):
        images = f'images.digits.path="{DATA / "digits"}"'
        self.assertEqual(self.digest("every-kind.toml", "--set", images, ranks=2), EVERY_KIND)

    def test_results_of_games_are_what_they_always_were(self):
        (self.directory / "roms").mkdir()
        self.write("roms/breakout.bin", "breakout\n")
        self.environment.update(IMPSWEEP_PYTHON=sys.executable, PYTHONPATH=str(DATA / "fake_ale"),
                                ALE_ROMS_DIR=self.path("roms"))
        self.assertEqual(self.digest("every-kind-atari.toml", ranks=1), ATARI)


if __name__ == "__main__":
    unittest.main()
