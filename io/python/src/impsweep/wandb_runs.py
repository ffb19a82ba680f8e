"""Chains as runs of Weights & Biases."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .errors import StoreError, optional

if TYPE_CHECKING:
    from .store import Store


def write_runs(store: "Store", project: str, mode: str, directory: Path, chains: Iterable[str] | None) -> int:
    wandb = optional("wandb", "wandb", "to_wandb()")
    rounds = store.table("rounds")
    heads = {"chain", "digest", "task", "algorithm", "network", "variant", "baseline", "seed"}
    finished = set(rounds["chain"])
    chosen = [name for name in store.chains if name in finished] if chains is None else list(chains)
    for name in chosen:
        if name not in store.chains:
            raise StoreError(f"{store.path}: has no chain '{name}'")
        chain = store.chains[name]
        run = wandb.init(project=project, name=name, group=f"{chain.task}.{chain.algorithm}", mode=mode,
                         dir=str(directory), reinit=True,
                         config={**{key: list(value) if isinstance(value, tuple) else value
                                    for key, value in chain.settings.items()},
                                 "task": chain.task, "algorithm": chain.algorithm, "network": chain.network,
                                 "variant": chain.variant, "baseline": chain.baseline, "seed": chain.seed})
        for row in np.flatnonzero(rounds["chain"] == name):
            run.log({column: values[row].item() for column, values in rounds.items() if column not in heads},
                    step=int(rounds["round"][row]))
        run.finish()
    return len(chosen)
