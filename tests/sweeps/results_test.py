"""What a result may be called, and what is no result: names keep their settings, returns were earned."""

import csv
import io
import json
import unittest

import h5py
from sweep_harness import SweepTest

JOB = """
[[sweep]]
tasks      = ["cartpole"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = {seeds}
rounds     = 2
network.hidden = [8, 8]
rl.steps = 2048
eval.interval = 1024
eval.episodes = 2
eval.reevaluation_episodes = 2
{more}
"""


class Results(SweepTest):
    def job_of(self, name, seeds="1", more=""):
        return self.write(name, JOB.format(seeds=seeds, more=more))

    def test_a_name_keeps_its_settings(self):
        self.expect(0, "run", self.job_of("first.toml"), "--store", self.path("S"))
        before = self.expect(0, "export", self.path("S"), "rounds").stdout
        other = self.job_of("other.toml", "[1]", "ppo.learning_rate = 0.1")
        refused = self.expect(2, "run", other, "--store", self.path("S"))
        for words in ("cartpole ppo 8-8", "ppo.learning_rate = 0.1 and 0.0005", "[[sweep.variant]]", "--store"):
            self.assertIn(words, refused.stderr)
        self.assertEqual(self.expect(0, "export", self.path("S"), "rounds").stdout, before)
        more = self.job_of("more.toml", "[0, 1]")  # the same settings: more seeds keep the name
        self.expect(0, "run", more, "--store", self.path("S"))
        named = self.job_of("named.toml", "1", 'ppo.learning_rate = 0.1\n[[sweep.variant]]\nname = "bold"')
        self.expect(0, "run", named, "--store", self.path("S"))

    def test_stores_whose_names_mean_different_things_do_not_mix(self):
        self.expect(0, "run", self.job_of("first.toml"), "--store", self.path("A"))
        self.expect(0, "run", self.job_of("other.toml", "[1]", "ppo.epochs = 2"), "--store", self.path("B"))
        refused = self.expect(2, "merge", self.path("A"), self.path("B"))
        self.assertIn("ppo.epochs = 2 and 4", refused.stderr)
        self.assertEqual(len(self.rounds("A")), 2)

    def test_a_training_that_learned_nothing_is_no_result(self):
        job = self.job_of("rewound.toml", "1", 'imp.rewind_step = 2040\nimp.rewind_budget = "remaining"')
        self.expect(1, "run", job, "--store", self.path("S"))
        self.assertEqual(len(self.rounds("S")), 1)  # the dense one
        self.assertIn("no update was made", self.events("S", "failed")[0]["reason"])

    def test_an_evaluation_without_an_episode_has_no_mean(self):
        # Sixteen steps of an untrained agent end no episode in some evaluations, and those of a trained one never.
        job = self.job_of("short.toml", "1", 'eval.mode = "rlpyt"\neval.max_steps = 4')
        self.expect(1, "run", job, "--store", self.path("S"))
        self.assertIn("none of the", self.events("S", "failed")[0]["reason"])
        self.assertIn("eval.max_steps", self.events("S", "failed")[0]["reason"])
        job = self.job_of("longer.toml", "1", 'eval.mode = "rlpyt"\neval.max_steps = 60')
        self.expect(0, "run", job, "--store", self.path("L"))
        rows = list(csv.DictReader(io.StringIO(self.expect(0, "export", self.path("L"), "curves").stdout)))
        self.assertTrue(rows)
        for row in rows:
            self.assertTrue(row["mean_return"] == "nan" or float(row["mean_return"]) >= 1, row)

    def test_a_student_does_not_start_as_its_teacher_did(self):
        text = JOB.format(seeds="[1000]", more="bc.teacher_hidden = [8, 8]").replace('"ppo"', '"bc"')
        refused = self.expect(2, "plan", self.write("student.toml", text))
        self.assertIn("bc.teacher_seed", refused.stderr)

    def test_a_teacher_is_chosen_among_candidates_that_did_not_diverge(self):
        text = JOB.format(seeds="1", more="bc.teacher_hidden = [64, 64]\nteacher.ppo.learning_rate = 700\n"
                                          "teacher.rl.steps = 4096").replace('"ppo"', '"bc"')
        # Candidates learn with an absurd step: some find a weight that is not finite, and others live.
        self.expect(1, "run", self.write("bold.toml", text), "--store", self.path("S"))
        diverged = {event["training"] for event in self.events("S", "failed") if event["diverged"]}
        self.assertTrue(0 < len(diverged) < 5, diverged)
        students = []
        for path in self.rounds("S"):
            with h5py.File(path) as file:
                if file.attrs["algorithm"] == b"bc":
                    students.append(path)
                    self.assertEqual({name.decode() for name in file["result"].attrs["diverged_candidates"]}, diverged)
                    self.assertNotIn(file["result"].attrs["teacher"].decode(), diverged)
        self.assertEqual(len(students), 2)
        status = json.loads(self.expect(0, "status", self.path("S"), "--json").stdout)
        self.assertEqual((len(status["failed"]), status["blocked"]), (len(diverged), []))
        self.expect(0, "rerun", students[0])
        row = next(csv.DictReader(io.StringIO(self.expect(0, "export", self.path("S"), "rounds").stdout)))
        self.expect(0, "export", self.path("S"), "ticket", "--chain", row["chain"], "--round", "1",
                    "--output", self.path("ticket.h5"))

    def test_an_evaluation_ends(self):
        job = self.job_of("capped.toml", "1", "eval.max_episode_steps = 7")
        self.expect(0, "run", job, "--store", self.path("S"))
        rows = list(csv.DictReader(io.StringIO(self.expect(0, "export", self.path("S"), "rounds").stdout)))
        self.assertEqual([row["best_return"] for row in rows], ["7", "7"])
        for row in rows:
            self.assertEqual(row["episodes"], row["episodes_cut"])
        chain = rows[0]["chain"]
        played = json.loads(self.expect(0, "evaluate", self.path("S"), chain, "1", "--json",
                                        "--max-episode-steps", "5", "--episodes", "9").stdout)
        self.assertEqual((played["maximum"], played["episodes_cut"]), (5, 9))

    def test_tables_say_what_their_rows_are_of(self):
        self.expect(0, "run", self.job_of("first.toml", "1", "imp.prune_fraction = 0.95"), "--store", self.path("S"))

        def table(name, *more):
            text = self.expect(0, "export", self.path("S"), name, *more).stdout
            return list(csv.DictReader(io.StringIO(text)))

        with_key = ("--with", "ppo.learning_rate", "--with", "network.hidden")
        for name in ("rounds", "curves", "inputs", "layers"):
            for row in table(name, *with_key):
                self.assertEqual((row["task"], row["algorithm"], row["network"], row["variant"], row["baseline"],
                                  row["seed"], row["ppo.learning_rate"], row["network.hidden"]),
                                 ("cartpole", "ppo", "8-8", "default", "mask/weights", "0", "0.0005", "[8, 8]"))
        rounds, inputs, layers = table("rounds"), table("inputs"), table("layers")
        self.assertEqual([row["effective_density"] for row in rounds][0], "1")
        for row in rounds:
            of_round = [layer for layer in layers if layer["round"] == row["round"]]
            prunable = [layer for layer in of_round if layer["tensor"].startswith("actor/")
                        and layer["tensor"].endswith("weight")]
            self.assertEqual(sum(int(layer["kept"]) for layer in prunable), int(row["kept"]))
            entries = sum(int(layer["entries"]) for layer in prunable)
            self.assertAlmostEqual(sum(int(layer["effective"]) for layer in prunable) / entries,
                                   float(row["effective_density"]), delta=1e-3)
            self.assertEqual(sum(int(i["effective"]) > 0 for i in inputs if i["round"] == row["round"]),
                             int(float(row["effective_inputs"])))
        refused = self.expect(2, "export", self.path("S"), "rounds", "--with", "ppo.learning_rat")
        self.assertIn("ppo.learning_rate", refused.stderr)

    def test_returns_by_each_metric(self):
        self.expect(0, "run", self.job_of("first.toml", "1"), "--store", self.path("S"))
        row = list(csv.DictReader(io.StringIO(self.expect(0, "export", self.path("S"), "rounds").stdout)))[1]
        for metric, title in (("best", "best return"), ("reevaluated", "re-evaluated return"),
                              ("final", "final return")):
            text = self.expect(0, "status", self.path("S"), "--returns", "--metric", metric).stdout
            self.assertIn(title, text)
            self.assertIn(f"{float(row[metric + '_return']):.1f}", text)
        self.assertIn("re-evaluated", self.expect(0, "status", self.path("S"), "--returns").stdout)
        self.assertIn("reevaluated", self.expect(2, "status", self.path("S"), "--metric", "mean").stderr)

    def test_what_is_trained_for_others_is_seen(self):
        job = self.job_of("inputs.toml", "1", "inputs.ticket_round = 1")
        text = open(job).read().replace("rounds     = 2", "rounds     = 1")
        self.expect(0, "run", self.write("given.toml", text), "--store", self.path("S"))
        rows = list(csv.DictReader(io.StringIO(self.expect(0, "export", self.path("S"), "rounds").stdout)))
        tickets = [row for row in rows if row["chain"].startswith("ticket-")]
        self.assertEqual([row["round"] for row in tickets], ["0", "1"])
        self.assertEqual(len(rows), 3)
        status = json.loads(self.expect(0, "status", self.path("S"), "--json").stdout)
        self.assertEqual(status["beside_chains"]["ticket_rounds"], {"total": 2, "done": 2})
        self.assertIn("2/2 rounds of tickets", self.expect(0, "status", self.path("S")).stdout)
        self.expect(0, "report", self.path("S"), "--output", self.path("page"))
        self.assertIn("2/2 rounds of tickets", (self.directory / "page" / "index.html").read_text())

    def test_layers_that_are_too_large_are_found_by_the_plan(self):
        text = JOB.format(seeds="1", more="").replace("[8, 8]", "[70000]")
        self.assertIn("at most 65535", self.expect(2, "plan", self.write("wide.toml", text)).stderr)
        text = JOB.format(seeds="1", more='network.architecture = "cnn"\nnetwork.filters = 2000\n'
                                             'dqn.min_steps_learn = 100')
        text = text.replace('"ppo"', '"dqn"').replace("cartpole", "minatar-breakout")
        self.assertIn("network.filters", self.expect(2, "plan", self.write("filters.toml", text)).stderr)


if __name__ == "__main__":
    unittest.main()
