"""What the program says of its tasks (`impsweep tasks --json`), as a file of this package."""

import functools
import json
from dataclasses import dataclass
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Task:
    name: str
    observation: int  # features of a flat observation
    actions: int  # number of actions, or dimension of a continuous action
    continuous: bool
    max_steps: int  # limit of an episode; 0: none
    observation_names: tuple[str, ...]  # of vectors
    channel_names: tuple[str, ...]  # of boards, whose features lie [channel][row][column]
    rows: int
    columns: int


@functools.cache
def tasks() -> dict[str, Task]:
    """Every task by name."""
    listed: list[dict[str, Any]] = json.loads(resources.files(__package__).joinpath("tasks.json").read_text())
    known = {}
    for entry in listed:
        fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
        known[fields["name"]] = Task(**fields)
    return known


def input_names(task: str, count: int) -> list[str]:
    """Names of the inputs of a first layer, as in the table `inputs`."""
    known = tasks()[task].observation_names if task in tasks() else ()
    return [known[i] if i < len(known) else f"input {i}" for i in range(count)]
