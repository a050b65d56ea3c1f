"""Spatial dropout: whole maps, inverted dropout per map, and plain dropout on dense layers."""

import numpy as np
import pytest

from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.cnn import Cnn
from dropout_cli.core.rng import Noise, stream
from dropout_cli.variants.inverted import Inverted
from dropout_cli.variants.spatial import Spatial

FLOAT64 = np.dtype(np.float64)


def test_a_dropped_channel_is_zero_over_the_whole_map() -> None:
    """One draw per example and channel, broadcast over the pixels."""
    drawn = Spatial().draw((50, 6, 5, 8), 0.4, stream(0, "test"), FLOAT64)
    assert drawn.shape == (50, 1, 1, 8)
    assert 0 < np.count_nonzero(drawn) < drawn.size


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_a_map_is_multiplied_with_mean_one(rate: float) -> None:
    """E = 1 and Var = r / q, counted in maps and not in pixels."""
    maps = 400_000
    drawn = Spatial().draw((maps // 100, 3, 3, 100), rate, stream(1, "test"), FLOAT64)
    variance = rate / (1 - rate)
    assert drawn.size == maps
    assert abs(drawn.mean() - 1) <= 5 * np.sqrt(variance / maps)
    squares = (drawn - 1) ** 2
    assert abs(squares.mean() - variance) <= 5 * squares.std() / np.sqrt(maps)


def test_dense_layers_drop_element_by_element() -> None:
    """At `dense_rate`, with the draw of inverted dropout."""
    ours = Spatial().draw((7, 9), 0.5, stream(2, "test"), FLOAT64)
    assert np.array_equal(ours, Inverted().draw((7, 9), 0.5, stream(2, "test"), FLOAT64))
    around = BuildContext(shape=(6, 6, 1), outputs=3, examples=10, steps=10, seed=0)
    network = Cnn(layers=("conv 40 3x3", "pool 2", "dense 400")).build(Spatial(rate=0.25, dense_rate=0.6), around)
    network.forward(np.ones((50, 6, 6, 1), np.float32), train=True, noise=Noise(0, 1))
    columns = network.columns()
    assert columns["conv1/dropout/rate"] == 0.25 and columns["hidden1/dropout/rate"] == 0.6
    for place, rate, draws in (("conv1", 0.25, 50 * 40), ("hidden1", 0.6, 50 * 400)):
        realized = columns[f"{place}/dropout/realized_rate"]
        assert abs(realized - rate) <= 5 * np.sqrt(rate * (1 - rate) / draws)
