"""What `bench` says of the machine and of its rows, in each of its forms; the rows themselves check their answers."""

import json
import pathlib
import re
import unittest

from sweep_harness import SweepTest

ONE_ROW = ["bench", "--filter", "^adam/4096$"]


class Bench(SweepTest):
    def test_json_names_the_processor_and_its_peak(self):
        answer = json.loads(self.expect(0, *ONE_ROW, "--format", "json").stdout)
        self.assertEqual(json.loads(self.expect(0, *ONE_ROW, "--json").stdout)["processor"], answer["processor"])
        model = re.search(r"^model name\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        if model:
            self.assertTrue(answer["processor"].startswith(model[1]), answer["processor"])
        self.assertIn(answer["kernels"], ("scalar", "avx2", "avx512"))
        self.assertGreater(answer["peak_gflops"], 0.1)
        (row,) = answer["rows"]
        self.assertEqual((row["name"], row["unit"], row["target"]), ("adam/4096", "ns/weight", 0.5))
        self.assertGreater(row["value"], 0)
        self.assertIn("1024 moments are subnormal", row["note"])

    def test_markdown_is_a_table_by_group(self):
        lines = self.expect(0, *ONE_ROW, "--format", "markdown").stdout.splitlines()
        self.assertRegex(lines[0], r"^Measured on \d{4}-\d\d-\d\d, one core of .+: \w+ kernels, whose peak is \d+ GFLOP/s\.$")
        self.assertEqual(lines[1:3], ["", "### adam"])
        rows = [line for line in lines if line.startswith("|")]
        self.assertEqual(len(rows), 3)
        self.assertTrue(rows[2].startswith("| `adam/4096` | "))
        self.assertEqual({row.count("|") for row in rows}, {8})

    def test_text_begins_with_the_machine(self):
        lines = self.expect(0, *ONE_ROW).stdout.splitlines()
        self.assertRegex(lines[0], r" kernels, peak \d+ GFLOP/s$")
        self.assertEqual(len(lines), 2)

    def test_bad_calls(self):
        self.assertIn("none of text, json and markdown", self.expect(2, *ONE_ROW, "--format", "html").stderr)
        self.assertIn("no case matches", self.expect(2, "bench", "--filter", "no such row").stderr)


if __name__ == "__main__":
    unittest.main()
