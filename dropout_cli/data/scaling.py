"""Scaling, fitted on the train part alone: y = x * scale + shift.

`unit` maps [min, max] to [0, 1]; `standardize` maps to mean 0 and variance 1. Tables are scaled per
feature, pictures per channel, so that all pixels of a channel keep their proportions. A feature that
never changes becomes 0.
"""

import numpy as np

from dropout_cli.arrays import Array
from dropout_cli.data.dataset import Affine

BLOCK = 1 << 20
"""Values converted to float64 at a time: 8 MB, where all of MNIST would take 400."""


def fit(x: Array, kind: str) -> Affine:
    """Fit the scaling `kind` (`none`, `unit` or `standardize`) to `x`, (N, features) or NHWC."""
    if kind == "none":
        return _affine(np.ones(1), np.zeros(1))
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    scaler = MinMaxScaler() if kind == "unit" else StandardScaler()
    values = x.reshape(-1, x.shape[-1])
    step = max(1, BLOCK // values.shape[1])
    for start in range(0, len(values), step):
        scaler.partial_fit(values[start : start + step].astype(np.float64))
    if kind == "unit":
        return _affine(scaler.scale_, scaler.min_)
    return _affine(1 / scaler.scale_, -scaler.mean_ / scaler.scale_)


def _affine(scale: Array, shift: Array) -> Affine:
    arrays = scale.astype(np.float32), shift.astype(np.float32)
    for array in arrays:
        array.setflags(write=False)
    return Affine(*arrays)
