"""A policy as a torch.nn.Module."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .network import Layer, Mask, Network


class PolicyModule(torch.nn.Module):  # type: ignore[misc]
    """The networks of a ticket, with its masks as buffers: "mask_actor_0_weight".

    forward() answers as the first network does: logits of the actions, their values, or the mean of a Gaussian.
    Weights are parameters and can be trained on; apply_masks() keeps what is pruned at 0.
    """

    def __init__(self, network: Network, parameters: dict[str, NDArray[np.float32]], masks: dict[str, Mask]) -> None:
        super().__init__()
        self.network = network
        self.layers = torch.nn.ModuleDict()  # by "actor_0"
        for part in network.parts:
            for layer in part.layers[part.shared:]:
                self.layers[_key(layer)] = _make_layer(layer, parameters)
                self.register_buffer(f"mask_{_key(layer)}_weight", torch.from_numpy(masks[layer.weight]))
                self.register_buffer(f"mask_{_key(layer)}_bias", torch.from_numpy(masks[layer.bias]))
        self.log_std = torch.nn.Parameter(torch.from_numpy(parameters["log_std"])) if "log_std" in parameters else None
        self.activation = torch.tanh if network.activation == "tanh" else torch.relu
        self.normalises = "observation_mean" in parameters  # ppo.obs_norm
        for name in ("observation_mean", "observation_variance") if self.normalises else ():
            self.register_buffer(name, torch.from_numpy(parameters[name].copy()))

    def outputs_of(self, part: int, observation: Any) -> Any:
        """[batch][outputs] of one of the networks: network.parts names them."""
        layers = self.network.parts[part].layers
        values = observation
        if self.normalises:
            deviation = torch.sqrt(self.observation_variance + 1e-8)
            values = torch.clamp((values - self.observation_mean) / deviation, -10, 10)
        if layers[0].is_convolution:
            values = values.reshape(-1, layers[0].shape[1], self.network.rows, self.network.columns)
        for index, layer in enumerate(layers):
            if not layer.is_convolution and values.dim() > 2:
                values = values.flatten(1)
            values = self.layers[_key(layer)](values)
            if index + 1 < len(layers):
                values = self.activation(values)
        return torch.tanh(values) if part == 0 and self.network.tanh_output else values

    def forward(self, observation: Any) -> Any:
        """[batch][features] -> [batch][actions]."""
        return self.outputs_of(0, observation)

    def value(self, observation: Any) -> Any:
        """[batch] the value of the state: of the second network, a critic."""
        return self.outputs_of(1, observation)[:, 0]

    def act(self, observation: Any) -> Any:
        """Without chance: [batch] numbers of actions, the first of the largest; or [batch][actions] means."""
        with torch.no_grad():
            outputs = self(observation)
            return outputs if self.network.is_gaussian else outputs.argmax(dim=1)

    def apply_masks(self) -> None:
        """Sets what is pruned to 0 again, as after a step of an optimizer."""
        with torch.no_grad():
            for key, layer in self.layers.items():
                layer.weight *= getattr(self, f"mask_{key}_weight")
                layer.bias *= getattr(self, f"mask_{key}_bias")


def _key(layer: Layer) -> str:
    return layer.weight.removesuffix("/weight").replace("/", "_")


def _make_layer(layer: Layer, parameters: dict[str, NDArray[np.float32]]) -> Any:
    shape = layer.shape
    made = torch.nn.Conv2d(shape[1], shape[0], shape[2], layer.stride, layer.padding) if layer.is_convolution \
        else torch.nn.Linear(shape[1], shape[0])
    made.weight.data = torch.from_numpy(parameters[layer.weight].copy())
    made.bias.data = torch.from_numpy(parameters[layer.bias].copy())
    return made


def write_onnx(module: PolicyModule, path: Path) -> None:
    first = module.network.first
    features = first.shape[1] * (module.network.rows * module.network.columns if first.is_convolution else 1)
    options: dict[str, Any] = {}
    if int(torch.__version__.split(".")[0]) >= 2 and int(torch.__version__.split(".")[1]) >= 5:
        options["dynamo"] = False  # the exporter that needs no further package
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), torch.zeros(1, features), str(path), input_names=["observation"],
                          output_names=["outputs"], dynamic_axes={"observation": {0: "batch"}, "outputs": {0: "batch"}},
                          **options)
