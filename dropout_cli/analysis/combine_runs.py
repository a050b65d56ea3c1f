"""Predictions of several networks as one: equal weights for all, and their spread.

With p_r the probabilities of run r of R, after its own Monte Carlo passes if there are any, H the entropy, and m_r, s_r
the mean and the standard deviation of a number:

    probabilities          mean_r p_r
    predicted number       mean_r m_r
    sd, model_sd           sqrt(mean_r s_r^2 + var_r m_r), the standard deviation of the mixture
    noise_sd               sqrt(mean_r noise_sd_r^2)
    predictive entropy     H(mean_r p_r)
    mutual information     H(mean_r p_r) - mean_r expected_entropy_r: the disagreement of passes and runs
    run_sd                 the standard deviation of p_r or m_r over the runs, with divisor R - 1

Lakshminarayanan, Pritzel & Blundell 2017, arXiv:1612.01474.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.tasks import Prediction


@dataclass(frozen=True)
class CombinedRuns:
    """The prediction of all runs together."""

    prediction: Prediction
    uncertainties: Mapping[str, Array]
    """Name -> (N,) or (N, targets); empty without Monte Carlo passes."""
    run_sd: Array | None
    """(N, classes) or (N, targets), the standard deviation over the runs; None for one run."""


def combine_runs(predictions: Sequence[Prediction], uncertainties: Sequence[Mapping[str, Array]]) -> CombinedRuns:
    """Average the predictions of runs with equal classes or targets.

    Args:
        predictions: One prediction of the same N examples per run.
        uncertainties: Those of each run's Monte Carlo passes; empty mappings without passes.
    """
    if len(predictions) == 1:
        return CombinedRuns(predictions[0], uncertainties[0], None)
    if "probabilities" in predictions[0]:
        return _classes(predictions, uncertainties)
    return _numbers(predictions, uncertainties)


def _classes(predictions: Sequence[Prediction], uncertainties: Sequence[Mapping[str, Array]]) -> CombinedRuns:
    each = _stack(predictions, "probabilities")
    mean = each.mean(axis=0)
    log_mean = np.logaddexp.reduce(_stack(predictions, "log_probabilities")) - np.log(len(each))
    known: dict[str, Array] = {}
    if all("expected_entropy" in one for one in uncertainties):
        known["predictive_entropy"] = -(mean * np.log(np.where(mean > 0, mean, 1.0))).sum(axis=1)
        expected = _stack(uncertainties, "expected_entropy").mean(axis=0)
        # Rounding may put the difference below 0.
        known["mutual_information"] = np.maximum(known["predictive_entropy"] - expected, 0.0)
    return CombinedRuns({"probabilities": mean, "log_probabilities": log_mean}, known, each.std(axis=0, ddof=1))


def _numbers(predictions: Sequence[Prediction], uncertainties: Sequence[Mapping[str, Array]]) -> CombinedRuns:
    each = _stack(predictions, "mean")
    between = each.var(axis=0)
    prediction = {"mean": each.mean(axis=0)}
    if all("sd" in one for one in predictions):
        prediction["sd"] = np.sqrt((_stack(predictions, "sd") ** 2).mean(axis=0) + between)
    known: dict[str, Array] = {}
    for name, more in (("model_sd", between), ("noise_sd", 0.0)):
        if all(name in one for one in uncertainties):
            known[name] = np.sqrt((_stack(uncertainties, name) ** 2).mean(axis=0) + more)
    return CombinedRuns(prediction, known, each.std(axis=0, ddof=1))


def _stack(arrays: Sequence[Mapping[str, Array]], name: str) -> Array:
    """Return (runs, N, ...) float64."""
    return np.stack([np.asarray(one[name], np.float64) for one in arrays])
