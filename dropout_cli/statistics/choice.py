"""The best of many settings looks better than it is: it was chosen for what chance added to it, too."""

from collections.abc import Sequence

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics.differences import ROUNDING, merged


def best_of(values: Sequence[float], *, larger_is_better: bool = True) -> int:
    """Return the place of the best value, the first of those that differ by rounding alone."""
    found: Array = np.asarray(values, np.float64) * (1 if larger_is_better else -1)
    return int(np.argmax(merged(found, np.abs(found))))


def leave_one_out(units: Array) -> float:
    """Return by how much the chosen setting's mean overstates what it is worth: choose on all units but one.

    The chosen setting's mean on the rest is compared with its score on the unit left out; the mean of these gaps times
    sqrt((n - 1) / n), because n - 1 units choose less surely than n.

    Args:
        units: (settings, n) scores on validation, larger is better; every unit has a validation part of its own.
    """
    settings, n = units.shape
    if n < 2 or settings < 2:
        return float("nan")
    rest = (units.sum(axis=1, keepdims=True) - units) / (n - 1)
    chosen = _first_best(rest)
    unit = np.arange(n)
    return float(np.mean(rest[chosen, unit] - units[chosen, unit]) * np.sqrt((n - 1) / n))


def leave_out_seed_and_examples(scores: Array, *, folds: int = 5) -> float:
    """Return the same where all seeds share one validation part: leave out one seed and a fifth of the examples.

    Args:
        scores: (settings, seeds, examples) what each validation example contributes, larger is better.
        folds: Parts of the examples, at random.
    """
    settings, seeds, examples = scores.shape
    if seeds < 2 or settings < 2 or examples < folds:
        return float("nan")
    order = stream(0, "statistics:choice").permutation(examples)
    gaps = []
    for left in np.array_split(order, folds):
        kept = np.ones(examples, bool)
        kept[left] = False
        inside, outside = scores[:, :, kept].mean(axis=2), scores[:, :, left].mean(axis=2)
        rest = (inside.sum(axis=1, keepdims=True) - inside) / (seeds - 1)
        chosen = _first_best(rest)
        seed = np.arange(seeds)
        gaps.append(rest[chosen, seed] - outside[chosen, seed])
    return float(np.mean(gaps) * np.sqrt((seeds - 1) / seeds))


def _first_best(means: Array) -> Array:
    """Return the first setting, for each column, that is best but for rounding; `means` (settings, n)."""
    chosen: Array = (means >= means.max(axis=0) - ROUNDING * np.abs(means).max()).argmax(axis=0)
    return chosen
