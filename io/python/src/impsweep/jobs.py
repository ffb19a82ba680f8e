"""Chains and settings, from the frozen jobs of a store: TOML in which every value is written out."""

import tomllib
from dataclasses import dataclass
from typing import Any

from .errors import DamagedFile

AXES = ("name", "tasks", "algorithms", "baselines", "seeds", "rounds", "variant")  # all other keys are settings


@dataclass(frozen=True)
class Chain:
    """The rounds of one (task, algorithm, network, variant, baseline, seed)."""

    name: str
    task: str
    algorithm: str
    network: str
    variant: str
    baseline: str
    seed: int
    rounds: int
    settings: dict[str, Any]  # by key of job files; lists are tuples


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = tuple(value) if isinstance(value, list) else value
    return flat


def network_name(settings: dict[str, Any]) -> str:
    """As in the names of chains: "128-128", "cnn16x3-128-64"."""
    convolutions = {"cnn": f"cnn{settings.get('network.filters')}x{settings.get('network.kernel')}-",
                    "atari": "cnn16x8-32x4-"}.get(settings.get("network.architecture", "mlp"), "")
    return convolutions + ("-".join(str(units) for units in settings["network.hidden"]) or "linear")


def _chains_of_sweep(sweep: dict[str, Any]) -> list[Chain]:
    settings = _flat({key: value for key, value in sweep.items() if key not in AXES})
    network = network_name(settings)
    chains = []
    for variant in sweep["variant"]:
        for baseline in sweep["baselines"]:
            for seed in sweep["seeds"]:
                task, algorithm = sweep["tasks"][0], sweep["algorithms"][0]
                name = ".".join((task, algorithm, network, variant["name"], baseline.replace("/", "-"), f"s{seed:02}"))
                chains.append(Chain(name, task, algorithm, network, variant["name"], baseline, seed, sweep["rounds"],
                                    settings))
    return chains


def chains_of_jobs(jobs: dict[str, str]) -> list[Chain]:
    """Chains of all jobs {digest: text}, in the order of the digests. A chain that several jobs ask for is there once,
    with the most rounds; of other settings it is called as the program calls it, by the first digits of its job."""
    chains: dict[str, Chain] = {}
    for digest, text in sorted(jobs.items()):
        try:
            listed = [chain for sweep in tomllib.loads(text)["sweep"] for chain in _chains_of_sweep(sweep)]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
            raise DamagedFile(f"job {digest}: is no frozen job of this version: {error}") from error
        for chain in listed:
            known = chains.get(chain.name)
            if known is not None and known.settings != chain.settings:
                variant = f"{chain.variant}-job{digest[:8]}"
                parts = chain.name.split(".")
                parts[3] = variant
                chain = Chain(**{**chain.__dict__, "name": ".".join(parts), "variant": variant})
                known = chains.get(chain.name)
            if known is None or chain.rounds > known.rounds:
                chains[chain.name] = chain
    return list(chains.values())
