"""Steps of a policy, played by the program."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DamagedFile
from .files import Group, open_image, read_plain_file
from .program import run


@dataclass(frozen=True)
class Trajectory:
    """One element per step, episode after episode."""

    episode: NDArray[np.int64]  # [steps]
    observation: NDArray[np.float32]  # [steps][features], as the network saw it
    outputs: NDArray[np.float32]  # [steps][actions]: logits, values or means
    action: NDArray[Any]  # int32 [steps], or float32 [steps][actions] where actions are continuous
    reward: NDArray[np.float32]  # [steps]
    ends: NDArray[np.bool_]  # [steps] whether the episode ends with this step

    def __len__(self) -> int:
        return len(self.episode)

    def returns(self) -> NDArray[np.float64]:
        """[episodes] undiscounted."""
        return np.array([self.reward[self.episode == number].sum(dtype=np.float64) for number in np.unique(self.episode)])


def play(store: Path, chain: str, round: int, episodes: int, greedy: bool, max_episode_steps: int | None) -> Trajectory:
    with tempfile.TemporaryDirectory(prefix="impsweep-") as folder:
        file = Path(folder) / "steps.h5"
        arguments = ["evaluate", str(store), chain, str(round), "--episodes", str(episodes), "--trajectory", str(file)]
        if greedy:
            arguments.append("--greedy")
        if max_episode_steps is not None:
            arguments += ["--max-episode-steps", str(max_episode_steps)]
        run(arguments)
        content = read_plain_file(file)
    steps = Group(open_image(content, "trajectory"), "trajectory", len(content))
    order = np.argsort(steps.array("episode"), kind="stable")
    columns = {name: steps.array(name)[order] for name in ("episode", "observation", "outputs", "action", "reward", "ends")}
    if len({len(column) for column in columns.values()}) != 1:
        raise DamagedFile("trajectory: its arrays differ in length")
    return Trajectory(**{**columns, "ends": columns["ends"].astype(bool)})
