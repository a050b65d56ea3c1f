"""Corruptions of pictures with values from 0 (black) to 1 (white).

They change the pictures before the scaling of the training. Values are not rounded to levels of gray. The kinds and
their levels follow Hendrycks & Dietterich 2019, arXiv:1903.12261, and Ovadia et al. 2019, arXiv:1906.02530.
"""

import numpy as np

from dropout_cli.core.types import Array

ROWS_AXIS, COLUMNS_AXIS = 1, 2


def rotate_pictures(pictures: Array, degrees: float) -> Array:
    """Rotate pictures counterclockwise around their center, with black corners.

    Args:
        pictures: (N, height, width, channels), 0 to 1.
        degrees: The angle; a rotation by 90 degrees of a square picture moves every pixel to a pixel.
    """
    from scipy import ndimage

    # SciPy sorts the axes: their order does not change the direction.
    return np.asarray(
        ndimage.rotate(pictures, degrees, axes=(ROWS_AXIS, COLUMNS_AXIS), reshape=False, order=1, cval=0.0)
    )


def translate_pictures(pictures: Array, pixels: int) -> Array:
    """Move pictures to the right, with black pixels from the left.

    Args:
        pictures: (N, height, width, channels), 0 to 1.
        pixels: The distance, 0 or more.
    """
    moved = np.zeros_like(pictures)
    width = pictures.shape[COLUMNS_AXIS]
    moved[:, :, pixels:] = pictures[:, :, : max(0, width - pixels)]
    return moved


def add_pixel_noise(pictures: Array, sd: float, eps: Array) -> Array:
    """Add Gaussian noise, and cut the values to 0 to 1.

    Args:
        pictures: (N, height, width, channels), 0 to 1.
        sd: Standard deviation of the noise.
        eps: Draws of N(0, 1) in the shape of the pictures, the same ones for every standard deviation.
    """
    return np.asarray(np.clip(pictures + sd * eps, 0, 1), pictures.dtype)


def blur_pictures(pictures: Array, sigma: float) -> Array:
    """Blur pictures with a Gaussian filter, as if they were surrounded by black.

    Args:
        pictures: (N, height, width, channels), 0 to 1.
        sigma: Standard deviation of the filter in pixels.
    """
    from scipy import ndimage

    return np.asarray(
        ndimage.gaussian_filter(pictures, sigma, axes=(ROWS_AXIS, COLUMNS_AXIS), mode="constant", cval=0.0)
    )


def reduce_contrast(pictures: Array, factor: float) -> Array:
    """Multiply the values of pictures.

    Args:
        pictures: (N, height, width, channels), 0 to 1.
        factor: 1 changes nothing, 0 gives black pictures.
    """
    return np.asarray(factor * pictures, pictures.dtype)
