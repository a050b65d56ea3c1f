"""Scores of single networks, of their averages and of random subsets, for both tasks.

An ensemble is an array with the predictions of each network: ln p of shape (K, N, classes) for classification, or
predicted numbers of shape (K, N, targets) for regression.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics import ClassPredictions, ensembles
from dropout_cli.metrics.ensembles import AmbiguityDecomposition
from dropout_cli.metrics.formulas import classification
from dropout_cli.tasks import Prediction

Scores = Mapping[str, float]
"""Metric -> value."""

AVERAGES = {"arithmetic_mean": "arithmetic mean", "geometric_mean": "geometric mean"}
"""Name of an average in files -> its name for people."""


@dataclass(frozen=True)
class EnsembleSummary:
    """The averages of an ensemble and the spread of its networks."""

    averages: Mapping[str, Array]
    """Name of an average -> its prediction, in the form of a network of the ensemble."""
    scores: Mapping[str, Scores]
    """Name of an average -> its scores."""
    single: Scores
    """The mean scores of one network."""
    disagreement: float | None
    """The probability that two independent draws of a network predict different classes."""
    decompositions: Mapping[str, AmbiguityDecomposition]
    """Name of a loss -> its decomposition."""


class EnsembleScoring(ABC):
    """The part of a task that ensembles need, with the true values of the examples."""

    metrics: ClassVar[tuple[str, ...]]
    """The metrics of a single network and of an average."""
    curve_metrics: ClassVar[tuple[str, ...]]
    """The metrics of the averages of subsets; the first one is the main one."""

    def __init__(self, labels: Array) -> None:
        """Keep the true values.

        Args:
            labels: (N,) class ids, or (N, targets) true values.
        """
        self.labels = labels

    @abstractmethod
    def values(self, prediction: Prediction) -> Array:
        """Return the array of a prediction that is averaged, (N, classes) or (N, targets).

        Args:
            prediction: A prediction of the task, or arrays that a run stored.
        """

    @abstractmethod
    def scores(self, values: Array) -> Scores:
        """Return the scores of one network or of an average.

        Args:
            values: (N, classes) ln p, or (N, targets) numbers.
        """

    @abstractmethod
    def summarize(self, networks: Iterable[Array], weights: Sequence[float] | None = None) -> EnsembleSummary:
        """Combine networks.

        Args:
            networks: (N, classes) or (N, targets) of one network after the other.
            weights: The weight of each network; None: equal weights.
        """

    @abstractmethod
    def score_subsets(self, averaged: Array, subsets: Array) -> Mapping[str, Array]:
        """Return the `curve_metrics` of the average of each subset, (M,) each.

        Args:
            averaged: (K, N, D) from `averaged`.
            subsets: (M, K) of bool.
        """

    def averaged(self, networks: Array) -> Array:
        """Return the numbers whose arithmetic mean is the average.

        Args:
            networks: (K, N, classes) ln p, or (K, N, targets) numbers.
        """
        return networks

    def curve_scores(self, scores: Scores) -> Scores:
        """Return the `curve_metrics` of scores that are already computed."""
        return {name: scores[name] for name in self.curve_metrics}


class ClassScoring(EnsembleScoring):
    """Ensembles of classifiers, as ln p."""

    metrics = ("accuracy", "nll", "brier")
    curve_metrics = ("error", "nll")

    def values(self, prediction: Prediction) -> Array:
        """Return ln p; from the probabilities if a former version did not store it."""
        known = prediction.get("log_probabilities")
        if known is not None:
            return np.asarray(known, np.float64)
        probs = np.asarray(prediction["probabilities"], np.float64)
        return np.asarray(np.log(np.maximum(probs, np.finfo(np.float64).tiny)))

    def scores(self, values: Array) -> Scores:
        """Return accuracy, cross-entropy and Brier score."""
        given = ClassPredictions.of(np.exp(values), self.labels, range_names(values.shape[1]), values)
        return {
            "accuracy": classification.accuracy(given),
            "nll": classification.mean_nll(given),
            "brier": classification.brier(given),
        }

    def summarize(self, networks: Iterable[Array], weights: Sequence[float] | None = None) -> EnsembleSummary:
        """Combine classifiers."""
        right: list[float] = []

        def watched() -> Iterable[Array]:
            for logp in networks:
                right.append(float((logp.argmax(axis=1) == self.labels).mean()))
                yield logp

        found = ensembles.aggregate_classifiers(watched(), self.labels, weights)
        averages = dict(zip(AVERAGES, (found.log_probabilities, found.log_geometric_mean), strict=True))
        return EnsembleSummary(
            averages=averages,
            scores={name: self.scores(values) for name, values in averages.items()},
            single={
                "accuracy": float(np.average(right, weights=weights)),
                "nll": found.arithmetic_cross_entropy.single,
                "brier": found.brier.single,
            },
            disagreement=float(found.disagreement.mean()),
            decompositions={
                "brier": found.brier,
                "cross_entropy_arithmetic_mean": found.arithmetic_cross_entropy,
                "cross_entropy_geometric_mean": found.geometric_cross_entropy,
            },
        )

    def averaged(self, networks: Array) -> Array:
        """Return the probabilities."""
        return np.asarray(np.exp(networks))

    def score_subsets(self, averaged: Array, subsets: Array) -> Mapping[str, Array]:
        """Return error rate and cross-entropy."""
        return ensembles.score_class_subsets(averaged, self.labels, subsets)

    def curve_scores(self, scores: Scores) -> Scores:
        """Return error rate and cross-entropy."""
        return {"error": 1 - scores["accuracy"], "nll": scores["nll"]}


class NumberScoring(EnsembleScoring):
    """Ensembles of regressors, in the units of the targets; they have no geometric mean."""

    metrics = ("rmse", "mae")
    curve_metrics = ("rmse",)

    def __init__(self, labels: Array, targets: Sequence[str]) -> None:
        """Keep the true values.

        Args:
            labels: (N, targets) true values.
            targets: The names of the targets.
        """
        super().__init__(labels)
        self.targets = targets

    def values(self, prediction: Prediction) -> Array:
        """Return the predicted numbers."""
        return np.asarray(prediction["mean"], np.float64)

    def scores(self, values: Array) -> Scores:
        """Return the root mean squared and the mean absolute error, means over the targets."""
        errors = values - self.labels
        return {"rmse": float(np.sqrt((errors**2).mean(axis=0)).mean()), "mae": float(np.abs(errors).mean())}

    def summarize(self, networks: Iterable[Array], weights: Sequence[float] | None = None) -> EnsembleSummary:
        """Combine regressors."""
        each: list[Scores] = []

        def watched() -> Iterable[Array]:
            for values in networks:
                each.append(self.scores(values))
                yield values

        found = ensembles.aggregate_regressors(watched(), self.labels, weights)
        return EnsembleSummary(
            averages={"arithmetic_mean": found.mean},
            scores={"arithmetic_mean": self.scores(found.mean)},
            single={
                name: float(np.average([scores[name] for scores in each], weights=weights)) for name in self.metrics
            },
            disagreement=None,
            decompositions={
                f"squared_error:{name}": one for name, one in zip(self.targets, found.squared_error, strict=True)
            },
        )

    def score_subsets(self, averaged: Array, subsets: Array) -> Mapping[str, Array]:
        """Return the root mean squared error."""
        return ensembles.score_number_subsets(averaged, self.labels, subsets)


def range_names(count: int) -> list[str]:
    """Return names for classes whose own names do not matter."""
    return [str(number) for number in range(count)]
