"""Learned rates: parameters with a learning rate of their own.

Adam and similar optimizers move a parameter by at most about the learning rate per step, too little for a rate in a
short training. So with them the learning rate of a learned value is max(lr, 10 / all steps); with plain gradient
descent lr is enough. It follows the same schedule. A learned value has no decay and no norm bound, and does not count
in gradient-norm clipping.
"""

import numpy as np

from dropout_cli.core.types import DType, Shape
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants.toolkit.base import Location


def learned_parameter(
    start: float, shape: Shape, bounds: tuple[float, float], location: Location, dtype: DType
) -> Parameter:
    """Return a parameter with one start value and a learning rate of its own.

    Args:
        start: The value of all elements at the start.
        shape: The shape.
        bounds: Interval to which the value is clipped after each update.
        location: The location in the network, with steps and learning rate.
        dtype: The dtype.
    """
    faster = max(1.0, 10 / location.steps / location.learning_rate) if location.normalized else 1.0
    value = np.full(shape, start, dtype)
    return Parameter(value, lr_scale=faster, decay=0.0, max_norm=0.0, bounds=bounds, clipped=False)
