"""Worked examples: a small input, the noise and the output of a variant, computed by its real layer."""

from dataclasses import dataclass, replace

import numpy as np

from dropout_cli.core.rng import Noise
from dropout_cli.core.types import Array
from dropout_cli.nn.activations import ACTIVATIONS
from dropout_cli.nn.initializers import INITIALIZERS
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.variants.toolkit.base import Location, Variant
from dropout_cli.variants.toolkit.example import WEIGHTS, VariantExample

SEED = 1
_FLOAT64 = np.dtype(np.float64)
# The second of two hidden locations, so that shakeout uses `rate` and not `input_rate`, and that the block of
# stochastic depth is the last one, which has the complete rate.
_HERE = Location(path="example", kind="hidden", index=1, count=2, fan_in=6, examples=100, steps=1000)


@dataclass(frozen=True)
class ExampleTable:
    """One table of a worked example."""

    title: str
    values: Array
    """(rows, columns); for maps one channel, (height, width)."""


def example_of(cls: type[Variant]) -> VariantExample | None:
    """Return the example of a variant; None if the class itself has none.

    Args:
        cls: The class of the variant.
    """
    # Not by getattr: a plugin that extends a variant of ours must not inherit an example of other noise.
    example = vars(cls).get("example")
    return example if isinstance(example, VariantExample) else None


def example_layer(cls: type[Variant], example: VariantExample) -> tuple[Layer, Array | None]:
    """Build the layer of an example with the variant's settings.

    Args:
        cls: The class of the variant.
        example: Its example.

    Returns:
        The layer in float64, and its weights if the example shows weights (else the linear map is the identity).
    """
    variant = cls(**example.settings)
    identity = ACTIVATIONS["identity"]("example/identity", dtype=_FLOAT64)
    if cls.supports == "blocks":
        return variant.block(Sequential("example/branch", [identity]), None, replace(_HERE, kind="block")), None
    if example.on_maps:
        layer = variant.map(replace(_HERE, kind="map"))
        assert layer is not None
        return layer, None
    weights = WEIGHTS if example.shows == "weights" else np.eye(6)
    linear = Dense("example", weights.shape[0], weights.shape[1], INITIALIZERS["he"](), seed=SEED, dtype=_FLOAT64)
    linear.W.value[...] = weights
    return variant.unit(linear, [], identity, _HERE), WEIGHTS if example.shows == "weights" else None


def noisy_output(layer: Layer, x: Array, seed: int = SEED) -> Array:
    """Return the output of a training pass, with a 0 for each unit that a layer leaves out.

    Args:
        layer: The layer of an example.
        x: Its input.
        seed: The seed of the noise.
    """
    return np.array(layer.dense_output(layer.forward(x, train=True, noise=Noise(seed, 0))))


def worked_example(cls: type[Variant]) -> list[ExampleTable]:
    """Return the tables of input, noise and output; empty for a variant without an example.

    Args:
        cls: The class of the variant.
    """
    example = example_of(cls)
    if example is None:
        return []
    layer, weights = example_layer(cls, example)
    x = example.inputs()
    computed = layer.forward(x, train=True, noise=Noise(SEED, 0))  # of a batchwise unit, the kept columns alone
    y = np.array(layer.dense_output(computed))
    # Given the draw, the output is linear in x: the gradient of its sum is the multiplier, or the noisy weights.
    noise = y - layer.forward(x) if example.shows == "added" else layer.backward(np.ones_like(computed))
    tables = [("input x", x)] + ([] if weights is None else [("weights W (6 inputs, 1 output)", weights.T)])
    # A dropped negative input gives -0.0, which a reader would take for a small number; the sum is 0.0.
    tables += [(example.noise, noise + 0.0), ("output y", y + 0.0)]
    if not example.on_maps:
        return [ExampleTable(title, values) for title, values in tables]
    return [
        ExampleTable(f"{title}, channel {channel + 1}", values[0, :, :, channel])
        for title, values in tables
        for channel in range(values.shape[-1])
    ]


def tables_per_row(cls: type[Variant]) -> int:
    """Return how many tables belong side by side: the channels of a map, or one.

    Args:
        cls: The class of the variant.
    """
    example = example_of(cls)
    return example.inputs().shape[-1] if example is not None and example.on_maps else 1
