"""Prediction, in batches of a fixed size, because other sizes give other last bits."""

from dataclasses import dataclass

import numpy as np

from dropout_cli.arrays import Array
from dropout_cli.data.dataset import Batches, Dataset, Part
from dropout_cli.nn import losses
from dropout_cli.nn.layer import Layer, NoiseSource


def logits(
    network: Layer, dataset: Dataset, part: Part, *, batch: int, rows: Array | None = None, noise: NoiseSource = None
) -> Array:
    """Return the logits (n, outputs) of the part, or of its examples `rows`; with noise off unless it is given."""
    indices = np.arange(len(part)) if rows is None else rows
    batches = Batches(dataset, part, min(batch, len(indices)))
    pieces = []
    for start in range(0, len(indices), batch):
        chunk = indices[start : start + batch]
        x, _ = batches.take(slice(int(chunk[0]), int(chunk[-1]) + 1) if rows is None else chunk)
        pieces.append(network.forward(x, noise=noise).copy())
    return np.concatenate(pieces)


def probabilities(network: Layer, dataset: Dataset, part: Part, *, batch: int) -> Array:
    """Return the predicted probabilities (N, classes) of the part, float32, with noise off."""
    return losses.softmax(logits(network, dataset, part, batch=batch))


@dataclass(frozen=True)
class Score:
    """How well a network does on some examples."""

    loss: float
    """Mean negative log-likelihood, in nats."""
    accuracy: float


def score(network: Layer, dataset: Dataset, part: Part, *, batch: int, rows: Array | None = None) -> Score:
    """Return loss and accuracy of the part, or of its examples `rows`, with noise off."""
    scores = logits(network, dataset, part, batch=batch, rows=rows)
    labels = part.labels if rows is None else part.labels[rows]
    loss, _ = losses.cross_entropy(scores, labels)
    return Score(loss, float((scores.argmax(axis=1) == labels).mean()))
