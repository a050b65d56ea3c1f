"""Learned rates: parameters with a learning rate of their own.

Adam and its kin move a parameter by at most about the learning rate per step, too little for a rate
that has far to go in a short training. So there the learning rate of a learned value is
max(lr, 10 / all steps); with plain gradient descent lr itself is enough. It follows the same schedule, is
neither decayed nor bounded in norm, and does not count in gradient-norm clipping.
"""

import numpy as np

from dropout_cli.core.types import DType, Shape
from dropout_cli.nn.parameter import Parameter
from dropout_cli.variants.toolkit.base import Location


def learned_parameter(
    start: float, shape: Shape, bounds: tuple[float, float], location: Location, dtype: DType
) -> Parameter:
    """A parameter that starts at `start` everywhere and is clipped to `bounds` after each update."""
    faster = max(1.0, 10 / location.steps / location.learning_rate) if location.normalized else 1.0
    value = np.full(shape, start, dtype)
    return Parameter(value, lr_scale=faster, decay=0.0, max_norm=0.0, bounds=bounds, clipped=False)
