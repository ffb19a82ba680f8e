"""Stores that the tests read, made by the program that is under test: IMPSWEEP_PROGRAM."""

import atexit
import csv
import functools
import io
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

PROGRAM = os.environ.get("IMPSWEEP_PROGRAM", "")
GOLDEN = sorted(path / "store" for path in
                pathlib.Path(__file__, "..", "..", "..", "..", "tests", "data", "stores").resolve().iterdir()
                if path.is_dir())
EVERYTHING = os.environ.get("IMPSWEEP_EVERY_PACKAGE") == "1"  # a missing package is then a failure

JOB = """
[[sweep]]
tasks      = ["cartpole"]
algorithms = ["ppo"]
baselines  = ["mask/weights", "mask/permuted", "permuted/permuted", "random/re-init"]
seeds      = 2
rounds     = 3
imp.prune_fraction = 0.5
network.hidden = [16, 12]
rl.steps = 4096
eval.interval = 2048
eval.episodes = 3
eval.reevaluation_episodes = 5

[[sweep]]
tasks      = ["cartpole"]
algorithms = ["bc"]
baselines  = ["mask/weights"]
seeds      = 2
rounds     = 3
imp.prune_fraction = 0.5
network.hidden = [16, 12]
rl.steps = 4096
eval.interval = 2048
eval.episodes = 3
eval.reevaluation_episodes = 5
bc.teacher_hidden = [8]
bc.teacher_candidates = 2
teacher.rl.steps = 2048
teacher.eval.interval = 2048
teacher.eval.episodes = 2
teacher.eval.reevaluation_episodes = 2

[[sweep]]
tasks      = ["acrobot", "minatar-freeway"]
algorithms = ["dqn"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 3
imp.prune_fraction = 0.8
network.hidden = [12]
rl.steps = 2048
dqn.min_steps_learn = 512
dqn.replay_size = 4096
eval.interval = 2048
eval.episodes = 2
eval.max_episode_steps = 200
eval.reevaluation_episodes = 2

[[sweep]]
tasks      = ["mazegrid", "mazegrid-rgb", "hopper", "walker2d", "halfcheetah", "ant"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 2
imp.prune_fraction = 0.9
network.hidden = [12, 8]
rl.steps = 2048
rl.batch_B = 4
rl.batch_T = 64
ppo.minibatches = 4
eval.interval = 2048
eval.episodes = 2
eval.max_episode_steps = 60
eval.reevaluation_episodes = 2

[[sweep]]
tasks      = ["acrobot"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 2
network.hidden = [12, 8]
network.shared_trunk = true
network.activation = "tanh"
imp.prune_fraction = 0.8
rl.steps = 2048
eval.interval = 2048
eval.episodes = 2
eval.reevaluation_episodes = 2
"""

ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")


def call(*arguments):
    result = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, env=ENVIRONMENT)
    if result.returncode != 0:
        raise AssertionError(f"{arguments}: {result.returncode} {result.stdout}{result.stderr}")
    return result.stdout


@functools.cache
def scratch():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="impsweep-reader-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@functools.cache
def fresh_store():
    """A finished store of small chains of every kind of network; read only."""
    job = scratch() / "job.toml"
    job.write_text(JOB)
    call("run", job, "--store", scratch() / "store")
    return scratch() / "store"


@functools.cache
def fresh_pack():
    call("pack", fresh_store(), scratch() / "pack.h5")
    return scratch() / "pack.h5"


@functools.cache
def fresh_summary():
    call("pack", fresh_store(), scratch() / "summary.h5", "--summary")
    return scratch() / "summary.h5"


def exported(store, table, *options):
    """The program's csv, as rows of text."""
    return list(csv.DictReader(io.StringIO(call("export", store, table, *options))))


def needs(*modules):
    """Skips a test without these modules, or fails where every package must be there."""
    import importlib
    missing = []
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            missing.append(f"{module}: {error}")
    if EVERYTHING and missing:
        raise AssertionError(f"missing: {missing}")
    return unittest.skipIf(missing, f"without {missing}")


needs_program = unittest.skipUnless(PROGRAM, "IMPSWEEP_PROGRAM is not set")
