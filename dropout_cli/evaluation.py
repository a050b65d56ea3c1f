"""Prediction, in batches of a fixed size, because other sizes give other last bits."""

import numpy as np

from dropout_cli.arrays import Array
from dropout_cli.data.dataset import Batches, Dataset, Part
from dropout_cli.nn.layer import Layer, NoiseSource


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
