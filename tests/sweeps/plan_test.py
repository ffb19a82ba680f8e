"""What `plan` says besides a sum, and how it knows this machine: measured once, kept, shipped, learned."""

import json
import pathlib
import unittest

from sweep_harness import SweepTest


class Plan(SweepTest):
    def plan(self, *options, cache="cache", code=0):
        result = self.call("plan", self.job, *options, environment={"XDG_CACHE_HOME": self.path(cache)})
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def numbers(self, *options, cache="cache"):
        return json.loads(self.plan("--json", *options, cache=cache).stdout)

    def kept(self, cache="cache"):
        return list(pathlib.Path(self.path(cache)).glob("impsweep/rates-*.json"))

    def test_rates_are_measured_once_and_kept(self):
        self.assertIn("measured on this machine", self.plan().stdout)
        [file] = self.kept()
        before = file.read_text()
        first, second = self.numbers(), self.numbers()
        self.assertEqual(first["core_hours"], second["core_hours"])
        self.assertEqual(file.read_text(), before)
        file.write_text(before[: len(before) // 2])  # damaged: measured again
        self.assertIn("measured on this machine", self.plan().stdout)
        self.assertEqual(set(json.loads(file.read_text())["factors"]),
                         {"dense", "sparse", "memory", "scalar", "physics"})

    def test_shipped_rates_where_nothing_is_measured(self):
        self.assertIn("shipped for", self.plan("--no-calibration").stdout)
        self.assertEqual(self.kept(), [])
        wide, narrow = self.numbers("--no-calibration"), self.numbers()
        self.assertLess(narrow["core_hours_90_percent"][1] / narrow["core_hours"],
                        wide["core_hours_90_percent"][1] / wide["core_hours"])

    def test_a_cache_that_cannot_be_written_is_not_missed(self):
        self.write("cache", "a file where the directory should be")
        self.assertIn("measured on this machine", self.plan().stdout)

    def test_finished_trainings_of_another_store_correct_it(self):
        self.expect(0, "run", self.job, "--store", self.path("S"))
        before, after = self.numbers(), self.numbers("--learn-from", self.path("S"))
        self.assertEqual(after["trainings"]["done"], 0)
        self.assertIn("corrected by", after["rates"])
        spread = [plan["core_hours_90_percent"][1] / plan["core_hours"] for plan in (before, after)]
        self.assertLess(spread[1], spread[0])
        self.assertIn("DIR", self.call("plan", "--help").stdout)
        self.plan("--learn-from", self.path("absent"), code=2)

    def test_costs_ranks_rounds_and_parts(self):
        plan = self.numbers("--per-core-hour", "2.5")
        self.assertAlmostEqual(plan["cost"], 2.5 * plan["core_hours"])
        self.assertLess(plan["cost_90_percent"][0], plan["cost"])
        self.assertEqual([each["ranks"] for each in plan["by_ranks"]][:1], [8])
        times = [each["makespan_seconds"] for each in plan["by_ranks"]]
        self.assertEqual(times, sorted(times, reverse=True))
        self.assertAlmostEqual(sum(plan["shares"].values()), 1)
        self.assertAlmostEqual(sum(part["core_hours"] for part in plan["parts"]), plan["core_hours"])
        for point in plan["points"]:
            self.assertEqual(len(point["densities"]), point["rounds"])
            self.assertEqual([round(density, 2) for density in point["densities"]], [1, 0.5, 0.25])
            self.assertGreater(point["memory_bytes"], 10_000_000)
        text = self.plan("--rounds", "--per-core-hour", "2.5").stdout
        self.assertIn("at 2.5 per core-hour", text)
        self.assertIn("r02    25.000 %", text)
        self.assertIn("--per-core-hour -1", self.plan("--per-core-hour", "-1", code=2).stderr)


if __name__ == "__main__":
    unittest.main()
