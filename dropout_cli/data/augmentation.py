"""Random changes to training pictures, drawn anew for every example of every step from the `augment` stream.

They are applied to scaled pictures (N, height, width, channels); what comes in from outside is 0, which `scaling: unit`
makes of the darkest value and `standardize` of the mean.
"""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.errors import InvalidField
from dropout_cli.core.fields import CountOrZero
from dropout_cli.core.rng import Generator
from dropout_cli.core.types import Array, Shape


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Changes to training pictures; a key that is not set changes nothing."""

    shift: CountOrZero = 0
    """Move by up to so many pixels up, down, left and right; the same as padding with zeros and cropping."""
    flip: bool = False
    """Mirror left and right, half of the time."""
    cutout: CountOrZero = 0
    """Side of a square of zeros around a random pixel, cut at the edge (DeVries & Taylor 2017, arXiv:1708.04552)."""

    def fits(self, shape: Shape) -> None:
        """Raise InvalidField for examples of that shape that cannot be changed so."""
        if len(shape) != 3:
            raise InvalidField("", f"needs pictures, and an example is a row of {shape[0]} numbers")
        if self.shift >= min(shape[:2]):
            fact = f"must be below the side of the pictures, {min(shape[:2])}, got {self.shift}"
            raise InvalidField("shift", fact)

    def apply(self, x: Array, rng: Generator) -> Array:
        """Return the changed pictures, in a new array; x (N, h, w, channels) is left alone.

        Every change draws its numbers whether or not another is on.
        """
        n, height, width, _ = x.shape
        moves = rng.integers(-self.shift, self.shift, size=(n, 2), endpoint=True)
        mirrored = np.less(rng.random(n), 0.5).tolist()
        centers = rng.random((n, 2))
        y = np.zeros_like(x)
        for i, (down, right) in enumerate(moves.tolist()):
            source = x[i, max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
            if self.flip and mirrored[i]:
                source = source[:, ::-1]
            y[i, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = source
        if self.cutout:
            for i, (row, column) in enumerate((centers * (height, width)).astype(int).tolist()):
                top, left = row - self.cutout // 2, column - self.cutout // 2
                y[i, max(0, top) : max(0, top + self.cutout), max(0, left) : max(0, left + self.cutout)] = 0
        return y
