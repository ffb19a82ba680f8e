"""Stores and packs of impsweep as tables, tickets and scores.

    store = impsweep.Store("stores/quickstart")
    rounds = store.rounds()

Rows, columns and values of rounds, curves, layers and inputs are those of `impsweep export`.
"""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from .contents import Columns, open_contents
from .errors import DamagedFile, StoreError, optional
from .files import Record, density_of, values_of
from .jobs import Chain, chains_of_jobs
from .network import (Mask, Network, effective_masks, network_of, per_input, read_masks, read_parameters, tensor_names)
from .scores import Metric, Scores, make_scores
from .tasks import input_names
from .ticket import Ticket

if TYPE_CHECKING:
    import pandas

    from .trajectory import Trajectory

Table = Literal["rounds", "curves", "layers", "inputs", "settings"]


class Store:
    """A store or a pack, which is never written to.

    What is found damaged is a DamagedFile, and what is missing a StoreError; both name the file and the remedy.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        self._contents = open_contents(Path(path))

    def __repr__(self) -> str:
        return f"Store({str(self.path)!r})"

    @property
    def path(self) -> Path:
        return self._contents.path

    @property
    def has_weights(self) -> bool:
        """False for a summary pack, which holds everything else."""
        return self._contents.has_weights

    @functools.cached_property
    def fingerprint(self) -> dict[str, str]:
        """What the bits of results depend on besides their recipes."""
        return self._contents.fingerprint()

    @functools.cached_property
    def chains(self) -> dict[str, Chain]:
        """All chains that the jobs ask for, finished or not, by name."""
        return {chain.name: chain for chain in chains_of_jobs(self._contents.jobs())}

    # ---- tables

    def rounds(self) -> "pandas.DataFrame":
        """One row per finished round of every chain, every scalar a column."""
        return self._frame("rounds")

    def curves(self) -> "pandas.DataFrame":
        """One row per evaluation: `step` in environment steps, `mean_return` and `deviation` over its episodes."""
        return self._frame("curves")

    def layers(self) -> "pandas.DataFrame":
        """One row per tensor and round: `entries`, those `kept`, those `effective`, and sums of absolute values."""
        return self._frame("layers")

    def inputs(self) -> "pandas.DataFrame":
        """One row per input and round: sum of absolute weights into the first layer, weights `kept`, `effective`."""
        return self._frame("inputs")

    def settings(self) -> "pandas.DataFrame":
        """One row per chain, finished or not, with every resolved setting as a column; NaN where a chain has no such
        key."""
        return self._frame("settings")

    def table(self, name: Table) -> Columns:
        """The same tables without pandas: columns of equal length by name, texts as str."""
        makers: dict[str, Callable[[], Columns]] = {
            "rounds": lambda: self._rounds, "curves": self._curves, "layers": self._layers, "inputs": self._inputs,
            "settings": self._settings}
        if name not in makers:
            raise StoreError(f"'{name}' is no table; there are {', '.join(makers)}")
        return makers[name]()

    def _frame(self, name: Table) -> "pandas.DataFrame":
        pandas = optional("pandas", "pandas", f"{name}()")
        return pandas.DataFrame(self.table(name))

    @functools.cached_property
    def _rounds(self) -> Columns:
        """Chains in the order of the jobs, then what stands beside them: teachers and tickets that give inputs."""
        columns = _with_later_columns(self._contents.rounds())
        place = {name: index for index, name in enumerate(self.chains)}
        order = sorted(range(len(columns["chain"])), key=lambda row: (
            place.get(str(columns["chain"][row]), len(place)), str(columns["chain"][row]), int(columns["round"][row])))
        return {name: column[order] for name, column in columns.items()}

    def _finished(self) -> Iterator[tuple[Chain, int, str]]:
        """Chain, round and digest of what is finished, but for what stands beside the chains."""
        rows = self._rounds
        for name, number, digest in zip(rows["chain"], rows["round"].tolist(), rows["digest"]):
            if name in self.chains:
                yield self.chains[name], number, digest

    def _rows(self, columns_of_round: Callable[[Chain, Record], dict[str, Sequence[Any] | NDArray[Any]]]) -> Columns:
        """A table of the heads that say what a row is of, and of what the function makes of each round."""
        heads: dict[str, list[Any]] = {name: [] for name in ("chain", "round", "task", "algorithm", "network", "variant",
                                                             "baseline", "seed", "density")}
        parts: dict[str, list[Any]] = {}
        known: dict[str, tuple[dict[str, Any], float]] = {}  # of trainings that several chains share
        for chain, number, digest in self._finished():
            if digest not in known:
                record = self._contents.record(digest)
                try:
                    known[digest] = (columns_of_round(chain, record), density_of(record))
                except (KeyError, TypeError, ValueError, IndexError, OverflowError, MemoryError) as error:
                    raise DamagedFile(f"{record.origin}: is no result of {chain.network}: {error}") from error
            made, density = known[digest]
            count = len(next(iter(made.values())))
            for name, value in (("chain", chain.name), ("round", number), ("task", chain.task),
                                ("algorithm", chain.algorithm), ("network", chain.network),
                                ("variant", chain.variant), ("baseline", chain.baseline), ("seed", chain.seed),
                                ("density", density)):
                heads[name].extend([value] * count)
            for name, values in made.items():
                parts.setdefault(name, []).append(values)
        table: Columns = {name: np.array(values, object if values and isinstance(values[0], str) else None)
                          for name, values in heads.items()}
        for name, pieces in parts.items():
            table[name] = np.array([text for piece in pieces for text in piece], object) \
                if isinstance(pieces[0], list) else np.concatenate(pieces)
        return table

    def _curves(self) -> Columns:
        def of_round(_: Chain, record: Record) -> dict[str, Any]:
            step, mean, deviation = (values_of(record, f"curve/{name}", kind)
                                     for name, kind in (("step", "i"), ("mean", "f"), ("deviation", "f")))
            if not len(step) == len(mean) == len(deviation):
                raise DamagedFile(f"{record.origin}: the arrays of its curve do not fit together")
            if record.has("curve/returns"):
                returns = values_of(record, "curve/returns", "f")
                if returns.ndim != 2 or len(returns) != len(step):
                    raise DamagedFile(f"{record.origin}: the arrays of its curve do not fit together")
                empty = np.isnan(returns[:, 0]) if returns.shape[1] else np.ones(len(step), bool)
                mean = np.where(empty, np.nan, mean)  # no mean stands for an evaluation without an episode
            return {"step": step, "mean_return": mean, "deviation": np.where(np.isnan(mean), mean, deviation)}
        return self._rows(of_round)

    def _layers(self) -> Columns:
        def of_round(chain: Chain, record: Record) -> dict[str, Any]:
            names = tensor_names(record)
            kept = values_of(record, "result/kept_per_tensor", "i")
            if record.has("result/tensor_magnitude"):  # a summary, which has no weights
                entries = values_of(record, "result/tensor_entries", "i")
                magnitude = values_of(record, "result/tensor_magnitude", "f")
                effective = values_of(record, "result/effective_per_tensor", "i")
            else:
                network, masks = _network_and_masks(chain, record)
                best = read_parameters(record, "weights/best", masks)
                entries = np.array([masks[name].size for name in names], np.int64)
                magnitude = np.array([_sum_of_absolutes(best[name]) for name in names])
                kept = np.array([masks[name].sum() for name in names], np.int64)
                useful = effective_masks(network, masks)
                effective = np.array([useful[name].sum() for name in names], np.int64)
            with np.errstate(invalid="ignore", divide="ignore"):
                return {"tensor": names, "entries": entries, "kept": kept, "effective": effective,
                        "magnitude": magnitude, "mean_magnitude": magnitude / kept}
        return self._rows(of_round)

    def _inputs(self) -> Columns:
        def of_round(chain: Chain, record: Record) -> dict[str, Any]:
            magnitude = values_of(record, "result/input_magnitude", "f")
            if record.has("result/input_kept"):  # a summary
                kept, effective = (values_of(record, f"result/input_{name}", "i") for name in ("kept", "effective"))
            else:
                network, masks = _network_and_masks(chain, record)
                first = network.first.weight
                kept, effective = per_input(masks[first]), per_input(effective_masks(network, masks)[first])
            if not len(magnitude) == len(kept) == len(effective):
                raise DamagedFile(f"{record.origin}: 'result/input_magnitude' is of another number of inputs")
            return {"input": np.arange(len(magnitude)), "name": input_names(chain.task, len(magnitude)),
                    "magnitude": magnitude, "kept": kept, "effective": effective}
        return self._rows(of_round)

    def _settings(self) -> Columns:
        keys = list(dict.fromkeys(key for chain in self.chains.values() for key in chain.settings))
        table: Columns = {}
        for head in ("name", "task", "algorithm", "network", "variant", "baseline", "seed", "rounds"):
            values = [getattr(chain, head) for chain in self.chains.values()]
            table["chain" if head == "name" else head] = np.array(values, object if head not in ("seed", "rounds") else None)
        for key in keys:
            values = [chain.settings.get(key, np.nan) for chain in self.chains.values()]
            kinds = {type(value) for value in values}
            if kinds <= {int}:
                table[key] = np.array(values, np.int64)
            elif kinds <= {float}:
                table[key] = np.array(values, np.float64)
            else:
                column = np.empty(len(values), object)
                column[:] = values
                table[key] = column
        return table

    # ---- single rounds

    def _find(self, chain: str, number: int) -> tuple[Chain, str]:
        if chain not in self.chains:
            raise StoreError(f"{self.path}: has no chain '{chain}'; store.chains lists those that there are")
        rows = self._rounds
        found = np.flatnonzero((rows["chain"] == chain) & (rows["round"] == number))
        if not len(found):
            raise StoreError(f"{self.path}: round {number} of {chain} is not finished")
        return self.chains[chain], str(rows["digest"][found[0]])

    def record(self, chain: str, round: int) -> Record:
        """A finished round as it was written: attributes and arrays by the names of docs/store.md."""
        return self._contents.record(self._find(chain, round)[1])

    def ticket(self, chain: str, round: int) -> Ticket:
        """Masks and weights of a round. StoreError for a summary pack."""
        if not self.has_weights:
            raise StoreError(f"{self.path}: is a summary without weights; take the store or a whole pack")
        found, digest = self._find(chain, round)
        record = self._contents.record(digest)
        network, masks = _network_and_masks(found, record)
        return Ticket(found, round, record, network, masks, self.path, self._initial_of_round0)

    def _initial_of_round0(self, chain: Chain) -> Record:
        return self.record(chain.name, 0)

    def trajectory(self, chain: str, round: int, episodes: int = 1, *, greedy: bool = True,
                   max_episode_steps: int | None = None) -> "Trajectory":
        """Plays the best checkpoint of a round by `impsweep evaluate`, and returns every step."""
        from .trajectory import play
        self._find(chain, round)
        return play(self.path, chain, round, episodes, greedy, max_episode_steps)

    def render(self, chain: str, round: int, path: str | PathLike[str], *, greedy: bool = True, frames: int = 300,
               scale: int = 1) -> Path:
        """Plays an episode and writes it as .gif or .mp4, with the ticket's effective inputs highlighted.

        At most `frames` frames; `scale` enlarges them. Returns the path.
        """
        from .render import render_episode
        return render_episode(self, chain, round, Path(path), greedy=greedy, frames=frames, scale=scale)

    # ---- other tools

    def scores(self, *, by: str = "algorithm", metric: Metric = "reevaluated", round: int | None = None,
               density: float | None = None, normalise: bool = True,
               where: dict[str, Any] | None = None) -> Scores:
        """Returns as rliable takes them: for each value of the column `by`, an array [seeds][tasks].

        `round`, or the round next to a `density`, or else the last that all chains have finished. `where` keeps the
        rows of rounds() that have these values. `normalise`: 0 is the untrained network and 1 the dense one (round 0),
        each the mean over the seeds of a task; see docs/python.md.
        """
        return make_scores(self, by, metric, round, density, normalise, where or {})

    def to_tensorboard(self, logdir: str | PathLike[str], *, chains: Iterable[str] | None = None) -> int:
        """Writes learning curves and rounds for TensorBoard, those of running trainings too. Returns the number of
        values."""
        from .tensorboard import write_logs
        return write_logs(self, self._contents, Path(logdir), chains)

    def to_wandb(self, *, project: str = "impsweep", mode: Literal["offline", "online"] = "offline",
                 directory: str | PathLike[str] = ".", chains: Iterable[str] | None = None) -> int:
        """Makes a run of Weights & Biases of each chain: settings as configuration, rounds as steps. Returns the
        number of runs."""
        from .wandb_runs import write_runs
        return write_runs(self, project, mode, Path(directory), chains)


def _with_later_columns(columns: Columns) -> Columns:
    """Stores of older versions do not count operations: NaN, as the program says."""
    if "train_flops" in columns:
        return columns
    names = list(columns)
    names.insert(names.index("cpu_seconds"), "train_flops")
    unknown = np.full(len(columns["chain"]), np.nan)
    return {name: columns.get(name, unknown) for name in names}


def _network_and_masks(chain: Chain, record: Record) -> tuple[Network, dict[str, Mask]]:
    names = tensor_names(record)
    shapes = {}
    for name in names:
        path = f"mask/{name}" if record.has(f"mask/{name}") else f"weights/best/{name}"
        shapes[name] = record.array(path).shape
    try:
        return network_of(chain, names, shapes), read_masks(record, names, shapes)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise DamagedFile(f"{record.origin}: its tensors are not those of {chain.network}: {error}") from error


def _sum_of_absolutes(values: NDArray[np.float32]) -> float:
    """Added up one after the other, as the program does, so that the last bits agree."""
    if values.size == 0:
        return 0.0
    return float(np.add.accumulate(np.abs(values.astype(np.float64).ravel()))[-1])
