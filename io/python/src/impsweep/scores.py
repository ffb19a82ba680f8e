"""Returns in the form of rliable: {name: array [runs][tasks]}."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from .errors import StoreError

if TYPE_CHECKING:
    from .store import Store

Metric = Literal["best", "reevaluated", "final"]


class Scores(dict[str, NDArray[np.float64]]):
    """The arrays, and what their columns are: `tasks`, names in the order of the columns; `seeds`, of the rows; and
    `bounds` {task: (return of score 0, return of score 1)}, empty where scores are returns."""

    tasks: list[str]
    seeds: list[int]
    bounds: dict[str, tuple[float, float]]


def _bounds(store: "Store", rows: Any, metric: str) -> dict[str, tuple[float, float]]:
    """By task: the return of networks before their training, and of dense ones after it, means over all seeds and
    algorithms of round 0."""
    bounds = {}
    for task in dict.fromkeys(rows["task"]):
        dense = np.flatnonzero((rows["task"] == task) & (rows["round"] == 0))
        digests = dict.fromkeys(str(rows["digest"][row]) for row in dense)
        untrained = [float(store._contents.record(digest).array("curve/mean")[0]) for digest in digests]
        trained = {str(rows["digest"][row]): float(rows[f"{metric}_return"][row]) for row in dense}
        bounds[str(task)] = (float(np.mean(untrained)), float(np.mean(list(trained.values()))))
    return bounds


def make_scores(store: "Store", by: str, metric: Metric, number: int | None, density: float | None, normalise: bool,
                where: dict[str, Any]) -> Scores:
    table = store.table("rounds")
    if by not in table:
        raise StoreError(f"scores: '{by}' is no column of rounds()")
    keep = np.array([chain in store.chains for chain in table["chain"]], bool)
    for column, value in where.items():
        if column not in table:
            raise StoreError(f"scores: '{column}' is no column of rounds()")
        keep &= table[column] == value
    rows = {name: column[keep] for name, column in table.items()}
    if not len(rows["chain"]):
        raise StoreError("scores: no finished round is left by `where`")
    bounds = _bounds(store, rows, metric) if normalise else {}
    chosen = _chosen_rounds(store, rows, number, density)
    names = list(dict.fromkeys(str(rows[by][row]) for row in chosen))
    tasks = list(dict.fromkeys(str(rows["task"][row]) for row in chosen))
    found: dict[tuple[str, str, int], float] = {}
    for row in chosen:
        key = (str(rows[by][row]), str(rows["task"][row]), int(rows["seed"][row]))
        if key in found:
            raise StoreError(f"scores: {by} '{key[0]}' has several chains of {key[1]}, seed {key[2]}; choose by `where`, "
                             "for example where={'baseline': 'mask/weights'}")
        found[key] = float(rows[f"{metric}_return"][row])
    seeds = [seed for seed in sorted({key[2] for key in found})
             if all((name, task, seed) in found for name in names for task in tasks)]
    if not seeds:
        raise StoreError(f"scores: no seed is finished for every {by} and task")
    scores = Scores()
    scores.tasks, scores.seeds, scores.bounds = tasks, seeds, bounds
    for name in names:
        array = np.array([[found[name, task, seed] for task in tasks] for seed in seeds])
        if normalise:
            low = np.array([bounds[task][0] for task in tasks])
            high = np.array([bounds[task][1] for task in tasks])
            if (high == low).any():
                raise StoreError("scores: dense networks of a task are as good as untrained ones; use normalise=False")
            array = (array - low) / (high - low)
        scores[name] = array
    return scores


def _chosen_rounds(store: "Store", rows: Any, number: int | None, density: float | None) -> list[int]:
    """The row of each chain that is asked for."""
    if number is not None and density is not None:
        raise StoreError("scores: give a round or a density, not both")
    by_chain: dict[str, dict[int, int]] = {}
    for row, (chain, of) in enumerate(zip(rows["chain"], rows["round"].tolist())):
        by_chain.setdefault(chain, {})[of] = row
    if density is not None:
        return [min(of_chain.values(), key=lambda row: abs(rows["density"][row] - density))
                for of_chain in by_chain.values()]
    if number is None:
        common = set.intersection(*(set(of_chain) for of_chain in by_chain.values()))
        if not common:
            raise StoreError("scores: no round is finished by all chains; give `round`")
        number = max(common)
    return [of_chain[number] for of_chain in by_chain.values() if number in of_chain]
