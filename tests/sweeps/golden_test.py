"""Stores of earlier versions (tests/data/stores) are read by this one as by the version that wrote them. What they hold
is never written anew: a version that cannot read one of them has lost somebody's results."""

import json
import os
import pathlib
import shutil
import unittest

from sweep_harness import SweepTest

STORES = sorted(path for path in pathlib.Path(os.environ["IMPSWEEP_TEST_DATA"], "stores").iterdir() if path.is_dir())


def rows(text):
    lines = text.splitlines()
    names = lines[0].split(",")
    return [dict(zip(names, line.split(","))) for line in lines[1:]]


class Golden(SweepTest):
    def each(self):
        self.assertTrue(STORES)
        for golden in STORES:
            store = self.directory / golden.name
            shutil.copytree(golden / "store", store)
            yield str(store), json.loads((golden / "expected.json").read_text())

    def expect(self, *arguments):
        result = self.call(*arguments)
        self.assertEqual(result.returncode, 0, f"{arguments}: {result.stderr}")
        return result.stdout

    def test_results_are_whole_and_the_same(self):
        for store, expected in self.each():
            found = json.loads(self.expect("verify", store, "--json"))
            self.assertEqual(found["digest"], expected["digest"])
            self.assertEqual(found["missing"], 0)

    def test_tables_hold_what_they_held(self):
        for store, expected in self.each():
            for table, wanted in expected["tables"].items():
                self.assertEqual(len(wanted), len(found := rows(self.expect("export", store, table))))
                for row, known in zip(found, wanted):  # later versions may add columns
                    self.assertEqual({name: row.get(name) for name in known}, known)

    def test_every_other_reader_answers(self):
        for store, expected in self.each():
            status = json.loads(self.expect("status", store, "--json", "--exit-code"))
            self.assertEqual(status["trainings"]["done"], expected["trainings"])
            for chain in expected["chains"]:
                self.assertIn(chain, self.expect("explain", store, chain))
                self.assertIn("return", self.expect("evaluate", store, chain, "0", "--episodes", "1"))
            self.expect("merge", self.path("merged"), store)
            self.expect("pack", store, self.path("all.h5"))
            shutil.rmtree(self.directory / "merged")


if __name__ == "__main__":
    unittest.main()
