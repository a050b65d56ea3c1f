"""Scaling fitted on the train part alone: y = (x - offset) * scale + shift.

`unit` maps [min, max] to [0, 1]; `standardize` maps to mean 0 and variance 1. Tables are scaled per feature, images per
channel, so that all pixels of a channel keep their proportions. A constant feature becomes 0. Few features have an
offset, see `precision`.
"""

from collections.abc import Iterator

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.data.dataset import AffineScaling
from dropout_cli.data.precision import feature_range, needs_float64

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
        scale, shift, offset = np.ones(len(scaled)), np.zeros(len(scaled)), np.zeros(len(scaled))
        scale[scaled], shift[scaled] = inner.scale, inner.shift
        offset[scaled] = 0 if inner.offset is None else inner.offset
        return _make_affine(scale, shift, None if x.dtype == np.float32 else offset)
    fitted_offset = _fit_offset(x)
    scaler = MinMaxScaler() if kind == "unit" else StandardScaler()
    for block in row_blocks(x):
        values = block.reshape(-1, x.shape[-1]).astype(np.float64)
        scaler.partial_fit(values if fitted_offset is None else values - fitted_offset)
    if kind == "unit":
        return _make_affine(scaler.scale_, scaler.min_, fitted_offset)
    return _make_affine(1 / scaler.scale_, -scaler.mean_ / scaler.scale_, fitted_offset)


def _fit_offset(x: Array) -> Array | None:
    """Return the smallest value of each feature that needs float64, and 0 for the others.

    None if no feature does. An array in memory that is float64 always has an offset, because a run that has one is
    scaled in float64 when it is resumed, and any other in float32.
    """
    if x.dtype == np.uint8 or x.dtype == np.float32:
        return None
    offset = np.zeros(x.shape[-1])
    ranges = [feature_range(block) for block in row_blocks(x)]
    low, high = np.min([low for low, _ in ranges], axis=0), np.max([high for _, high in ranges], axis=0)
    needed = np.any([needs_float64(block, low, high) for block in row_blocks(x)], axis=0)
    offset[needed] = low[needed]
    return offset if needed.any() or isinstance(x, np.ndarray) else None


def row_blocks(x: Array) -> Iterator[Array]:
    """Yield the rows of examples in blocks of about BLOCK_VALUES numbers."""
    step = max(1, BLOCK_VALUES // int(np.prod(x.shape[1:])))
    for start in range(0, len(x), step):
        yield np.asarray(x[start : start + step])


def _make_affine(scale: Array, shift: Array, offset: Array | None = None) -> AffineScaling:
    arrays = scale.astype(np.float32), shift.astype(np.float32)
    for array in (*arrays, *(() if offset is None else (offset,))):
        array.setflags(write=False)
    return AffineScaling(*arrays, offset)
