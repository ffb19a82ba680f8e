"""The report of a real store: page, figures, verdicts; incomplete and damaged stores; bad calls."""

import csv
import json
import shutil
import unittest

from sweep_harness import HAS_LIBTORCH, SweepTest


@unittest.skipUnless(shutil.which("gnuplot"), "needs gnuplot")
class Report(SweepTest):
    def sweep(self, *arguments):
        self.expect(0, "run", self.job, "--store", self.path("S"), *arguments)

    def report(self, *arguments):
        return self.expect(0, "report", self.path("S"), "--output", self.path("R"), *arguments)

    def test_whole_store(self):
        self.sweep()
        answer = json.loads(self.report("--json").stdout)
        self.assertEqual([h["id"] for h in answer["hypotheses"]], [f"H{i}" for i in range(1, 37)])
        verdicts = {h["id"]: h["verdict"] for h in answer["hypotheses"]}
        self.assertEqual(verdicts["H1"], "undecided", "one seed decides nothing")
        self.assertEqual(verdicts["H9"], "not run")
        self.assertGreater(len(answer["figures"]), 8)
        for figure in answer["figures"]:
            for suffix in ("svg", "pdf", "png"):
                self.assertGreater((self.directory / "R" / f"{figure['file']}.{suffix}").stat().st_size, 500)
        for hypothesis in answer["hypotheses"]:
            for finding in hypothesis["findings"]:
                self.assertIsNone(finding["interval"], "one seed has no interval")
                self.assertLessEqual(finding["seeds"], 1)
        page = (self.directory / "R" / "index.html").read_text()
        self.assertIn("Judged by re-evaluated return", page)
        for metric in ("best return", "re-evaluated return", "final return"):
            self.assertIn(f">{metric}</th>", page)
        self.assertIn("n = 1", page)
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

    def test_metrics(self):
        self.sweep()
        self.report("--metric", "final")
        page = (self.directory / "R" / "index.html").read_text()
        self.assertIn("Judged by final return", page)
        self.assertNotIn("re-evaluated return (fresh", page)
        refused = self.expect(2, "report", self.path("S"), "--output", self.path("R"), "--metric", "mean")
        self.assertIn("best, reevaluated and final", refused.stderr)

    def test_comparisons(self):
        self.sweep()
        self.expect(0, "run", self.job, "--store", self.path("T"), "--set", "ppo.learning_rate=1e-4")
        self.expect(0, "run", self.job, "--store", self.path("U"), "--set", "ppo.learning_rate=1e-4", "--set",
                    "ppo.epochs=2")
        both = ["report", self.path("S"), self.path("T"), "--output", self.path("R")]
        answer = json.loads(self.expect(0, *both, "--compare", "ppo.learning_rate", "--json").stdout)
        self.assertEqual(len(answer["comparisons"]), 1)
        comparison = answer["comparisons"][0]
        self.assertEqual(comparison["metric"], "reevaluated")
        rows = [row for row in comparison["rows"] if row["baseline"] == "mask/weights"]
        self.assertEqual([float(row["value"]) for row in rows], [5e-4, 1e-4])
        self.assertEqual(rows[1]["difference"]["n"], 1, "paired by the one seed")
        self.assertAlmostEqual(rows[1]["difference"]["mean"], rows[1]["area"]["mean"] - rows[0]["area"]["mean"])
        with (self.directory / "R" / f"{comparison['file']}.csv").open() as file:
            table = list(csv.DictReader(file))
        self.assertEqual(len(table), len(comparison["rows"]))
        self.assertAlmostEqual(float(table[0]["area_mean"]), rows[0]["area"]["mean"])
        for suffix in ("svg", "pdf", "png"):
            self.assertGreater((self.directory / "R" / f"{comparison['file']}.{suffix}").stat().st_size, 500)
        page = (self.directory / "R" / "index.html").read_text()
        self.assertIn("Comparison by ppo.learning_rate", page)
        self.assertNotIn("The paper's claims", page)
        # What differs in more than the key is refused with the other key; so are words that are no key.
        refused = self.expect(2, "report", self.path("S"), self.path("U"), "--output", self.path("R"), "--compare",
                              "ppo.learning_rate")
        self.assertIn("ppo.epochs", refused.stderr)
        refused = self.expect(2, *both, "--compare", "ppo.learning_rat")
        self.assertIn("did you mean 'ppo.learning_rate'?", refused.stderr)
        refused = self.expect(2, *both, "--compare", "network")
        self.assertIn("one value", refused.stderr)
        self.expect(0, *both, "--compare", "baseline", "--metric", "best")

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

    def test_stores_of_other_kernels_are_not_pooled(self):
        self.sweep("--only", "cartpole.ppo.32-32.default.mask-weights.s00:r00")
        shutil.copytree(self.path("S"), self.path("old"))
        identity = self.directory / "old" / "store.toml"
        text = identity.read_text()
        self.assertIn("native, kernels ", text)
        identity.write_text(text.replace("native, kernels ", "native, kernels 1"))
        self.expect(0, "report", self.path("old"), "--output", self.path("R"))
        refused = self.expect(2, "report", self.path("S"), self.path("old"), "--output", self.path("R"))
        self.assertIn("not pooled", refused.stderr)
        self.expect(0, "status", self.path("old"))
        refused = self.expect(2, "run", self.job, "--store", self.path("old"))
        self.assertIn("native, kernels 1", refused.stderr)
        refused = self.expect(2, "merge", self.path("S"), self.path("old"))
        self.assertIn("native, kernels 1", refused.stderr)

    def test_damaged_rounds(self):
        self.sweep()
        files = sorted((self.directory / "S" / "rounds").glob("*/*.h5"))
        for file in files:
            file.chmod(0o644)
        files[0].write_bytes(b"")
        files[1].write_bytes(files[1].read_bytes()[:-100])
        files[2].write_bytes(b"\0" * files[2].stat().st_size)
        self.report()
        page = (self.directory / "R" / "index.html").read_text()
        self.assertIn(files[0].name, page)

    def test_ticket_as_hdf5(self):
        import h5py
        self.sweep()
        chain = "cartpole.ppo.32-32.default.permuted-permuted.s00"
        self.expect(0, "export", self.path("S"), "ticket", "--chain", chain, "--round", "2", "--output",
                    self.path("t.h5"))
        with h5py.File(self.path("t.h5")) as ticket, h5py.File(self.path("S") + "/index.h5") as index:
            stored = index[f"chains/{chain}/r02"]
            self.assertEqual(ticket.attrs["baseline"], b"permuted/permuted")
            self.assertEqual(ticket["best/actor.0.weight"].shape, (32, 4))
            for layer in range(3):
                mask = ticket[f"mask/actor.{layer}.weight"][:] == 1
                self.assertTrue((stored[f"mask/actor/{layer}/weight"][:] == mask).all())
                for kind in ("initial", "best"):
                    self.assertTrue((ticket[f"{kind}/actor.{layer}.weight"][:][~mask] == 0).all())
                best = ticket[f"best/actor.{layer}.weight"][:][mask]
                self.assertTrue((stored[f"weights/best/actor/{layer}/weight"][:].ravel() == best).all())
            self.assertTrue((ticket["initial/actor.0.weight"][:] != ticket["best/actor.0.weight"][:]).any())

    @unittest.skipUnless(HAS_LIBTORCH, "impsweep was built without LibTorch, which writes the tickets")
    def test_ticket_as_pytorch_loads_it(self):
        try:
            import torch
        except ImportError:
            self.skipTest("no torch for this Python")
        self.sweep()
        chain = "cartpole.ppo.32-32.default.mask-weights.s00"
        self.expect(0, "export", self.path("S"), "ticket", "--chain", chain, "--round", "r02", "--output",
                    self.path("t.pt"))
        safely = {"weights_only": True} if torch.__version__ >= "1.13" else {}
        ticket = torch.load(self.path("t.pt"), **safely)
        self.assertEqual(ticket["task"], "cartpole")
        self.assertEqual(ticket["mask"]["actor.0.weight"].dtype, torch.uint8)
        layers = [torch.nn.Linear(4, 32), torch.nn.ReLU(), torch.nn.Linear(32, 32), torch.nn.ReLU(),
                  torch.nn.Linear(32, 2)]
        for layer in range(3):
            for kind in ("weight", "bias"):
                getattr(layers[2 * layer], kind).data = ticket["best"][f"actor.{layer}.{kind}"]
        self.assertEqual(torch.nn.Sequential(*layers)(torch.zeros(1, 4)).shape, (1, 2))

    def test_bad_tickets(self):
        self.sweep("--only", "cartpole.ppo.32-32.default.mask-weights.s00:r00")
        ticket = ["export", self.path("S"), "ticket"]
        chain = ["--chain", "cartpole.ppo.32-32.default.mask-weights.s00"]
        self.expect(2, *ticket, *chain, "--round", "0")
        self.expect(2, *ticket, *chain, "--round", "1", "--output", self.path("t.h5"))
        self.expect(2, *ticket, *chain, "--round", "0", "--output", self.path("t.txt"))
        self.expect(2, *ticket, "--chain", "nochain", "--round", "0", "--output", self.path("t.h5"))

    def test_watch_needs_a_terminal(self):
        self.sweep("--only", "cartpole.ppo.32-32.default.mask-weights.s00:r00")
        self.expect(2, "status", self.path("S"), "--watch")

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
