"""Multiplying variants: noise before the logits, rates per layer, residual branches."""

import numpy as np
import pytest

from dropout_cli.core.rng import Noise, stream
from dropout_cli.nn.layers.normalization import Normalize
from dropout_cli.nn.layers.sequential import Sequential
from dropout_cli.variants import Location
from dropout_cli.variants.inverted import Inverted
from dropout_cli.variants.stochastic_depth import StochasticDepth, UncertainBlock
from dropout_cli.variants.toolkit.rate_schedules import EarlyRate, LateRate


def test_noise_is_before_the_logits_where_the_last_hidden_layer_has_a_rate() -> None:
    """At some step of its schedule; the rates of the layers below do not count."""
    assert Inverted(rate=0.5).noise_before_logits() and Inverted(rate=(0.0, 0.5)).noise_before_logits()
    assert not Inverted(rate=0.0).noise_before_logits() and not Inverted(rate=(0.5, 0.0)).noise_before_logits()
    for schedule in (EarlyRate(), LateRate()):
        assert Inverted(rate=0.5, rate_schedule=schedule).noise_before_logits()
        assert not Inverted(rate=0.0, rate_schedule=schedule).noise_before_logits()


def test_a_list_has_a_rate_for_every_hidden_layer() -> None:
    """No more and no fewer."""
    Inverted(rate=(0.1, 0.2)).check_network(hidden=2, activation="relu")
    with pytest.raises(ValueError, match="rate: has 2 rates, but the network has 3 hidden layers"):
        Inverted(rate=(0.1, 0.2)).check_network(hidden=3, activation="relu")


@pytest.mark.parametrize("noisy", [True, False])
def test_the_branch_of_a_block_is_trained_with_it(noisy: bool) -> None:
    """Its batch statistics move in training, and stay in evaluation."""
    place = Location(path="block1", kind="block", index=0, count=1, fan_in=4, examples=9, steps=9)
    norm = Normalize("block1/norm", 4, dtype=np.dtype(np.float64))
    block = UncertainBlock(StochasticDepth(rate=0.5), Sequential("block1", [norm]), None, 0.5, place)
    x = 3 + stream(0, "test:x").standard_normal((50, 4))
    before = {path: value.copy() for path, value in block.state().items()}
    noise = Noise(0, 1) if noisy else None
    block.forward(x, noise=noise)
    assert all(np.array_equal(value, before[path]) for path, value in block.state().items())
    block.forward(x, train=True, noise=noise)
    assert before and all((value != before[path]).any() for path, value in block.state().items())
