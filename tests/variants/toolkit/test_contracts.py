"""The questions that other code asks of variants and layers have methods, and every variant answers them."""

from dataclasses import dataclass

import numpy as np
import pytest

from dropout_cli.analysis.effects.heat_map import hidden_activations
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.base import Layer, NoiseSource
from dropout_cli.nn.layers.network import Network
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.variants import VARIANTS
from dropout_cli.variants.inverted import Inverted
from dropout_cli.variants.standard import Standard
from dropout_cli.variants.toolkit.rate_schedules import LinearRate

RATED = [
    "alpha",
    "batchwise",
    "dropblock",
    "dropconnect",
    "gaussian",
    "inverted",
    "shakeout",
    "spatial",
    "standard",
    "stochastic_depth",
]


UNRATED = ["adaptive", "concrete", "concrete_naive", "none", "sparse_variational", "standout", "variational"]


@pytest.mark.parametrize("name", [*RATED, *UNRATED])
def test_a_rate_can_be_set_where_the_variant_takes_one_and_does_not_learn_it(name: str) -> None:
    """`with_rate` returns the variant at that rate, and None for all others."""
    variant = VARIANTS[name]()
    assert variant.takes_rate() == (name in RATED)
    changed = variant.with_rate(0.3)
    assert (changed is not None) == (name in RATED)
    if changed is not None:
        assert type(changed) is type(variant) and changed.rates()[0] == 0.3


def test_a_rate_that_is_set_stays_in_force_and_changes_nothing_else() -> None:
    """The schedule goes; other keys keep their values."""
    variant = Inverted(rate=(0.1, 0.2), input_rate=0.25, rate_schedule=LinearRate())
    assert variant.with_rate(0.7) == Inverted(rate=0.7, input_rate=0.25)


def test_a_variant_of_another_package_takes_a_rate_by_having_the_key() -> None:
    """It need not override anything."""

    @dataclass(frozen=True, kw_only=True)
    class Own(Standard):
        strength: float = 2.0

    assert Own(strength=3.0).with_rate(0.2) == Own(strength=3.0, rate=0.2)


class Halves(Layer):
    """Returns the first half of its columns; the others are dropped."""

    def forward(self, x: Array, *, train: bool = False, noise: NoiseSource = None) -> Array:
        """Return the first half."""
        self._units = x.shape[1]
        return x[:, : self._units // 2].copy()

    def backward(self, dy: Array) -> Array:
        """Return dy in its place."""
        return self.dense_output(dy)

    def dense_output(self, y: Array) -> Array:
        """Return y and zeros."""
        return np.hstack([y, np.zeros((len(y), self._units - y.shape[1]))])


def test_hidden_units_are_those_that_the_architecture_names_whatever_their_paths() -> None:
    """Their outputs have every unit in its place, also through a sequence."""
    unit = Sequential("first", [Halves("first/halves")])
    network = Network("network", [Halves("hidden0"), unit], hidden_units=[unit])
    x = np.arange(16.0).reshape(2, 8)
    ((path, shown),) = hidden_activations(network, x, None)
    assert path == "first"
    np.testing.assert_array_equal(shown, np.hstack([x[:, :2], np.zeros((2, 2))]))


def test_a_layer_belongs_to_the_unit_that_its_path_begins_with() -> None:
    """A unit belongs to itself."""
    assert [Halves(path).unit for path in ("hidden1", "hidden1/dropout", "block1/branch/halves")] == [
        "hidden1",
        "hidden1",
        "block1",
    ]
