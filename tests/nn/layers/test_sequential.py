"""Containers speak for the layers in them, and compute no gradient that nobody needs."""

import numpy as np
import pytest

from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.nn.activations.identity import Identity
from dropout_cli.nn.activations.relu import Relu
from dropout_cli.nn.activations.tanh import Tanh
from dropout_cli.nn.backend import threads
from dropout_cli.nn.initializers import He
from dropout_cli.nn.layers.additive_noise import AdditiveNoise
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.fast_passes import PassOptimizations
from dropout_cli.nn.layers.flatten import Flatten
from dropout_cli.nn.layers.normalization import Normalize, ScaleShift
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.nn.optim.optimizers.sgd import Sgd
from dropout_cli.nn.parameter import Parameter
from dropout_cli.nn.summary import summarize_network
from dropout_cli.training.state import Learner
from dropout_cli.variants.inverted import Inverted

FLOAT32 = np.dtype(np.float32)


def network() -> Sequential:
    """A picture of 3 x 4 x 6 to three logits, by way of six normalized units."""
    unit: list[Layer] = [
        Dense("hidden1", 72, 6, He(), seed=1, dtype=FLOAT32),
        Normalize("hidden1/norm", 6, dtype=FLOAT32),
        ScaleShift("hidden1/affine", 6, dtype=FLOAT32),
        Tanh("hidden1/act"),
    ]
    last = Dense("output", 6, 3, He(), seed=1, dtype=FLOAT32)
    return Sequential("net", [Flatten("flat"), AdditiveNoise("input", 0.3), Sequential("hidden1", unit), last])


class Told(Layer):
    """Learns a number, penalizes itself and remembers the step; backward is refused where nobody should ask for it."""

    def __init__(self, path: str, *, learns: bool = True) -> None:
        """Say whether there is a number to learn."""
        super().__init__(path)
        self._learned = {f"{path}/a": Parameter(np.ones(1))} if learns else {}
        self.step = -1

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return x itself."""
        return x

    def backward(self, dy: Array) -> Array:
        """Refuse."""
        raise AssertionError(f"{self.path} was asked for a dx that nobody needs")

    def gradients(self, dy: Array) -> None:
        """Nothing to do."""

    def set_step(self, step: int) -> None:
        """Remember."""
        self.step = step

    def parameters(self) -> dict[str, Parameter]:
        """The number."""
        return self._learned

    def penalty(self) -> float:
        """1.5."""
        return 1.5

    def columns(self) -> dict[str, float]:
        """The step."""
        return {f"{self.path}/step": self.step}


class Keeping(Layer):
    """Returns arrays that it goes on needing, and says nothing of lending them."""

    def __init__(self, path: str, y: Array, dx: Array) -> None:
        """Take the arrays."""
        super().__init__(path)
        self.y, self.dx = y, dx

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return y."""
        return self.y

    def backward(self, dy: Array) -> Array:
        """Return dx."""
        return self.dx


def test_a_layer_that_says_nothing_keeps_its_arrays() -> None:
    """Neighbours that compute in place where they may leave its y and its dx as they are."""
    y, dx = (stream(0, f"test:{name}").standard_normal((4, 3)) for name in ("y", "dx"))
    keeping = Keeping("mine", y.copy(), dx.copy())
    net = Sequential("net", [Relu("below"), keeping, Relu("above")])
    above = net.forward(-np.ones((4, 3)), train=True)
    assert np.array_equal(above, np.maximum(y, 0)) and np.array_equal(keeping.y, y)
    assert not net.backward(np.ones((4, 3))).any() and np.array_equal(keeping.dx, dx)


def test_gradients_asks_nobody_for_a_dx_that_nobody_needs() -> None:
    """Below the lowest layer that learns, `gradients` calls nothing, and there it calls `gradients` alone."""
    below, lowest = Told("input", learns=False), Told("hidden1")
    net = Sequential("net", [below, lowest, Identity("act")])
    net.gradients(np.zeros((1, 2)))
    with pytest.raises(AssertionError, match="hidden1 was asked"):
        net.backward(np.zeros((1, 2)))


def test_sequential_speaks_for_all_its_layers() -> None:
    """Parameters, penalties, columns and the step pass through containers within containers; names stay as given."""
    one, two = Told("hidden1"), Told("hidden2")
    net = Sequential("net", [Sequential("unit", [one, Tanh("act")]), two])
    net.set_step(7)
    assert (one.step, two.step) == (7, 7)
    assert list(net.parameters()) == ["hidden1/a", "hidden2/a"]
    assert net.penalty() == 3.0
    assert net.columns() == {"hidden1/step": 7, "hidden2/step": 7}


def test_sequential_hands_state_on_to_whom_it_belongs() -> None:
    """`state` holds live arrays of all layers, and `load_state` of an equal network takes them over."""
    trained, fresh = network(), network()
    x = stream(0, "test:x").standard_normal((7, 3, 4, 6), dtype=np.float32)
    trained.forward(x, train=True)
    assert list(trained.state()) == ["hidden1/norm/mean", "hidden1/norm/variance"]
    fresh.load_state(trained.state())
    for name, value in fresh.state().items():
        assert value.tobytes() == trained.state()[name].tobytes()
        assert value is not trained.state()[name]


def test_outline_tells_shapes_parameters_and_noise() -> None:
    """The outline has a line per innermost layer; noise is marked where a layer drew some."""
    lines = [(line.path, line.shape, line.parameters, line.noisy) for line in summarize_network(network(), (3, 4, 6))]
    assert lines == [
        ("flat", (72,), 0, False),
        ("input", (72,), 0, True),
        ("hidden1", (6,), 72 * 6 + 6, False),
        ("hidden1/norm", (6,), 0, False),
        ("hidden1/affine", (6,), 12, False),
        ("hidden1/act", (6,), 0, False),
        ("output", (3,), 21, False),
    ]


def test_a_network_is_split_at_the_last_dropout() -> None:
    """The head holds one dropout, the last; both parts together are the network."""
    around = BuildContext(shape=(5,), outputs=3, examples=100, steps=50, seed=7, dtype=np.dtype(np.float64))
    net = Mlp(hidden=(4, 4, 4)).build(Inverted(rate=0.3), around)
    parts = net.split_at_dropout()
    assert parts is not None
    features, head = parts
    x = stream(0, "test:x").standard_normal((6, 5))
    assert np.array_equal(head.forward(features.forward(x).copy()), net.forward(x))
    assert [layer.holds_dropout() for layer in head.layers].count(True) == 1


class Plain(Layer):
    """y = x W, with the plain contract alone."""

    def __init__(self, path: str, W: Array) -> None:
        """Take the weights."""
        super().__init__(path)
        self.W = Parameter(W.copy())

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return x W."""
        self.x = x
        return np.asarray(x @ self.W.value)

    def backward(self, dy: Array) -> Array:
        """Return dy W'."""
        self.W.add_gradient(self.x.T @ dy, first=True)
        return np.asarray(dy @ self.W.value.T)

    def parameters(self) -> dict[str, Parameter]:
        """The weights."""
        return {f"{self.path}/W": self.W}


class Fused(Plain, PassOptimizations):
    """The same, which declares all that a layer may declare."""

    releases_output = releases_dx = True

    def fused_parameters(self) -> list[Parameter]:
        """The weights."""
        return [self.W]


@pytest.mark.parametrize("divided", [False, True])
def test_a_plain_layer_learns_what_one_with_every_optimization_learns(divided: bool) -> None:
    """Between layers that work in place, under a momentum, with threads that share the batch and without."""
    weights = stream(0, "test:W").standard_normal((6, 6))
    found = []
    for kind in (Plain, Fused):
        layers = [Relu("a"), kind("mine", weights), Relu("b"), kind("last", weights[:, :2]), Identity("c")]
        net = Sequential("net", layers)
        learner = Learner(net, Sgd(momentum=0.9))
        assert len(net.fused_parameters()) == (0 if kind is Plain else 2)
        with threads.limit_threads(2, divided=divided):
            for step in range(3):
                learner.begin_step(0.1)
                y = net.forward(stream(step, "test:x").standard_normal((8, 6)), train=True)
                net.gradients(y / 8)
                learner.advance(0.1)
        found.append([one.value.copy() for one in net.parameters().values()])
    for plain, fused, start in zip(*found, (weights, weights[:, :2]), strict=True):
        np.testing.assert_allclose(plain, fused, rtol=1e-12, atol=1e-12)
        assert np.abs(plain - start).max() > 1e-2
