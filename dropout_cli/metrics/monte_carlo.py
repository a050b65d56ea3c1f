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
    """(N, C): the geometric mean of the passes' probabilities, scaled to a sum of 1."""
    log_geometric_mean: Array
    """(N, C): its logarithm."""
    predictive_entropy: Array
    """(N,): the entropy of the mean probabilities, in nats."""
    expected_entropy: Array
    """(N,): the mean entropy of a pass, in nats."""
    variation_ratio: Array
    """(N,): the share of passes that do not predict the most frequent class."""

    @property
    def mutual_information(self) -> Array:
        """(N,): predictive minus expected entropy, the disagreement of the passes, in nats, at least 0."""
        # Rounding may put the difference below 0.
        return np.asarray(np.maximum(self.predictive_entropy - self.expected_entropy, 0.0))


class ClassPasses:
    """Running sums of noisy passes of a classifier; the passes so far can be combined at any time."""

    def __init__(self) -> None:
        """Make empty sums."""
        self.count = 0
        self._p, self._logp, self._entropy, self._votes = (np.zeros(1) for _ in range(4))
        self._first, self._shift, self._square = (np.zeros(1) for _ in range(3))
        self._log_p = np.full(1, -np.inf)

    def add(self, logits: Array) -> None:
        """Add a pass.

        Args:
            logits: (N, C).
        """
        logp = losses.log_softmax(logits.astype(np.float64))
        p = np.exp(logp)
        # Squares of differences from the first pass lose no digits if the passes are alike.
        self._first = p if self.count == 0 else self._first
        self.count += 1
        self._shift = self._shift + (p - self._first)
        self._square = self._square + (p - self._first) ** 2
        self._p = self._p + p
        self._logp = self._logp + logp
        self._log_p = np.logaddexp(self._log_p, logp)  # finite even if all p of a class are 0
        self._entropy = self._entropy - (p * logp).sum(axis=1)
        self._votes = self._votes + (p.argmax(axis=1)[:, None] == np.arange(p.shape[1]))

    def combine(self) -> MonteCarlo:
        """Combine the passes that were added.

        Raises:
            ValueError: No pass was added.
        """
        if self.count == 0:
            raise ValueError("there are no passes to combine. Add at least one.")
        count, mean = self.count, self._p / self.count
        return MonteCarlo(
            probabilities=mean,
            log_probabilities=self._log_p - np.log(count),
            sd=np.sqrt(np.maximum(self._square / count - (self._shift / count) ** 2, 0)),
            geometric_mean=losses.softmax(self._logp / count),
            log_geometric_mean=losses.log_softmax(self._logp / count),
            predictive_entropy=-(mean * np.log(np.where(mean > 0, mean, 1.0))).sum(axis=1),
            expected_entropy=self._entropy / count,
            variation_ratio=1 - self._votes.max(axis=1) / count,
        )


def aggregate_passes(logits: Iterable[Array]) -> MonteCarlo:
    """Combine the logits of noisy passes; only sums are kept in memory.

    Args:
        logits: (N, C) of one pass after the other, at least one pass.

    Returns:
        The combined result.

    Raises:
        ValueError: There is no pass.
    """
    sums = ClassPasses()
    for pass_logits in logits:
        sums.add(pass_logits)
    return sums.combine()
