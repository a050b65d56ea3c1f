"""Masks drawn bit by bit or word by word: the probability asked for, in every place, whatever happens next to it."""

import math

import numpy as np
import pytest

from dropout_cli.core.rng import stream
from dropout_cli.variants.toolkit.masks import bernoulli, keep_probability


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
