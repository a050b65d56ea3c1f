"""The values of black and white in the pictures of a dataset."""

from dataclasses import dataclass

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.data.base import Source
from dropout_cli.data.dataset import Dataset
from dropout_cli.data.scaling import row_blocks


@dataclass(frozen=True)
class PixelRange:
    """Raw values of black and white."""

    black: float
    white: float

    def to_unit(self, x: Array) -> Array:
        """Return raw values as numbers from 0 (black) to 1 (white), in float32 or float64."""
        wide = x if x.dtype == np.float64 else x.astype(np.float32)
        # Python numbers keep the dtype of the array.
        return np.asarray((wide - self.black) / (self.white - self.black))

    def from_unit(self, unit: Array) -> Array:
        """Return numbers from 0 to 1 as raw values, not rounded."""
        return np.asarray(unit * (self.white - self.black) + self.black)


def find_pixel_range(dataset: Dataset, source: Source) -> PixelRange:
    """Return black and white of a dataset of pictures.

    They are the ends of the range of image files, 0 and 255 or 65,535. For other numbers, white is the largest value of
    the training part, and black the smallest one, or 0 if it is above 0.

    Args:
        dataset: The dataset.
        source: Its source.
    """
    if source.takes_pictures and dataset.pixel_bits < 32:
        return PixelRange(0.0, float(2**dataset.pixel_bits - 1))
    ends = [(float(block.min()), float(block.max())) for block in row_blocks(dataset.train.x)]
    black, white = min(0.0, *(low for low, _ in ends)), max(high for _, high in ends)
    return PixelRange(black, white if white > black else black + 1.0)
