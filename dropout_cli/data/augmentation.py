"""Random changes to training images, drawn again for every example at every step.

The numbers come from the `augment` stream. Changes apply to scaled images (N, height, width, channels); pixels that
enter from outside are 0, which is the darkest value under `scaling: unit` and the mean under `standardize`.
"""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.errors import InvalidField
from dropout_cli.core.field_types import CountOrZero
from dropout_cli.core.rng import Generator
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array, Shape


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Random changes of the training images. A key that is not set changes nothing."""

    shift: CountOrZero = 0
    """Move each image by up to this many pixels up, down, left and right; the same as padding with zeros and
    cropping."""
    flip: bool = False
    """Mirror each image left to right with probability 1/2."""
    cutout: CountOrZero = 0
    """Side in pixels of a square of zeros around a random pixel, clipped at the edge (DeVries & Taylor 2017,
    arXiv:1708.04552)."""

    def check_shape(self, shape: Shape) -> None:
        """Raise InvalidField if examples of this shape cannot be augmented this way.

        Args:
            shape: the shape of one example: (height, width, channels), or (features,), which is refused.
        """
        if len(shape) != 3:
            raise InvalidField("", f"needs images, but an example is a row of {counted(shape[0], 'number')}")
        if self.shift >= min(shape[:2]):
            fact = f"must be below {min(shape[:2])}, the shorter side of the images; got {self.shift}"
            raise InvalidField("shift", fact)

    def apply(self, x: Array, rng: Generator) -> Array:
        """Return the changed images as a new array.

        Args:
            x: images (N, height, width, channels); not modified.
            rng: the generator of this step.
        """
        n, height, width, _ = x.shape
        # All three are drawn even when unused, so that one change draws the same numbers with or without the others.
        moves = rng.integers(-self.shift, self.shift, size=(n, 2), endpoint=True)
        mirrored = np.less(rng.random(n), 0.5).tolist()
        centers = rng.random((n, 2))
        y = np.zeros_like(x)
        for i, (down, right) in enumerate(moves.tolist()):
            source = x[i, max(0, -down) : height - max(0, down), max(0, -right) : width - max(0, right)]
            if self.flip and mirrored[i]:
                source = source[:, ::-1]
            y[i, max(0, down) : height + min(0, down), max(0, right) : width + min(0, right)] = source
        # The square is cut at the edges, and so may be smaller than `cutout` x `cutout`.
        if self.cutout:
            for i, (row, column) in enumerate((centers * (height, width)).astype(int).tolist()):
                top, left = row - self.cutout // 2, column - self.cutout // 2
                y[i, max(0, top) : max(0, top + self.cutout), max(0, left) : max(0, left + self.cutout)] = 0
        return y
