"""Numbers that need float64 until they are scaled.

Examples are kept as float32, which has 24 bits. In a column such as 100000000, 100000001, 100000002 all of them are
spent on the part that is the same in every row, and the differences are lost. Such features stay float64, and their
smallest value is subtracted before they are scaled:

    y = (x - offset) * scale + shift
"""

import numpy as np

from dropout_cli.core.types import Array

MAX_RATIO = 4096
"""A feature needs float64 if its largest absolute value is more than this times its range. Up to this ratio, float32
leaves 12 bits or more for the differences."""
NOISE = 2.0**-40
"""A range below this fraction of the values is rounding error, except for whole numbers."""


def narrow(x: Array) -> Array:
    """Return examples as float32, or as float64 if a feature needs it.

    Args:
        x: (N, features) or (N, height, width, channels), any dtype of numbers; NaN marks a missing value.
    """
    if x.dtype.kind == "f" and x.dtype.itemsize <= 4:
        return x.astype(np.float32, copy=False)
    low, high = feature_range(x)
    return x.astype(np.float64 if needs_float64(x, low, high).any() else np.float32, copy=False)


def feature_range(x: Array) -> tuple[Array, Array]:
    """Return smallest and largest values, each (features,) float64; 0 if all are missing."""
    axes = tuple(range(x.ndim - 1))
    if x.dtype.kind != "f":
        return x.min(axis=axes).astype(np.float64), x.max(axis=axes).astype(np.float64)
    low, high = np.fmin.reduce(x, axis=axes), np.fmax.reduce(x, axis=axes)  # these ignore NaN
    return np.nan_to_num(low).astype(np.float64), np.nan_to_num(high).astype(np.float64)


def needs_float64(x: Array, low: Array, high: Array) -> Array:
    """Return, as (features,) bool, which features lose their differences in float32.

    Args:
        x: The examples, as for `narrow`.
        low: The smallest value of each feature.
        high: The largest value of each feature.
    """
    largest, span = np.maximum(np.abs(low), np.abs(high)), high - low
    needed = np.asarray((span > 0) & (largest > MAX_RATIO * span))
    for index in np.flatnonzero(needed & (span < NOISE * largest)):
        values = x[..., index]
        # 0.1 + 0.2 and 0.3 differ by a rounding error; whole numbers have none.
        needed[index] = x.dtype.kind != "f" or bool(np.all((values == np.floor(values)) | np.isnan(values)))
    return needed
