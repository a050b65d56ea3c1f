"""Statistics of the activations of one layer: sparseness, dead units, correlation and dimension.

For N values v:

    Hoyer             (sqrt(N) - sum |v| / sqrt(sum v^2)) / (sqrt(N) - 1)
    Vinje-Gallant     (1 - a) / (1 - 1 / N),    a = (mean |v|)^2 / mean v^2        (a: Treves and Rolls)

Both are 0 if all values are equal and 1 if a single value is not 0. Over the units of one example they are the
population sparseness, over the examples of one unit the lifetime sparseness. Rows and columns that are all zero have
none; they are left out and counted.

Hoyer 2004, JMLR 5:1457; Treves and Rolls 1991, doi:10.1088/0954-898X_2_4_004; Vinje and Gallant 2000,
doi:10.1126/science.287.5456.1273; Willmore and Tolhurst 2001, doi:10.1080/net.12.3.255.277.
"""

import math
from dataclasses import dataclass

import numpy as np

from dropout_cli.core.types import Array

BLOCK = 1024
"""Columns of the correlation matrix that are computed at a time."""


def hoyer_sparseness(values: Array, axis: int) -> Array:
    """Return the Hoyer sparseness along an axis; NaN for all zeros or a single value.

    Args:
        values: (N, units) activations.
        axis: 1 for the units of each example, 0 for the examples of each unit.
    """
    values = np.abs(values.astype(np.float64))
    root = math.sqrt(values.shape[axis])
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((root - values.sum(axis) / np.sqrt((values**2).sum(axis))) / (root - 1))


def vinje_gallant_sparseness(values: Array, axis: int) -> Array:
    """Return the Vinje-Gallant sparseness along an axis; NaN for all zeros or a single value.

    Args:
        values: (N, units) activations.
        axis: 1 for the units of each example, 0 for the examples of each unit.
    """
    values = np.abs(values.astype(np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        a = values.mean(axis) ** 2 / (values**2).mean(axis)
        return np.asarray((1 - a) / np.float64(1 - 1 / values.shape[axis]))


def is_dead(values: Array) -> Array:
    """Return which units have one output for all examples, (units,) bool.

    Args:
        values: (N, units) activations.
    """
    return np.asarray(values.max(axis=0) == values.min(axis=0))


def mean_absolute_correlation(values: Array, labels: Array | None = None) -> float:
    """Return the mean |correlation| of all pairs of units.

    Units that do not vary are left out; with fewer than two others the result is NaN.

    Args:
        values: (N, units) activations.
        labels: (N,) class ids: the mean of each class is subtracted first. None: correlation over all examples.
    """
    groups = (
        [np.arange(len(values))] if labels is None else [np.flatnonzero(labels == one) for one in np.unique(labels)]
    )
    varies = ~np.all([is_dead(values[group]) for group in groups], axis=0)
    z = values[:, varies].astype(np.float64)
    for group in groups:
        z[group] -= z[group].mean(axis=0)
    units = z.shape[1]
    if units < 2:
        return math.nan
    z /= np.sqrt((z**2).sum(axis=0))
    total = sum(float(np.abs(z[:, start : start + BLOCK].T @ z).sum()) for start in range(0, units, BLOCK))
    return float((total - units) / (units * (units - 1)))


def chance_correlation(examples: int, classes: int = 1) -> float:
    """Return the mean |correlation| of independent units, sqrt(2 / (pi (N - classes))).

    Args:
        examples: The number of examples, N.
        classes: The number of means that are subtracted; 1 for the correlation over all examples.
    """
    return math.sqrt(2 / (math.pi * (examples - classes))) if examples > classes else math.nan


def participation_ratio(values: Array) -> float:
    """Return the number of dimensions that the activations use.

    It is tr(S)^2 / |S|_F^2 of the covariance matrix S: 1 if all units are proportional, and the number of units if they
    are uncorrelated with equal variances.

    Args:
        values: (N, units) activations.

    Returns:
        The ratio; NaN if no unit varies.
    """
    centered = values[:, ~is_dead(values)].astype(np.float64)
    centered -= centered.mean(axis=0)
    # X'X and XX' have the same trace and the same norm.
    smaller = centered if centered.shape[0] < centered.shape[1] else centered.T
    squared_norm = float(((smaller @ smaller.T) ** 2).sum())
    return float((centered**2).sum()) ** 2 / squared_norm if squared_norm > 0 else math.nan


@dataclass(frozen=True)
class ActivationStatistics:
    """Statistics of one layer; NaN where a number is not defined."""

    examples: int
    units: int
    mean: float
    share_of_zeros: float
    dead_units: int
    """Units with one output for all examples."""
    population_sparseness: float
    """Mean over examples, after Vinje and Gallant."""
    population_hoyer: float
    lifetime_sparseness: float
    """Mean over units, after Vinje and Gallant."""
    lifetime_hoyer: float
    zero_examples: int
    """Examples for which all units are 0."""
    zero_units: int
    """Units that are 0 for all examples."""
    correlation: float
    """Mean |correlation| of two units."""
    chance: float
    """The correlation of independent units."""
    within_class_correlation: float
    """Mean |correlation| after class means were subtracted; NaN without classes."""
    within_class_chance: float
    participation_ratio: float


def activation_statistics(
    values: Array, labels: Array | None = None, *, share_of_zeros: float | None = None
) -> ActivationStatistics:
    """Return the statistics of the activations of a layer.

    Args:
        values: (N, units) activations.
        labels: (N,) class ids; None without classes.
        share_of_zeros: The share, if a unit is the mean of several outputs; None: that of `values`.
    """
    examples, units = values.shape
    classes = 0 if labels is None else len(np.unique(labels))
    return ActivationStatistics(
        examples=examples,
        units=units,
        mean=float(values.mean(dtype=np.float64)),
        share_of_zeros=float(np.mean(values == 0)) if share_of_zeros is None else share_of_zeros,
        dead_units=int(is_dead(values).sum()),
        population_sparseness=_mean_of_defined(vinje_gallant_sparseness(values, 1)),
        population_hoyer=_mean_of_defined(hoyer_sparseness(values, 1)),
        lifetime_sparseness=_mean_of_defined(vinje_gallant_sparseness(values, 0)),
        lifetime_hoyer=_mean_of_defined(hoyer_sparseness(values, 0)),
        zero_examples=int((~values.any(axis=1)).sum()),
        zero_units=int((~values.any(axis=0)).sum()),
        correlation=mean_absolute_correlation(values),
        chance=chance_correlation(examples),
        within_class_correlation=math.nan if labels is None else mean_absolute_correlation(values, labels),
        within_class_chance=math.nan if labels is None else chance_correlation(examples, classes),
        participation_ratio=participation_ratio(values),
    )


def _mean_of_defined(values: Array) -> float:
    """Return the mean of the finite values; NaN if there are none."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if finite.size else math.nan
