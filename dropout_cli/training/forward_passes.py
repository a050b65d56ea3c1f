"""Outputs of a trained network, with noise off or on, in batches of a fixed size.

Other batch sizes give other last bits. In a noisy pass every example has its own draws. If draws are shared, as in a
sampled network, all examples have the same draws, so the outputs of one example do not depend on the others. A pass
draws the noise of dropout; the noise of the training (Layer.noise_kind) only on request.

Several passes over the same examples compute the layers before the first noise once.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np

from dropout_cli.core.environment import available_cores
from dropout_cli.core.rng import Noise
from dropout_cli.core.types import Array, DType
from dropout_cli.data.dataset import BatchReader, Dataset, Part
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.sequential import Sequential

AnyLayer = TypeVar("AnyLayer", bound=Layer)

MAX_WORKERS = 4
"""The most threads that `spare_workers` returns; each holds the intermediate results of a batch."""
MAX_KEPT_BYTES = 256 * 2**20
"""The largest outputs of the layers before the first noise that are kept for the next pass."""


def outputs(
    network: Layer, dataset: Dataset, part: Part, *, batch: int, rows: Array | None = None, noise: NoiseSource = None
) -> Array:
    """Return the outputs for a part, (n, outputs); without noise unless it is given."""
    return _in_batches(network.forward, network.dtype, dataset, part, batch=batch, rows=rows, noise=noise)


def _in_batches(
    forward: Callable[..., Array],
    dtype: DType,
    dataset: Dataset,
    part: Part,
    *,
    batch: int,
    rows: Array | None,
    noise: NoiseSource,
) -> Array:
    """Return the results of a forward function for a part, whose examples get the given dtype."""
    indices = np.arange(len(part)) if rows is None else rows
    batches = BatchReader(dataset, part, min(batch, len(indices)), dtype)
    pieces = []
    for start in range(0, len(indices), batch):
        chunk = indices[start : start + batch]
        x, _ = batches.take(slice(int(chunk[0]), int(chunk[-1]) + 1) if rows is None else chunk)
        pieces.append(forward(x, noise=None if noise is None else noise.next_batch()).copy())
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
    workers: int = 1,
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
        workers: Number of threads, each of which computes whole passes. The outputs are the same for any number.
    """
    tried = _tried(network, dataset, part, seed, training_noise)
    if shared and not _shares(tried):
        batch = 1
    noises = (
        Noise(seed, number, role="monte_carlo", training=training_noise, shared=shared) for number in range(count)
    )
    yield from _several_passes(
        network,
        dataset,
        part,
        noises,
        _unused(seed, training_noise),
        count=count,
        batch=batch,
        rows=rows,
        workers=workers,
    )


def sampled_networks(
    network: Layer,
    dataset: Dataset,
    part: Part,
    *,
    seed: int,
    count: int,
    batch: int,
    rows: Array | None = None,
    training_noise: bool = False,
) -> Iterator[Array]:
    """Yield the outputs of sampled networks, each (N, C).

    Network k draws once for all examples, from the stream `thinned:<path>`, index k.

    Args:
        network: The network.
        dataset: The data, for the scaling.
        part: The examples.
        seed: The seed of the run.
        count: Number of sampled networks.
        batch: Examples per forward pass. If a layer has no shared draws, the examples are computed one at a time.
        rows: Rows of the part; None takes all.
        training_noise: True to draw all noise of the training, not the dropout alone.
    """
    tried = _tried(network, dataset, part, seed, training_noise)
    noises = (Noise(seed, number, role="thinned", training=training_noise, shared=True) for number in range(count))
    batch = batch if _shares(tried) else 1
    yield from _several_passes(
        network, dataset, part, noises, _unused(seed, training_noise), count=count, batch=batch, rows=rows
    )


def spare_workers(threads: int) -> int:
    """Return the number of `workers` for passes that a user waits for.

    Args:
        threads: The threads of the run; if there are more than one, they already share the work of a pass.
    """
    return min(available_cores(), MAX_WORKERS) if threads == 1 else 1


def draws_noise(network: Layer, dataset: Dataset, part: Part, *, seed: int, training_noise: bool = False) -> bool:
    """Return True if a noisy pass draws anything; it does not if all rates are 0."""
    return _tried(network, dataset, part, seed, training_noise).has_drawn


def _several_passes(
    network: Layer,
    dataset: Dataset,
    part: Part,
    noises: Iterator[Noise],
    unused: Noise,
    *,
    count: int,
    batch: int,
    rows: Array | None,
    workers: int = 1,
) -> Iterator[Array]:
    """Yield the outputs of a pass with each noise.

    Args:
        network: The network.
        dataset: The data, for the scaling.
        part: The examples.
        noises: The noise of each pass.
        unused: Noise for trying a pass.
        count: Number of passes.
        batch: Examples per forward pass.
        rows: Rows of the part; None takes all.
        workers: Number of threads that compute passes.
    """
    start = _outputs_before_noise(network, dataset, part, unused, count=count, batch=batch, rows=rows)
    workers = max(1, min(workers, count))
    if start is None:
        forwards: list[Callable[[Noise], Array]] = [
            partial(_outputs_with_noise, layers, dataset, part, batch, rows) for layers in _replicas(network, workers)
        ]
    elif start.rest is None:
        forwards = [lambda noise: start.kept.copy()]
    else:
        forwards = [partial(_forward_from, start.kept, rest, batch) for rest in _replicas(start.rest, workers)]
    yield from map(forwards[0], noises) if len(forwards) == 1 else _in_threads(forwards, noises)


def _replicas(layer: AnyLayer, count: int) -> list[AnyLayer]:
    """Return the layer and replicas with its parameters, which can run at the same time."""
    return [layer, *(layer.replica({}) for _ in range(count - 1))]


def _outputs_with_noise(
    network: Layer, dataset: Dataset, part: Part, batch: int, rows: Array | None, noise: Noise
) -> Array:
    return outputs(network, dataset, part, batch=batch, rows=rows, noise=noise)


def _in_threads(forwards: Sequence[Callable[[Noise], Array]], noises: Iterator[Noise]) -> Iterator[Array]:
    """Yield the result for each noise in order; each function runs in one thread at a time.

    Args:
        forwards: Functions that give the same results and can run at the same time.
        noises: The arguments.
    """
    with ThreadPoolExecutor(len(forwards)) as pool:
        # The context carries NumPy's error state to the other threads.
        pending = deque(
            (forward, pool.submit(copy_context().run, forward, noise))
            for forward, noise in zip(forwards, noises, strict=False)
        )
        while pending:
            forward, first = pending.popleft()
            result = first.result()
            noise = next(noises, None)
            if noise is not None:
                pending.append((forward, pool.submit(copy_context().run, forward, noise)))
            yield result


class _Start(NamedTuple):
    """The part of a network that is equal in all passes."""

    kept: Array
    """The outputs of the layers before the first noise."""
    rest: Sequential | None
    """The layers from the first noise on; None if there is no noise."""


def _outputs_before_noise(
    network: Layer, dataset: Dataset, part: Part, unused: Noise, *, count: int, batch: int, rows: Array | None
) -> _Start | None:
    """Compute the layers before the first noise.

    The same batches go through the same layers, so the outputs of a pass that begins there are equal to the last bit.

    Returns:
        None if nothing comes before the first noise, or if the outputs there are too large to keep.
    """
    if count < 2 or not isinstance(network, Sequential):
        return None
    one = BatchReader(dataset, part, 1, network.dtype).take(slice(0, 1))[0]
    before, after = network.split_at_noise(one, unused)
    if not before:
        return None
    first = Sequential("before the noise", before)
    examples = len(part) if rows is None else len(rows)
    if first.forward(one).nbytes * examples > MAX_KEPT_BYTES:
        return None
    kept = _in_batches(first.forward, network.dtype, dataset, part, batch=batch, rows=rows, noise=None)
    return _Start(kept, Sequential("from the noise on", after) if after else None)


def _forward_from(kept: Array, rest: Sequential, batch: int, noise: Noise) -> Array:
    """Return the outputs of a noisy pass that begins at the first noise."""
    pieces = (
        rest.forward(kept[start : start + batch], noise=noise.next_batch()).copy()
        for start in range(0, len(kept), batch)
    )
    return np.concatenate(list(pieces))


def _shares(tried: Noise) -> bool:
    """Return True if every noisy layer can share its draws among examples."""
    return set(tried) <= tried.shared_paths


def _tried(network: Layer, dataset: Dataset, part: Part, seed: int, training_noise: bool) -> Noise:
    """Return the noise after a pass over one example; it knows which layers drew."""
    noise = _unused(seed, training_noise)
    outputs(network, dataset, part, batch=1, rows=np.arange(1), noise=noise)
    return noise


def _unused(seed: int, training_noise: bool) -> Noise:
    """Return noise for trying a pass."""
    return Noise(seed, 0, role="monte_carlo", training=training_noise, shared=True)
