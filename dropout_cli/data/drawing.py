"""Examples drawn from all, each class in proportion: those that scikit-learn's `train_test_split` draws.

It is written anew, because importing that takes as long as a fifth of a run, and because the draws of `streams.frozen`
are promised for all versions, and those of scikit-learn are not. A test holds one against the other.
"""

import numpy as np

from dropout_cli.arrays import Array
from dropout_cli.streams import Frozen, frozen


def drawn(total: int, labels: Array | None, count: int, seed: int) -> Array:
    """Which of `total` examples are taken, (total,) bool: `count` of them, stratified by `labels` (total,) if given."""
    rng, taken = frozen(seed), np.zeros(total, bool)
    if labels is None:
        taken[rng.permutation(total)[:count]] = True
        return taken
    _, ids, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    left = _shares(sizes, total - count, rng)
    take = _shares(sizes - left, count, rng)
    for members, stay, go in zip(
        np.split(np.argsort(ids, kind="stable"), np.cumsum(sizes)[:-1]), left, take, strict=True
    ):
        shuffled = members[rng.permutation(len(members))]
        taken[shuffled[stay : stay + go]] = True
    return taken


def _shares(sizes: Array, count: int, rng: Frozen) -> Array:
    """How many of each class make `count` in proportion: rounded down, and up where most is lost, ties by lot."""
    wanted = sizes / sizes.sum() * count
    found = np.floor(wanted)
    lost, missing = wanted - found, int(count - found.sum())
    for value in np.unique(lost)[::-1] if missing > 0 else ():
        (places,) = np.where(lost == value)
        chosen = rng.choice(places, size=min(len(places), missing), replace=False)
        found[chosen] += 1
        missing -= len(chosen)
        if missing == 0:
            break
    return np.asarray(found, np.intp)
