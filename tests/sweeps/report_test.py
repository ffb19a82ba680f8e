"""The report of a real store: page, figures, verdicts; incomplete and damaged stores; bad calls."""

import json
import shutil
import unittest

from sweep_harness import SweepTest


@unittest.skipUnless(shutil.which("gnuplot"), "needs gnuplot")
class Report(SweepTest):
    def sweep(self, *arguments):
        self.expect(0, "run", self.job, "--store", self.path("S"), *arguments)

    def report(self, *arguments):
        return self.expect(0, "report", self.path("S"), "--output", self.path("R"), *arguments)

    def test_whole_store(self):
        self.sweep()
        answer = json.loads(self.report("--json").stdout)
        self.assertEqual([h["id"] for h in answer["hypotheses"]], [f"H{i}" for i in range(1, 30)])
        verdicts = {h["id"]: h["verdict"] for h in answer["hypotheses"]}
        self.assertEqual(verdicts["H1"], "undecided", "one seed decides nothing")
        self.assertEqual(verdicts["H9"], "not run")
        self.assertGreater(len(answer["figures"]), 8)
        for figure in answer["figures"]:
            for suffix in ("svg", "pdf", "png"):
                self.assertGreater((self.directory / "R" / f"{figure['file']}.{suffix}").stat().st_size, 500)
        page = (self.directory / "R" / "index.html").read_text()
        self.assertIn("cartpole ppo 32-32", page)
        self.assertIn("<svg", page)
        for elsewhere in ('src="http', "href=\"http", "@import", "<link"):
            self.assertNotIn(elsewhere, page)
        self.assertFalse(list((self.directory / "R").rglob(".*")), "nothing is left lying about")

    def test_figure_of_the_paper(self):
        self.sweep()
        result = self.report("--figure", "3")
        self.assertIn("acrobot bc", result.stdout)
        self.assertTrue((self.directory / "R" / "figures" / "figure-03.pdf").exists())
        self.assertFalse((self.directory / "R" / "index.html").exists())

    def test_incomplete_store(self):
        self.sweep("--only", "cartpole.ppo.32-32.default.mask-weights.s00:r01")
        self.report()
        page = (self.directory / "R" / "index.html").read_text()
        self.assertIn("incomplete", page)
        self.assertIn("Incomplete; no run is working on it", page)

    def test_two_stores_and_a_clash(self):
        self.sweep("--only", "cartpole.ppo.32-32.default.mask-weights.s00:r00")
        self.expect(0, "run", self.job, "--store", self.path("T"), "--set", "ppo.rl.steps=4096", "--only",
                    "cartpole.ppo.32-32.default.mask-weights.s00:r00")
        self.report(self.path("T"))
        page = (self.directory / "R" / "index.html").read_text()
        self.assertIn("default-store2", page, "other trainings of the same name stay apart")

    def test_damaged_rounds(self):
        self.sweep()
        files = sorted((self.directory / "S" / "rounds").glob("*/*.h5"))
        files[0].write_bytes(b"")
        files[1].write_bytes(files[1].read_bytes()[:-100])
        files[2].write_bytes(b"\0" * files[2].stat().st_size)
        self.report()
        page = (self.directory / "R" / "index.html").read_text()
        self.assertIn(files[0].name, page)

    def test_bad_calls(self):
        self.expect(2, "report", self.path("absent"), "--output", self.path("R"))
        self.expect(2, "report", "--output", self.path("R"))
        self.sweep("--only", "cartpole.ppo.32-32.default.mask-weights.s00:r00")
        self.expect(2, "report", self.path("S"))
        self.expect(2, "report", self.path("S"), "--output", self.path("R"), "--figure", "16")
        self.expect(2, "report", self.path("S"), "--output", self.write("file", "text"))
        without = self.call("report", self.path("S"), "--output", self.path("R"), environment={"PATH": "/nowhere"})
        self.assertEqual(without.returncode, 2)
        self.assertIn("gnuplot-nox", without.stderr)


if __name__ == "__main__":
    unittest.main()
