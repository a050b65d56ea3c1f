"""Weighted ensembles of networks that predict numbers."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics.ensembles.decomposition import AmbiguityDecomposition


@dataclass(frozen=True)
class NumberEnsemble:
    """Average and spread of weighted regressors, in float64."""

    true: Array
    """(N, T): true values."""
    mean: Array
    """(N, T): the average."""
    expected_errors: Array
    """(N, T): the mean squared error of the networks."""
    variances: Array
    """(N, T): the mean of (f_k - fbar)^2."""

    @property
    def squared_error(self) -> list[AmbiguityDecomposition]:
        """The squared error of each target."""
        average = (self.mean - self.true) ** 2
        columns = (array.mean(axis=0).tolist() for array in (self.expected_errors, average, self.variances))
        return [AmbiguityDecomposition(*target) for target in zip(*columns, strict=True)]


def aggregate_regressors(means: Iterable[Array], true: Array, weights: Iterable[float] | None = None) -> NumberEnsemble:
    """Combine regressors; only sums are kept in memory.

    Args:
        means: (N, T) predicted numbers of one network after the other, at least one network.
        true: (N, T) true values.
        weights: The weight of each network; their sum is 1. None: equal weights, and the number of networks is counted.
    """
    total, first = 0.0, np.zeros(1)
    shift = squares = errors = np.zeros(1)
    given = None if weights is None else iter(weights)
    for mean in means:
        w = 1.0 if given is None else next(given)
        first = mean if total == 0 else first  # sums around it lose no digits if the mean is far from 0
        total += w
        shift = shift + w * (mean - first)
        squares = squares + w * (mean - first) ** 2
        errors = errors + w * (mean - true) ** 2
    variances = np.maximum(squares / total - (shift / total) ** 2, 0)
    return NumberEnsemble(true, first + shift / total, errors / total, variances)
