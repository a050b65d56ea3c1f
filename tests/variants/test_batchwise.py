"""Batchwise dropout: the dense network with that mask, and the moments of its masks."""

import math
from pathlib import Path

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.architectures import BuildContext
from dropout_cli.architectures.mlp import Mlp
from dropout_cli.core.errors import ConfigError
from dropout_cli.core.rng import Noise, stream
from dropout_cli.core.types import Array
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.variants import Location
from dropout_cli.variants.batchwise import Batchwise, MaskedUnit, UnitMask
from dropout_cli.variants.none import NoDropout
from dropout_cli.variants.toolkit.base import Variant
from tests.gradients import check_layer

RATE, INPUT_RATE = 0.5, 0.25


def network(variant: Variant, *, batch_norm: bool = False) -> Sequential:
    """Five inputs, hidden layers of 8 and 6, three logits."""
    around = BuildContext(shape=(5,), outputs=3, examples=100, steps=50, seed=7, dtype=np.dtype(np.float64))
    return Mlp(hidden=(8, 6), activation="tanh", batch_norm=batch_norm).build(variant, around)


def masks(net: Sequential) -> list[Array]:
    """(1 - rate^units) / keep for what the last pass kept, 0 for the rest: of the input and both hidden layers."""
    rates = {"input": INPUT_RATE, "hidden1": RATE, "hidden2": RATE}
    found = []
    for unit in net.layers:
        if isinstance(unit, MaskedUnit):
            assert unit.mask.kept is not None
            units = {"input": 5, "hidden1": 8, "hidden2": 6}[unit.path]
            scale = (1 - rates[unit.path] ** units) / (1 - rates[unit.path])
            found.append(np.isin(np.arange(units), unit.mask.kept) * scale)
    return found


def test_output_and_gradients_equal_the_dense_network_with_that_mask() -> None:
    """Batchwise = the dense network with that mask: logits, and every parameter's gradient."""
    net, dense = network(Batchwise(rate=RATE, input_rate=INPUT_RATE)), network(NoDropout())
    x, dy = stream(1, "test:x").standard_normal((9, 5)), stream(1, "test:dy").standard_normal((9, 3))
    logits = net.forward(x, train=True, noise=Noise(0, 1)).copy()
    net.gradients(dy)
    m0, m1, m2 = masks(net)
    p = {name: one.value for name, one in dense.parameters().items()}
    a1 = np.tanh((x * m0) @ p["hidden1/W"] + p["hidden1/b"])
    a2 = np.tanh((a1 * m1) @ p["hidden2/W"] + p["hidden2/b"])
    np.testing.assert_allclose(logits, (a2 * m2) @ p["output/W"] + p["output/b"], rtol=1e-12)
    dz2 = (dy @ p["output/W"].T) * m2 * (1 - a2**2)
    dz1 = (dz2 @ p["hidden2/W"].T) * m1 * (1 - a1**2)
    expected = {
        "hidden1/W": (x * m0).T @ dz1,
        "hidden1/b": dz1.sum(axis=0),
        "hidden2/W": (a1 * m1).T @ dz2,
        "hidden2/b": dz2.sum(axis=0),
        "output/W": (a2 * m2).T @ dy,
        "output/b": dy.sum(axis=0),
    }
    for name, one in net.parameters().items():
        np.testing.assert_allclose(one.gradient, expected[name], rtol=1e-10, atol=1e-13)
    assert np.all(net.parameters()["hidden2/W"].gradient[m1 == 0] == 0)


def test_the_matrix_products_run_on_the_kept_units_alone() -> None:
    """The output of a masked unit has as many columns as it kept."""
    net = network(Batchwise(rate=RATE, input_rate=INPUT_RATE))
    x = stream(1, "test:x").standard_normal((9, 5))
    for layer in net.layers:
        x = layer.forward(x, train=True, noise=Noise(0, 1))
        if isinstance(layer, MaskedUnit):
            kept = layer.mask.kept
            assert kept is not None and x.shape == (9, len(kept))
            whole = layer.dense_output(x)
            assert np.array_equal(whole[:, kept], x)
            assert np.count_nonzero(np.abs(whole).sum(axis=0)) == len(kept)


def test_gradients_hold_with_batch_normalization_too() -> None:
    """All units of a layer are then computed, and the kept ones handed on."""
    x = stream(1, "test:x").standard_normal((9, 5))
    variant = Batchwise(rate=RATE, input_rate=INPUT_RATE)
    check_layer(lambda: network(variant, batch_norm=True), x, noise=lambda: Noise(0, 1), train=True)


@pytest.mark.parametrize("rate", [0.25, 0.5])
def test_noise_has_mean_one_and_variance_rate_over_keep(rate: float) -> None:
    """E = 1 and Var = r / q for each unit, within 5 standard errors; draws are masks, not elements."""
    units, steps = 100, 10_000
    place = Location(path="a", kind="hidden", index=0, count=1, fan_in=units, examples=1, steps=1)
    layer, noise, one = UnitMask(Batchwise(), rate, place, units, computed=False), Noise(0, 0), np.ones((1, units))
    sample = np.concatenate([layer.dense_output(layer.forward(one, noise=noise)).copy() for _ in range(steps)])
    variance, draws = rate / (1 - rate), units * steps
    assert abs(sample.mean() - 1) < 5 * math.sqrt(variance / draws)
    squares = (sample - 1) ** 2
    assert abs(squares.mean() - variance) < 5 * squares.std() / math.sqrt(draws) + 1e-12
    assert np.ptp(sample.mean(axis=0)) < 10 * math.sqrt(variance / steps)  # no unit is kept more often than another


def test_an_empty_mask_is_drawn_again() -> None:
    """Of two units at rate .9 one is always kept."""
    place = Location(path="a", kind="hidden", index=0, count=1, fan_in=2, examples=1, steps=1)
    layer, noise = UnitMask(Batchwise(), 0.9, place, 2, computed=False), Noise(0, 0)
    assert min(layer.forward(np.ones((1, 2)), noise=noise).shape[1] for _ in range(300)) == 1


@pytest.mark.parametrize("rate", [0.5, 0.9])
@pytest.mark.parametrize("units", [1, 2, 3])
def test_noise_of_few_units_has_mean_one(units: int, rate: float) -> None:
    """E = 1 though empty masks are drawn again: of the noise with P(kept | not empty) = keep / (1 - rate^units)."""
    steps = 20_000
    place = Location(path="a", kind="hidden", index=0, count=1, fan_in=units, examples=1, steps=1)
    layer, noise, one = UnitMask(Batchwise(), rate, place, units, computed=False), Noise(0, 0), np.ones((1, units))
    means = np.array([layer.dense_output(layer.forward(one, noise=noise)).mean() for _ in range(steps)])
    assert abs(means.mean() - 1) <= 5 * means.std() / math.sqrt(steps) + 1e-4  # 1e-4: keep is a multiple of 2^-16


@pytest.mark.parametrize("batch_norm", [False, True])
def test_kept_units_shared_with_the_neighbor_above_are_scaled_once(batch_norm: bool) -> None:
    """E[logits] = logits without noise, in a linear network with hidden layers of 1 and 2 units, none left empty."""
    around = BuildContext(shape=(3,), outputs=2, examples=100, steps=50, seed=7, dtype=np.dtype(np.float64))
    variant = Batchwise(rate=(0.5, 0.9), input_rate=0.5)
    net = Mlp(hidden=(1, 2), activation="identity", batch_norm=batch_norm).build(variant, around)
    x, noise, draws = np.array([[1.0, -2.0, 3.0]]), Noise(0, 0), 10_000
    sample = np.array([net.forward(x, noise=noise)[0].copy() for _ in range(draws)])
    assert (np.abs(sample.mean(axis=0) - net.forward(x)[0]) <= 5 * sample.std(axis=0) / math.sqrt(draws)).all()


@pytest.mark.parametrize("objective", ["rdrop", "multi_sample"])
def test_objectives_that_repeat_the_batch_are_refused(objective: str, tmp_path: Path) -> None:
    """Both copies of an example would see the same mask."""
    (tmp_path / "a.yaml").write_text(f"dataset: digits\ndropout: batchwise\nobjective: {objective}\n")
    with pytest.raises(ConfigError, match=rf"objective: {objective} needs noise of its own for every row.*inverted"):
        config.load_config(tmp_path / "a.yaml")
