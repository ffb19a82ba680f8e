"""What `plan` says on an empty store, against the processor time that the trainings then take: every job file of
jobs/, shrunken so that each takes seconds, and settings that nobody uses. Minutes; the machine may be busy, since
processor time is compared and not time.

IMPSWEEP_FORECAST_STORES=DIR keeps the stores there, and takes those that it finds for trained; then it is a matter of
seconds to look at another way of forecasting."""

import json
import math
import os
import pathlib
import statistics
import struct
import tempfile
import tomllib
import unittest

import h5py
import numpy
from sweep_harness import SweepTest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DIGITS = pathlib.Path(tempfile.gettempdir()) / "impsweep-test-digits"  # as many images as MNIST has for tests
ROBOTS = {"halfcheetah", "walker2d", "hopper", "ant"}

# Besides the job files: settings that nobody uses, and what they have in common.
SMALL = {"seeds": 1, "rounds": 1, "baselines": ["mask/weights"]}
UNUSUAL = {
    "dqn-batch-4096": [{"tasks": ["cartpole"], "algorithms": ["dqn"], "dqn.batch_size": 4096, "rl.steps": 8000}],
    "mazegrid-batch-4096": [{"tasks": ["mazegrid"], "algorithms": ["dqn"], "dqn.batch_size": 4096, "rl.steps": 16000}],
    "dqn-batch-16": [{"tasks": ["acrobot"], "algorithms": ["dqn"], "dqn.batch_size": 16, "rl.steps": 8000}],
    "minibatches-129": [{"tasks": ["cartpole"], "algorithms": ["ppo"], "ppo.minibatches": 129, "rl.steps": 16384}],
    "sizes-2000": [{"tasks": ["cartpole"], "algorithms": ["ppo"], "network.hidden": [2000, 2000], "rl.steps": 2048,
                    "rounds": 2}],
    "mazegrid-2000": [{"tasks": ["mazegrid"], "algorithms": ["dqn"], "network.hidden": [2000, 2000], "rl.steps": 6000}],
    "cnn-dqn": [{"tasks": ["minatar-breakout"], "algorithms": ["dqn"], "network.architecture": "cnn", "rl.steps": 8000,
                 "rounds": 2}],
    "cnn-ppo": [{"tasks": ["mazegrid"], "algorithms": ["ppo"], "network.architecture": "cnn", "rl.steps": 2560}],
    "cnn-64x5": [{"tasks": ["minatar-freeway"], "algorithms": ["dqn"], "network.architecture": "cnn",
                  "network.filters": 64, "network.kernel": 5, "rl.steps": 3000}],
    "epochs-40": [{"tasks": ["acrobot"], "algorithms": ["ppo"], "ppo.epochs": 40, "rl.steps": 8192}],
    "evaluations-only": [{"tasks": ["acrobot"], "algorithms": ["ppo"], "rl.steps": 4096, "eval.interval": 256,
                          "eval.episodes": 100}],
    "replay-ratio-32": [{"tasks": ["minatar-asterix"], "algorithms": ["dqn"], "dqn.replay_ratio": 32, "rl.steps": 3000}],
    "uniform-dueling": [{"tasks": ["cartpole"], "algorithms": ["dqn"], "dqn.prioritized": False, "dqn.dueling": True,
                         "dqn.double": False, "dqn.n_step": 5, "rl.steps": 10000}],
    "robots-both-sparse": [{"tasks": ["hopper"], "algorithms": ["ppo"], "rounds": 3, "imp.prune_fraction": 0.8}],
    "robots-256": [{"tasks": ["walker2d"], "algorithms": ["ppo"], "network.hidden": [256, 256]}],
    "shared-trunk": [{"tasks": ["cartpole"], "algorithms": ["ppo"], "network.shared_trunk": True,
                      "network.hidden": [256, 256], "imp.scope": "actor_critic", "rounds": 2}],
    "very-sparse": [{"tasks": ["cartpole"], "algorithms": ["ppo"], "rounds": 4, "imp.prune_fraction": 0.85,
                     "imp.scope": "actor_critic"}],
    "mazegrid-very-sparse": [{"tasks": ["mazegrid"], "algorithms": ["dqn"], "rounds": 4, "imp.prune_fraction": 0.8,
                              "rl.steps": 12000}],
    "weight-decay": [{"tasks": ["acrobot"], "algorithms": ["ppo"], "reg.weight_decay": 0.001, "rounds": 2}],
    "many-lanes": [{"tasks": ["cartpole"], "algorithms": ["ppo"], "rl.batch_B": 256, "rl.batch_T": 16,
                    "rl.steps": 40960}],
}


def write_digits():
    """Noise, which costs as much as pictures."""
    DIGITS.mkdir(exist_ok=True)
    random = numpy.random.default_rng(1)
    for part, count in (("train", 6_000), ("t10k", 10_000)):
        for name, array in (("images-idx3", random.integers(0, 256, (count, 28, 28))),
                            ("labels-idx1", random.integers(0, 10, count))):
            head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
            (DIGITS / f"{part}-{name}-ubyte").write_bytes(head + array.astype(numpy.uint8).tobytes())


def flat(table, prefix=""):
    """Dotted keys, as they stand in job files."""
    found = {}
    for key, value in table.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return found


def steps_of(tasks, algorithm):
    """Budgets of a training that takes a second or less."""
    if tasks <= {"cartpole", "acrobot"}:
        return {"ppo": 20_000, "bc": 10_000, "dqn": 10_000}[algorithm]
    if tasks <= ROBOTS:
        return 8_000
    if algorithm == "supervised":
        return 20_000
    return 6_000 if algorithm == "ppo" else 12_000


def shrunken(sweep, algorithm):
    """One sweep of a job file with one of its algorithms, with everything that takes long made small."""
    tasks = set(sweep["tasks"])
    steps = sweep.get("rl.steps", steps_of(tasks, algorithm)) if sweep.get("is-unusual") else steps_of(tasks, algorithm)
    small = flat({key: value for key, value in sweep.items() if key not in ("variant", "is-unusual")})
    small |= {"name": f"{sweep.get('name', 'sweep')}-{algorithm}", "algorithms": [algorithm], "rl.steps": steps,
              "seeds": 1, "baselines": sweep.get("baselines", ["mask/weights", "random/re-init"])[:2]}
    if "imp.densities" in small:
        small["imp.densities"] = small["imp.densities"][:2]
    else:
        small["rounds"] = min(sweep["rounds"], 4 if sweep.get("is-unusual") else 3)
        if small["rounds"] > 1:
            small.setdefault("imp.prune_fraction", 0.6)
    long_episodes = bool(tasks & ROBOTS)
    small["eval.interval"] = min(small.get("eval.interval", steps), max(1, steps // 4))
    if algorithm == "supervised":
        small["digits.path"] = str(DIGITS)
    else:
        small.setdefault("eval.episodes", 2 if long_episodes else 5)
        small.setdefault("eval.reevaluation_episodes", 4 if long_episodes else 10)
    if algorithm == "dqn":
        small |= {"dqn.min_steps_learn": min(1_000, steps // 4), "dqn.epsilon_steps": steps // 2}
    if algorithm == "bc":
        teacher = "ppo" if tasks <= {"cartpole", "acrobot"} | ROBOTS else "dqn"
        small |= {"bc.teacher_candidates": 2, "teacher.rl.steps": steps, "teacher.eval.interval": max(1, steps // 4),
                  "teacher.eval.episodes": 2, "teacher.eval.reevaluation_episodes": 4}
        if teacher == "dqn":
            small |= {"teacher.dqn.min_steps_learn": 1_000, "teacher.dqn.epsilon_steps": steps // 2}
    variants = []
    for variant in sweep.get("variant", []):
        variant = flat(variant)
        if "rl.steps" in variant:
            variant["rl.steps"] = steps
        if "inputs.ticket_round" in variant:
            variant["inputs.ticket_round"] = variant["inputs.ticket_round"] // 6
        if "imp.rewind_step" in variant:
            variant["imp.rewind_step"] = steps // 2
        variants.append(variant)
    return small, variants[:4]


def toml_of(sweeps):
    def lines(table):
        for key, value in table.items():
            yield f"{key} = {json.dumps(value)}"

    text = []
    for sweep, variants in sweeps:
        text += ["[[sweep]]", *lines(sweep), ""]
        for variant in variants:
            text += ["[[sweep.variant]]", *lines(variant), ""]
    return "\n".join(text)


def jobs():
    """Every job by name, as a text."""
    found = {}
    for file in sorted((ROOT / "jobs").glob("*.toml")):
        if file.stem == "paper":
            continue  # all figures once more
        if file.stem == "transfer":
            continue  # names chains of its own by their sweeps; its trainings are of the kind of figure 2's
        sweeps = tomllib.loads(file.read_text())["sweep"]
        if any(task.startswith("atari") for sweep in sweeps for task in sweep["tasks"]):
            continue  # needs an emulator
        found[file.stem] = toml_of(shrunken(sweep, algorithm) for sweep in sweeps for algorithm in sweep["algorithms"])
    for name, sweeps in UNUSUAL.items():
        found[name] = toml_of(shrunken({**SMALL, **sweep, "is-unusual": True}, sweep["algorithms"][0])
                              for sweep in sweeps)
    return found


class Forecasts(SweepTest):
    def plan(self, job, cache):
        result = self.call("plan", job, "--json", environment={"XDG_CACHE_HOME": str(cache)})
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def trained(self, name, job):
        """Processor seconds of all its trainings."""
        kept = os.environ.get("IMPSWEEP_FORECAST_STORES")
        store = pathlib.Path(kept or self.directory) / name
        if not (store / "summaries.h5").exists():
            result = self.call("run", job, "--store", str(store), timeout=1200)
            self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        with h5py.File(store / "summaries.h5") as file:
            return float(sum(file["cpu_seconds"][:]))

    def test_every_job(self):
        cache = self.directory / "cache"
        write_digits()
        rows = []
        for name, text in jobs().items():
            with self.subTest(name):
                job = self.write(f"{name}.toml", text)
                plan = self.plan(job, cache)
                said = plan["core_hours"] * 3600
                low, high = (hours * 3600 for hours in plan.get("core_hours_90_percent", [0, 0]))
                taken = self.trained(name, job)
                rows.append((name, said, low, high, taken))
        for name, said, low, high, taken in rows:
            print(f"{name:24} {said:8.2f} s ({low:.2f} to {high:.2f}), took {taken:8.2f} s, "
                  f"ratio {said / taken:5.2f}{'' if low <= taken <= high else '  OUTSIDE'}")
        errors = [abs(math.log(said / taken)) for _, said, _, _, taken in rows]
        inside = sum(low <= taken <= high for _, _, low, high, taken in rows) / len(rows)
        print(f"median error {math.exp(statistics.median(errors)):.3f}x, {100 * inside:.0f} % of {len(rows)} inside")
        self.assertGreater(len(rows), 40)
        self.assertLess(math.exp(statistics.median(errors)), 1.3)
        self.assertGreaterEqual(inside, 0.9)


if __name__ == "__main__":
    unittest.main()
