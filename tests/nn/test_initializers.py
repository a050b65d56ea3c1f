"""First weights: their standard deviations are the schemes', within 5 standard errors; draws do not depend on dtype."""

import dataclasses
import math

import numpy as np
import pytest

from dropout_cli.core.registry import UnknownName
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Shape
from dropout_cli.nn.activations import ACTIVATIONS
from dropout_cli.nn.initializers import INITIALIZERS, Glorot, He, Initializer, LeCun, Normal
from dropout_cli.nn.layers.dense import Dense

DENSE, KERNEL = (300, 200), (3, 3, 40, 60)
EXPECTED: list[tuple[type[Initializer], Shape, float]] = [
    (He, DENSE, math.sqrt(2 / 300)),
    (Glorot, DENSE, math.sqrt(2 / 500)),
    (LeCun, DENSE, math.sqrt(1 / 300)),
    (Normal, DENSE, 0.01),
    (He, KERNEL, math.sqrt(2 / 360)),
    (Glorot, KERNEL, math.sqrt(2 / (360 + 540))),
    (LeCun, KERNEL, math.sqrt(1 / 360)),
    (Normal, KERNEL, 0.01),
]


def test_the_schemes_are_found_by_name_frozen_and_take_keys_by_name() -> None:
    """A network cannot change the distribution of its weights; an unknown name is not an initializer."""
    assert INITIALIZERS.names() == ["glorot", "he", "lecun", "normal"]
    with pytest.raises(UnknownName, match="unknown initializer 'xavier'"):
        INITIALIZERS["xavier"]
    for _, cls in INITIALIZERS:
        made = cls()
        assert hash(made) == hash(cls())
        for field in dataclasses.fields(cls):
            assert field.kw_only
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(made, field.name, getattr(made, field.name))


@pytest.mark.parametrize("distribution", ["normal", "uniform"])
@pytest.mark.parametrize(("cls", "shape", "sd"), EXPECTED)
def test_weights_have_the_schemes_mean_and_deviation(
    cls: type[Initializer], shape: Shape, sd: float, distribution: str
) -> None:
    """Mean 0 and the scheme's deviation, within 5 standard errors; a kernel's fans count its whole window."""
    weights = cls(distribution=distribution).weights(shape, stream(0, "test"))  # type: ignore[arg-type]
    n = math.prod(shape)
    # Var(s^2) / sd^4 = (kurtosis - 1) / n; the deviation's relative error is half of its root
    kurtosis = 3 if distribution == "normal" else 9 / 5
    assert weights.shape == shape
    assert abs(weights.mean()) < 5 * sd / math.sqrt(n)
    assert abs(weights.std() / sd - 1) < 5 * math.sqrt((kurtosis - 1) / n) / 2


@pytest.mark.parametrize("cls", [He, Glorot, LeCun, Normal])
def test_uniform_weights_end_where_they_must(cls: type[Initializer]) -> None:
    """A uniform distribution of deviation sd ends at sqrt(3) sd and is filled up to there; a normal one goes on."""
    edge = math.sqrt(3) * cls().sd(*DENSE)
    uniform = cls(distribution="uniform").weights(DENSE, stream(0, "test"))
    assert 0.999 * edge < np.abs(uniform).max() <= edge
    assert np.abs(cls().weights(DENSE, stream(0, "test"))).max() > 2 * edge


def test_biases_start_at_zero_or_with_their_own_deviation() -> None:
    """By default every bias is 0; `bias_sd` spreads them, within 5 standard errors."""
    n = 100_000
    assert not He().biases(n, stream(0, "test")).any()
    biases = He(bias_sd=0.2).biases(n, stream(0, "test"))
    assert abs(biases.mean()) < 5 * 0.2 / math.sqrt(n)
    assert abs(biases.std() / 0.2 - 1) < 5 * math.sqrt(2 / n) / 2


@pytest.mark.parametrize("cls", [He, Glorot, LeCun, Normal])
@pytest.mark.parametrize("distribution", ["normal", "uniform"])
def test_float32_weights_are_the_float64_weights_rounded(cls: type[Initializer], distribution: str) -> None:
    """A layer of float32 starts from the same draws as one of float64."""
    initializer = cls(distribution=distribution, bias_sd=0.1)  # type: ignore[arg-type]
    single = Dense("hidden1", 30, 20, initializer, seed=3, dtype=np.dtype(np.float32))
    double = Dense("hidden1", 30, 20, initializer, seed=3, dtype=np.dtype(np.float64))
    for one, other in ((single.W, double.W), (single.b, double.b)):
        assert one.value.dtype == one.gradient.dtype == np.float32
        assert other.value.dtype == other.gradient.dtype == np.float64
        np.testing.assert_array_equal(one.value, other.value.astype(np.float32))


def test_bias_sd_leaves_the_weights_alone() -> None:
    """W and b have streams of their own: drawing biases changes no weight."""
    plain = Dense("hidden1", 30, 20, He(), seed=3, dtype=np.dtype(np.float32))
    spread = Dense("hidden1", 30, 20, He(bias_sd=0.1), seed=3, dtype=np.dtype(np.float32))
    assert plain.W.value.tobytes() == spread.W.value.tobytes()
    assert spread.b.value.any()


def test_auto_suits_the_activation() -> None:
    """`initializer: auto` is He for ReLU and GELU, LeCun for SELU, Glorot for the others."""
    found = {name: cls.initializer for name, cls in ACTIVATIONS}
    assert found["relu"] == found["gelu"] == He()
    assert found["selu"] == LeCun()
    assert found["tanh"] == found["sigmoid"] == found["identity"] == Glorot()
    assert INITIALIZERS.names() == ["glorot", "he", "lecun", "normal"]
