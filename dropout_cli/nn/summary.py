"""Summary of a network: its layers with their output shapes, parameters and noise."""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.rng import Noise
from dropout_cli.core.types import Array, Shape
from dropout_cli.nn.layers.additive_noise import AdditiveNoise
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.sequential import Sequential


@dataclass(frozen=True)
class LayerSummary:
    """Summary of one layer."""

    path: str
    """The path of the layer, such as `hidden1/dropout`."""
    kind: str
    """The name of its class."""
    shape: Shape
    """The shape of its output for one example."""
    parameters: int
    """The number of learned values."""
    noisy: bool
    """True if it drew noise in a training pass."""
    noise_sd: float | None = None
    """The standard deviation of additive noise; None for other layers."""


def summarize_network(network: Layer, shape: Shape) -> list[LayerSummary]:
    """Summarize every layer by passing two zero examples through the network, with noise.

    Args:
        network: The network.
        shape: The shape of one example.

    Returns:
        One entry per layer, in the order of the forward pass.
    """
    lines: list[LayerSummary] = []
    _follow(network, np.zeros((2, *shape), np.float32), Noise(0, 0), lines)
    return lines


def _follow(layer: Layer, x: Array, noise: Noise, lines: list[LayerSummary]) -> Array:
    """Append the summaries of a layer and return its output."""
    if isinstance(layer, Sequential):
        for part in layer.layers:
            x = _follow(part, x, noise, lines)
        return x
    # A layer that draws requests its generator, which adds one path to the noise.
    drawn = len(noise)
    layer.forward(x, noise=noise)
    noisy = len(noise) > drawn
    y = layer.forward(x)
    count = sum(parameter.value.size for parameter in layer.parameters().values())
    sd = layer.sd if isinstance(layer, AdditiveNoise) else None
    lines.append(LayerSummary(layer.path, type(layer).__name__, tuple(y.shape[1:]), count, noisy, sd))
    return y
