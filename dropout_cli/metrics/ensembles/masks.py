"""All masks of a few units, with their probabilities."""

from collections.abc import Sequence

import numpy as np

from dropout_cli.core.types import Array


def all_masks(keep: Sequence[float]) -> tuple[Array, Array]:
    """Return every mask of n units that are dropped independently, and its probability.

    Args:
        keep: The probability of keeping each of the n units.

    Returns:
        Masks (2^n, n) of bool with True for kept, and their probabilities (2^n,), whose sum is 1.
    """
    q = np.asarray(keep, np.float64)
    masks = (np.arange(2 ** len(q))[:, None] >> np.arange(len(q)) & 1).astype(bool)
    return masks, np.where(masks, q, 1 - q).prod(axis=1)
