"""Masks drawn bit by bit or word by word: the probability asked for, in every place, whatever happens next to it."""

import math

import numpy as np
import pytest

from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.activations.identity import Identity
from dropout_cli.nn.initializers import Normal
from dropout_cli.nn.layers.base import Layer
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.variants import Location, Variant
from dropout_cli.variants.adaptive import Adaptive
from dropout_cli.variants.alpha import Alpha, alpha_affine
from dropout_cli.variants.batchwise import Batchwise
from dropout_cli.variants.dropconnect import DropConnect, GaussianDropConnect
from dropout_cli.variants.inverted import Inverted
from dropout_cli.variants.shakeout import Shakeout
from dropout_cli.variants.spatial import Spatial
from dropout_cli.variants.standard import Standard
from dropout_cli.variants.stochastic_depth import StochasticDepth
from dropout_cli.variants.toolkit.masks import bernoulli, keep_probability

FLOAT64 = np.dtype(np.float64)
EXTREME = [1e-6, 1e-5, 7.6e-6, 1e-4, 0.9999, 0.99999]


@pytest.mark.parametrize("rate", [0.5, 0.25, 0.75, 0.125, 0.625, 0.9375, 0.3125, 0.2, 0.1, 0.99])
def test_each_element_is_kept_with_the_probability_asked_for(rate: float) -> None:
    """Within 5 standard errors over a million elements, over each column, and for neighbours at once."""
    rows, columns, q = 10_000, 100, keep_probability(rate)
    mask = bernoulli((rows, columns), rate, stream(0, "test"))
    assert mask.dtype == bool and mask.shape == (rows, columns)
    assert abs(mask.mean() - q) < 5 * math.sqrt(q * (1 - q) / mask.size)
    assert np.abs(mask.mean(axis=0) - q).max() < 5 * math.sqrt(q * (1 - q) / rows)
    flat = mask.reshape(-1)
    for distance in (1, 8, 64):
        both = np.mean(flat[:-distance] & flat[distance:])
        assert abs(both - q * q) < 6 * math.sqrt(q * q * (1 - q * q) / mask.size)  # 5, and a little for overlaps


@pytest.mark.parametrize("rate", [0.5, 0.25, 0.2])
@pytest.mark.parametrize("size", [1, 3, 63, 64, 65, 1000])
def test_any_size_is_filled(size: int, rate: float) -> None:
    """Sizes that are no multiple of a word: over many draws the last element is as free as the first."""
    rng = stream(1, "test")
    last = [bernoulli((size,), rate, rng)[-1] for _ in range(400)]
    assert abs(np.mean(last) - (1 - rate)) < 5 * math.sqrt(rate * (1 - rate) / 400)


@pytest.mark.parametrize("rate", EXTREME)
def test_extreme_rates_are_realized(rate: float) -> None:
    """The threshold over the range of the words is the rate itself, and so is the share of 2e7 draws, to 5 errors."""
    assert keep_probability(rate) == pytest.approx(1 - rate, rel=1e-12)
    assert 1 - keep_probability(rate) == pytest.approx(rate, rel=1e-9)
    rng, draws = stream(2, "test"), 2 * 10**7
    kept = sum(int(np.count_nonzero(bernoulli((10**6,), rate, rng))) for _ in range(draws // 10**6))
    assert abs(kept - (1 - rate) * draws) < 5 * math.sqrt(rate * (1 - rate) * draws)


@pytest.mark.parametrize("rate", [1e-3, 0.01, 0.05, 0.1, 0.3, 0.8, 0.999])
def test_usual_rates_take_words_of_16_bits(rate: float) -> None:
    """Four draws for each raw word: the cheapest masks, and bytes that never change."""
    words = stream(3, "test").bit_generator.random_raw(5).view(np.uint16)[:19]
    threshold = round((1 - rate) * 2**16)
    assert np.array_equal(bernoulli((19,), rate, stream(3, "test")), words < threshold)
    assert keep_probability(rate) == threshold / 2**16


def place(width: int) -> Location:
    """The only place of a network."""
    return Location(path="a", kind="hidden", index=0, count=1, fan_in=width, examples=10, steps=1)


def kept_multiplier(layer: Layer | None, x: Array) -> float:
    """Return the smallest kept output, drawing noise until something is kept."""
    assert layer is not None
    for pass_ in range(1_000):
        y = layer.forward(x, train=True, noise=Noise(0, pass_))
        if y.any():
            return float(y[y != 0].min())
    raise AssertionError("nothing was ever kept")


@pytest.mark.parametrize(
    "variant",
    [
        Inverted(rate=0.9999),
        Adaptive(rate=0.9999, max_rate=0.9999, high=2.0),
        Spatial(rate=0.9999),
        StochasticDepth(rate=0.9999),
    ],
    ids=str,
)
def test_what_is_kept_is_scaled_by_the_rate_that_is_realized(variant: Variant) -> None:
    """1 / (1 - rate) to 1e-9, where a multiple of 2^-16 is 7 % off; a branch is ones on a skip of zeros."""
    if isinstance(variant, StochasticDepth):
        branch, skip = Identity("branch"), Scaled("skip", 0.0)
        layer: Layer | None = variant.block(branch, skip, place(1))
    else:
        layer = variant.map(place(50))
    assert kept_multiplier(layer, np.ones((40, 5, 5, 50))) == pytest.approx(1e4, rel=1e-9)


class Scaled(Layer):
    """y = scale x."""

    def __init__(self, path: str, scale: float) -> None:
        """`scale`: the factor."""
        super().__init__(path)
        self.scale = scale

    def forward(self, x: Array, *, train: bool = False, noise: object = None) -> Array:
        """Return scale x."""
        return x * self.scale

    def backward(self, dy: Array) -> Array:
        """dx = scale dy."""
        return dy * self.scale


def dense(width: int) -> Dense:
    """A linear map of weights 1 and biases 0."""
    made = Dense("a", width, 1, Normal(), seed=0, dtype=FLOAT64)
    made.W.value[...] = 1
    return made


@pytest.mark.parametrize(
    "variant", [DropConnect(rate=0.9999, masks="exact"), Shakeout(input_rate=0.9999, c=0.0)], ids=str
)
def test_masked_linear_maps_scale_by_the_rate_that_is_realized(variant: Variant) -> None:
    """One input of 1 and a weight of 1: 1 / (1 - rate) where the weight, or the input, was kept."""
    layer = variant.unit(dense(1), [], Identity("a"), place(1))
    assert kept_multiplier(layer, np.ones((100_000, 1))) == pytest.approx(1e4, rel=1e-9)


def test_all_else_that_follows_from_the_rate_is_that_of_the_rate_that_is_realized() -> None:
    """The scale of evaluation, alpha's A, DropConnect's variance and Batchwise's scale."""
    assert Standard().evaluation_scale(0.9999) == pytest.approx(1e-4, rel=1e-9)
    q, floor = 1e-5, -1.7580993408473766
    assert alpha_affine(1 - q)[0] == pytest.approx((q + floor**2 * q * (1 - q)) ** -0.5, rel=1e-6)
    assert GaussianDropConnect(DropConnect(), dense(1), 1e-6, place(1)).factor == pytest.approx(1e-6, rel=1e-5)
    unit = Batchwise(rate=0.9999).unit(dense(1), [], Identity("a"), place(1))
    assert kept_multiplier(unit, np.ones((2, 1))) == pytest.approx(1, rel=1e-9)  # one unit, which is never left out
    assert Alpha().draw((10,), 1e-6, stream(0, "test"), FLOAT64).max() == pytest.approx(alpha_affine(1e-6)[0])
