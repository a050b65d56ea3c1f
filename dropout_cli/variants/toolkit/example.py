"""The example of a variant: lines of NumPy, settings, and a sentence about evaluation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from dropout_cli.core.types import Array

ROWS = np.array([[-1.0, -0.5, 0.5, 1.0, 1.5, 2.0], [2.0, 1.5, 1.0, 0.5, -0.5, -1.0]])
"""The input of dense examples: 2 examples of 6 units. No value is 0, so a 0 in the output was dropped."""
WEIGHTS = np.array([[0.5], [-0.5], [1.0], [-1.0], [0.25], [-0.25]])
"""The weights of examples with `shows: weights`: 6 inputs, 1 output."""
MAPS = np.arange(1.0, 33.0).reshape(1, 4, 4, 2) / 10
"""The input of examples on maps: 1 example, 4 x 4 pixels, 2 channels."""

_HEAD = """import numpy as np

rng = np.random.default_rng(0)
"""
_ROWS = """x = np.array([[-1.0, -0.5, 0.5, 1.0, 1.5, 2.0], [2.0, 1.5, 1.0, 0.5, -0.5, -1.0]])
"""
_MAPS = """x = np.arange(1.0, 33.0).reshape(1, 4, 4, 2) / 10  # 1 example, 4 x 4 pixels, 2 channels
"""


@dataclass(frozen=True, kw_only=True)
class VariantExample:
    """The example that `dropout variants NAME` shows besides the text and the keys."""

    numpy: str
    """Lines of NumPy that compute `y`, the output in training, from `x` and the generator `rng`."""
    evaluation: str
    """One or two sentences about evaluation, true for every setting of the variant."""
    noise: str
    """The title of the table with the noise, such as `m / q`."""
    shows: Literal["multiplier", "weights", "added"] = "multiplier"
    """The noise table: the factors of the input, the noisy weights of each example, or what is added to the output."""
    on_maps: bool = False
    """True if the input is a feature map."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """YAML keys of the example that differ from the defaults."""

    def source(self) -> str:
        """Return a complete program: it makes `x` and `rng`, computes `y` and prints it."""
        return _HEAD + (_MAPS if self.on_maps else _ROWS) + self.numpy.strip() + "\nprint(y.round(2))\n"

    def inputs(self) -> Array:
        """Return the `x` of the program, (2, 6) or (1, 4, 4, 2)."""
        return (MAPS if self.on_maps else ROWS).copy()
