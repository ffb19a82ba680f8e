"""One finished round: masks, weights, and the policy that they make."""

import functools
import tempfile
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .errors import StoreError, optional
from .files import HDF5_ERRORS, Group, Record, density_of, open_image, read_plain_file
from .jobs import Chain
from .network import Mask, Network, effective_masks, per_input, read_parameters
from .program import run
from .tasks import input_names

if TYPE_CHECKING:
    from .module import PolicyModule

Parameters = dict[str, NDArray[np.float32]]


class Ticket:
    """Dictionaries by tensor, "actor/1/weight": a weight is [outputs][inputs], of a convolution
    [filters][channels][rows][columns]; a bias [outputs]; log_std [actions]. Dense, 0 at pruned places."""

    def __init__(self, chain: Chain, round: int, record: Record, network: Network, masks: dict[str, Mask], store: Path,
                 round0: Callable[[Chain], Record]) -> None:
        self.chain, self.round, self.network, self.masks = chain, round, network, masks
        self._record, self._store, self._round0 = record, store, round0

    def __repr__(self) -> str:
        return f"Ticket({self.chain.name!r}, round={self.round}, density={self.density:.4g})"

    @property
    def density(self) -> float:
        """Part of the prunable weights that was trained."""
        return density_of(self._record)

    @functools.cached_property
    def best(self) -> Parameters:
        """The best checkpoint."""
        return read_parameters(self._record, "weights/best", self.masks)

    @functools.cached_property
    def initial(self) -> Parameters:
        """What the round's training started from.

        Round 0 and plain chains of mask/weights have it in their results. Where it is computed (permuted, drawn anew,
        rewound, given inputs) the program is asked: `impsweep export ... ticket`.
        """
        if self.round == 0:
            return read_parameters(self._record, "initial", self.masks)
        settings = self.chain.settings
        plain = (self.chain.baseline == "mask/weights" and settings.get("imp.rewind_step", 0) == 0
                 and settings.get("imp.reset_unpruned", True) is True and settings.get("inputs.ticket_round", 0) == 0
                 and not settings.get("inputs.select"))
        if plain:
            first = self._round0(self.chain)
            whole = {name: np.ones_like(mask) for name, mask in self.masks.items()}
            dense = read_parameters(first, "initial", whole)
            return {name: np.where(self.masks[name], dense[name], np.float32(0)) for name in dense}
        return self._initial_by_program()

    def _initial_by_program(self) -> Parameters:
        with tempfile.TemporaryDirectory(prefix="impsweep-") as folder:
            file = Path(folder) / "ticket.h5"
            run(["export", str(self._store), "ticket", "--chain", self.chain.name, "--round", str(self.round),
                 "--output", str(file)])
            content = read_plain_file(file)
        try:
            exported = Group(open_image(content, "ticket.h5"), "ticket.h5", len(content))
            return {name: exported.array("initial/" + name.replace("/", ".")) for name in self.masks}
        except HDF5_ERRORS as error:
            raise StoreError(f"the ticket that impsweep exported cannot be read: {error}") from error

    @functools.cached_property
    def effective(self) -> dict[str, Mask]:
        """Which kept entries are on a path from an input to an output of their network."""
        return effective_masks(self.network, self.masks)

    @property
    def inputs(self) -> list[str]:
        """Names of the inputs of the first network; of convolutions, one for each channel."""
        return input_names(self.chain.task, self.network.first.shape[1])

    @property
    def kept_per_input(self) -> NDArray[np.int64]:
        """[inputs] weights left of each input into the first layer."""
        return per_input(self.masks[self.network.first.weight])

    @property
    def effective_inputs(self) -> Mask:
        """[inputs] whether a path of kept weights leads from it to an output."""
        return per_input(self.effective[self.network.first.weight]) > 0

    def module(self) -> "PolicyModule":
        """A torch.nn.Module with the best checkpoint, which acts as impsweep does."""
        optional("torch", "torch", "Ticket.module()")
        from .module import PolicyModule
        return PolicyModule(self.network, self.best, self.masks)

    def to_onnx(self, path: str | PathLike[str]) -> Path:
        """Writes the first network as ONNX: input "observation" [batch][features], output "outputs"."""
        optional("torch", "torch", "Ticket.to_onnx()")
        from .module import write_onnx
        write_onnx(self.module(), Path(path))
        return Path(path)
