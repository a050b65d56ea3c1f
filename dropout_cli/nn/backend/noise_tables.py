"""Noise looked up in a table by raw 16-bit words: seven times faster than to draw it.

    u = (k + 1/2) / 2^16, k uniform in 0 .. 2^16 - 1         normal: Phi^-1(u)         logistic: ln u - ln(1 - u)

So there are 2^16 values, all equally likely. Of normal noise none lies beyond 4.33 standard deviations, and the values
are scaled so that their variance is exactly 1. (131,072 numbers: 925 us by the ziggurat method, 126 us by table.)
"""

import math
from functools import cache

import numpy as np

from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, DType, Shape

WORDS = 2**16


def draw_normal(shape: Shape, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
    """Draw standard normal noise of that shape, into `out` where it is given."""
    return _looked_up(_normal(np.dtype(dtype)), shape, rng, out)


def draw_logistic(shape: Shape, rng: Generator, dtype: DType, out: Array | None = None) -> Array:
    """Draw ln u - ln(1 - u) of that shape, u uniform, into `out` where it is given; its magnitude is at most 11.8."""
    return _looked_up(_logistic(np.dtype(dtype)), shape, rng, out)


def _looked_up(table: Array, shape: Shape, rng: Generator, out: Array | None) -> Array:
    size = math.prod(shape)
    words = rng.bit_generator.random_raw(-(-size // 4)).view(np.uint16)[:size].reshape(shape)
    found = np.empty(shape, table.dtype) if out is None else out
    np.take(table, words, out=found, mode="clip")  # a 16-bit word is never clipped, and `raise` would copy
    return found


def _probabilities() -> Array:
    return (np.arange(WORDS) + 0.5) / WORDS


@cache
def _normal(dtype: DType) -> Array:
    from scipy.special import ndtri

    quantiles = np.asarray(ndtri(_probabilities()))
    return np.asarray((quantiles / quantiles.std()).astype(dtype))


@cache
def _logistic(dtype: DType) -> Array:
    u = _probabilities()
    return np.asarray((np.log(u) - np.log1p(-u)).astype(dtype))
