"""Bad input gets a message that names file, key and remedy, and exit code 2; never a crash or a silent default."""

import os
import pathlib
import re
import unittest

from sweep_harness import JOB, SweepTest


class BadInput(SweepTest):
    def refuse(self, arguments, *words, environment=None):
        result = self.call(*arguments, environment=environment)
        message = result.stderr
        self.assertEqual(result.returncode, 2, f"{arguments}: {result.returncode} {result.stdout} {message}")
        for word in words:
            self.assertIn(word, message, f"{arguments}")
        self.assertTrue(message.startswith("impsweep: "), message)

    def refuse_job(self, text, *words):
        job = self.write("bad.toml", text)
        for command in (["plan", job], ["run", job, "--store", self.path("S")]):
            self.refuse(command, "bad.toml", *words)
        self.assertFalse((self.directory / "S").exists(), "a refused job leaves no store behind")

    def edit(self, line):
        return JOB.replace('tasks      = ["cartpole"]\nalgorithms = ["ppo"]', line, 1)

    def test_unknown_task(self):
        self.refuse_job(self.edit('tasks = ["cartpol"]\nalgorithms = ["ppo"]'), "cartpol", "cartpole")

    def test_unknown_algorithm(self):
        self.refuse_job(self.edit('tasks = ["cartpole"]\nalgorithms = ["pppo"]'), "pppo", "ppo")

    def test_unknown_baseline(self):
        self.refuse_job(JOB.replace("seeds      = 1", 'seeds = 1\nbaselines = ["mask/wieghts"]', 1), "mask/weights")

    def test_misspelt_key(self):
        self.refuse_job(JOB.replace("rl.steps", "rl.stepps", 1), ":10", "rl.stepps", "rl.steps")

    def test_wrong_type(self):
        self.refuse_job(JOB.replace("rl.steps = 8192", 'rl.steps = "many"', 1), ":10", "rl.steps")

    def test_impossible_value(self):
        self.refuse_job(JOB.replace("imp.prune_fraction = 0.5", "imp.prune_fraction = -0.5", 1),
                        "imp.prune_fraction", "0.001")
        self.refuse_job(JOB.replace("rounds     = 3", "rounds = 0", 1), "rounds")

    def test_no_toml(self):
        self.refuse_job("[[sweep\n", ":1")

    def test_missing_job(self):
        self.refuse(["plan", self.path("absent.toml")], "absent.toml")

    def test_overrides(self):
        store = ["--store", self.path("S")]
        self.refuse(["run", self.job, *store, "--set", "ppo.learning_rat=1"], "ppo.learning_rat", "ppo.learning_rate")
        self.refuse(["run", self.job, *store, "--set", "nosuchsweep.seeds=1"], "nosuchsweep")
        self.refuse(["run", self.job, *store, "--set", "seeds"], "seeds")

    def test_flags(self):
        store = ["--store", self.path("S")]
        self.refuse(["run", self.job], "--store")
        self.refuse(["run", *store], "job")
        self.refuse(["run", self.job, *store, "--bakend", "native"], "--bakend")
        self.refuse(["run", self.job, *store, "--backend", "cuda"], "cuda", "native")
        self.refuse(["run", self.job, *store, "--simd", "mmx"], "mmx", "avx2")
        self.refuse(["run", self.job, *store, "--time-limit", "soon"], "soon", "10m")
        self.refuse(["run", self.job, *store, "--shard", "4/4"], "4/4")
        self.refuse(["run", self.job, *store, "--only", "nochain:r00"], "nochain")
        self.refuse(["rnu", self.job], "rnu", "run")

    def test_store_is_no_store(self):
        empty = self.directory / "empty"
        empty.mkdir()
        for command in ("status", "verify"):
            self.refuse([command, str(empty)], "empty")
            self.refuse([command, self.path("absent")], "absent")
        self.refuse(["export", self.path("absent"), "rounds"], "absent")

    def test_store_of_another_numerics(self):
        self.expect(0, "run", self.job, "--store", self.path("S"), "--set", "rounds=1", "--only",
                    "cartpole.ppo.32-32.default.mask-weights.s00:r00")
        identity = self.directory / "S" / "store.toml"
        identity.write_text(re.sub("compiler = '.*'", "compiler = 'other++'", identity.read_text()))
        self.refuse(["run", self.job, "--store", self.path("S")], "store.toml", "other++")

    @unittest.skipIf(os.geteuid() == 0 and not pathlib.Path("/proc").is_dir(), "needs a read-only place")
    def test_store_cannot_be_written(self):
        self.refuse(["run", self.job, "--store", "/proc/impsweep"], "/proc/impsweep")
        blocked = self.write("file", "text")
        self.refuse(["run", self.job, "--store", blocked], "file")

    def test_libtorch_is_missing(self):
        environment = {"IMPSWEEP_TORCH_MODULE": "/nowhere/impsweep_torch.so"}
        self.refuse(["run", self.job, "--store", self.path("S"), "--backend", "torch"],
                    "/nowhere/impsweep_torch.so", "--backend native", environment=environment)
        self.assertFalse((self.directory / "S").exists())

    def test_traces(self):
        self.refuse(["replay", self.path("absent.h5")], "absent.h5")
        self.refuse(["replay", self.write("text.h5", "this is no HDF5 file\n" * 100)], "text.h5")
        data = pathlib.Path(os.environ["IMPSWEEP_TEST_DATA"]) / "cartpole.h5"
        cut = self.directory / "cut.h5"
        cut.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
        self.refuse(["replay", str(cut)], "cut.h5")

    def test_srun_without_pmix(self):
        self.refuse(["run", self.job, "--store", self.path("S")], "mpirun", "--mpi=pmix",
                    environment={"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4"})


if __name__ == "__main__":
    unittest.main()
