"""The gradient checker itself: it passes what is right and catches what is wrong."""

from collections.abc import Callable

import numpy as np
import pytest

from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.activations.tanh import Tanh
from dropout_cli.nn.initializers import Normal
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.fast_passes import fused_parameters
from dropout_cli.nn.layers.normalization import Normalize
from dropout_cli.nn.optim.optimizers.sgd import Sgd
from dropout_cli.nn.optim.update import OptimizerState, Regularization
from dropout_cli.nn.parameter import Parameter
from tests.gradients import check_layer, directional, layer_errors, read_only

FLOAT64, WIDE = np.dtype(np.float64), Normal(weight_sd=0.5, bias_sd=0.5)
X = read_only(1.5 * stream(0, "test:x").standard_normal((7, 6)) + 0.2)


def test_directional_by_hand() -> None:
    """For f(a, b) = a^3 + 2 b: (3 a^2, 2) has no error, a thousandth more has about that, and a, b are put back."""
    a, b = np.array([1.5]), np.array([0.3])

    def f() -> float:
        return float(a[0] ** 3 + 2 * b[0])

    right, wrong = [3 * a**2, np.array([2.0])], [3.003 * a**2, np.array([2.002])]
    assert directional(f, [a, b], right, stream(0, "test")) < 1e-9
    assert 1e-4 < directional(f, [a, b], wrong, stream(0, "test")) < 2e-3
    assert (a.tolist(), b.tolist()) == ([1.5], [0.3])


class Mask(Layer):
    """Inverted dropout at rate 1/2, whose backward pass may forget its mask or be off by a factor."""

    def __init__(self, *, forgets: bool = False, factor: float = 1.0) -> None:
        """Say what is wrong."""
        super().__init__("mask")
        self._forgets, self._factor = forgets, factor

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Twice the kept half of x."""
        assert noise is not None
        self._noise = 2.0 * (noise[self.path].random(x.shape) < 0.5)
        return np.asarray(x * self._noise)

    def backward(self, dy: Array) -> Array:
        """The gradient, or not."""
        return np.asarray(dy.copy() if self._forgets else self._factor * dy * self._noise)


class Penalized(Dense):
    """A dense layer that adds 3 |W|^2 to the objective, whose backward pass may forget that, or the bias."""

    def __init__(self, *, forgets: bool = False, stale: bool = False) -> None:
        """Say what to forget."""
        super().__init__("hidden1", 6, 5, WIDE, seed=0, dtype=FLOAT64)
        self._forgets, self._stale = forgets, stale

    def penalty(self) -> float:
        """3 |W|^2."""
        return 3 * float(np.vdot(self.W.value, self.W.value))

    def gradients(self, dy: Array) -> None:
        """The gradients, or not all of them."""
        super().gradients(dy)
        if not self._forgets:
            self.W.add_gradient(self.W.value, factor=6.0)
        if self._stale:
            self.b.add_gradient(0.0, first=True)


class Direct(Penalized):
    """The same penalty, its gradient written past `Parameter.add_gradient`."""

    def gradients(self, dy: Array) -> None:
        """Right where nothing is fused."""
        Dense.gradients(self, dy)
        self.W.gradient += 6 * self.W.value


class Twice(Dense):
    """A dense layer that adds to the last pass's gradient."""

    def __init__(self) -> None:
        """As the others are."""
        super().__init__("hidden1", 6, 5, WIDE, seed=0, dtype=FLOAT64)

    def gradients(self, dy: Array) -> None:
        """`first` is forgotten."""
        self.W.add_gradient(self._x.T, dy, first=True)
        self.b.add_gradient(dy)


class NoBatchStatistics(Normalize):
    """A batch normalization that takes mean and variance for constants in its backward pass."""

    def backward(self, dy: Array) -> Array:
        """Wrong in training mode."""
        self._batch_statistics = False
        return super().backward(dy)


def test_the_checker_accepts_a_mask_and_a_penalty() -> None:
    """A masked layer and a layer with a penalty pass when their backward passes are right."""
    check_layer(Mask, X, noise=lambda: Noise(0, 1))
    check_layer(Penalized, X)


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda: Mask(forgets=True), "x"),
        (lambda: Mask(factor=0.5), "x"),
        (lambda: Mask(factor=1.0001), "x"),
        (lambda: Penalized(forgets=True), "hidden1/W"),
        (lambda: Penalized(stale=True), "hidden1/b"),
        (lambda: NoBatchStatistics("norm", 6, dtype=FLOAT64), "x"),
    ],
    ids=["no mask", "half", "a ten-thousandth too much", "no penalty", "no bias", "no batch statistics"],
)
def test_the_checker_catches_a_wrong_backward_pass(make: Callable[[], Layer], wrong: str) -> None:
    """A backward pass without its mask, factor, penalty or bias fails, at the gradient that is wrong and there only."""
    errors = layer_errors(make, X, noise=lambda: Noise(0, 1), train=True)
    assert [name for name, error in errors.items() if error > 1e-6] == [wrong]
    with pytest.raises(AssertionError, match=wrong):
        check_layer(make, X, noise=lambda: Noise(0, 1), train=True)


def test_the_checker_catches_gradients_that_differ_from_backward() -> None:
    """A layer whose `gradients` leaves other numbers than its `backward` fails."""

    class Lazy(Tanh):
        def __init__(self) -> None:
            super().__init__("act")
            self.unused = Parameter(np.ones(1))

        def parameters(self) -> dict[str, Parameter]:
            return {"act/unused": self.unused}

        def gradients(self, dy: Array) -> None:
            self.unused.gradient[...] = 1

    with pytest.raises(AssertionError, match="act/unused: `gradients` and `backward` differ"):
        check_layer(Lazy, X)


@pytest.mark.parametrize(
    ("make", "wrong"), [(Direct, "hidden1/W"), (Twice, "hidden1/b")], ids=["written directly", "added to the last"]
)
def test_the_checker_catches_a_gradient_that_breaks_the_contract(make: Callable[[], Layer], wrong: str) -> None:
    """Dense gives its gradients to the momentum; a layer derived from it that writes past `add_gradient` fails."""
    assert max(layer_errors(make, X).values()) < 1e-6  # central differences of one pass tell nothing
    with pytest.raises(AssertionError, match=f"{wrong}.*add_gradient"):
        check_layer(make, X)


def trained(make: Callable[[], Layer], *, fused: bool) -> dict[str, Array]:
    """The parameters after 200 steps of momentum on |y|^2 / 2 plus the penalty."""
    layer = make()
    descent = OptimizerState(
        Sgd(momentum=0.9), layer.parameters(), Regularization(), fused_parameters(layer) if fused else ()
    )
    for t in range(1, 201):
        descent.begin_step(0.01)
        layer.gradients(layer.forward(X, train=True) / len(X))
        descent.step(0.01, t)
    return {name: one.value for name, one in layer.parameters().items()}


def test_a_penalty_trains_the_same_whether_the_momentum_takes_its_gradient_in_or_not() -> None:
    """With `add_gradient` to rounding; written directly, the fused gradient leads away from it."""
    for name, value in trained(Penalized, fused=False).items():
        for make, fused in ((Penalized, True), (Direct, False)):
            np.testing.assert_allclose(trained(make, fused=fused)[name], value, rtol=1e-9, atol=1e-12)
    assert np.abs(trained(Direct, fused=True)["hidden1/W"]).max() > 1e3
