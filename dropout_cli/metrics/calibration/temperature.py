"""Temperature scaling: probabilities softmax(z / T), with one T for all examples.

T minimizes the mean negative log-likelihood on the validation part. In beta = 1 / T this is convex, with the derivative
mean(sum_c p_c z_c - z_y), so the minimum is the root of the derivative. z are logits, or logarithms of probabilities,
which differ from logits by a number per example.

If the class of the largest z is right for all examples, the likelihood rises without end as T falls to 0, and there is
no minimum. If the outputs are worse than equal probabilities for all classes, T rises without end.

Guo et al. 2017, arXiv:1706.04599.
"""

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.nn.losses import log_softmax, softmax

MAX_LOG = 10.0
MAX_TEMPERATURE = math.exp(MAX_LOG)
"""The largest temperature, 22026; the smallest is its inverse."""
ROUNDING = 1e-12  # a smaller gain, relative to the loss, is none

Outcome: TypeAlias = Literal["minimum", "no gain", "all right", "at the bound"]


@dataclass(frozen=True)
class TemperatureFit:
    """A fitted temperature."""

    temperature: float
    """1 if no other temperature is better, or if there is no minimum."""
    nll_before: float
    """Mean negative log-likelihood in nats at temperature 1."""
    nll_after: float
    """At the fitted temperature; never above `nll_before`."""
    outcome: Outcome
    """`minimum`; `no gain` or `all right` (there is no minimum): 1 is kept; `at the bound`: T is at its bound."""


def fit_temperature(scores: Array, labels: Array) -> TemperatureFit:
    """Fit the temperature to labeled examples.

    Args:
        scores: (N, C) logits or logarithms of probabilities, finite.
        labels: (N,) class ids.
    """
    from scipy import optimize

    z = np.asarray(scores, np.float64)
    z = z - z.max(axis=1, keepdims=True)  # the largest is 0; probabilities do not change
    of_label = z[np.arange(len(labels)), labels]
    before = _nll(z, labels)
    if not np.any(z):
        return TemperatureFit(1.0, before, before, "no gain")
    if not np.any(of_label):
        return TemperatureFit(1.0, before, before, "all right")

    def slope(log_beta: float) -> float:
        return float(np.mean(np.sum(softmax(math.exp(log_beta) * z) * z, axis=1) - of_label))

    outcome: Outcome = "at the bound"
    if slope(-MAX_LOG) >= 0:
        log_beta = -MAX_LOG
    elif slope(MAX_LOG) <= 0:
        log_beta = MAX_LOG
    else:
        log_beta, outcome = float(optimize.brentq(slope, -MAX_LOG, MAX_LOG, xtol=1e-12)), "minimum"
    temperature = math.exp(-log_beta)
    after = _nll(apply_temperature(z, temperature), labels)
    if after >= before * (1 - ROUNDING):
        return TemperatureFit(1.0, before, before, "no gain")
    return TemperatureFit(temperature, before, after, outcome)


def apply_temperature(scores: Array, temperature: float) -> Array:
    """Return the log-probabilities at a temperature, (N, C) float64.

    Args:
        scores: (N, C) logits or logarithms of probabilities.
        temperature: Above 0.
    """
    return log_softmax(np.asarray(scores, np.float64) / temperature)


def _nll(scores: Array, labels: Array) -> float:
    return float(-np.mean(log_softmax(scores)[np.arange(len(labels)), labels]))
