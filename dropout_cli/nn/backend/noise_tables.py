"""Noise from tables with random 16-bit indices, seven times faster than draws.

    u = (k + 1/2) / 2^16, k uniform in 0 .. 2^16 - 1         normal: Phi^-1(u)         logistic: ln u - ln(1 - u)

So there are 2^16 equally likely values. Normal noise never exceeds 4.33 standard deviations, and its values are scaled
so that their variance is exactly 1. 131,072 numbers take 925 us with the ziggurat method and 126 us with the table.
"""

import math
from functools import cache

import numpy as np

from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape

WORDS = 2**16


def draw_normal(shape: Shape, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
    """Draw standard normal noise.

    Args:
        shape: The shape of the noise.
        rng: The generator.
        dtype: The dtype of the noise.
        out: Array of that shape and dtype to fill; None: a new array.
    """
    return _looked_up(_normal(np.dtype(dtype)), shape, rng, out)


def draw_logistic(shape: Shape, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
    """Draw logistic noise ln u - ln(1 - u) with u uniform; its magnitude is at most 11.8.

    Args:
        shape: The shape of the noise.
        rng: The generator.
        dtype: The dtype of the noise.
        out: Array of that shape and dtype to fill; None: a new array.
    """
    return _looked_up(_logistic(np.dtype(dtype)), shape, rng, out)


def _looked_up(table: Array, shape: Shape, rng: Generator, out: Array | None) -> Array:
    """Return table entries at random indices."""
    size = math.prod(shape)
    words = rng.bit_generator.random_raw(-(-size // 4)).view(np.uint16)[:size].reshape(shape)  # four per 64 bits
    noise = np.empty(shape, table.dtype) if out is None else out
    np.take(table, words, out=noise, mode="clip")  # a 16-bit word is never clipped, and `raise` would copy
    return noise


def _probabilities() -> Array:
    """Return the 2^16 values of u."""
    return (np.arange(WORDS) + 0.5) / WORDS


@cache
def _normal(dtype: DType) -> Array:
    """Return the table of normal values."""
    from scipy.special import ndtri

    quantiles = np.asarray(ndtri(_probabilities()))
    return np.asarray((quantiles / quantiles.std()).astype(dtype))


@cache
def _logistic(dtype: DType) -> Array:
    """Return the table of logistic values."""
    u = _probabilities()
    return np.asarray((np.log(u) - np.log1p(-u)).astype(dtype))
