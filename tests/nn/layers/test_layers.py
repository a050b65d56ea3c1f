"""Every layer: its gradients, its arithmetic, and the contract of `nn.layer` (dtype, buffers, inputs unharmed)."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.initializers import Normal
from dropout_cli.nn.layers.activations import ACTIVATIONS, Gelu, Identity, Relu, Selu, Sigmoid, Tanh
from dropout_cli.nn.layers.additive_noise import AdditiveNoise
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.flatten import Flatten
from dropout_cli.nn.layers.normalization import Affine, Normalize
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


def affine(dtype: DType) -> Affine:
    """Scale and shift that are not 1 and 0."""
    layer = Affine("hidden1/affine", 6, dtype=dtype)
    layer.gamma.value[...] = np.linspace(0.5, 2, 6)
    layer.beta.value[...] = np.linspace(-1, 1, 6)
    return layer


def activation_layer(name: str, dtype: DType) -> Layer:
    """The activation of that name; it takes the dtype of its input."""
    return ACTIVATIONS[name](name)


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
    for name in ACTIVATIONS
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


def test_dense_by_hand() -> None:
    """The map y = x W + b and its gradients, worked by hand."""
    layer = dense(FLOAT64, fan_in=2, fan_out=2)
    layer.W.value[...] = [[1, 2], [3, 4]]
    layer.b.value[...] = [10, 20]
    assert layer.forward(np.array([[1.0, 1.0], [2.0, 0.0]])).tolist() == [[14, 26], [12, 24]]
    assert layer.backward(np.array([[1.0, 0.0], [0.0, 1.0]])).tolist() == [[1, 3], [2, 4]]
    assert layer.W.gradient.tolist() == [[1, 2], [1, 0]]
    assert layer.b.gradient.tolist() == [1, 1]


def test_dense_names_its_parameters_and_frees_its_bias() -> None:
    """A dense layer learns `<path>/W` and `<path>/b`; only W is regularized and bounded."""
    parameters = dense(FLOAT32, "output").parameters()
    assert list(parameters) == ["output/W", "output/b"]
    assert [(one.decay, one.max_norm) for one in parameters.values()] == [(1, 1), (0, 0)]


@pytest.mark.parametrize(
    ("activation", "values"),
    [
        (Relu, [0, 0, 0, 1, 1000]),
        (Tanh, [-1, -math.tanh(1), 0, math.tanh(1), 1]),
        (Sigmoid, [0, 1 / (1 + math.e), 0.5, 1 / (1 + 1 / math.e), 1]),
        (Gelu, [0, -0.15865525393145707, 0, 0.8413447460685429, 1000]),
        (Selu, [-1.7580993408473766, -1.1113307378125625, 0, 1.0507009873554805, 1050.7009873554805]),
        (Identity, [-1000, -1, 0, 1, 1000]),
    ],
)
@pytest.mark.parametrize("dtype", [FLOAT32, FLOAT64], ids=str)
def test_activations_by_hand(activation: type[Layer], values: list[float], dtype: DType) -> None:
    """Published values at -1000, -1, 0, 1 and 1000; far out they neither overflow nor lose their finite slope."""
    layer = activation("act")
    y = layer.forward(np.array([[-1000, -1, 0, 1, 1000]], dtype))
    np.testing.assert_allclose(y[0], values, rtol=4 * np.finfo(dtype).eps, atol=float(np.finfo(dtype).eps))
    assert np.isfinite(layer.backward(np.ones((1, 5), dtype))).all()


def test_selu_keeps_mean_zero_and_variance_one() -> None:
    """For z ~ N(0, 1) the mean of SELU(z) is 0 and that of its square 1: the fixed point that its constants solve."""
    z, dz = np.linspace(-12, 12, 240_001, retstep=True)
    density = np.exp(-z * z / 2) / math.sqrt(2 * math.pi) * dz
    y = Selu("act").forward(z[np.newaxis])[0]
    assert abs(float(np.vdot(y, density))) < 1e-6
    assert abs(float(np.vdot(y * y, density)) - 1) < 1e-6


def test_normalize_by_hand() -> None:
    """Batch 1, 5: mean 3, biased variance 4; the running averages go a tenth of the way; evaluation uses them."""
    layer = Normalize("norm", 1, dtype=FLOAT64, epsilon=1e-5)
    y = layer.forward(np.array([[1.0], [5.0]]), train=True)
    np.testing.assert_allclose(y[:, 0], np.array([-2, 2]) / math.sqrt(4 + 1e-5), rtol=1e-14)
    assert layer.state() == {"norm/mean": pytest.approx([0.3]), "norm/variance": pytest.approx([1.3])}
    layer.variance[...] = 9
    np.testing.assert_allclose(layer.forward(np.array([[1.3]])), [[1 / math.sqrt(9 + 1e-5)]], rtol=1e-14)


def test_normalize_takes_maps_as_rows() -> None:
    """On NHWC maps, statistics run over examples and places: a map equals its pixels in rows, in every pass."""
    case = CASES["normalize, training, maps"]
    maps, rows = normalize(FLOAT64), normalize(FLOAT64)
    x = batch(case)
    flat = x.reshape(-1, 6)
    np.testing.assert_array_equal(maps.forward(x, train=True).reshape(-1, 6), rows.forward(flat, train=True))
    dy = np.sin(x)
    np.testing.assert_array_equal(maps.backward(dy).reshape(-1, 6), rows.backward(dy.reshape(-1, 6)))
    np.testing.assert_array_equal(maps.variance, rows.variance)


def test_normalize_whitens_each_channel() -> None:
    """In training mode every channel comes out with mean 0 and variance v / (v + epsilon)."""
    x = batch(CASES["normalize, training, maps"], 50)
    y = normalize(FLOAT64).forward(x, train=True)
    variance = x.var(axis=(0, 1, 2))
    np.testing.assert_allclose(y.mean(axis=(0, 1, 2)), 0, atol=1e-13)
    np.testing.assert_allclose(y.var(axis=(0, 1, 2)), variance / (variance + 1e-5), rtol=1e-12)


def test_evaluation_leaves_statistics_alone() -> None:
    """Without `train`, the running statistics keep their bytes."""
    layer = normalize(FLOAT32)
    before = [value.tobytes() for value in layer.state().values()]
    layer.forward(batch(CASES["dense"], dtype=FLOAT32))
    assert [value.tobytes() for value in layer.state().values()] == before


def test_running_statistics_approach_those_of_the_data() -> None:
    """After 200 batches of one distribution, the running mean and variance are those of the batches, to .9^200."""
    layer, x = Normalize("norm", 6, dtype=FLOAT64), batch(CASES["dense"], 50)
    for _ in range(200):
        layer.forward(x, train=True)
    np.testing.assert_allclose(layer.mean, x.mean(axis=0), atol=1e-8)
    np.testing.assert_allclose(layer.variance, x.var(axis=0), atol=1e-8)


def test_additive_noise_has_its_mean_and_standard_deviation() -> None:
    """The noise y - x has mean 0 and the standard deviation asked for, within 5 standard errors."""
    n, sd = 200_000, 0.3
    x = np.full((n, 1), 2.0)
    eps = AdditiveNoise("noise", sd).forward(x, noise=Noise(0, 1)) - x
    assert abs(eps.mean()) < 5 * sd / math.sqrt(n)
    assert abs(eps.std() - sd) < 5 * sd / math.sqrt(2 * n)  # the standard error of a normal sample's deviation


def test_additive_noise_draws_from_the_stream_of_its_path_alone() -> None:
    """It asks for the generator of its own path, and without noise it returns x itself."""
    layer, x, noise = AdditiveNoise("hidden1/noise", 0.3), np.zeros((2, 3)), Noise(0, 1)
    layer.forward(x, noise=noise)
    assert list(noise) == ["hidden1/noise"]
    assert layer.forward(x, train=True) is x


def test_flatten_orders_pixels_as_they_lie_and_puts_them_back() -> None:
    """A picture becomes a row in C order, and dy becomes a picture again."""
    layer, x = Flatten("flat"), np.arange(24.0).reshape(2, 2, 3, 2)
    y = layer.forward(x)
    assert y.tolist() == [list(range(12)), list(range(12, 24))]
    np.testing.assert_array_equal(layer.backward(y), x)


def test_initial_weights_depend_on_path_and_seed_alone() -> None:
    """Layers of equal path and seed start with the same bytes; another path or seed starts elsewhere."""
    first = dense(FLOAT32, "hidden1").W.value
    assert dense(FLOAT32, "hidden1").W.value.tobytes() == first.tobytes()
    assert dense(FLOAT32, "hidden2").W.value.tobytes() != first.tobytes()
    assert Dense("hidden1", 6, 5, WIDE, seed=1, dtype=FLOAT32).W.value.tobytes() != first.tobytes()
