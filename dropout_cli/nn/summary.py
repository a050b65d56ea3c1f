"""A network as a table: its layers with their shapes, parameters and noise."""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.rng import Noise
from dropout_cli.core.types import Array, Shape
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.sequential import Sequential


@dataclass(frozen=True)
class LayerSummary:
    """One layer."""

    path: str
    kind: str
    shape: Shape
    """Of its output, the batch left out."""
    parameters: int
    noisy: bool
    """Whether it drew noise in a training pass."""


def summarize_network(network: Layer, shape: Shape) -> list[LayerSummary]:
    """Pass two zero examples of that shape through the network, noise on, and say what each layer did."""
    lines: list[LayerSummary] = []
    _follow(network, np.zeros((2, *shape), np.float32), Noise(0, 0), lines)
    return lines


def _follow(layer: Layer, x: Array, noise: Noise, lines: list[LayerSummary]) -> Array:
    if isinstance(layer, Sequential):
        for part in layer.layers:
            x = _follow(part, x, noise, lines)
        return x
    drawn = len(noise)
    layer.forward(x, noise=noise)
    noisy = len(noise) > drawn
    y = layer.forward(x)
    count = sum(one.value.size for one in layer.parameters().values())
    lines.append(LayerSummary(layer.path, type(layer).__name__, tuple(y.shape[1:]), count, noisy))
    return y
