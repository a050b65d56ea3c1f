"""Standout: P, P (1 - P), and classic dropout as its special case."""

import math

import numpy as np
import pytest

from dropout_cli.core.rng import Noise, stream
from dropout_cli.nn.activations.identity import Identity
from dropout_cli.nn.activations.relu import Relu
from dropout_cli.variants import Location
from dropout_cli.variants.standout import Gate, Standout

PLACE = Location(path="a", kind="hidden", index=0, count=1, fan_in=1, examples=1, steps=1)
DRAWS = 10**6


def gate(**settings: float) -> Gate:
    """The gate of an identity unit."""
    return Gate(Standout(**settings), Identity("identity"), PLACE)


@pytest.mark.parametrize("z", [-1.5, 0.0, 0.7])
def test_a_unit_is_kept_with_its_own_probability(z: float) -> None:
    """E = P z and Var = P (1 - P) z^2 with P = sigmoid(alpha z + beta), within 5 standard errors; beta added once."""
    keep = 1 / (1 + math.exp(-(2 * z + 0.3)))
    y = gate(alpha=2.0, beta=0.3).forward(np.full((DRAWS, 1), z), noise=Noise(0, 0))
    assert abs(y.mean() - keep * z) <= 5 * abs(z) * math.sqrt(keep * (1 - keep) / DRAWS) + 1e-12
    squares = (y - keep * z) ** 2
    assert abs(squares.mean() - keep * (1 - keep) * z**2) <= 5 * squares.std() / math.sqrt(DRAWS) + 1e-12


def test_evaluation_multiplies_by_the_keep_probability() -> None:
    """y = P (.) f(z)."""
    z = stream(0, "test:z").standard_normal((7, 3))
    expected = np.maximum(z, 0) / (1 + np.exp(-z))
    np.testing.assert_allclose(Gate(Standout(), Relu("relu"), PLACE).forward(z), expected, rtol=1e-12)


def test_with_alpha_zero_it_is_standard_dropout() -> None:
    """The same output for the same u, the same evaluation q a."""
    q = 0.8
    variant = gate(alpha=0.0, beta=math.log(q / (1 - q)))
    a = stream(0, "test:a").standard_normal((50, 4))
    mask = Noise(0, 3)["a/dropout"].random(a.shape) < q
    assert np.array_equal(variant.forward(a, noise=Noise(0, 3)), a * mask)
    np.testing.assert_allclose(variant.forward(a), q * a, rtol=1e-12)


def test_the_gradient_goes_through_the_activation_alone() -> None:
    """dz = dy (.) m (.) f'(z): mask and probability are constants."""
    unit = Gate(Standout(), Relu("relu"), PLACE)
    z = stream(0, "test:z").standard_normal((50, 4))
    mask = Noise(0, 3)["a/dropout"].random(z.shape) < 1 / (1 + np.exp(-z))
    unit.forward(z, noise=Noise(0, 3))
    assert np.array_equal(unit.backward(np.ones_like(z)), mask * (z > 0))
