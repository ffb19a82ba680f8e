"""Networks as their tensors tell them, and what of them is effective: on a path of kept weights from an input to an
output of its network. Units that are reached by biases only are constants, and do not count."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DamagedFile
from .files import Record, values_of
from .jobs import Chain
from .tasks import tasks

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Layer:
    weight: str  # name of the tensor, "actor/0/weight"
    bias: str
    shape: tuple[int, ...]  # [out][in], or [filters][channels][rows][columns] of a kernel
    stride: int = 1
    padding: int = 0

    @property
    def is_convolution(self) -> bool:
        return len(self.shape) == 4


@dataclass(frozen=True)
class Part:
    """One network: actor, critic, q, value, classifier. A head on a trunk has the trunk's hidden layers first, which
    are `shared` many."""

    name: str
    layers: tuple[Layer, ...]
    shared: int = 0


@dataclass(frozen=True)
class Network:
    parts: tuple[Part, ...]
    tensors: tuple[str, ...]  # all names in the order of the parameters; log_std and moments last
    shapes: dict[str, tuple[int, ...]] = field(repr=False)
    rows: int = 0  # of the board that convolutions read
    columns: int = 0
    activation: str = "relu"
    tanh_output: bool = False  # of the first part: the mean of a Gaussian policy, under network.tanh_mean
    is_gaussian: bool = False

    @property
    def first(self) -> Layer:
        return self.parts[0].layers[0]


GEOMETRY = {"cnn": [(1, 0)], "atari": [(4, 0), (2, 1)]}  # stride and padding of convolution l


def network_of(chain: Chain, names: list[str], shapes: dict[str, tuple[int, ...]]) -> Network:
    """The network of a chain, whose results list these tensors."""
    architecture = str(chain.settings.get("network.architecture", "mlp"))
    parts: list[Part] = []
    for name in dict.fromkeys(tensor.split("/")[0] for tensor in names if "/" in tensor):
        layers = []
        for index, weight in enumerate(tensor for tensor in names
                                       if tensor.startswith(f"{name}/") and tensor.endswith("/weight")):
            shape = shapes[weight]
            stride, padding = GEOMETRY[architecture][index] if len(shape) == 4 else (1, 0)
            layers.append(Layer(weight, weight.removesuffix("weight") + "bias", shape, stride, padding))
        shared = 0
        if parts and chain.settings.get("network.shared_trunk") is True:
            trunk = parts[0].layers[:-1]
            shared = len(trunk)
            layers = [*trunk, *layers]
        parts.append(Part(name, tuple(layers), shared))
    if not parts:
        raise DamagedFile(f"{chain.name}: its results list no tensors")
    task = tasks().get(chain.task)
    return Network(tuple(parts), tuple(names), shapes, task.rows if task else 0, task.columns if task else 0,
                   str(chain.settings.get("network.activation", "relu")),
                   "log_std" in names and chain.settings.get("network.tanh_mean", True) is True, "log_std" in names)


def _connections(layer: Layer, rows: int, columns: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Input unit, output unit and flat entry of the weight, for every connection of a convolution over a board."""
    filters, channels, kernel, _ = layer.shape
    map_rows = (rows + 2 * layer.padding - kernel) // layer.stride + 1
    map_columns = (columns + 2 * layer.padding - kernel) // layer.stride + 1
    grid = np.indices((filters, channels, kernel, kernel, map_rows, map_columns)).reshape(6, -1)
    f, c, y, x, map_row, map_column = grid
    row, column = map_row * layer.stride + y - layer.padding, map_column * layer.stride + x - layer.padding
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    entry = ((f * channels + c) * kernel + y) * kernel + x
    return ((c * rows + row) * columns + column)[inside], \
        ((f * map_rows + map_row) * map_columns + map_column)[inside], entry[inside]


def effective_masks(network: Network, masks: dict[str, Mask]) -> dict[str, Mask]:
    """Which kept entries of each tensor are on a path; log_std counts as it is masked."""
    effective = {name: masks[name].copy() if "/" not in name else np.zeros_like(masks[name])
                 for name in network.tensors}
    for part in network.parts:
        rows, columns = network.rows, network.columns
        joined: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]] | None] = []  # of convolutions: their connections, and how many units they lead to
        for layer in part.layers:
            if not layer.is_convolution:
                joined.append(None)
                continue
            joined.append(_connections(layer, rows, columns))
            kernel = layer.shape[2]
            rows = (rows + 2 * layer.padding - kernel) // layer.stride + 1
            columns = (columns + 2 * layer.padding - kernel) // layer.stride + 1
        units = int(np.prod(part.layers[0].shape[1:])) if joined[0] is None else \
            part.layers[0].shape[1] * network.rows * network.columns
        reached: list[Mask] = [np.ones(units, bool)]
        for layer, links in zip(part.layers, joined):
            mask = masks[layer.weight]
            if links is None:
                reached.append(np.asarray((mask & reached[-1]).any(axis=1)))
            else:
                source, target, entry = links
                into = np.zeros(int(target.max()) + 1, bool)
                into[target[mask.ravel()[entry] & reached[-1][source]]] = True
                reached.append(into)
        needed: list[Mask] = [np.ones(len(reached[-1]), bool)]
        for index in reversed(range(len(part.layers))):
            layer, links, mask = part.layers[index], joined[index], masks[part.layers[index].weight]
            after, before = needed[0], reached[index]
            if links is None:
                needed.insert(0, np.asarray((mask & after[:, None]).any(axis=0)))
                useful = mask & before & after[:, None]
            else:
                source, target, entry = links
                out_of = np.zeros(len(before), bool)
                out_of[source[mask.ravel()[entry] & after[target]]] = True
                needed.insert(0, out_of)
                flat = np.zeros(mask.size, bool)
                flat[entry[mask.ravel()[entry] & before[source] & after[target]]] = True
                useful = flat.reshape(mask.shape)
            if index < part.shared:
                continue
            effective[layer.weight] |= useful
            units_on_path = reached[index + 1] & after
            per_bias = units_on_path.reshape(layer.shape[0], -1).any(axis=1)
            effective[layer.bias] |= masks[layer.bias] & per_bias
    return effective


def per_input(first_weight: NDArray[Any]) -> NDArray[np.int64]:
    """Sums over all but the inputs of a first layer's weight: [inputs], or [channels] of a convolution."""
    axes = tuple(axis for axis in range(first_weight.ndim) if axis != 1)
    sums: NDArray[np.int64] = first_weight.sum(axis=axes, dtype=np.int64)
    return sums


def read_masks(record: Record, names: list[str], shapes: dict[str, tuple[int, ...]]) -> dict[str, Mask]:
    """Boolean masks of all tensors; all true where nothing is pruned."""
    masks: dict[str, Mask] = {}
    for name in names:
        if not record.has(f"mask/{name}"):
            masks[name] = np.ones(shapes[name], bool)
            continue
        mask = values_of(record, f"mask/{name}", "u")
        if mask.shape != shapes[name] or (mask > 1).any():
            raise DamagedFile(f"{record.origin}: 'mask/{name}' is no mask of its tensor")
        masks[name] = mask.astype(bool)
    return masks


def read_parameters(record: Record, group: str, masks: dict[str, Mask]) -> dict[str, NDArray[np.float32]]:
    """Dense parameters of a group (weights/best, initial), 0 at pruned places."""
    parameters = {}
    for name, mask in masks.items():
        values = values_of(record, f"{group}/{name}", "f")
        if values.size != mask.sum():
            raise DamagedFile(f"{record.origin}: '{group}/{name}' holds {values.size} values where the mask keeps "
                              f"{mask.sum()}")
        dense = np.zeros(mask.shape, np.float32)
        dense[mask] = values.ravel()
        parameters[name] = dense
    return parameters


def tensor_names(record: Record) -> list[str]:
    names = record.attributes("result").get("tensors")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DamagedFile(f"{record.origin}: has no list 'tensors' in its result")
    return names
