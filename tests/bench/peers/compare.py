#!/usr/bin/env python3
"""Runs the opponents beside our own trainings and prints a table of ratios (README.md). CPU seconds, of which the fewest of
several runs that take turns count; pin it to a core with taskset."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
ROUNDS = 30

CHAIN = """
[[sweep]]
name       = "peers"
tasks      = ["cartpole"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = {rounds}
rl.steps   = {steps}
eval.interval = 2000
eval.episodes = 20
eval.reevaluation_episodes = 20
imp.scope  = "{scope}"
"""
BREAKOUT = """
[[sweep]]
name       = "peers"
tasks      = ["minatar-breakout"]
algorithms = ["dqn"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 1
network.hidden = [1024, 512]
rl.steps   = {steps}
dqn.min_steps_learn = 5000
eval.interval = {steps}
eval.episodes = 1
eval.reevaluation_episodes = 1
"""


def finished_rounds(program, job):
    """Rounds of a new store, as `impsweep export` lists them."""
    with tempfile.TemporaryDirectory(prefix="impsweep-peers-") as directory:
        path = pathlib.Path(directory) / "job.toml"
        path.write_text(job)
        store = str(pathlib.Path(directory) / "store")
        environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
        subprocess.run([program, "run", str(path), "--store", store], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, env=environment)
        listed = subprocess.run([program, "export", store, "rounds", "--format", "json"], check=True,
                                capture_output=True, text=True, env=environment)
        return sorted(json.loads(listed.stdout), key=lambda row: row["round"])


class Fewest(dict):
    """CPU seconds by name; of several measurements the least."""

    def note(self, name, seconds):
        self[name] = min(seconds, self.get(name, seconds))


def measure_ours(program, steps, breakout_steps, seconds):
    for scope in ("actor", "actor_critic"):
        rounds = finished_rounds(program, CHAIN.format(rounds=ROUNDS, steps=steps, scope=scope))
        tenth = min(rounds, key=lambda row: abs(row["density"] - 0.107))
        seconds.note("dense", rounds[0]["cpu_seconds"])
        seconds.note(f"tenth of {scope}", tenth["cpu_seconds"])
        seconds.note(f"chain of {scope}", sum(row["cpu_seconds"] for row in rounds))
    seconds.note("breakout", finished_rounds(program, BREAKOUT.format(steps=breakout_steps))[0]["cpu_seconds"])


def measure_peer(python, script, steps, seconds, missing):
    result = subprocess.run([python, str(HERE / script), str(steps)], capture_output=True, text=True)
    if result.returncode != 0:
        missing[script] = (result.stderr.strip().splitlines() or ["it failed"])[-1]
        return
    seconds.note(script, json.loads(result.stdout.splitlines()[-1])["cpu_seconds"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="impsweep")
    parser.add_argument("--python", default=sys.executable, help="that has what requirements.txt names")
    parser.add_argument("--torch-python", default="/usr/bin/python3", help="that has PyTorch")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--steps", type=int, default=80_000, help="of Cart-Pole")
    parser.add_argument("--breakout-steps", type=int, default=40_000)
    options = parser.parse_args()

    seconds, missing, loads = Fewest(), {}, []
    for _ in range(options.repeats):
        measure_ours(options.program, options.steps, options.breakout_steps, seconds)
        measure_peer(options.python, "jax_ppo_cartpole.py", options.steps, seconds, missing)
        measure_peer(options.python, "jax_dqn_breakout.py", options.breakout_steps, seconds, missing)
        measure_peer(options.torch_python, "torch_ppo_cartpole.py", options.steps, seconds, missing)
        loads.append(os.getloadavg()[0])

    print(f"CPU seconds, fewest of {options.repeats}; load of the machine {min(loads):.1f} to {max(loads):.1f} "
          f"on {os.cpu_count()} cores; {options.steps} steps of Cart-Pole, {options.breakout_steps} of Breakout.\n")
    print("| training | ours | opponent | theirs | ratio |\n|---|---|---|---|---|")
    jax, torch = "jax_ppo_cartpole.py", "torch_ppo_cartpole.py"
    for name, ours, peer, times in [
            ("dense", "dense", jax, 1), ("density 0.107, actor pruned", "tenth of actor", jax, 1),
            ("density 0.107, both pruned", "tenth of actor_critic", jax, 1),
            (f"chain of {ROUNDS}, actor pruned", "chain of actor", jax, ROUNDS),
            (f"chain of {ROUNDS}, both pruned", "chain of actor_critic", jax, ROUNDS), ("dense", "dense", torch, 1),
            (f"chain of {ROUNDS}, actor pruned", "chain of actor", torch, ROUNDS),
            ("Breakout, double Q-learning, dense", "breakout", "jax_dqn_breakout.py", 1)]:
        if peer in seconds:
            theirs = times * seconds[peer]
            print(f"| {name} | {seconds[ours]:.2f} | {times if times > 1 else ''}{' x ' if times > 1 else ''}`{peer}` "
                  f"| {theirs:.2f} | {theirs / seconds[ours]:.2f} |")
    for script, reason in missing.items():
        print(f"\n`{script}` did not run: {reason}")


main()
