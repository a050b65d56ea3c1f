"""Replicates (seed, split and fold of a run), and the layouts that define them.

Runs of two settings with the same replicate form a pair. A layout gives every replicate its own split,
gives all of them the same split, or nests seeds within splits.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple, TypeAlias

from annotated_types import Ge, Le

SEED, SPLIT_SEED, FOLD = "seed", "dataset.split_seed", "dataset.fold"
REPLICATES = (SEED, SPLIT_SEED, FOLD)
"""Keys that distinguish the runs of one group."""
BY_SPLIT = ("objective.class_weights", "training.batch_size")
"""Keys whose resolved values depend on the training part: they may differ from split to split."""

MOST_SPLITS = 1_000
Splits: TypeAlias = Literal["each", "same"] | Annotated[int, Ge(1), Le(MOST_SPLITS)]
"""A layout: a split for each replicate, the same split for all, or a number of splits with some seeds on each."""
EACH: Literal["each"] = "each"
SAME: Literal["same"] = "same"


class Replicate(NamedTuple):
    """The seed, split and fold of a run.

    Runs of two settings with the same replicate form a pair: they differ only in the setting.
    """

    seed: int
    split_seed: int
    fold: int = 0
    """The fold that is the test part, if `dataset.folds` divides the data."""


def lay_out(splits: Splits, seeds: Sequence[int], *, split_seed: int = 0, first: int = 0) -> list[Replicate]:
    """Return the replicates of a layout, all with fold 0.

    Args:
        splits: The layout. With a number of splits, split k has the seeds k, k + 1000, k + 2000 and so on, so that no
            seed occurs on two splits, and a larger number of splits or seeds only adds replicates.
        seeds: The seeds; with a number of splits, only their count matters.
        split_seed: The first split seed.
        first: Added to every seed, and to every split that is not the same for all.
    """
    if splits == SAME:
        return [Replicate(first + seed, split_seed) for seed in seeds]
    if splits == EACH:
        return [Replicate(first + seed, split_seed + first + seed) for seed in seeds]
    places = [(split, place) for split in range(int(splits)) for place in range(len(seeds))]
    return [Replicate(first + split + MOST_SPLITS * place, split_seed + first + split) for split, place in places]
