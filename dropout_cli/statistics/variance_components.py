"""Variance components of a deterministic result from an orthogonal array of strength 2.

Each source of randomness has L levels, each level with a seed of its own. Among L^2 runs, every pair of levels of two
sources occurs in exactly one run. Level means therefore estimate the main effects, and the residual holds all
interactions, because runs with equal seeds are equal.
"""

from typing import NamedTuple

import numpy as np

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.statistics.intervals import CONFIDENCE, Interval

DRAWS = 2_000
ROUNDING = 1e-12
"""A sum of squares below this fraction of the total is rounding."""


class VarianceShare(NamedTuple):
    """One part of the variance of a result."""

    variance: float
    """In squared units of the result."""
    share: float
    """Of the sum of all parts; NaN if all results are equal."""
    interval: Interval
    """Confidence interval of the share."""


class VarianceComponents(NamedTuple):
    """The parts of the variance of a result."""

    sources: list[VarianceShare]
    """The main effect of each source."""
    interactions: VarianceShare
    """All interactions of the sources together."""

    @property
    def total(self) -> float:
        """The sum of all parts, in squared units of the result."""
        return sum(one.variance for one in self.sources) + self.interactions.variance


def orthogonal_array(levels: int, sources: int) -> Array:
    """Return the levels of L^2 runs in which each pair of levels of two sources occurs once.

    Run (a, b) has the levels a, b, a + b, a + 2 b, ... modulo L.

    Args:
        levels: The number L of levels, a prime.
        sources: The number of sources, at most L + 1.

    Returns:
        (L^2, sources) integers from 0 to L - 1.

    Raises:
        ValueError: `levels` is not a prime, or there are too many sources.

    References:
        C. R. Rao (1947), Factorial experiments derivable from combinatorial arrangements of arrays.
    """
    if levels < 2 or any(levels % divisor == 0 for divisor in range(2, levels)):
        raise ValueError(f"the number of levels must be a prime, got {levels}")
    if not 1 <= sources <= levels + 1:
        raise ValueError(f"{levels} levels allow 1 to {levels + 1} sources, got {sources}")
    a, b = np.divmod(np.arange(levels**2), levels)
    columns = [a, b, *((a + factor * b) % levels for factor in range(1, levels))]
    return np.stack(columns[:sources], axis=1)


def variance_components(results: Array, design: Array, *, confidence: float = CONFIDENCE) -> VarianceComponents:
    """Estimate the parts of the variance by the method of moments, with intervals of their shares.

    A share is a part of the sum of all parts. The intervals assume normal effects: 2,000 times, the sums of squares are
    divided by draws from their chi-squared distributions.

    Args:
        results: (L^2,) the result of each run.
        design: (L^2, sources) the levels, as `orthogonal_array` returns them.
        confidence: The level of the intervals.

    Raises:
        ValueError: No degree of freedom is left for the interactions.

    References:
        S. R. Searle, G. Casella, C. E. McCulloch (1992), Variance Components, doi:10.1002/9780470316856.
    """
    levels, sources = int(design.max()) + 1, design.shape[1]
    freedom = levels - 1
    residual_freedom = levels**2 - 1 - sources * freedom
    if residual_freedom < 1:
        raise ValueError(f"{levels} levels leave no degree of freedom beside {sources} sources")
    centered = np.asarray(results, np.float64) - np.mean(results)
    means = np.stack([np.bincount(column, centered, levels) / levels for column in design.T])
    squares = levels * (means**2).sum(axis=1)
    total = float((centered**2).sum())
    residual = max(total - float(squares.sum()), 0.0)
    squares[squares < ROUNDING * total] = 0
    residual = 0.0 if residual < ROUNDING * total else residual
    interaction = residual / residual_freedom
    mains = np.maximum((squares / freedom - interaction) / levels, 0)
    low, high = _share_intervals(squares, residual, levels, residual_freedom, confidence)
    whole = float(mains.sum()) + interaction
    parts = [
        VarianceShare(float(part), float(part) / whole if whole else np.nan, Interval(float(least), float(most)))
        for part, least, most in zip([*mains, interaction], low, high, strict=True)
    ]
    return VarianceComponents(parts[:-1], parts[-1])


def _share_intervals(
    squares: Array, residual: float, levels: int, residual_freedom: int, confidence: float
) -> tuple[Array, Array]:
    """Return both ends of the intervals of all shares; the last one is that of the interactions."""
    if residual == 0 and not squares.any():
        return np.full(len(squares) + 1, np.nan), np.full(len(squares) + 1, np.nan)
    rng = stream(0, "statistics:variance_components")
    interaction = residual / rng.chisquare(residual_freedom, (DRAWS, 1))
    mains = (squares / rng.chisquare(levels - 1, (DRAWS, len(squares))) - interaction) / levels
    clipped = np.maximum(mains, 0)
    shares = clipped / (clipped.sum(axis=1, keepdims=True) + interaction)
    # With negative estimates kept: clipping each main effect at 0 would make the share of the interactions too small.
    together = np.clip(interaction / (mains.sum(axis=1, keepdims=True) + interaction), 0, 1)
    ends = [(1 - confidence) / 2, (1 + confidence) / 2]
    low, high = np.quantile(np.concatenate([shares, together], axis=1), ends, axis=0)
    return low, high
