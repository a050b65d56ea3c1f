"""Aggregates of noisy passes of a classifier: mean probabilities and uncertainties.

With p_t the probabilities of pass t of T, c over classes, and H(p) = -sum_c p_c ln p_c, for each example:

    Monte Carlo            pbar = mean_t p_t, never the mean of the logits
    standard deviation     sqrt(mean_t (p_tc - pbar_c)^2)
    geometric mean         g_c = exp(mean_t ln p_tc), divided by its sum over c
    predictive entropy     H(pbar)
    expected entropy       mean_t H(p_t)
    mutual information     H(pbar) - mean_t H(p_t): the disagreement of the passes
    variation ratio        1 - (number of passes that predict the most frequent class) / T

Entropies in nats. Gal & Ghahramani 2016, arXiv:1506.02142; Houlsby et al. 2011, arXiv:1112.5745 (mutual
information); Baldi & Sadowski 2013, NeurIPS 26 (geometric mean).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.nn import losses


@dataclass(frozen=True)
class MonteCarlo:
    """Combined result of several noisy passes, in float64."""

    probabilities: Array
    """(N, C): the mean of the passes' probabilities."""
    log_probabilities: Array
    """(N, C): their logarithm, finite also where the probabilities are 0."""
    sd: Array
    """(N, C): the standard deviation of the passes' probabilities, with divisor T."""
    geometric_mean: Array
    """(N, C)."""
    log_geometric_mean: Array
    """(N, C): its logarithm."""
    predictive_entropy: Array
    """(N,)."""
    expected_entropy: Array
    """(N,)."""
    variation_ratio: Array
    """(N,)."""

    @property
    def mutual_information(self) -> Array:
        """(N,), at least 0."""
        # Rounding may put the difference below 0.
        return np.asarray(np.maximum(self.predictive_entropy - self.expected_entropy, 0.0))


def aggregate_passes(logits: Iterable[Array]) -> MonteCarlo:
    """Combine the logits of noisy passes; only sums are kept in memory.

    Args:
        logits: (N, C) of one pass after the other, at least one pass.
    """
    count = 0
    p_sum, logp_sum, entropy_sum, votes, first, shift_sum, square_sum = (np.zeros(1) for _ in range(7))
    log_p_sum = np.full(1, -np.inf)
    for pass_logits in logits:
        logp = losses.log_softmax(pass_logits.astype(np.float64))
        p = np.exp(logp)
        first = p if count == 0 else first  # squares of differences from it lose no digits if the passes are alike
        count += 1
        shift_sum = shift_sum + (p - first)
        square_sum = square_sum + (p - first) ** 2
        p_sum = p_sum + p
        logp_sum = logp_sum + logp
        log_p_sum = np.logaddexp(log_p_sum, logp)  # finite even if all p of a class are 0
        entropy_sum = entropy_sum - (p * logp).sum(axis=1)
        votes = votes + (p.argmax(axis=1)[:, None] == np.arange(p.shape[1]))
    mean = p_sum / count
    return MonteCarlo(
        probabilities=mean,
        log_probabilities=log_p_sum - np.log(count),
        sd=np.sqrt(np.maximum(square_sum / count - (shift_sum / count) ** 2, 0)),
        geometric_mean=losses.softmax(logp_sum / count),
        log_geometric_mean=losses.log_softmax(logp_sum / count),
        predictive_entropy=-(mean * np.log(np.where(mean > 0, mean, 1.0))).sum(axis=1),
        expected_entropy=entropy_sum / count,
        variation_ratio=1 - votes.max(axis=1) / count,
    )
