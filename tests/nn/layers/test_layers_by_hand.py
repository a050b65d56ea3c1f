"""Layers against values worked out by hand, and the laws of single layers."""

import math

import numpy as np
import pytest

from dropout_cli.core.rng import Noise
from dropout_cli.core.types import DType
from dropout_cli.nn.activations.gelu import Gelu
from dropout_cli.nn.activations.identity import Identity
from dropout_cli.nn.activations.relu import Relu
from dropout_cli.nn.activations.selu import Selu
from dropout_cli.nn.activations.sigmoid import Sigmoid
from dropout_cli.nn.activations.tanh import Tanh
from dropout_cli.nn.layers.additive_noise import AdditiveNoise
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.flatten import Flatten
from dropout_cli.nn.layers.normalization import Normalize
from tests.nn.layers.test_layers import CASES, FLOAT32, FLOAT64, WIDE, batch, dense, normalize


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
