"""Scaling fitted on the train part alone: y = x * scale + shift.

`unit` maps [min, max] to [0, 1]; `standardize` maps to mean 0 and variance 1. Tables are scaled per feature, images per
channel, so that all pixels of a channel keep their proportions. A constant feature becomes 0.
"""

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.data.dataset import AffineScaling

BLOCK_VALUES = 1 << 20
"""Values converted to float64 at a time: 8 MB, where all of MNIST at once would take 400 MB."""


def fit_scaling(x: Array, kind: str, scaled: Array | None = None) -> AffineScaling:
    """Fit a scaling to the train part.

    Args:
        x: (N, features), or images (N, height, width, channels).
        kind: `none`, `unit` or `standardize`.
        scaled: (features,) bool; features that are False keep their values. None scales all.
    """
    if kind == "none":
        return _make_affine(np.ones(1), np.zeros(1))
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    if scaled is not None and not scaled.all():
        inner = fit_scaling(x[:, scaled], kind) if scaled.any() else _make_affine(np.ones(0), np.zeros(0))
        scale, shift = np.ones(len(scaled)), np.zeros(len(scaled))
        scale[scaled], shift[scaled] = inner.scale, inner.shift
        return _make_affine(scale, shift)
    scaler = MinMaxScaler() if kind == "unit" else StandardScaler()
    step = max(1, BLOCK_VALUES // int(np.prod(x.shape[1:])))
    for start in range(0, len(x), step):
        scaler.partial_fit(np.asarray(x[start : start + step]).reshape(-1, x.shape[-1]).astype(np.float64))
    if kind == "unit":
        return _make_affine(scaler.scale_, scaler.min_)
    return _make_affine(1 / scaler.scale_, -scaler.mean_ / scaler.scale_)


def _make_affine(scale: Array, shift: Array) -> AffineScaling:
    arrays = scale.astype(np.float32), shift.astype(np.float32)
    for array in arrays:
        array.setflags(write=False)
    return AffineScaling(*arrays)
