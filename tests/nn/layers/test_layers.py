"""Every layer: its gradients, its arithmetic, and the contract of `Layer` (dtype, buffers, inputs unharmed)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.activations import ACTIVATIONS
from dropout_cli.nn.activations.gelu import Gelu
from dropout_cli.nn.activations.identity import Identity
from dropout_cli.nn.activations.relu import Relu
from dropout_cli.nn.activations.tanh import Tanh
from dropout_cli.nn.initializers import Normal
from dropout_cli.nn.layers.additive_noise import AdditiveNoise
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.flatten import Flatten
from dropout_cli.nn.layers.normalization import Normalize, ScaleShift
from dropout_cli.nn.layers.sequential import Sequential
from tests.gradients import check_layer, read_only

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
WIDE = Normal(weight_sd=0.5, bias_sd=0.5)
VECTOR, PICTURE = (6,), (3, 4, 6)


def dense(dtype: DType, path: str = "hidden1", fan_in: int = 6, fan_out: int = 5) -> Dense:
    """A small dense layer with biases."""
    return Dense(path, fan_in, fan_out, WIDE, seed=0, dtype=dtype)


def normalize(dtype: DType) -> Normalize:
    """Batch normalization whose running statistics are not those it starts with."""
    layer = Normalize("hidden1/norm", 6, dtype=dtype)
    layer.mean[...] = np.linspace(-1, 1, 6)
    layer.variance[...] = np.linspace(0.5, 2, 6)
    return layer


def affine(dtype: DType) -> ScaleShift:
    """Scale and shift that are not 1 and 0."""
    layer = ScaleShift("hidden1/affine", 6, dtype=dtype)
    layer.gamma.value[...] = np.linspace(0.5, 2, 6)
    layer.beta.value[...] = np.linspace(-1, 1, 6)
    return layer


def activation_layer(name: str, dtype: DType) -> Layer:
    """Return the activation of that name."""
    return ACTIVATIONS[name](name, dtype=dtype)


def network(dtype: DType) -> Sequential:
    """A picture's way through every kind of layer."""
    unit = Sequential("hidden1", [Dense("hidden1", 72, 6, WIDE, seed=1, dtype=dtype), normalize(dtype), affine(dtype)])
    last = dense(dtype, "output", 6, 3)
    return Sequential("net", [Flatten("flat"), AdditiveNoise("input", 0.3), unit, Gelu("act"), Identity("id"), last])


@dataclass(frozen=True)
class Case:
    """A layer, the shape of its examples, and the mode it is in."""

    make: Callable[[DType], Layer]
    shape: Shape = VECTOR
    train: bool = False
    noisy: bool = False

    def noise(self) -> NoiseSource:
        """The same streams at every call."""
        return Noise(0, 1) if self.noisy else None

    def forward(self, layer: Layer, x: Array) -> Array:
        """A forward pass in this mode."""
        return layer.forward(x, train=self.train, noise=self.noise())


CASES = {
    "dense": Case(dense),
    "normalize, evaluation": Case(normalize),
    "normalize, evaluation, maps": Case(normalize, PICTURE),
    "normalize, training": Case(normalize, train=True),
    "normalize, training, maps": Case(normalize, PICTURE, train=True),
    "affine": Case(affine),
    "affine, maps": Case(affine, PICTURE),
    "additive noise": Case(lambda dtype: AdditiveNoise("noise", 0.3), PICTURE, noisy=True),
    "additive noise, off": Case(lambda dtype: AdditiveNoise("noise", 0.3)),
    "flatten": Case(lambda dtype: Flatten("flat"), PICTURE),
    "sequential, evaluation": Case(network, PICTURE),
    "sequential, training": Case(network, PICTURE, train=True, noisy=True),
    "sequential that learns nothing": Case(lambda dtype: Sequential("net", [Flatten("flat"), Tanh("act")]), PICTURE),
} | {
    f"{name}, {kind}": Case(partial(activation_layer, name), shape)
    for name, _ in ACTIVATIONS
    for kind, shape in (("vectors", VECTOR), ("maps", PICTURE))
}

every_layer = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


def batch(case: Case, n: int = 7, dtype: DType = FLOAT64) -> Array:
    """A read-only batch of n examples, neither centered nor of unit variance."""
    return read_only((1.5 * stream(0, "test:x").standard_normal((n, *case.shape)) + 0.2).astype(dtype))


@every_layer
def test_gradients_agree_with_central_differences(case: Case) -> None:
    """In float64, dx and all gradients agree with central differences; `gradients` leaves what `backward` does."""
    check_layer(lambda: case.make(FLOAT64), batch(case), noise=case.noise, train=case.train)


def test_relu_has_slope_zero_at_zero() -> None:
    """At exactly 0, where no difference can tell, the derivative of ReLU is 0."""
    layer = Relu("act")
    layer.forward(np.array([[-1.0, 0.0, 2.0]]))
    assert layer.backward(np.full((1, 3), 5.0)).tolist() == [[0, 0, 5]]


@every_layer
def test_inputs_come_out_unharmed(case: Case) -> None:
    """Neither pass changes a byte of x or dy, though it could."""
    layer, x = case.make(FLOAT32), batch(case, dtype=FLOAT32).copy()
    x_before = x.tobytes()
    y = case.forward(layer, x)
    dy = np.linspace(-1, 1, y.size, dtype=np.float32).reshape(y.shape)
    dy_before = dy.tobytes()
    layer.backward(dy)
    assert x.tobytes() == x_before
    assert dy.tobytes() == dy_before


def arrays_in(layer: Layer) -> list[Array]:
    """All arrays that the layer and those inside it hold, buffers, statistics, parameters and gradients."""
    mine = [*vars(layer).values(), *layer._buffers.values(), *layer.state().values()]
    mine += [array for one in layer.parameters().values() for array in (one.value, one.gradient)]
    inner = [array for part in getattr(layer, "layers", ()) for array in arrays_in(part)]
    return [array for array in mine if isinstance(array, np.ndarray)] + inner


@every_layer
def test_float32_stays_float32(case: Case) -> None:
    """Float32 in, float32 out: y, dx, gradients, statistics and all that is kept between the passes."""
    layer, x = case.make(FLOAT32), batch(case, dtype=FLOAT32)
    y = case.forward(layer, x)
    dx = layer.backward(read_only(np.ones_like(y)))
    assert y.dtype == dx.dtype == FLOAT32
    assert dx.shape == x.shape
    assert {array.dtype for array in arrays_in(layer)} <= {FLOAT32, np.dtype(bool)}


@every_layer
def test_a_short_batch_after_a_long_one_is_right(case: Case) -> None:
    """Buffers that were filled by a longer batch leave no trace in the outputs and gradients of a shorter one."""
    used, fresh = case.make(FLOAT64), case.make(FLOAT64)
    long, short = batch(case, 9), batch(case, 4)
    for x in (batch(case, 2), long, short, long):
        y, expected = case.forward(used, x), case.forward(fresh if x is short else case.make(FLOAT64), x)
        np.testing.assert_allclose(y, expected, rtol=1e-12, atol=1e-14)
        if x is short:
            dy = read_only(np.cos(np.arange(y.size, dtype=float)).reshape(y.shape))
            np.testing.assert_allclose(used.backward(dy), fresh.backward(dy), rtol=1e-12, atol=1e-14)
            for mine, its in zip(used.parameters().values(), fresh.parameters().values(), strict=True):
                np.testing.assert_allclose(mine.gradient, its.gradient, rtol=1e-12, atol=1e-14)
        else:
            used.backward(np.full(y.shape, 1e9))


@every_layer
def test_what_a_layer_returned_stands_while_another_works(case: Case) -> None:
    """Both y and dx keep their bytes while another layer of the same kind, and of the same path, does its passes."""
    one, other, x = case.make(FLOAT64), case.make(FLOAT64), batch(case)
    y = case.forward(one, x)
    y_before = y.tobytes()
    case.forward(other, read_only(x * 2))
    assert y.tobytes() == y_before
    dx = one.backward(read_only(np.ones_like(y)))
    dx_before = dx.tobytes()
    other.backward(read_only(np.full(y.shape, 2.0)))
    case.forward(other, read_only(x * 3))
    assert dx.tobytes() == dx_before


@every_layer
def test_the_same_stream_gives_the_same_bytes(case: Case) -> None:
    """Two passes with equal streams, statistics put back in between, return the same bytes."""
    layer, x = case.make(FLOAT32), batch(case, dtype=FLOAT32)
    state = {name: value.copy() for name, value in layer.state().items()}
    first = case.forward(layer, x).tobytes()
    layer.load_state(state)
    assert case.forward(layer, x).tobytes() == first


def test_memory_is_kept_for_shorter_batches_and_has_the_type_that_is_asked_for() -> None:
    """A shorter batch is answered in the memory of a longer one, a longer or another type in memory of its own."""
    layer, x = Relu("a"), np.ones((8, 3))
    whole = layer.forward(x)
    assert np.shares_memory(layer.forward(x[:5]), whole) and np.shares_memory(layer.forward(x), whole)
    longer = layer.forward(np.ones((9, 3)))
    assert longer.shape == (9, 3) and not np.shares_memory(longer, whole)
    single = layer.forward(x.astype(np.float32))
    assert single.dtype == np.float32 and np.array_equal(single, np.ones((8, 3)))
