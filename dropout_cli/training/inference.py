"""Outputs of a trained network, with noise off or on, in batches of a fixed size.

Other batch sizes give other last bits. In a noisy pass every example draws noise of its own; where draws are shared,
as in a thinned network, there is one draw for all examples, and so the outputs for one of them do not depend on the
others. Drawn is the noise of the dropout; that of the training (Layer.noise_kind) only where it is asked for.
"""

from collections.abc import Iterator

import numpy as np

from dropout_cli.core.rng import Noise
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import BatchReader, Dataset, Part
from dropout_cli.nn.layers.base import Layer, NoiseSource


def outputs(
    network: Layer, dataset: Dataset, part: Part, *, batch: int, rows: Array | None = None, noise: NoiseSource = None
) -> Array:
    """Return the outputs (n, outputs) for the part, or for its examples `rows`; with noise off unless it is given."""
    indices = np.arange(len(part)) if rows is None else rows
    batches = BatchReader(dataset, part, min(batch, len(indices)))
    pieces = []
    for start in range(0, len(indices), batch):
        chunk = indices[start : start + batch]
        x, _ = batches.take(slice(int(chunk[0]), int(chunk[-1]) + 1) if rows is None else chunk)
        pieces.append(network.forward(x, noise=None if noise is None else noise.next_batch()).copy())
    return np.concatenate(pieces)


def noisy_passes(
    network: Layer,
    dataset: Dataset,
    part: Part,
    *,
    seed: int,
    count: int,
    batch: int,
    rows: Array | None = None,
    training_noise: bool = False,
    shared: bool = False,
) -> Iterator[Array]:
    """Yield the outputs (N, C) of `count` noisy passes; pass t draws from `monte_carlo:<path>`, t.

    `rows`: of these examples alone. `shared`: all examples have the same draws, and each the same outputs in whatever
    part it stands; where a layer knows of no shared draws, they go through one at a time.
    """
    if shared and not _shares(network, dataset, part, seed, training_noise):
        batch = 1
    for number in range(count):
        noise = Noise(seed, number, role="monte_carlo", training=training_noise, shared=shared)
        yield outputs(network, dataset, part, batch=batch, rows=rows, noise=noise)


def sampled_networks(
    network: Layer, dataset: Dataset, part: Part, *, seed: int, count: int, training_noise: bool = False
) -> Iterator[Array]:
    """Yield the outputs (N, C) of so many sampled networks; network k draws from `thinned:<path>`, k.

    The examples go through one at a time, whatever the layers know of shared draws, at the price of a pass per example.
    """
    for number in range(count):
        noise = Noise(seed, number, role="thinned", training=training_noise, shared=True)
        yield outputs(network, dataset, part, batch=1, noise=noise)


def draws_noise(network: Layer, dataset: Dataset, part: Part, *, seed: int, training_noise: bool = False) -> bool:
    """Whether a noisy pass of the network draws anything; with rates of 0 or no noisy layer it does not."""
    return _tried(network, dataset, part, seed, training_noise).has_drawn


def _shares(network: Layer, dataset: Dataset, part: Part, seed: int, training_noise: bool) -> bool:
    """Whether every layer that draws can share its draws among examples."""
    noise = _tried(network, dataset, part, seed, training_noise)
    return set(noise) <= noise.shared_paths


def _tried(network: Layer, dataset: Dataset, part: Part, seed: int, training_noise: bool) -> Noise:
    """Return the noise after a pass over one example; it knows which layers drew."""
    noise = Noise(seed, 0, role="monte_carlo", training=training_noise, shared=True)
    outputs(network, dataset, part, batch=1, rows=np.arange(1), noise=noise)
    return noise
