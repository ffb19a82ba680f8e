"""Environments of Gymnasium as a user trains them. A stand-in (tests/data/fake_gymnasium) plays the package; where
IMPSWEEP_GYMNASIUM_PYTHON names an interpreter that has the genuine one, that plays as well."""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

import h5py
import numpy
from sweep_harness import SweepTest

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
STAND_IN = pathlib.Path(os.environ["IMPSWEEP_TEST_DATA"]) / "fake_gymnasium"
GENUINE = os.environ.get("IMPSWEEP_GYMNASIUM_PYTHON", "")

SETTINGS = """
algorithms = ["ppo"]
baselines  = ["mask/weights", "random/re-init"]
seeds      = 1
rounds     = 2
imp.prune_fraction = 0.5
network.hidden = [16, 16]
rl.steps = 2048
rl.batch_B = 4
rl.batch_T = 64
eval.interval = 1024
eval.episodes = 5
eval.reevaluation_episodes = 5
"""

# The head of files with an environment.
HEAD = """
import os, sys, time
import gymnasium as gym
import numpy as np

class MyEnv(gym.Env):
    observation_space = gym.spaces.Box(-10, 10, (2,), np.float32)
    action_space = gym.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.steps, self.place = 0, float(self.np_random.uniform(-1, 1))
        return self.look(), {}

    def look(self):
        return np.array([self.place, self.steps / 20], np.float32)
"""
GOOD = HEAD + """
    def step(self, action):
        self.steps += 1
        self.place += 0.1 if action == 1 else -0.1
        return self.look(), -abs(self.place), False, self.steps >= 20, {}
"""

# Run by the genuine package's interpreter: the states behind the observations of a recording.
STATES = """
import sys, gymnasium, h5py, numpy
environment, states = gymnasium.make("CartPole-v1"), {}
with h5py.File(sys.argv[1]) as recording:
    for name in recording:
        environment.reset(seed=int(recording[name].attrs["rng_seed"]))
        states[name] = [environment.unwrapped.state]
        for action in recording[name]["action"][()]:
            environment.step(int(action))
            states[name].append(environment.unwrapped.state)
numpy.savez(sys.argv[2], **states)
"""


def broken(step, end="return self.look(), 1.0, False, self.steps >= 20, {}"):
    return HEAD + "\n    def step(self, action):\n        self.steps += 1\n        " + step + "\n        " + end + "\n"


class Gymnasium(SweepTest):
    def setUp(self):
        super().setUp()
        self.environment.update(IMPSWEEP_PYTHON=sys.executable, PYTHONPATH=str(STAND_IN), PYTHONDONTWRITEBYTECODE="1",
                                OF_THIS_TEST=self.path(""))

    def workers(self):
        """What this test has started and still runs, by the environment that it gave them."""
        found = []
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if self.path("").encode() in (process / "environ").read_bytes():
                    found.append((process / "cmdline").read_bytes()[:100])
            except OSError:
                continue  # it has ended
        return found

    def gym_job(self, task, *more, name="gym.toml"):
        return self.write(name, f'[[sweep]]\ntasks = ["{task}"]\n' + SETTINGS + "\n".join(more))

    def own(self, text, *more, name="my_env.py"):
        return self.gym_job(f"python:{self.write(name, text)}:MyEnv", *more, name=name + ".toml")

    def failure(self, store):
        return self.events(store, "failed")[0]["reason"]

    def fails(self, text, *more):
        """The reason that a sweep of this environment fails for, and how long that took."""
        store = f"S{len(list(self.directory.iterdir()))}"
        start = time.monotonic()
        result = self.call("run", self.own(text, *more), "--store", self.path(store), timeout=120)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(result.stdout.count("noise"), 0)
        self.wait_until(lambda: not self.workers())
        return self.failure(store), time.monotonic() - start

    def test_trained_stopped_and_resumed_to_equal_bits(self):
        job = self.gym_job("gymnasium:LineWalk-v0")
        self.expect(0, "run", job, "--store", self.path("alone"))
        self.expect(0, "run", job, "--store", self.path("shared"), "--threads-per-rank", "2")
        self.expect(0, "verify", self.path("alone"), "--against", self.path("shared"), "--rerun", "1")
        for number in (signal.SIGTERM, signal.SIGKILL):
            store = f"stopped-{number}"
            process = self.start("run", job, "--store", self.path(store), "--checkpoint-every", "0.01s")
            self.wait_until(lambda: process.poll() is not None or list((self.directory / store / "live").glob("*.h5")))
            process.send_signal(number)
            process.wait(timeout=60)
            self.expect(0, "run", job, "--store", self.path(store))
            self.expect(0, "verify", self.path("alone"), "--against", self.path(store))
        self.wait_until(lambda: not self.workers())  # none outlives its sweep, however that ends
        frozen = next((self.directory / "alone/jobs").glob("*.toml")).read_text()
        self.assertIn('tasks = ["gymnasium:LineWalk-v0"]', frozen)
        self.assertIn("1.4.0", frozen)
        chain = "gymnasium-LineWalk-v0.ppo.16-16.default.mask-weights.s00"
        with h5py.File(self.directory / "alone/index.h5") as index:
            self.assertIn(b"gymnasium 1.4.0", index[f"chains/{chain}/r01/provenance"].attrs["external_program"])
        # Nothing that only reads starts Python.
        nothing = {"IMPSWEEP_PYTHON": self.path("no-such-python")}
        for arguments in (("status", self.path("alone")), ("report", self.path("alone"), "--output", self.path("R")),
                          ("export", self.path("alone"), "rounds"), ("verify", self.path("alone")),
                          ("plan", job, "--store", self.path("alone"), "--no-calibration")):
            self.assertEqual(self.call(*arguments, environment=nothing).returncode, 0, arguments)
        self.assertEqual(self.call("plan", job, environment=nothing).returncode, 2)

    def test_arguments_wrappers_and_limits(self):
        job = self.gym_job("gymnasium:LineWalk-v0", "gymnasium.kwargs = {length = 3}", 'gymnasium.wrappers = ["Negative"]',
                           "gymnasium.max_steps = 7")
        self.expect(0, "run", job, "--store", self.path("S"))
        chain = "gymnasium-LineWalk-v0.ppo.16-16.default.mask-weights.s00"
        self.expect(0, "evaluate", self.path("S"), chain, "1", "--episodes", "20", "--trajectory", self.path("steps.h5"))
        with h5py.File(self.path("steps.h5")) as steps:
            observations = steps["observation"][()]
            self.assertTrue((observations[:, 1] <= 0).all())  # the other sign
            self.assertGreater(observations[:, 1].min(), -7 / 50 - 1e-6)
            self.assertEqual(set(numpy.round(observations[:, 0] * 3, 4)), {-2.0, -1.0, 0.0, 1.0, 2.0})
        result = self.call("plan", self.gym_job("gymnasium:LineWalk-v0", 'gymnasium.wrappers = ["NormalizeReward"]'))
        self.assertIn("use ppo.obs_norm", result.stderr)
        self.assertEqual(result.returncode, 2)
        for line, words in (("gymnasium.kwargs = {breadth = 3}", "breadth"), ('gymnasium.wrappers = ["None"]', "None"),
                            ("gymnasium.max_steps = -3", "out of range"), ('gymnasium.actions = "x"', "not a choice"),
                            ("gymnasium.time_limit = 0.0", "out of range"), ("gymnasium.kwargs = 3", "must be a table")):
            result = self.call("plan", self.gym_job("gymnasium:LineWalk-v0", line))
            self.assertEqual(result.returncode, 2, line)
            self.assertIn(words, result.stderr)

    def test_the_documented_file_trains(self):
        text = (DOCS / "environments.md").read_text()
        file = self.write("my_env.py", re.search(r"```python\n(.*?)```", text, re.DOTALL)[1])
        shown = self.expect(0, "tasks", "--show", f"python:{file}:MyEnv").stdout
        self.assertIn("2 numbers", shown)
        self.expect(0, "run", self.gym_job(f"python:{file}:MyEnv"), "--store", self.path("S"))
        self.expect(0, "--trust-code", "verify", self.path("S"), "--rerun", "1")

    def test_names(self):
        for task, words in (("gymnasium:", "no name"), ("gymnasium:Nothing-v0", "doesn't exist"), ("python:x.py", "no class"),
                            ("python:no_file.py:MyEnv", "no Python file"), ("gymnasium:a b", "no name")):
            result = self.call("plan", self.gym_job(task))
            self.assertEqual(result.returncode, 2, task)
            self.assertIn(words, result.stderr)
        first, second = self.write("a.py", GOOD), self.write("b.py", GOOD.replace("20", "30"))
        job = self.write("two.toml", "".join(f'[[sweep]]\ntasks = ["python:{file}:MyEnv"]\n{SETTINGS}'
                                             for file in (first, second)))
        result = self.call("plan", job)
        self.assertEqual(result.returncode, 2)
        self.assertIn("gymnasium.files", result.stderr)
        result = self.call("init", "gymnasium:LineWalk-v0", "--output", "-")
        self.assertIn('tasks      = ["gymnasium:LineWalk-v0"]', result.stdout)

    def test_received_code_runs_only_if_trusted(self):
        file = self.write("my_env.py", GOOD + "\nopen(os.environ['OF_THIS_TEST'] + '/was_run', 'a').close()\n")
        self.expect(0, "run", self.gym_job(f"python:{file}:MyEnv"), "--store", self.path("S"))
        self.assertTrue((self.directory / "was_run").exists())
        (self.directory / "was_run").unlink()
        chain = "python-MyEnv.ppo.16-16.default.mask-weights.s00"
        for arguments in (("evaluate", self.path("S"), chain, "1", "--episodes", "2"),
                          ("verify", self.path("S"), "--rerun", "1")):
            result = self.call(*arguments)
            self.assertEqual(result.returncode, 2)
            self.assertIn("--trust-code", result.stderr)
            self.assertFalse((self.directory / "was_run").exists())
            self.expect(0, "--trust-code", *arguments)
            (self.directory / "was_run").unlink()
        pathlib.Path(file).write_text(GOOD + "\nopen(os.environ['OF_THIS_TEST'] + '/was_run', 'a').close()\n# changed\n")
        result = self.call("--trust-code", "evaluate", self.path("S"), chain, "1", "--episodes", "2")
        self.assertEqual(result.returncode, 2)
        self.assertIn("has changed", result.stderr)
        result = self.call("run", self.gym_job(f"python:{file}:MyEnv"), "--store", self.path("S"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("has changed", result.stderr)
        self.assertFalse((self.directory / "was_run").exists())

    def test_spaces(self):
        def space(observation, value, action="gym.spaces.Discrete(2)"):
            return GOOD.replace("gym.spaces.Box(-10, 10, (2,), np.float32)", observation).replace(
                "gym.spaces.Discrete(2)", action, 1).replace("return np.array([self.place, self.steps / 20], np.float32)",
                                                             f"return {value}")

        for number, (observation, value, inputs) in enumerate((
                ("gym.spaces.Discrete(3, start=2)", "2 + self.steps % 3", 3),
                ("gym.spaces.MultiDiscrete([21, 2])", "np.array([self.steps, 1])", 23),
                ("gym.spaces.MultiBinary(4)", "np.array([1, 0, 0, 1], np.int8)", 4),
                ("gym.spaces.Box(0, 255, (2, 3, 1), np.uint8)", "np.full((2, 3, 1), 7, np.uint8)", 6),
                ("gym.spaces.Box(-9, 9, (2,), np.float64)", "np.array([self.place, 1])", 2),
                ("gym.spaces.Dict({'b': gym.spaces.Discrete(2), 'a': gym.spaces.Box(-9, 9, (1,))})",
                 "{'b': 1, 'a': np.array([self.place], np.float32)}", 3),
                ("gym.spaces.Tuple((gym.spaces.Discrete(2), gym.spaces.Discrete(3)))", "(1, 2)", 5))):
            trace = self.path(f"{number}.h5")
            file = self.write(f"space{number}.py", space(observation, value))
            self.expect(0, "record", f"python:{file}:MyEnv", "--episodes", "2", "--output", trace)
            with h5py.File(trace) as recording:
                self.assertEqual(recording["episode_001/observation"].shape, (21, inputs))
                first = recording["episode_000/observation"][1]
            expected = {0: [0, 1, 0], 2: [1, 0, 0, 1], 3: [7] * 6, 6: [0, 1, 0, 0, 1]}.get(number)
            if expected:
                self.assertEqual(list(first), expected)
            self.expect(0, "--trust-code", "replay", trace)
        for observation, action, words in (
                ("gym.spaces.Text(5)", "gym.spaces.Discrete(2)", "Text"),
                ("gym.spaces.Dict({'a': gym.spaces.Sequence(gym.spaces.Discrete(2))})", "gym.spaces.Discrete(2)", "Sequence"),
                ("gym.spaces.Discrete(5000000000)", "gym.spaces.Discrete(2)", "5000000000 numbers"),
                ("gym.spaces.Discrete(4)", "gym.spaces.MultiDiscrete([3, 2])", "MultiDiscrete")):
            result = self.call("plan", self.own(space(observation, "0", action)))
            self.assertEqual(result.returncode, 2)
            self.assertIn(words, result.stderr)
        continuous = self.own(GOOD.replace("gym.spaces.Discrete(2)", "gym.spaces.Box(-1, 1, (1,))"))
        result = self.call("plan", continuous, "--set", "algorithms=[dqn]")
        self.assertEqual(result.returncode, 2)
        self.assertIn("Box(-1, 1, (1,), float32)", result.stderr)

    def test_faults_are_told_with_lane_step_and_line(self):
        reason, _ = self.fails(broken("if self.steps == 7: self.stock['x']"))
        self.assertIn("AttributeError", reason)
        self.assertIn("step 7 of its episode 1", reason)
        self.assertIn("my_env.py", reason)
        reason, _ = self.fails(broken("if self.steps == 7: self.place = float('nan')"))
        self.assertIn("input 0 of 2", reason)
        self.assertIn("nan", reason)
        reason, _ = self.fails(broken("pass", "return np.zeros(3, np.float32), 1.0, False, self.steps >= 20, {}"))
        self.assertIn("shape (3,), the space says (2,)", reason)
        reason, _ = self.fails(broken("pass", "return self.look(), None, False, self.steps >= 20, {}"))
        self.assertIn("the reward is None", reason)
        reason, _ = self.fails(broken("pass", "return self.look(), 1.0, self.steps >= 20, {}"))
        self.assertIn("gym is not gymnasium", reason)
        reason, _ = self.fails(broken("if self.steps == 9: import ctypes; ctypes.memset(8, 0, 64)"))
        self.assertIn("signal 11 (SIGSEGV)", reason)
        self.assertIn("my_env.py", reason)
        reason, _ = self.fails(broken("pass", "return 1.5, 1.0, False, False, {}").replace(
            "gym.spaces.Box(-10, 10, (2,), np.float32)", "gym.spaces.Discrete(3)").replace("return self.look(), {}", "return 1, {}"))
        self.assertIn("is not in Discrete(3)", reason)
        reason, _ = self.fails(broken("if self.steps == 9: os._exit(3)"))
        self.assertIn("status 3", reason)

    def test_what_hangs_is_ended_with_its_children(self):
        hang = "if self.steps == 9 and os.fork() == 0: time.sleep(1000)\n        if self.steps == 9: time.sleep(1000)"
        # One that has a session of its own, as simulators have, as well.
        own = "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
        reason, seconds = self.fails(own + broken(hang), "gymnasium.time_limit = 1.0")
        self.assertIn("gave no answer for 1 s", reason)
        self.assertIn("my_env.py\", line", reason)
        self.assertLess(seconds, 60)

    def test_noise_is_kept_from_the_output(self):
        step = "print('noise'); sys.stdout.flush(); os.write(1, b'noise' * 1000); os.write(2, b'noise')"
        job = self.own(broken(step))
        result = self.expect(0, "run", job, "--store", self.path("S"))
        self.assertNotIn("noise", result.stdout + result.stderr)

    def test_what_is_missing_is_told_before_anything_is_trained(self):
        job = self.own("import a_simulator_of_ours\n" + GOOD)
        for command in (("plan", job), ("run", job, "--store", self.path("S")),
                        ("init", f"python:{self.path('my_env.py')}:MyEnv", "--output", "-")):
            result = self.call(*command)
            self.assertEqual(result.returncode, 2)
            for words in ("my_env.py", "No module named 'a_simulator_of_ours'", "IMPSWEEP_PYTHON", "Python 3"):
                self.assertIn(words, result.stderr)
        result = self.call("plan", self.gym_job("gymnasium:LineWalk-v0"), environment={"PYTHONPATH": ""})
        if "cannot import gymnasium" not in result.stderr:
            self.assertEqual(result.returncode, 2)  # a genuine one, without this environment
        self.assertFalse((self.directory / "S").exists())

    def test_what_does_not_repeat_is_marked_and_exempt(self):
        job = self.own(GOOD.replace("float(self.np_random.uniform(-1, 1))", "time.time() % 1"))
        self.assertIn("not reproducible", self.expect(0, "plan", job, "--no-calibration").stdout)
        self.expect(0, "run", job, "--store", self.path("S"))
        self.expect(0, "run", job, "--store", self.path("T"))
        self.assertIn("not reproducible", self.expect(0, "status", self.path("S")).stdout)
        self.expect(0, "--trust-code", "verify", self.path("S"), "--against", self.path("T"), "--rerun", "1")
        self.expect(0, "report", self.path("S"), "--output", self.path("R"))
        self.assertIn("not reproducible", (self.directory / "R/index.html").read_text())

    @unittest.skipUnless(GENUINE, "IMPSWEEP_GYMNASIUM_PYTHON names no interpreter with gymnasium")
    def test_genuine_environments_repeat(self):
        self.environment.update(IMPSWEEP_PYTHON=GENUINE, PYTHONPATH="")
        for task, repeats in (("LunarLander-v3", "always"), ("HalfCheetah-v5", "always"), ("FrozenLake-v1", "always"),
                              ("BipedalWalker-v3", "with new objects")):
            store, trace = self.path(task), self.path(f"{task}.h5")
            job = self.gym_job(f"gymnasium:{task}", "gymnasium.max_steps = 60", name=f"{task}.toml")
            self.expect(0, "run", job, "--store", store)
            self.expect(0, "verify", store, "--rerun", "1")
            self.assertIn(f'gymnasium.repeats = "{repeats}"', next((self.directory / task / "jobs").glob("*")).read_text())
            self.expect(0, "record", f"gymnasium:{task}", "--episodes", "2", "--output", trace)
            told = json.loads(self.expect(0, "replay", trace, "--json").stdout)["traces"][0]
            self.assertEqual(told["exact_steps"], told["steps"])

    @unittest.skipUnless(GENUINE, "IMPSWEEP_GYMNASIUM_PYTHON names no interpreter with gymnasium")
    def test_cart_pole_of_gymnasium_is_the_native_one(self):
        genuine = {"IMPSWEEP_PYTHON": GENUINE, "PYTHONPATH": ""}
        trace = self.path("cartpole.h5")
        self.assertEqual(self.call("record", "gymnasium:CartPole-v1", "--episodes", "20", "--output", trace,
                                   environment=genuine).returncode, 0)
        replay = self.call("replay", trace, "--json", environment=genuine)
        self.assertEqual(replay.returncode, 0, replay.stdout + replay.stderr)
        told = json.loads(replay.stdout)["traces"][0]
        self.assertEqual(told["exact_steps"], told["steps"])
        # The same episodes for the native task, with the draws that the seed stands for, and the genuine states.
        subprocess.run([GENUINE, "-c", STATES, trace, self.path("states.npz")], check=True)
        states = numpy.load(self.path("states.npz"))
        with h5py.File(trace) as recording, h5py.File(self.path("native.h5"), "w") as native:
            native.attrs["env"] = "cartpole"
            for name in (name for name in recording if name.startswith("episode")):
                episode = native.create_group(name)
                for dataset in ("action", "observation", "reward", "terminated", "truncated"):
                    episode[dataset] = recording[f"{name}/{dataset}"][()]
                draws = numpy.random.default_rng(int(recording[name].attrs["rng_seed"])).random(4)
                episode["draw_value"] = draws
                episode["draw_kind"], episode["draw_n"] = numpy.zeros(4, "uint8"), numpy.zeros(4, "int64")
                episode["draw_step"] = numpy.full(4, -1, "int32")
                episode["state"] = states[name]
                episode.attrs["gym_id"] = "CartPole-v1"
        told = json.loads(self.expect(0, "replay", self.path("native.h5"), "--json").stdout)["traces"][0]
        self.assertEqual(told["exact_steps"], told["steps"])
        self.assertGreater(told["steps"], 200)


if __name__ == "__main__":
    unittest.main()
