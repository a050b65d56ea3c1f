"""Linear models of scikit-learn, y = x W + b, on the flattened inputs of the network.

Logistic regression has the penalty C = 1 and at most ITERATIONS steps of L-BFGS. Ridge regression has alpha = 1. For
classes, its targets are 0 and 1 for each class, so that it predicts the class, but no probabilities.
"""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.metrics.predictions import MIN_PROBABILITY

MAX_ITERATIONS = 100
MAX_LOGIT_GAP = -float(np.log(MIN_PROBABILITY))
"""708.4: no logit is farther below the largest one, also that of a class without a training example."""


@dataclass(frozen=True)
class LinearModel:
    """A fitted linear model."""

    W: Array
    """(features, outputs) float64."""
    b: Array
    """(outputs,); -inf for a class without an example."""

    def outputs(self, x: Array) -> Array:
        """Return (N, outputs) float64 for inputs x (N, *shape)."""
        return np.asarray(x.reshape(len(x), -1).astype(np.float64) @ self.W + self.b)


@dataclass(frozen=True)
class Standardized:
    """Inputs with mean 0 and variance 1, and the way back."""

    x: Array
    mean: Array
    sd: Array

    @classmethod
    def fit(cls, x: Array) -> "Standardized":
        """Standardize x (N, features); what never changes becomes 0."""
        mean, sd = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
        sd = np.where(sd > 0, sd, 1.0)
        return cls(((x - mean) / sd).astype(x.dtype), mean, sd)

    def to_original_scale(self, model: LinearModel) -> LinearModel:
        """Return the model of standardized inputs as one of inputs as they were."""
        W = model.W / self.sd[:, None]
        return LinearModel(W, model.b - self.mean @ W)


def fit_logistic(x: Array, labels: Array, classes: int, weights: Array | None = None) -> LinearModel:
    """Fit multinomial logistic regression.

    Args:
        x: (N, features) float32.
        labels: (N,), of at least two classes.
        classes: Number of classes.
        weights: (N,) weights of the examples; None: all are 1.
    """
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(max_iter=MAX_ITERATIONS).fit(x, labels, sample_weight=weights)
    coefficients, intercepts = (np.asarray(one, np.float64) for one in (fitted.coef_, fitted.intercept_))
    if len(fitted.classes_) == 2:  # scikit-learn has one logit then, of the second class
        coefficients, intercepts = (np.concatenate([0 * one, one]) for one in (coefficients, intercepts))
    W, b = np.zeros((x.shape[1], classes)), np.full(classes, -np.inf)
    W[:, fitted.classes_], b[fitted.classes_] = coefficients.T, intercepts
    return LinearModel(W, b)


def fit_ridge(x: Array, targets: Array, weights: Array | None = None) -> LinearModel:
    """Fit ridge regression to x (N, features) and targets (N, T), with weights (N,) unless None."""
    from sklearn.linear_model import Ridge

    fitted = Ridge(alpha=1.0).fit(x.astype(np.float64), targets, sample_weight=weights)
    return LinearModel(fitted.coef_.reshape(targets.shape[1], -1).T, np.atleast_1d(fitted.intercept_))


def clip_logits(logits: Array) -> Array:
    """Return logits of which none is farther than FARTHEST below the largest of its row."""
    return np.asarray(np.maximum(logits, logits.max(axis=1, keepdims=True) - MAX_LOGIT_GAP))
