"""Metrics of regressions, from the predicted mean and standard deviation.

With y the true value, m the predicted mean and s its standard deviation, in the target's own units:
rmse = sqrt(mean (y - m)^2); mae = mean |y - m|; R2 = 1 - sum (y - m)^2 / sum (y - mean y)^2;
nll = mean of ln s + (y - m)^2 / (2 s^2) + ln(2 pi) / 2, the negative log-likelihood of a Gaussian;
coverage = the share of y within m +- 1.96 s, which should be .95.

Each function returns a value per target; a metric of several targets is their mean.
"""

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics.predictions import TargetPredictions
from dropout_cli.metrics.registry import Metric, register_metrics

Z95 = 1.959963984540054  # half the width of a Gaussian's central 95 %, in standard deviations


def rmse(given: TargetPredictions) -> list[float]:
    """Return the root mean squared error of each target."""
    from sklearn.metrics import root_mean_squared_error

    return _list(root_mean_squared_error(given.true, given.mean, multioutput="raw_values"))


def rmse_of_each(given: TargetPredictions) -> Array:
    """Return (N,) contributions to the RMSE, to first order; their mean is the RMSE."""
    squared = (given.true - given.mean) ** 2
    mean = squared.mean(axis=0)
    root = np.sqrt(mean)
    # d sqrt(u) = du / (2 sqrt(u)): the first-order term of each example around the RMSE of all.
    added = root + (squared - mean) / (2 * np.where(root > 0, root, 1.0))
    return np.asarray(added.mean(axis=1))


def mae(given: TargetPredictions) -> list[float]:
    """Return the mean absolute error of each target."""
    from sklearn.metrics import mean_absolute_error

    return _list(mean_absolute_error(given.true, given.mean, multioutput="raw_values"))


def absolute_errors(given: TargetPredictions) -> Array:
    """Return (N,) absolute errors of the examples, averaged over the targets."""
    return np.asarray(np.abs(given.true - given.mean).mean(axis=1))


def r2(given: TargetPredictions) -> list[float | None]:
    """Return the explained share of each target's variance; None for a constant target."""
    from sklearn.metrics import r2_score

    changing = np.ptp(given.true, axis=0) > 0
    return [
        float(r2_score(given.true[:, t], given.mean[:, t])) if changes else None
        for t, changes in enumerate(changing.tolist())
    ]


def gaussian_nll(given: TargetPredictions) -> list[float] | None:
    """Return the mean negative log-likelihood of each target; None if sd is unknown."""
    return None if given.sd is None else _list(_losses(given).mean(axis=0))


def example_nll(given: TargetPredictions) -> Array | None:
    """Return (N,) negative log-likelihoods of the examples, averaged over the targets."""
    return None if given.sd is None else np.asarray(_losses(given).mean(axis=1))


def _losses(given: TargetPredictions) -> Array:
    sd = np.asarray(given.sd)
    return np.asarray(np.log(sd) + ((given.true - given.mean) / sd) ** 2 / 2 + np.log(2 * np.pi) / 2)


def coverage(given: TargetPredictions) -> list[float] | None:
    """Return the share of true values in the central 95 % per target; None if sd is unknown."""
    return None if given.sd is None else _list((np.abs(given.true - given.mean) <= Z95 * given.sd).mean(axis=0))


def _list(values: object) -> list[float]:
    return [float(value) for value in np.atleast_1d(np.asarray(values))]


register_metrics(
    Metric("rmse", "RMSE", False, "mean", rmse, displayed=True, per_example=rmse_of_each),
    Metric("mae", "MAE", False, "mean", mae, displayed=True, per_example=absolute_errors),
    Metric("r2", "R2", True, "mean", r2, displayed=True),
    Metric("nll", "negative log-likelihood", False, "sd", gaussian_nll, displayed=True, per_example=example_nll),
    Metric("coverage", "coverage of 95 % intervals", None, "sd", coverage, displayed=True),
)
