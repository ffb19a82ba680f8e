#!/usr/bin/env python3
"""The numbers and figures of this folder, from the packs beside it.

    docs/results/make.py build/impsweep             writes blocks and figures anew
    docs/results/make.py build/impsweep --check     exit code 1, and the lines, where a page and the packs disagree

A block stands in a page between `<!-- KIND PACK ARGUMENTS -->` and `<!-- end -->`; the kinds are the functions of BLOCKS.
"""

import argparse
import csv
import difflib
import io
import json
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
METRICS = {"best": "best_return", "reevaluated": "reevaluated_return", "final": "final_return"}
BASELINES = ["mask/weights", "mask/permuted", "permuted/permuted", "random/re-init"]
NAMES = {"ppo": "PPO", "bc": "cloning", "dqn": "DQN"}


class Pack:
    def __init__(self, program, name):
        self.program, self.file = program, HERE / name

    def run(self, *arguments):
        return subprocess.run([self.program, *arguments], capture_output=True, text=True, check=True).stdout

    def trainings(self):
        return list(csv.DictReader(io.StringIO(self.run("export", str(self.file), "rounds"))))

    def rounds(self):
        """Those of chains; candidates for teachers belong to none."""
        return [row for row in self.trainings() if row["baseline"] in BASELINES]

    def report(self):
        with tempfile.TemporaryDirectory() as folder:
            return json.loads(self.run("report", str(self.file), "--output", folder, "--json"))


def table(header, rows):
    lines = ["| " + " | ".join(row) + " |" for row in [header, *rows]]
    return "\n".join([lines[0], "|" + "---|" * len(header), *lines[1:]])


def returns(pack, task, metric, *rounds):
    """Mean and sample deviation over seeds, by algorithm, density and baseline."""
    rows = []
    data = [row for row in pack.rounds() if row["task"] == task]
    for algorithm in sorted({row["algorithm"] for row in data}, key=list(NAMES).index):
        for number in map(int, rounds):
            cells = []
            density = None
            for baseline in BASELINES:
                found = [row for row in data if row["algorithm"] == algorithm and row["baseline"] == baseline
                         and int(row["round"]) == number]
                values = [float(row[METRICS[metric]]) for row in found]
                density = float(found[0]["density"]) if found else density
                cells.append(f"{statistics.mean(values):.0f} ± {statistics.stdev(values):.0f}"
                             if len(values) > 1 else "-")
            rows.append([f"{100 * density:.3g} %", NAMES[algorithm], *cells])
    return table(["density", "agent", *BASELINES], rows)


# PPO with Gaussian noise at 2 million steps, six seeds: stable-baselines3, docs/modules/ppo.md.
PUBLISHED = {"halfcheetah": "1976 ± 479", "walker2d": "1230 ± 147", "hopper": "1567 ± 339", "ant": "2364 ± 120"}


def robots(pack, *metrics):
    """Mean and sample deviation over the seeds of dense agents of either package, beside what others report."""
    data = [row for row in pack.rounds() if row["round"] == "0"]
    packages = ["pybullet_gym", "pybullet_envs"]
    rows = []
    for task in PUBLISHED:
        for algorithm in ("ppo", "bc"):
            cells = []
            for metric in metrics:
                for package in packages:
                    values = [float(row[METRICS[metric]]) for row in data if row["task"] == task
                              and row["algorithm"] == algorithm and f"package={package}" in row["chain"]]
                    cells.append(f"{statistics.mean(values):.0f} ± {statistics.stdev(values):.0f}")
            rows.append([task, NAMES[algorithm], *cells, PUBLISHED[task] if algorithm == "ppo" else "-"])
    columns = [f"{package}, {metric}" for metric in metrics for package in packages]
    return table(["robot", "agent", *columns, "published, PPO"], rows)


def ways(pack, task, algorithm, metric, *rounds):
    """Mean and sample deviation over seeds: a row for each way to a mask, a column for each of these rounds."""
    data = [row for row in pack.trainings() if row["task"] == task and row["algorithm"] == algorithm
            and row["variant"] not in ("expert", "ticket")]
    rows, densities = [], {}
    for variant, baseline in dict.fromkeys((row["variant"], row["baseline"]) for row in data):
        cells = []
        for number in rounds:
            found = [row for row in data if row["variant"] == variant and row["baseline"] == baseline
                     and row["round"] == number]
            values = [float(row[METRICS[metric]]) for row in found]
            cells.append(f"{statistics.mean(values):.0f} ± {statistics.stdev(values):.0f}" if len(values) > 1 else "-")
            for row in found:
                densities.setdefault(number, []).append(float(row["density"]))
        rows.append([variant, baseline, str(len({row["seed"] for row in data if row["variant"] == variant
                                                 and row["baseline"] == baseline})), *cells])
    header = []
    for number in rounds:  # by the density that most of them have, if there is one
        usual = statistics.mode(densities[number])
        most = densities[number].count(usual) > len(densities[number]) / 2
        header.append(f"{100 * usual:.3g} %" if most else f"round {number}")
    return table(["variant", "baseline", "seeds", *header], rows)


def seeds(pack, task):
    counts = {}
    for row in pack.rounds():
        if row["task"] == task:
            counts.setdefault(row["algorithm"], set()).add(row["seed"])
    return ", ".join(f"{NAMES[algorithm]}: {len(found)} seeds" for algorithm, found in sorted(counts.items())) + "."


def verdicts(pack, *claims):
    """Effect, interval and word of each claim, by part."""
    rows = []
    for hypothesis in pack.report()["hypotheses"]:
        if hypothesis["id"] not in claims:
            continue
        parts = {}
        for finding in hypothesis["findings"]:  # the last of a part speaks of all its settings
            parts[finding["statistic"]] = finding
        for number, (statistic, finding) in enumerate(parts.items()):
            low, high = finding["interval"] or (None, None)
            effect = "-" if finding["value"] is None else f"{finding['value']:.3g} [{low:.3g}, {high:.3g}]" \
                if low is not None else f"{finding['value']:.3g}"
            rows.append([hypothesis["id"] if number == 0 else "", hypothesis["claim"] if number == 0 else "",
                         f"{statistic} {finding['claim']}", effect, str(finding["seeds"]),
                         hypothesis["verdict"] if number == 0 else ""])
    return table(["claim", "says", "of every seed", "effect, 97 %", "seeds", "verdict"], rows)


def mean_interval(values):
    """95 % interval of a mean: percentile bootstrap, always the same resamples."""
    source = random.Random(0)
    means = sorted(statistics.fmean(source.choices(values, k=len(values))) for _ in range(10_000))
    return f"[{means[250]:.0f}, {means[-251]:.0f}]"


def methods(pack, metric, reference):
    """Mean over seeds of every variant, by density, and the difference to one of them, paired by seed."""
    rows = []
    data = pack.rounds()
    for density in sorted({row["density"] for row in data}, key=float, reverse=True):
        found = {}
        for row in data:
            if row["density"] == density:
                found.setdefault(row["variant"], {})[row["seed"]] = float(row[METRICS[metric]])
        for variant, values in sorted(found.items(), key=lambda each: (each[0] != reference, each[0])):
            other = found.get(reference, {})
            differences = [value - other[seed] for seed, value in values.items() if seed in other]
            difference = f"{statistics.fmean(differences):+.0f} {mean_interval(differences)}"
            sample = list(values.values())
            rows.append([f"{100 * float(density):.3g} %", variant,
                         f"{statistics.fmean(sample):.0f} {mean_interval(sample)}",
                         "" if variant == reference else difference, str(len(values))])
    return table(["density", "way", "return, 95 %", f"minus {reference}, 95 %", "seeds"], rows)


def cost(pack):
    """Trainings, hours of cores, and by what they were computed."""
    shared = {row["digest"]: row for row in pack.trainings()}  # round 0 belongs to several chains
    hours = sum(float(row["cpu_seconds"]) for row in shared.values()) / 3600
    store = pack.report()["stores"][0]
    return f"{store['trainings']['done']} trainings of {store['chains']['total']} chains, {hours:.2f} core-hours."


# Pictures of a pack's report: what is asked of it, and which of them stay.
FIGURES = [
    ("cartpole.h5", ("--figure", "2"), "figure-02*"),
    ("cartpole.h5", ("--figure", "3"), "figure-03*"),
    ("masks-cartpole.h5", ("--compare", "imp.criterion"), "compare_imp.criterion*"),
    ("masks-acrobot.h5", ("--compare", "imp.criterion"), "compare_imp.criterion*"),
    ("masks-transfer.h5", (), "transfer_*"),
    ("cartpole-sparse.h5", (), "ways_*"),
]


def draw(program):
    (HERE / "figures").mkdir(exist_ok=True)
    for name, asked, kept in FIGURES:
        with tempfile.TemporaryDirectory() as folder:
            Pack(program, name).run("report", str(HERE / name), "--output", folder, *asked)
            for drawn in sorted(pathlib.Path(folder, "figures").glob(kept + ".svg")):
                target = HERE / "figures" / f"{pathlib.Path(name).stem}-{drawn.name}"
                target.write_bytes(drawn.read_bytes())


BLOCKS = {"returns": returns, "ways": ways, "methods": methods, "robots": robots, "verdicts": verdicts, "seeds": seeds,
          "cost": cost}
BLOCK = re.compile(r"(<!-- (\w+) (\S+)([^>\n]*) -->\n).*?(<!-- end -->)", re.DOTALL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="impsweep")
    parser.add_argument("--check", action="store_true", help="write nothing")
    options = parser.parse_args()

    def written(match):
        head, kind, pack, arguments, end = match.groups()
        return head + BLOCKS[kind](Pack(options.program, pack), *arguments.split()) + "\n" + end

    disagreements = []
    for page in sorted(HERE.glob("*.md")):
        old = page.read_text()
        new = BLOCK.sub(written, old)
        if new == old:
            continue
        disagreements += difflib.unified_diff(old.splitlines(), new.splitlines(), str(page), "packs", lineterm="", n=0)
        if not options.check:
            page.write_text(new)
    if not options.check:
        draw(options.program)
    for name, _, kept in FIGURES:
        if not list((HERE / "figures").glob(f"{pathlib.Path(name).stem}-{kept}.svg")):
            disagreements.append(f"figures of {name} are missing: {kept}")
    print("\n".join(disagreements))
    return 1 if disagreements and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
