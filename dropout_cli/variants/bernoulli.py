"""Masks of independent Bernoulli draws, made from raw 16-bit words, or from single bits: the cheapest there are.

The probability of keeping is then a multiple of 2^-16. Whoever scales by it must use the realised
value, `keep_probability`, or the mean is off by up to 8e-6 / keep.
"""

import math

import numpy as np

from dropout_cli.arrays import Array, Shape
from dropout_cli.streams import Generator

WORDS = 2**16


def keep_probability(rate: float) -> float:
    """The probability with which `bernoulli` keeps: 1 - rate to the nearest multiple of 2^-16, at least 2^-16."""
    return max(1, round((1 - rate) * WORDS)) / WORDS


def bernoulli(shape: Shape, rate: float, rng: Generator) -> Array:
    """Draw a boolean mask; True means kept."""
    threshold = int(keep_probability(rate) * WORDS)
    if threshold == WORDS:
        return np.ones(shape, bool)
    size = math.prod(shape)
    if threshold == WORDS // 2:
        bits = rng.bit_generator.random_raw(-(-size // 64)).view(np.uint8)
        return np.unpackbits(bits, count=size).view(bool).reshape(shape)
    words = rng.bit_generator.random_raw(-(-size // 4))
    return np.less(words.view(np.uint16)[:size], threshold).reshape(shape)


def share_of_zeros(multiplier: Array | None) -> float:
    """How much of a drawn multiplier or mask is 0; nothing where none was drawn."""
    return 0.0 if multiplier is None else 1 - np.count_nonzero(multiplier) / multiplier.size
