"""The numbers that judge a regression, from the mean and the standard deviation that it predicts.

With y the true value, m the predicted mean and s its standard deviation, in the target's own units:
rmse = sqrt(mean (y - m)^2); mae = mean |y - m|; R2 = 1 - sum (y - m)^2 / sum (y - mean y)^2;
nll = mean of ln s + (y - m)^2 / (2 s^2) + ln(2 pi) / 2, the negative log-likelihood of a Gaussian;
coverage = the share of y within m +- 1.96 s, which should be .95.

Each function returns a value per target; a number of several targets is their mean.
"""

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics.registry import Metric, register
from dropout_cli.metrics.scored import Quantities

Z95 = 1.959963984540054
"""Half of the width of a Gaussian's central 95 %, in standard deviations."""


def rmse(given: Quantities) -> list[float]:
    """The root mean squared error."""
    from sklearn.metrics import root_mean_squared_error

    return _list(root_mean_squared_error(given.true, given.mean, multioutput="raw_values"))


def rmse_of_each(given: Quantities) -> Array:
    """Return the contribution of each example to the RMSE (N,), to first order; their mean is the RMSE."""
    squared = (given.true - given.mean) ** 2
    mean = squared.mean(axis=0)
    root = np.sqrt(mean)
    added = root + (squared - mean) / (2 * np.where(root > 0, root, 1.0))
    return np.asarray(added.mean(axis=1))


def mae(given: Quantities) -> list[float]:
    """The mean absolute error."""
    from sklearn.metrics import mean_absolute_error

    return _list(mean_absolute_error(given.true, given.mean, multioutput="raw_values"))


def errors(given: Quantities) -> Array:
    """The absolute error of each example, (N,); of several targets the mean over them."""
    return np.asarray(np.abs(given.true - given.mean).mean(axis=1))


def r2(given: Quantities) -> list[float | None]:
    """The share of the variance that is explained; None where a target never changes."""
    from sklearn.metrics import r2_score

    changing = np.ptp(given.true, axis=0) > 0
    return [
        float(r2_score(given.true[:, t], given.mean[:, t])) if one else None for t, one in enumerate(changing.tolist())
    ]


def nll(given: Quantities) -> list[float] | None:
    """The mean negative logarithm of the density."""
    return None if given.sd is None else _list(_losses(given).mean(axis=0))


def losses(given: Quantities) -> Array | None:
    """The negative logarithm of the density at each example, (N,); of several targets the mean over them."""
    return None if given.sd is None else np.asarray(_losses(given).mean(axis=1))


def _losses(given: Quantities) -> Array:
    sd = np.asarray(given.sd)
    return np.asarray(np.log(sd) + ((given.true - given.mean) / sd) ** 2 / 2 + np.log(2 * np.pi) / 2)


def coverage(given: Quantities) -> list[float] | None:
    """The share of true values within the central 95 %."""
    return None if given.sd is None else _list((np.abs(given.true - given.mean) <= Z95 * given.sd).mean(axis=0))


def _list(values: object) -> list[float]:
    return [float(one) for one in np.atleast_1d(np.asarray(values))]


register(
    Metric("rmse", "RMSE", False, "mean", rmse, shown=True, of_each=rmse_of_each),
    Metric("mae", "MAE", False, "mean", mae, shown=True, of_each=errors),
    Metric("r2", "R2", True, "mean", r2, shown=True),
    Metric("nll", "negative log-likelihood", False, "sd", nll, shown=True, of_each=losses),
    Metric("coverage", "coverage of 95 % intervals", None, "sd", coverage, shown=True),
)
