"""Masks of independent Bernoulli draws, made from raw random bits.

Most masks use words of 16 bits, or fewer bits if those are enough. The probability of keeping is then a multiple of
2^-16. A scale must use this realized value, `keep_probability`, or the mean is wrong by up to 8e-6 / keep. Rates
outside COARSE use words of 64 bits, since 2^-16 would be a large part of them.
"""

import math
from functools import lru_cache

import numpy as np

from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape
from dropout_cli.nn.operations import GraphValue, OperationGraph

WORDS = 2**16
MOST_DIGITS = 4
"""Up to this number of binary digits (1/2, 3/4, 7/8, ...), drawing single digits is cheaper than whole words."""


COARSE = (1e-3, 0.999)
"""Between these rates, 16-bit words give the fraction dropped, or kept, to 1 %."""
FINE_WORDS = 2**64


def is_coarse(rate: float) -> bool:
    """Return True if masks of this rate are made from words of 16 bits."""
    return COARSE[0] <= rate <= COARSE[1]


@lru_cache(maxsize=64)
def keep_probability(rate: float) -> float:
    """Return the keep probability of `bernoulli`: 1 - rate, within COARSE rounded to 2^-16."""
    return round((1 - rate) * WORDS) / WORDS if is_coarse(rate) else 1.0 - rate


def bernoulli(shape: Shape, rate: float, rng: Generator) -> Array:
    """Draw a mask of kept units.

    Args:
        shape: The shape of the mask.
        rate: The probability of dropping (`OperationGraph.bernoulli` takes the probability of keeping).
        rng: The generator.

    Returns:
        A boolean array; an element is True with the probability `keep_probability(rate)`.
    """
    if not is_coarse(rate):
        return _fine(shape, rate, rng)
    threshold = int(keep_probability(rate) * WORDS)
    size = math.prod(shape)
    digits = 16 - ((threshold & -threshold).bit_length() - 1)
    if digits <= MOST_DIGITS:
        return np.unpackbits(_packed(threshold, digits, size, rng), count=size).view(bool).reshape(shape)
    words = rng.bit_generator.random_raw(-(-size // 4))
    return np.less(words.view(np.uint16)[:size], threshold).reshape(shape)


def scaled_bernoulli(shape: Shape, rate: float, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
    """Draw a mask divided by the keep probability: mean 1, variance rate / (1 - rate).

    Args:
        shape: The shape of the mask.
        rate: The probability of dropping.
        rng: The generator.
        dtype: The dtype of the result.
        out: An array for the result; None: a new one.
    """
    scale = dtype.type(1 / keep_probability(rate))
    return np.asarray(np.multiply(bernoulli(shape, rate, rng), scale, out=out, dtype=dtype))


def describe_scaled_bernoulli(
    graph: OperationGraph, x: GraphValue, shape: Shape, rate: float, *, per_example: bool = True
) -> GraphValue:
    """Return the operations that draw as `scaled_bernoulli` does.

    Args:
        graph: The graph that collects them.
        x: A value of the batch.
        shape: The shape of the mask of one example.
        rate: The probability of dropping.
        per_example: False for one mask for all examples.
    """
    keep = keep_probability(rate)
    return graph.elementwise("multiply", graph.bernoulli(x, shape, keep, per_example=per_example), 1 / keep)


def _fine(shape: Shape, rate: float, rng: Generator) -> Array:
    """Draw a mask from words of 64 bits."""
    # 1 - rate has 53 bits, and is a multiple of 2^-64 for every rate below 1.
    threshold = int((1 - rate) * FINE_WORDS)
    if threshold == FINE_WORDS:
        return np.ones(shape, bool)
    words = rng.bit_generator.random_raw(math.prod(shape))
    return np.less(words, np.uint64(threshold)).reshape(shape)


def _packed(threshold: int, digits: int, size: int, rng: Generator) -> Array:
    """Return bytes of bits that are 1 with probability threshold / 2^16.

    A number drawn digit by digit is below the threshold if, from the last digit on, keep = keep or r where the
    threshold has a 1, and keep and r where it has a 0, r being a random bit: 64 numbers at a time.
    """
    words = rng.bit_generator.random_raw((digits, -(-size // 64)))
    kept = words[0]
    for place in range(1, digits):
        combine = np.bitwise_or if threshold >> (16 - digits + place) & 1 else np.bitwise_and
        combine(kept, words[place], out=kept)
    return np.asarray(kept.view(np.uint8))


def fraction_dropped(multiplier: Array | None) -> float:
    """Return the fraction of zeros in a drawn multiplier or mask; 0 for None."""
    return 0.0 if multiplier is None else 1 - np.count_nonzero(multiplier) / multiplier.size
