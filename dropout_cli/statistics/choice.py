"""The best of many settings looks better than it is: it was chosen for what chance added to it, too."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics.differences import ROUNDING, merged

RESAMPLES = 2_000


class Choice(NamedTuple):
    """The setting that is best on validation, and what choosing it cost in honesty."""

    best: int
    """Which setting."""
    optimism: float
    """By how much its validation value overstates what new seeds would give; NaN with fewer than two seeds."""
    stability: float
    """The share of resamples in which the same setting is chosen; NaN with fewer than two seeds."""


def best_of(values: Sequence[float], *, larger_is_better: bool = True) -> int:
    """Which of the values is best, the first of those that only rounding tells apart."""
    found: Array = np.asarray(values, np.float64) * (1 if larger_is_better else -1)
    return int(np.argmax(merged(found, np.abs(found))))


def choose(val: Sequence[Sequence[float]], *, larger_is_better: bool = True) -> Choice:
    """Choose among settings by their mean over seeds; `val` (settings, seeds).

    The optimism is estimated by the bootstrap: seeds are drawn with replacement, the best setting is chosen on them,
    and its mean there is compared with its mean on the seeds that were not drawn (Efron 1983,
    doi:10.1080/01621459.1983.10477973). Positive is too good, whichever way the metric points.
    """
    values: Array = np.asarray(val, np.float64) * (1 if larger_is_better else -1)
    seeds = values.shape[1]
    best = best_of(values.mean(axis=1).tolist())
    if seeds < 2:
        return Choice(best, float("nan"), float("nan"))
    drawn = stream(0, "statistics:choice").integers(0, seeds, size=(RESAMPLES, seeds))
    counts = np.stack([np.bincount(one, minlength=seeds) for one in drawn]).astype(np.float64)
    left_out = counts == 0
    usable = left_out.any(axis=1)
    counts, left_out = counts[usable], left_out[usable]
    means = counts @ values.T / seeds  # (resamples, settings)
    # A setting is chosen over those before it where it is better by more than rounding.
    chosen = (means >= means.max(axis=1, keepdims=True) - ROUNDING * np.abs(values).max()).argmax(axis=1)
    outside = (left_out * values[chosen]).sum(axis=1) / left_out.sum(axis=1)
    inside = means[np.arange(len(chosen)), chosen]
    return Choice(best, float(np.mean(inside - outside)), float(np.mean(chosen == best)))
