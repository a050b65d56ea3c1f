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
    """Return the outputs for a part, (n, outputs); without noise unless it is given."""
    indices = np.arange(len(part)) if rows is None else rows
    batches = BatchReader(dataset, part, min(batch, len(indices)), network.dtype)
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
    """Yield the outputs of `count` noisy passes, each (N, C).

    Pass t draws from the stream `monte_carlo:<path>`, index t.

    Args:
        network: The network.
        dataset: The data, for the scaling.
        part: The examples.
        seed: The seed of the run.
        count: Number of passes.
        batch: Examples per forward pass.
        training_noise: True to draw all noise of the training, not the dropout alone.
        rows: Rows of the part; None takes all.
        shared: True if all examples get the same draws, so that the outputs of an example do not depend on the others.
            If a layer has no shared draws, the examples are computed one at a time.
    """
    if shared and not _shares(network, dataset, part, seed, training_noise):
        batch = 1
    for number in range(count):
        noise = Noise(seed, number, role="monte_carlo", training=training_noise, shared=shared)
        yield outputs(network, dataset, part, batch=batch, rows=rows, noise=noise)


def sampled_networks(
    network: Layer, dataset: Dataset, part: Part, *, seed: int, count: int, training_noise: bool = False
) -> Iterator[Array]:
    """Yield the outputs of sampled networks, each (N, C).

    Network k draws from the stream `thinned:<path>`, index k. The examples are computed one at a time, because a
    sampled network is the same for all of them.
    """
    for number in range(count):
        noise = Noise(seed, number, role="thinned", training=training_noise, shared=True)
        yield outputs(network, dataset, part, batch=1, noise=noise)


def draws_noise(network: Layer, dataset: Dataset, part: Part, *, seed: int, training_noise: bool = False) -> bool:
    """Return True if a noisy pass draws anything; it does not if all rates are 0."""
    return _tried(network, dataset, part, seed, training_noise).has_drawn


def _shares(network: Layer, dataset: Dataset, part: Part, seed: int, training_noise: bool) -> bool:
    """Return True if every noisy layer can share its draws among examples."""
    noise = _tried(network, dataset, part, seed, training_noise)
    return set(noise) <= noise.shared_paths


def _tried(network: Layer, dataset: Dataset, part: Part, seed: int, training_noise: bool) -> Noise:
    """Return the noise after a pass over one example; it knows which layers drew."""
    noise = Noise(seed, 0, role="monte_carlo", training=training_noise, shared=True)
    outputs(network, dataset, part, batch=1, rows=np.arange(1), noise=noise)
    return noise
