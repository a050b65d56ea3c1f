"""A sequence is divided below its last place of dropout; losses and layers leave their inputs as they are."""

import numpy as np
import pytest

from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.nn import losses
from dropout_cli.nn.layers.dense import Dense
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.variants import Location, NoisyActivation
from dropout_cli.variants.inverted import Inverted
from tests.nn.layers.test_layers import FLOAT64, WIDE


def noise(path: str) -> NoisyActivation:
    """A place of dropout."""
    return NoisyActivation(
        Inverted(), 0.5, Location(path=path, kind="hidden", index=0, count=2, fan_in=4, examples=9, steps=9)
    )


def test_a_sequence_is_divided_below_its_last_place_of_dropout() -> None:
    """The head begins with that place; the layers are the same objects."""
    layers = [Dense("a", 4, 4, WIDE, seed=0, dtype=FLOAT64), noise("a"), Dense("b", 4, 4, WIDE, seed=0, dtype=FLOAT64)]
    last = [noise("b"), Dense("c", 4, 2, WIDE, seed=0, dtype=FLOAT64)]
    parts = Sequential("network", [*layers, *last]).split_at_dropout()
    assert parts is not None
    assert list(parts[0].layers) == layers and list(parts[1].layers) == last
    assert Sequential("network", [noise("a"), layers[0]]).split_at_dropout() is None
    assert Sequential("network", [layers[0], layers[2]]).split_at_dropout() is None


@pytest.mark.parametrize("loss", [losses.squared_error, losses.gaussian_loss])
def test_losses_of_regressions_leave_the_outputs_alone(loss: object) -> None:
    """The gradient is an array of its own."""
    targets = stream(0, "test:y").standard_normal((5, 2))
    outputs: Array = stream(0, "test:x").standard_normal((5, 2 if loss is losses.squared_error else 4))
    before = outputs.copy()
    _, gradient = loss(outputs, targets)  # type: ignore[operator]
    assert np.array_equal(outputs, before) and not np.shares_memory(gradient, outputs)
