"""What makes the command line pleasant: job files to begin with, dry runs, completion, the manual page, round numbers."""

import json
import re
import shutil
import subprocess
import unittest

from sweep_harness import PROGRAM, SweepTest

# Their programs and files need not be there.
NEEDS_MORE = ("atari-", "digits")


class CommandLine(SweepTest):
    def settings_of(self, job, *options):
        return json.loads(self.expect(0, "plan", str(job), "--json", *options).stdout)["settings"]

    def test_job_files_to_begin_with(self):
        names = [task["name"] for task in json.loads(self.expect(0, "tasks", "--json").stdout)["tasks"]]
        for task in [name for name in names if not name.startswith(NEEDS_MORE)]:
            shown = json.loads(self.expect(0, "tasks", "--show", task, "--json").stdout)["tasks"][0]
            for algorithm in shown["options"]:
                with self.subTest(task=task, algorithm=algorithm):
                    job = self.directory / f"{task}-{algorithm}.toml"
                    self.expect(0, "init", task, "--algorithm", algorithm, "--output", str(job))
                    settings = self.settings_of(job)
                    # Every key that stands in it, written out, changes nothing.
                    text = job.read_text().split("\n# Variants are points")[0]
                    job.write_text(re.sub(r"(?m)^# (?=[a-z_0-9]+\.[\w.]+ = )", "", text))
                    self.assertEqual(self.settings_of(job), settings)
                    self.assertGreater(len(re.findall(r"(?m)^[a-z_0-9]+\.[\w.]+ = ", job.read_text())), 30)

    def test_a_file_that_is_there_is_not_touched(self):
        job = self.directory / "mine.toml"
        job.write_text("mine")
        self.assertIn("is there already", self.expect(2, "init", "cartpole", "--output", str(job)).stderr)
        self.assertEqual(job.read_text(), "mine")
        self.assertIn("[[sweep]]", self.expect(0, "init", "cartpole", "--output", "-").stdout)
        self.assertIn("did you mean 'cartpole'", self.expect(2, "init", "cartpol").stderr)
        self.assertIn("cannot learn", self.expect(2, "init", "hopper", "--algorithm", "dqn").stderr)

    def test_dry_runs_train_nothing(self):
        plan = self.expect(0, "plan", self.job, "--set", "seeds=2").stdout
        self.assertEqual(self.expect(0, "run", self.job, "--store", self.path("S"), "--set", "seeds=2",
                                     "--dry-run").stdout, plan)
        self.assertFalse((self.directory / "S").exists())
        under_mpi = self.expect(0, "run", self.job, "--store", self.path("S"), "--dry-run", ranks=2).stdout
        self.assertEqual(under_mpi.count("chains  "), 1)
        self.assertIn("on 2 ranks", under_mpi)

    def test_round_numbers(self):
        written = self.settings_of(self.job, "--set", "rl.steps=1e4", "--set", "ppo.seeds=2.0")
        self.assertEqual(written, self.settings_of(self.job, "--set", "rl.steps=10000", "--set", "ppo.seeds=2"))
        self.assertIn("wrong type", self.expect(2, "plan", self.job, "--set", "rl.steps=1.5e0").stderr)
        self.assertIn("wrong type", self.expect(2, "plan", self.job, "--set", "rl.steps=1e300").stderr)

    def complete(self, *words):
        return self.expect(0, "complete", "--", *words).stdout.splitlines()

    def test_words_that_may_follow(self):
        commands = self.complete("")
        for line in self.expect(0, "--help").stdout.split("Commands:\n")[1].split("\n\n")[0].splitlines():
            command = line.split()[0]
            self.assertIn(command, commands)
            flags = re.findall(r"(?m)^  (?:-h \[ )?(--[a-z0-9-]+)", self.expect(0, command, "--help").stdout)
            self.assertEqual(sorted(self.complete(command, "-")), sorted(flags), command)
        self.assertEqual(self.complete("run", "job.toml", "--set", "dqn.doub"), ["dqn.double="])
        self.assertEqual(self.complete("tasks", "--show", "acro"), ["acrobot"])
        self.assertEqual(self.complete("init", "hal"), ["halfcheetah"])
        self.assertEqual(self.complete("report", "S", "--metric", ""), ["best", "reevaluated", "final"])
        self.assertEqual(self.complete("run", "jobs/"), [":files"])
        self.assertEqual(self.complete("explain", "no-store", ""), [])
        self.assertEqual(self.complete("nonsense", ""), [])
        self.expect(0, "run", self.job, "--store", self.path("S"), "--set", "ppo.rounds=1", "--only",
                    "cartpole.ppo.32-32.default.mask-weights.s00:0", "--set", "bc.rounds=1")
        chains = self.complete("explain", self.path("S"), "cartpole.ppo")
        self.assertEqual(len(chains), 4)
        self.assertEqual(self.complete("export", self.path("S"), "ticket", "--chain", chains[0]), chains[:1])

    def test_shells(self):
        script = f"source <({PROGRAM} completion bash); COMP_WORDS=({PROGRAM} sta); COMP_CWORD=1; _impsweep; " \
                 "echo ${COMPREPLY[@]}"
        found = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
        self.assertEqual(found.stdout, "status\n", found.stderr)
        for shell in ("zsh", "fish"):
            text = self.expect(0, "completion", shell).stdout
            self.assertIn("complete --", text)
            if shutil.which(shell):
                subprocess.run([shell, "-n"], input=text, text=True, check=True)
        self.assertIn("bash, zsh and fish", self.expect(2, "completion", "tcsh").stderr)

    def test_manual_page(self):
        page = self.expect(0, "manual").stdout
        self.assertTrue(page.startswith(".TH IMPSWEEP 1"))
        for command in self.complete(""):
            if not command.startswith("-"):
                self.assertIn(f'.SS "{command}"', page)
        if shutil.which("man") and shutil.which("groff"):
            shown = subprocess.run(["man", "--warnings", "-l", "-"], input=page, text=True, capture_output=True)
            self.assertEqual(shown.stderr, "")


if __name__ == "__main__":
    unittest.main()
