"""Decisions at planned looks, by an interval that holds at all of them.

The first look at which the interval excludes 0, or lies within a margin, decides. The interval at a look is
mean +- t(1 - p/2, df) se, where p is the nominal level of the look (`sequential`). The intervals hold at all looks
together, so that it does not matter at which one a comparison ends.
"""

from typing import NamedTuple

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.statistics.sequential import Look

OPEN, ABOVE, BELOW, EQUAL = 0, 1, -1, 2
"""Codes of decisions: none yet, above 0, below 0, and within the margin."""


class Decisions(NamedTuple):
    """The decisions about some comparisons."""

    codes: Array
    """OPEN, ABOVE, BELOW or EQUAL."""
    places: Array
    """The index of the look of each decision; of the last look if there is none."""


def decide_at_looks(means: Array, errors: Array, df: Array, levels: Array, margin: float | None = None) -> Decisions:
    """Return the first decision of each comparison.

    Args:
        means: (..., looks) the mean difference at each look.
        errors: (..., looks) its standard error; NaN where nothing can be decided.
        df: (..., looks) its degrees of freedom.
        levels: (looks,) the nominal two-sided level of each look.
        margin: Smaller differences do not matter; None: no margin.

    Returns:
        Codes and places, each of the shape (...,).
    """
    low, high = interval_at_level(means, errors, df, levels)
    found = np.select([low > 0, high < 0], [ABOVE, BELOW], OPEN)
    if margin is not None:
        # The margin comes first: a difference that does not matter is equal, even if its interval excludes 0.
        found = np.where((-margin < low) & (high < margin), EQUAL, found)
    decided = found != OPEN
    places = np.where(decided.any(axis=-1), decided.argmax(axis=-1), found.shape[-1] - 1)
    return Decisions(np.take_along_axis(found, places[..., None], axis=-1)[..., 0], places)


def interval_at_level(means: Array, errors: Array, df: Array, levels: Array) -> tuple[Array, Array]:
    """Return both ends of mean +- t(1 - p/2, df) se.

    Args:
        means: The means.
        errors: Their standard errors.
        df: Their degrees of freedom.
        levels: The two-sided levels p; all arguments have shapes that fit together.
    """
    from scipy import stats

    half = stats.t.isf(np.asarray(levels) / 2, df) * errors
    return means - half, means + half


def decide_differences(
    differences: Array, looks: tuple[Look, ...], *, margin: float | None = None, smallest_sd: float = 0.0
) -> Decisions:
    """Return the first decision of each comparison from the differences of its units.

    Args:
        differences: (..., n) one difference per unit, in the order of training; n is at least that of the last look.
        looks: The planned looks, from `planned_looks` with the number of comparisons.
        margin: Smaller differences do not matter; None: no margin.
        smallest_sd: Floor of the standard deviation, as in `estimate_mean`.

    Returns:
        Codes and places, each of the shape (...,).
    """
    sizes = np.array([look.n for look in looks])
    parts = [differences[..., :n] for n in sizes.tolist()]
    means = np.stack([part.mean(axis=-1) for part in parts], axis=-1)
    sds = np.maximum(np.stack([part.std(axis=-1, ddof=1) for part in parts], axis=-1), smallest_sd)
    levels = np.array([look.p for look in looks])
    return decide_at_looks(means, sds / np.sqrt(sizes), sizes - 1, levels, margin)
