"""Outputs of a trained network, with noise off or on, in batches of a fixed size.

Other batch sizes give other last bits. In a noisy pass every example draws noise of its own; a thinned network has
one draw for all examples.
"""

from collections.abc import Iterator

import numpy as np

from dropout_cli.core.rng import Noise
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Batches, Dataset, Part
from dropout_cli.nn.layers.base import Layer, NoiseSource


def outputs(
    network: Layer, dataset: Dataset, part: Part, *, batch: int, rows: Array | None = None, noise: NoiseSource = None
) -> Array:
    """Return the outputs (n, outputs) for the part, or for its examples `rows`; with noise off unless it is given."""
    indices = np.arange(len(part)) if rows is None else rows
    batches = Batches(dataset, part, min(batch, len(indices)))
    pieces = []
    for start in range(0, len(indices), batch):
        chunk = indices[start : start + batch]
        x, _ = batches.take(slice(int(chunk[0]), int(chunk[-1]) + 1) if rows is None else chunk)
        pieces.append(network.forward(x, noise=noise).copy())
    return np.concatenate(pieces)


def passes(
    network: Layer, dataset: Dataset, part: Part, *, seed: int, count: int, batch: int, first: int = 0
) -> Iterator[Array]:
    """Yield the outputs (N, C) of `count` noisy passes; pass t, from `first` on, draws from `monte_carlo:<path>`, t."""
    for number in range(first, first + count):
        noise = Noise(seed, number, role="monte_carlo")
        yield outputs(network, dataset, part, batch=batch, noise=noise)


def thinned(network: Layer, dataset: Dataset, part: Part, *, seed: int, count: int) -> Iterator[Array]:
    """Yield the outputs (N, C) of so many sampled networks; network k draws from `thinned:<path>`, k.

    No variant knows how to share a draw, so the examples go through one at a time, each with the generators made
    anew: equal draws for all, whatever the variant, at the price of a pass per example.
    """
    batches = Batches(dataset, part, 1)
    for number in range(count):
        pieces = []
        for row in range(len(part)):
            x, _ = batches.take(slice(row, row + 1))
            pieces.append(network.forward(x, noise=Noise(seed, number, role="thinned")).copy())
        yield np.concatenate(pieces)
