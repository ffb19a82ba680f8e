"""The whole paper shrunken: jobs/paper.toml and every other job file trains, and every figure is drawn from it."""

import json
import pathlib
import re
import unittest

from digits_test import write_digits
from sweep_harness import SweepTest

JOBS = pathlib.Path(__file__).resolve().parent.parent.parent / "jobs"
BUDGETS = {"imp.prune_fraction": 0.6, "rl.steps": 6400, "eval.interval": 3200, "eval.episodes": 2,
           "eval.reevaluation_episodes": 3, "teacher.rl.steps": 6400, "teacher.eval.interval": 3200,
           "teacher.eval.episodes": 2, "teacher.eval.reevaluation_episodes": 3, "bc.teacher_candidates": 1,
           "dqn.min_steps_learn": 640, "dqn.epsilon_steps": 3200, "teacher.dqn.min_steps_learn": 640,
           "teacher.dqn.epsilon_steps": 3200}


def shrunken(text):
    """Two seeds and three rounds, inputs of earlier tickets, rewinding to steps that there are; no Atari, whose emulator
    need not be there."""
    text = re.sub(r"(?m)^rounds(\s*)= (20|30)$", r"rounds\1= 3", text)
    text = re.sub(r"(?m)^seeds(\s*)= \d+$", r"seeds\1= 2", text)
    text = re.sub(r"(?m)^inputs.ticket_round = (5|10|15)$", "inputs.ticket_round = 2", text)
    text = re.sub(r"(?m)^(imp.rewind_step = ).*$", r"\g<1>640", text)
    text = re.sub(r"(?m)^(rl.steps|eval.interval|dqn.epsilon_steps|imp.prune_fraction)\b.*$", "", text)
    sweeps = re.split(r"(?m)^(?=\[\[sweep\]\]$)", text)
    return "".join(sweep for sweep in sweeps if "atari-" not in sweep)


class Paper(SweepTest):
    def budgets_of(self, text):
        """Those of BUDGETS that some sweep of the job has."""
        algorithms = set(re.findall(r"\"(bc|ppo|dqn|supervised)\"", text))
        has_teacher = "bc" in algorithms
        on_values = has_teacher and ("mazegrid" in text or "minatar" in text)
        for key, value in BUDGETS.items():
            if key.startswith("dqn.") and "dqn" not in algorithms:
                continue
            if (key.startswith(("teacher.", "bc."))) and not has_teacher:
                continue
            if key.startswith("teacher.dqn.") and not on_values:
                continue
            yield "--set"
            yield f"{key}={value}"

    def train(self, name, store):
        job = self.directory / name
        job.write_text(shrunken((JOBS / name).read_text()))
        arguments = list(self.budgets_of(job.read_text()))
        if "digits" in job.read_text():
            write_digits(self.directory / "digits")
            arguments += ["--set", f"digits.path={self.directory / 'digits'}"]
        self.expect(0, "run", str(job), "--store", str(store), *arguments, ranks=2, timeout=3600)

    def test_every_figure(self):
        store, output = self.directory / "S", self.directory / "report"
        self.train("paper.toml", store)
        self.expect(0, "report", str(store), "--output", str(output), "--paper")
        page = (output / "index.html").read_text()
        for number in range(1, 16):
            self.assertIn(f"Figure {number}:", page)
            self.assertNotIn(f"jobs/figure-{number:02}.toml trains it", page)
            self.assertTrue(list((output / "figures").glob(f"figure-{number:02}*.svg")), number)
        for number in (9, 10):  # a row of perceptrons, a row of convolutions
            self.assertTrue((output / "figures" / f"figure-{number:02}b.png").exists())
        hypotheses = json.loads(self.expect(0, "report", str(store), "--output", str(self.directory / "all"),
                                            "--json").stdout)["hypotheses"]
        not_run = {one["id"] for one in hypotheses if one["verdict"] == "not run"}
        self.assertEqual(not_run, set(), "the paper's job speaks to every claim")

    def test_other_job_files(self):
        store = self.directory / "S"
        for job in sorted(JOBS.glob("*.toml")):
            if job.name.startswith(("figure-", "paper", "quickstart", "cartpole-tiny")):
                continue
            with self.subTest(job=job.name):
                self.train(job.name, store / job.stem)
                self.expect(0, "report", str(store / job.stem), "--output", str(self.directory / job.stem))


if __name__ == "__main__":
    unittest.main()
