"""Weights of examples: every objective minimizes sum_i w_i l_i / N, whatever its terms and passes are."""

from typing import NamedTuple

import numpy as np
import pytest

from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.nn import losses
from dropout_cli.objectives import Objective
from dropout_cli.objectives.cross_entropy import CrossEntropy
from dropout_cli.objectives.rdrop import symmetric_loss
from dropout_cli.variants import VARIANTS
from tests.gradients import directional
from tests.objectives.test_objectives import LABELS, OBJECTIVES_TRIED, batch, network, soft

COUNTS = np.array([3, 1, 2, 1, 4, 1])
MEAN_ONE = COUNTS / COUNTS.mean()

every_objective = pytest.mark.parametrize("objective", OBJECTIVES_TRIED, ids=repr)


class Given(NamedTuple):
    """A batch with its labels and soft targets."""

    x: Array
    labels: Array
    soft: Array

    def rows(self, rows: Array) -> "Given":
        """Return some rows, in this order."""
        return Given(*(array[rows] for array in self))


class Learned(NamedTuple):
    """A loss and its gradients."""

    loss: float
    gradients: dict[str, Array]


def given(objective: Objective) -> Given:
    """Six examples with labels for the task."""
    targets = stream(1, "test:y").standard_normal((6, 4 // objective.outputs_per_target))
    return Given(batch(), targets if objective.task == "regression" else LABELS, soft())


def learn(objective: Objective, given: Given, weights: Array | None, *, noisy: bool = False) -> Learned:
    """Return loss and gradients of a new network."""
    noise = Noise(0, 1) if noisy else None
    net = network(outputs=4 if objective.task == "regression" else 3)
    loss = objective.compute_gradients(net, given.x, given.labels, noise, given.soft, weights)
    return Learned(loss, {name: one.gradient.copy() for name, one in net.parameters().items()})


def assert_close(found: Learned, expected: Learned) -> None:
    """Loss and gradients agree to 1e-10 of the largest value."""
    assert found.loss == pytest.approx(expected.loss, rel=1e-10)
    for name, gradient in expected.gradients.items():
        assert np.abs(gradient).max() > 0, name
        np.testing.assert_allclose(found.gradients[name], gradient, rtol=1e-10, atol=1e-10 * np.abs(gradient).max())


@every_objective
def test_a_weight_of_k_is_the_example_k_times(objective: Objective) -> None:
    """One batch has the weights, with mean 1; the other one has each example as often as its weight says."""
    once = given(objective)
    repeated = once.rows(np.repeat(np.arange(6), COUNTS))
    assert_close(learn(objective, once, MEAN_ONE), learn(objective, repeated, None))


@every_objective
def test_a_weight_of_0_takes_the_example_out(objective: Objective) -> None:
    """Its values do not matter, noise or not, and the others count as they do without it."""
    weights = np.array([0.0, *[6 / 5] * 5])
    once = given(objective)
    others = [once.x + 0, once.labels + 0, once.soft[:, ::-1] + 0]
    others[0][0] += 3
    others[1][0] += 1
    other = Given(*(np.concatenate([changed[:1], kept[1:]]) for changed, kept in zip(others, once, strict=True)))
    for noisy in (False, True):
        found, expected = (learn(objective, one, weights, noisy=noisy) for one in (other, once))
        assert found.loss == expected.loss
        for name, gradient in expected.gradients.items():
            np.testing.assert_array_equal(found.gradients[name], gradient)
        assert learn(objective, other, None, noisy=noisy).loss != learn(objective, once, None, noisy=noisy).loss
    assert_close(learn(objective, once, weights), learn(objective, once.rows(np.arange(1, 6)), None))


@every_objective
def test_weights_of_1_change_nothing(objective: Objective) -> None:
    """Up to rounding, with noise."""
    once = given(objective)
    assert_close(learn(objective, once, np.ones(6), noisy=True), learn(objective, once, None, noisy=True))


@every_objective
def test_twice_the_weights_are_twice_the_loss(objective: Objective) -> None:
    """The sum is divided by the number of examples and not by the weights, so no batch has a scale of its own."""
    once = given(objective)
    single, double = (learn(objective, once, factor * MEAN_ONE) for factor in (1, 2))
    assert_close(double, Learned(2 * single.loss, {name: 2 * one for name, one in single.gradients.items()}))


@every_objective
@pytest.mark.parametrize("variant", ["inverted", "concrete", "variational"])
def test_the_gradients_are_those_of_the_weighted_loss(objective: Objective, variant: str) -> None:
    """Central differences along random directions agree to 1e-6 for every parameter, learned rates included."""
    once, chosen = given(objective), VARIANTS[variant]()
    net = network(chosen, outputs=4 if objective.task == "regression" else 3)
    values = [one.value for one in net.parameters().values()]

    def loss() -> float:
        found = objective.compute_gradients(net, once.x, once.labels, Noise(0, 1), once.soft, MEAN_ONE)
        return found + net.penalty()

    loss()
    gradients = [one.gradient.copy() for one in net.parameters().values()]
    rng = stream(0, "test:directions")
    assert max(directional(loss, values, gradients, rng) for _ in range(5)) < 1e-6


def test_weights_of_examples_and_of_classes_are_multiplied() -> None:
    """An example counts as much as the product of its own weight and that of its class."""
    by_class = (0.5, 2.0, 1.0)
    once = given(CrossEntropy())
    both = learn(CrossEntropy(class_weights=by_class), once, MEAN_ONE)
    assert_close(both, learn(CrossEntropy(), once, MEAN_ONE * np.array(by_class)[LABELS]))


def test_balanced_classes_count_examples_by_their_weights() -> None:
    """A class weight is the one that each example, given as often as its weight says, would lead to."""
    asked, classes = CrossEntropy(class_weights="balanced"), ["a", "b", "c", "d"]
    found = asked.with_class_weights(LABELS, classes, MEAN_ONE).class_weights
    expected = asked.with_class_weights(np.repeat(LABELS, COUNTS), classes).class_weights
    assert isinstance(found, tuple) and isinstance(expected, tuple)
    # The last class has no example: its weight is never used.
    assert found[:3] == pytest.approx(expected[:3], rel=1e-12)
    assert found != asked.with_class_weights(LABELS, classes).class_weights


def test_weights_keep_the_gradients_in_single_precision() -> None:
    """Weights in float64 leave float32 gradients, so that a step costs what it does without them."""
    logits = stream(1, "test:logits").standard_normal((6, 4)).astype(np.float32)
    found = [
        losses.cross_entropy(logits, LABELS, weights=MEAN_ONE),
        losses.squared_error(logits, logits[::-1], MEAN_ONE),
        losses.gaussian_loss(logits, logits[:, :2] + 1, MEAN_ONE),
        symmetric_loss(logits, LABELS[:3], 1.0, MEAN_ONE[:3]),
    ]
    assert [gradient.dtype for _, gradient in found] == [np.float32] * 4
