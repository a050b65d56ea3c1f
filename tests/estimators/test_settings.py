"""Parameters mean what they mean in scikit-learn; parts of any size train once on each example."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

from dropout_cli.core.types import Array
from dropout_cli.estimators import DropoutClassifier, DropoutRegressor

X, Y = load_digits(return_X_y=True)
X = X[:200] / 16
Y = Y[:200]
SMALL: dict[str, Any] = {"hidden_layer_sizes": (12,), "rate": 0.3, "batch_size": 32, "max_iter": 1, "random_state": 3}


def first_weights(model: Any) -> Array:
    """Return the weights of the first hidden layer."""
    return np.array(model._network.learner.network.parameters()["hidden1/W"].value)


@pytest.mark.parametrize("weight", [1.0, 3.0])
def test_alpha_is_divided_by_the_weight_of_a_batch(weight: float) -> None:
    """On examples of zeros, only the penalty moves the first weights: W (1 - lr alpha / n) in each step."""
    zeros = np.zeros((64, 64))
    settings = SMALL | {"solver": "sgd", "learning_rate_init": 0.5, "rate": 0.0}
    plain, shrunk = (
        first_weights(DropoutClassifier(**settings, alpha=alpha).fit(zeros, Y[:64], np.full(64, weight)))
        for alpha in (0.0, 20.0)
    )
    np.testing.assert_allclose(shrunk, plain * (1 - 0.5 * 20 / (32 * weight)) ** 2, rtol=1e-5)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 7.0}])
def test_classes_count_by_their_weights(class_weight: Any) -> None:
    """One example with both labels, 56 and 8 times, is as probable for both."""
    x, y = X[:1].repeat(64, axis=0), np.repeat([0, 1], [56, 8])
    settings = SMALL | {"class_weight": class_weight, "rate": 0.0, "learning_rate_init": 0.01, "max_iter": 200}
    model = DropoutClassifier(**settings).fit(x, y)
    np.testing.assert_allclose(model.predict_proba(x[:1]), [[0.5, 0.5]], atol=0.03)


@pytest.mark.parametrize("sizes", [(100, 40, 60), (10, 150, 40), (33, 1, 166)])
def test_partial_fit_trains_once_on_each_of_its_examples(sizes: tuple[int, ...]) -> None:
    """Each example has a feature of its own: one step moves its weights by lr / n times a gradient, all in one call."""
    start = 0
    settings = SMALL | {
        "solver": "sgd",
        "activation": "identity",
        "rate": 0.0,
        "alpha": 0.0,
        "learning_rate_init": 1e-3,
    }
    model = DropoutClassifier(**settings).partial_fit(np.zeros((5, 200)), Y[:5], classes=np.arange(10))
    for size in sizes:
        before = first_weights(model)
        rows = np.arange(start, start + size)
        model.partial_fit(np.eye(200)[rows], Y[rows])
        moved = np.abs(first_weights(model) - before).sum(axis=1) > 0
        assert np.flatnonzero(moved).tolist() == rows.tolist()
        start += size


@pytest.mark.parametrize("estimator", [DropoutClassifier, DropoutRegressor])
def test_a_warm_start_on_other_examples_is_a_partial_fit(estimator: Any) -> None:
    """Both keep the moments of the optimizer and the number of its updates."""
    warm, partial = estimator(**SMALL, warm_start=True), estimator(**SMALL)
    for rows in (slice(0, 200), slice(50, 90), slice(10, 200)):
        warm.fit(X[rows], np.where(Y[rows] > 4, 1, 0))
        partial.partial_fit(X[rows], np.where(Y[rows] > 4, 1, 0))
    np.testing.assert_array_equal(first_weights(warm), first_weights(partial))
