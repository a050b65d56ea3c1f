"""Convolution and pooling: gradients, the adjoint of gathering patches, and the same numbers as PyTorch."""

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array, DType
from dropout_cli.nn.activations.tanh import Tanh
from dropout_cli.nn.backend import threads
from dropout_cli.nn.initializers import Normal
from dropout_cli.nn.layers import convolution
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.convolution import Convolution, Padding, conv_geometry
from dropout_cli.nn.layers.normalization import Normalize, ScaleShift
from dropout_cli.nn.layers.pooling import AveragePooling, GlobalAveragePooling, MaxPooling
from dropout_cli.nn.layers.residual import Residual
from dropout_cli.nn.layers.sequential import Sequential
from tests.gradients import check_layer, read_only

FLOAT64, WIDE = np.dtype(np.float64), Normal(weight_sd=0.5, bias_sd=0.5)
X = read_only(stream(0, "test:x").standard_normal((3, 7, 6, 4)))


def conv(
    kernel: tuple[int, int] = (3, 3),
    stride: int = 1,
    padding: Padding = "same",
    *,
    bias: bool = True,
    channels: int = 4,
    dtype: DType = FLOAT64,
) -> Convolution:
    """A small convolution."""
    settings: dict[str, Any] = {"stride": stride, "padding": padding, "bias": bias, "seed": 0, "dtype": dtype}
    return Convolution("conv1", channels, 5, kernel, WIDE, **settings)


def block() -> Residual:
    """Two convolutions around a nonlinearity, and a projection beside them."""
    branch = Sequential("block1", [conv(stride=2), Tanh("tanh"), _named("conv2", 5)])
    return Residual("block1", branch, _named("skip", 4, stride=2))


def _named(path: str, channels: int, stride: int = 1) -> Convolution:
    return Convolution(path, channels, 5, (1, 1), WIDE, stride=stride, bias=False, seed=0, dtype=FLOAT64)


LAYERS: dict[str, Callable[[], Layer]] = {
    "same": conv,
    "valid": partial(conv, padding="valid"),
    "1x1": partial(conv, (1, 1), bias=False),
    "even, strided": partial(conv, (2, 4), 2),
    "valid, strided": partial(conv, (3, 2), 3, "valid"),
    "5x5 with gaps": partial(conv, (1, 1), 2),
    "max": lambda: MaxPooling("pool", 2),
    "max, overlapping": lambda: MaxPooling("pool", 3, 2),
    "max, with gaps": lambda: MaxPooling("pool", 2, 3),
    "average": lambda: AveragePooling("pool", 2),
    "average, overlapping": lambda: AveragePooling("pool", 3, 1),
    "global average": lambda: GlobalAveragePooling("pool"),
    "block": block,
}


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_are_central_differences(name: str) -> None:
    """Of the input, and of everything that is learned."""
    check_layer(LAYERS[name], X, train=True)


@pytest.mark.parametrize("name", LAYERS)
def test_the_size_of_the_chunks_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One picture at a time or all at once; and a shorter batch after a longer one."""
    whole = LAYERS[name]()
    y = whole.forward(X).copy()
    dx = whole.backward(read_only(np.ones_like(y))).copy()
    monkeypatch.setattr(convolution, "CACHED_BYTES", 1)
    layer = LAYERS[name]()
    layer.forward(X)
    assert np.allclose(layer.forward(X[:2]), y[:2], rtol=1e-12, atol=1e-12)
    assert np.allclose(layer.backward(np.ones_like(y[:2])), dx[:2], rtol=1e-12, atol=1e-12)


@settings(deadline=None, max_examples=60)
@given(
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.integers(1, 3),
    padding=st.sampled_from(["same", "valid"]),
    seed=st.integers(0, 5),
)
def test_the_backward_pass_is_the_adjoint(
    height: int, width: int, kernel: tuple[int, int], stride: int, padding: Padding, seed: int
) -> None:
    """<A x, y> = <x, A' y> for the linear map from patches to outputs, whatever the shapes."""
    rng = stream(seed, "test:adjoint")
    x = rng.standard_normal((2, height, width, 3))
    layer = conv(kernel, stride, padding, bias=False, channels=3)
    if padding == "valid" and (kernel[0] > height or kernel[1] > width):
        with pytest.raises(ValueError, match=r"a window of \d does not fit into a feature map of \d"):
            layer.forward(x)
        return
    Ax = layer.forward(x)
    y = rng.standard_normal(Ax.shape)
    assert np.vdot(Ax, y) == pytest.approx(np.vdot(x, layer.backward(y)), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize(("length", "window", "stride"), [(7, 3, 1), (8, 3, 2), (5, 2, 2), (4, 5, 1), (6, 1, 3)])
def test_same_keeps_the_length_over_the_stride(length: int, window: int, stride: int) -> None:
    """Zeros before and after differ by one at most, the odd one after."""
    found = conv_geometry(length, window, stride, "same")
    assert found.size == -(-length // stride) and 0 <= found.after - found.before <= 1
    assert (found.size - 1) * stride + window <= length + found.before + found.after


def as_torch(x: Array) -> "object":
    """NHWC -> NCHW, with a gradient."""
    return importlib.import_module("torch").tensor(np.ascontiguousarray(x.transpose(0, 3, 1, 2)), requires_grad=True)


def from_torch(x: object) -> Array:
    """NCHW -> NHWC."""
    return np.asarray(x.detach().numpy()).transpose(0, 2, 3, 1)  # type: ignore[attr-defined]


SHAPES: list[tuple[tuple[int, int], int, Padding]] = [((3, 3), 1, "same"), ((3, 2), 2, "valid"), ((5, 5), 1, "same")]


@pytest.mark.torch
@pytest.mark.parametrize(("kernel", "stride", "padding"), SHAPES)
@pytest.mark.parametrize("dtype", [np.dtype(np.float32), FLOAT64], ids=str)
def test_convolution_is_that_of_pytorch(kernel: tuple[int, int], stride: int, padding: Padding, dtype: DType) -> None:
    """Values and gradients to 1e-5 in float32, to 1e-10 in float64."""
    torch: Any = importlib.import_module("torch")
    layer, x = conv(kernel, stride, padding, dtype=dtype), X.astype(dtype)
    y = layer.forward(x)
    dy: Array = stream(0, "test:dy").standard_normal(y.shape).astype(dtype)
    dx = layer.backward(dy)
    theirs = as_torch(x)
    W = torch.tensor(np.ascontiguousarray(layer.W.value.transpose(3, 2, 0, 1)), requires_grad=True)
    assert layer.b is not None
    b = torch.tensor(layer.b.value, requires_grad=True)
    out = torch.nn.functional.conv2d(theirs, W, b, stride=stride, padding=padding)
    out.backward(torch.tensor(np.ascontiguousarray(dy.transpose(0, 3, 1, 2))))
    tolerance = 1e-5 if dtype != FLOAT64 else 1e-10
    for mine, its in (
        (y, from_torch(out)),
        (dx, from_torch(theirs.grad)),  # type: ignore[attr-defined]
        (layer.W.gradient, W.grad.numpy().transpose(2, 3, 1, 0)),
        (layer.b.gradient, b.grad.numpy()),
    ):
        assert np.allclose(mine, its, rtol=tolerance, atol=tolerance * np.abs(its).max())


@pytest.mark.torch
@pytest.mark.parametrize(("window", "stride"), [(2, 2), (3, 2), (3, 3)])
def test_max_pooling_is_that_of_pytorch(window: int, stride: int) -> None:
    """Ties go to the first place in a window, as there."""
    torch: Any = importlib.import_module("torch")
    x = np.round(X * 2) / 2  # with ties
    layer = MaxPooling("pool", window, stride)
    y = layer.forward(x)
    dy = stream(0, "test:dy").standard_normal(y.shape)
    theirs = as_torch(x)
    out = torch.nn.functional.max_pool2d(theirs, window, stride)
    out.backward(torch.tensor(np.ascontiguousarray(dy.transpose(0, 3, 1, 2))))
    assert np.array_equal(y, from_torch(out))
    assert np.allclose(layer.backward(dy), from_torch(theirs.grad), rtol=1e-12, atol=1e-12)  # type: ignore[attr-defined]


@pytest.mark.torch
def test_batch_normalization_of_maps_is_that_of_pytorch() -> None:
    """Statistics per channel over batch, rows and columns; value and gradients."""
    torch: Any = importlib.import_module("torch")
    norm, affine = Normalize("n", 4, dtype=FLOAT64), ScaleShift("a", 4, dtype=FLOAT64)
    affine.gamma.value[...] = [0.5, 1, 2, 3]
    layer = Sequential("bn", [norm, affine])
    y = layer.forward(X, train=True)
    dy = stream(0, "test:dy").standard_normal(y.shape)
    dx = layer.backward(dy)
    theirs, gamma = as_torch(X), torch.tensor(affine.gamma.value, requires_grad=True)
    beta = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    out = torch.nn.functional.batch_norm(theirs, None, None, gamma, beta, training=True, eps=norm.epsilon)
    out.backward(torch.tensor(np.ascontiguousarray(dy.transpose(0, 3, 1, 2))))
    for mine, its in (
        (y, from_torch(out)),
        (dx, from_torch(theirs.grad)),  # type: ignore[attr-defined]
        (affine.gamma.gradient, gamma.grad.numpy()),
        (affine.beta.gradient, beta.grad.numpy()),
    ):
        assert np.allclose(mine, its, rtol=1e-10, atol=1e-10)


def test_a_window_on_nothing_but_zeros_is_harmless() -> None:
    """Padding larger than the map."""
    layer = conv((5, 5))
    assert np.isfinite(layer.forward(X[:, :1, :1])).all()


def test_the_skip_is_the_input_itself_where_there_is_no_other() -> None:
    """y = x + branch(x), and dx has both."""
    layer = Residual("block", AveragePooling("pool", 1))
    assert np.allclose(layer.forward(X), 2 * X)
    assert np.allclose(layer.backward(np.ones_like(X)), 2)


@pytest.mark.parametrize("make", [MaxPooling, AveragePooling])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_windows_of_one_pixel_pick_pixels(make: type[MaxPooling] | type[AveragePooling], stride: int) -> None:
    """Every stride-th as it is; the gradient goes back to those, and none to the others."""
    x = stream(0, "test").standard_normal((2, 6, 5, 3))
    layer = make("pool", 1, stride)
    picked = x[:, ::stride, ::stride]
    y = layer.forward(x)
    assert np.array_equal(y, picked)
    dy, expected = stream(1, "test").standard_normal(y.shape), np.zeros_like(x)
    expected[:, ::stride, ::stride] = dy
    assert np.array_equal(layer.backward(dy.copy()), expected)


def test_neighbours_that_share_a_batch_learn_what_each_part_adds() -> None:
    """Divided between two threads, convolutions add up the gradients of both halves."""
    found = []
    for divided in (False, True):
        layers = [convolved("below", 4), Tanh("tanh"), convolved("above", 5)]
        network = Sequential("network", layers)
        with threads.limit_threads(2, divided=divided):
            y = network.forward(X, train=True)
            dx = network.backward(stream(0, "test:dy").standard_normal(y.shape))
        found.append([y.copy(), dx.copy(), *(one.gradient.copy() for one in network.parameters().values())])
    for whole, halves in zip(*found, strict=True):
        assert np.abs(whole).max() > 0
        np.testing.assert_allclose(halves, whole, rtol=1e-10, atol=1e-12)


def convolved(path: str, channels: int) -> Convolution:
    """Five maps from windows of three pixels."""
    return Convolution(path, channels, 5, (3, 3), WIDE, seed=0, dtype=FLOAT64)
