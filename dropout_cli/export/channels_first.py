"""Arrays for formats whose maps are (N, channels, height, width)."""

import numpy as np

from dropout_cli.core.types import Array, Shape


def to_channels_first(shape: Shape) -> Shape:
    """Return the shape of one example with the channels first, if it is a map.

    Args:
        shape: (height, width, channels), or another shape, which stays.
    """
    return (shape[2], shape[0], shape[1]) if len(shape) == 3 else shape


def broadcast_constant(array: Array, shape: Shape) -> Array:
    """Return a constant so that it broadcasts with a batch whose maps have the channels first.

    Args:
        array: The constant, which broadcasts with (height, width, channels).
        shape: The shape of one example, with the channels last.
    """
    if len(shape) < 3 or array.size == 1:
        return array
    return np.moveaxis(array.reshape((1,) * (3 - array.ndim) + array.shape), -1, 0)
