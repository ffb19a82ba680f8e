"""Curves for TensorBoard, by the writer of tensorboardX or of torch.

A chain is a run of its own: `r03/return` over the environment steps of round 3, and over the rounds `round/density`,
`round/best_return` and so on. Trainings under way are known by the heartbeats of their runs, every five seconds.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .contents import Contents
from .errors import MissingPackage, StoreError

if TYPE_CHECKING:
    from .store import Store

OF_ROUNDS = ("density", "effective_density", "effective_inputs", "best_return", "reevaluated_return", "final_return")


def _writer_class() -> Any:
    try:
        from tensorboardX import SummaryWriter
        return SummaryWriter
    except ImportError:
        pass
    try:
        from torch.utils.tensorboard import SummaryWriter
        return SummaryWriter
    except ImportError as error:
        raise MissingPackage("to_tensorboard() needs a writer of event files; pip install tensorboardX") from error


def write_logs(store: "Store", contents: Contents, logdir: Path, chains: Iterable[str] | None) -> int:
    writer_class = _writer_class()
    chosen = list(store.chains if chains is None else chains)
    for name in chosen:
        if name not in store.chains:
            raise StoreError(f"{store.path}: has no chain '{name}'")
    try:
        rounds = store.table("rounds")
    except StoreError:  # nothing is finished yet
        rounds = {"chain": [], "round": [], "digest": []}  # type: ignore[dict-item]
    curves = store.table("curves") if len(rounds["chain"]) else {"chain": []}  # type: ignore[dict-item]
    written = 0
    writers: dict[str, Any] = {}

    def writer(run: str) -> Any:
        if run not in writers:
            writers[run] = writer_class(str(logdir / run))
        return writers[run]

    wanted = set(chosen)
    for row, chain in enumerate(rounds["chain"]):
        if chain not in wanted:
            continue
        for column in OF_ROUNDS:
            if column in rounds:
                writer(chain).add_scalar(f"round/{column}", float(rounds[column][row]), int(rounds["round"][row]))
                written += 1
    for row, chain in enumerate(curves["chain"]):
        if chain not in wanted:
            continue
        tag = f"r{int(curves['round'][row]):02}/return"
        writer(chain).add_scalar(tag, float(curves["mean_return"][row]), int(curves["step"][row]))
        written += 1
    done = set(rounds["digest"])
    seen: set[tuple[str, int]] = set()
    for event in contents.events():
        if event.get("type") != "heartbeat" or not isinstance(event.get("running"), list):
            continue
        for running in event["running"]:
            digest, step, value = (running.get(key) for key in ("training", "env_steps", "return"))
            if not isinstance(digest, str) or not isinstance(step, int) or not isinstance(value, (int, float)):
                continue
            if chains is None and digest not in done and (digest, step) not in seen:
                seen.add((digest, step))
                writer(f"running/{digest}").add_scalar("return", float(value), step, walltime=event.get("time"))
                written += 1
    for each in writers.values():
        each.close()
    return written
