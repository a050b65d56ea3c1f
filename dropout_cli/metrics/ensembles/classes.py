"""Weighted ensembles of classifiers."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics.ensembles.decomposition import AmbiguityDecomposition


@dataclass(frozen=True)
class ClassEnsemble:
    """Averages and spread of weighted classifiers, in float64."""

    labels: Array
    """(N,): true class ids."""
    probabilities: Array
    """(N, C): the arithmetic mean."""
    log_probabilities: Array
    """(N, C): its logarithm, finite also where the mean is 0."""
    geometric_mean: Array
    """(N, C)."""
    log_geometric_mean: Array
    """(N, C): its logarithm."""
    votes: Array
    """(N, C): the weight of the networks that predict each class."""
    expected_entropy: Array
    """(N,): the mean entropy of the networks."""
    expected_losses: Array
    """(N,): the mean of their losses -ln p_ky."""
    expected_brier: Array
    """(N,): the mean of their Brier scores."""
    variances: Array
    """(N,): the mean of sum_c (p_kc - pbar_c)^2."""
    log_normalizer: Array
    """(N,): ln Z of the geometric mean, at most 0."""

    @property
    def predictive_entropy(self) -> Array:
        """(N,): the entropy of the arithmetic mean."""
        p = self.probabilities
        return np.asarray(-(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=1))

    @property
    def information(self) -> Array:
        """(N,): the mutual information of prediction and network, at least 0."""
        # Rounding may put the difference below 0.
        return np.asarray(np.maximum(self.predictive_entropy - self.expected_entropy, 0.0))

    @property
    def vote(self) -> Array:
        """(N,): the class with the most votes; the lowest one of a tie."""
        # Weights of masks are sums of rounded numbers, and a tie must not depend on their last digit.
        return np.asarray((self.votes >= self.votes.max(axis=1, keepdims=True) - 1e-12).argmax(axis=1))

    @property
    def vote_ratio(self) -> Array:
        """(N,): the variation ratio, the weight of the networks that do not predict `vote`."""
        return np.asarray(1 - self.votes.max(axis=1))

    @property
    def disagreement(self) -> Array:
        """(N,): the probability that two independent draws of a network predict differently."""
        return np.asarray(1 - (self.votes**2).sum(axis=1))

    def losses_of(self, log_probs: Array) -> Array:
        """Return the losses -ln p_y of a prediction, (N,).

        Args:
            log_probs: (N, C).
        """
        return np.asarray(-log_probs[np.arange(len(self.labels)), self.labels])

    def brier_of(self, probs: Array) -> Array:
        """Return the Brier scores of a prediction, (N,).

        Args:
            probs: (N, C).
        """
        return np.asarray(((probs - np.eye(probs.shape[1])[self.labels]) ** 2).sum(axis=1))

    @property
    def brier(self) -> AmbiguityDecomposition:
        """The Brier score: ambiguity is the variance of the probabilities."""
        average = self.brier_of(self.probabilities)
        return AmbiguityDecomposition(*_means(self.expected_brier, average, self.variances))

    @property
    def arithmetic_cross_entropy(self) -> AmbiguityDecomposition:
        """The cross-entropy, with the arithmetic mean; its ambiguity depends on the labels."""
        average = self.losses_of(self.log_probabilities)
        return AmbiguityDecomposition(*_means(self.expected_losses, average, self.expected_losses - average))

    @property
    def geometric_cross_entropy(self) -> AmbiguityDecomposition:
        """The cross-entropy, with the geometric mean; its ambiguity does not depend on labels."""
        average = self.losses_of(self.log_geometric_mean)
        return AmbiguityDecomposition(*_means(self.expected_losses, average, -self.log_normalizer))


def aggregate_classifiers(
    log_probs: Iterable[Array], labels: Array, weights: Iterable[float] | None = None
) -> ClassEnsemble:
    """Combine classifiers; only sums are kept in memory.

    Args:
        log_probs: (N, C) ln p of one network after the other, at least one network.
        labels: (N,) true class ids.
        weights: The weight of each network; their sum is 1. None: equal weights, and the number of networks is counted.
    """
    total, first = 0.0, np.zeros(1)
    shift, squares, log_mean, log_geometric, votes, entropy, losses, brier = _zeros()
    place = np.arange(len(labels)), labels
    given = None if weights is None else iter(weights)
    for logp in log_probs:
        w = 1.0 if given is None else next(given)
        p = np.exp(logp)
        first = p if total == 0 else first  # squares of differences from it lose no digits if the networks are alike
        log_mean = np.logaddexp(log_mean, logp + np.log(w)) if total else logp + np.log(w)
        total += w
        shift = shift + w * (p - first)
        squares = squares + w * (p - first) ** 2
        log_geometric = log_geometric + w * logp
        votes = votes + w * (logp.argmax(axis=1)[:, None] == np.arange(p.shape[1]))
        entropy = entropy - w * (p * logp).sum(axis=1)
        losses = losses - w * logp[place]
        # sum_c (p_c - y_c)^2
        brier = brier + w * ((p**2).sum(axis=1) - 2 * p[place] + 1)
    mean, log_geometric = first + shift / total, log_geometric / total
    log_normalizer = np.logaddexp.reduce(log_geometric, axis=1)
    return ClassEnsemble(
        labels=labels,
        probabilities=mean,
        log_probabilities=log_mean - np.log(total),
        geometric_mean=np.exp(log_geometric - log_normalizer[:, None]),
        log_geometric_mean=log_geometric - log_normalizer[:, None],
        votes=votes / total,
        expected_entropy=entropy / total,
        expected_losses=losses / total,
        expected_brier=brier / total,
        variances=np.maximum(squares / total - (shift / total) ** 2, 0).sum(axis=1),
        log_normalizer=np.minimum(log_normalizer, 0.0),
    )


def _zeros() -> tuple[Array, ...]:
    return tuple(np.zeros(1) for _ in range(8))


def _means(*arrays: Array) -> tuple[float, float, float]:
    single, average, ambiguity = (float(array.mean()) for array in arrays)
    return single, average, ambiguity
