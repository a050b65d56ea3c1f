"""Folders of small images for tests."""

from pathlib import Path

import numpy as np
from PIL import Image

from dropout_cli.core.types import Array


def save_images(folder: Path, count: int, seed: int, *, low: int = 0, high: int = 256, suffix: str = ".png") -> None:
    """Write `count` different gray images, 6 pixels high and 5 wide, with 16 bits if `high` needs them.

    Args:
        folder: The folder; it is made.
        count: Number of images.
        seed: Seed of the pixels.
        low: Smallest value.
        high: Upper bound of the values, exclusive.
        suffix: The kind of file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for number, pixels in enumerate(random_pixels(count, seed, low, high)):
        Image.fromarray(pixels).save(folder / f"{number}{suffix}")


def random_pixels(count: int, seed: int, low: int = 0, high: int = 256) -> Array:
    """Return (count, 6, 5) pixels: uint8, or uint16 if `high` needs it."""
    rng = np.random.default_rng(seed)
    return rng.integers(low, high, (count, 6, 5), dtype=np.uint8 if high <= 256 else np.uint16)
