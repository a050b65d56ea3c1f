"""A replicate: one run of a setting, told apart from the others by its seed, its split and its fold."""

from typing import NamedTuple

SEED, SPLIT_SEED, FOLD = "seed", "dataset.split_seed", "dataset.fold"
REPLICATES = (SEED, SPLIT_SEED, FOLD)
"""Keys that tell apart the runs of one group."""


class Replicate(NamedTuple):
    """Runs of two settings with the same replicate are a pair: they differ in the setting alone."""

    seed: int
    split_seed: int
    fold: int = 0
    """Which fold is the test part, where `dataset.folds` divides the data."""
