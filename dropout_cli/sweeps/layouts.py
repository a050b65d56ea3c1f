"""Layouts of runs over seeds and splits, and the estimate that each layout allows.

    seeds     one split, n seeds: the unit is a seed
    splits    n splits, one run each: the unit is a split
    nested    S splits, each with its own seeds: the unit is the mean of a split
    crossed   the same R seeds on each of S splits: two-way mean squares of seeds and splits

With `dataset.folds`, a run of this list is the mean over the folds of one division. `statistics.t_test` has the
formulas.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from dropout_cli.core.text import counted
from dropout_cli.statistics import t_test
from dropout_cli.statistics.t_test import MIN_UNITS, Estimate
from dropout_cli.sweeps.replicates import Replicate

Kind: TypeAlias = Literal["none", "single", "seeds", "splits", "nested", "crossed", "irregular"]
Folded: TypeAlias = tuple[Replicate, ...]
"""The replicates of one run, or of one run per fold."""


@dataclass(frozen=True)
class Layout:
    """The arrangement of replicates over seeds and splits."""

    kind: Kind
    units: tuple[tuple[Folded, ...], ...]
    """The runs of each unit; of a crossed layout, the unit is a split and its runs are in the order of the seeds."""
    folds: int = 0
    """The number of folds over which each run is a mean; 0 if the data are not divided into folds."""
    refused: str = ""
    """Why there is no verdict; empty if there is one."""
    left_out: int = 0
    """The number of replicates that belong to no unit, such as those of an incomplete division."""

    @property
    def replicates(self) -> list[Replicate]:
        """The replicates of all units, unit by unit."""
        return [one for unit in self.units for run in unit for one in run]

    @property
    def splits_vary(self) -> bool:
        """True if the units have different splits."""
        return self.kind in ("splits", "nested", "crossed")

    @property
    def seed(self) -> int | None:
        """The seed that all runs share; None if seeds differ."""
        seeds = {one.seed for one in self.replicates}
        return seeds.pop() if len(seeds) == 1 else None

    def per_unit(self, values: Mapping[Replicate, float]) -> list[float]:
        """Return the mean of each unit."""
        return [_mean([_mean([values[one] for one in run]) for run in unit]) for unit in self.units]

    def estimate(self, values: Mapping[Replicate, float], *, step: float = 0.0) -> Estimate:
        """Return the mean over the units with its standard error.

        Args:
            values: Replicate -> value, for all replicates of the units.
            step: The smallest step of a single value, such as 1 / N for an accuracy over N examples. Standard
                deviations are at least half of it.
        """
        if self.kind == "crossed":
            rows = [[_mean([values[one] for one in run]) for run in unit] for unit in self.units]
            return t_test.estimate_crossed(np.array(rows), smallest_sd=self._floor(step))
        found = t_test.estimate_mean(self.per_unit(values), smallest_sd=self._floor(step))
        # Units of an irregular layout share some seeds, so that they are not independent: no standard error holds.
        return t_test.mean_only(found.mean, found.n) if self.kind == "irregular" else found

    def for_new_data(self, values: Mapping[Replicate, float], ratio: float, *, step: float = 0.0) -> Estimate:
        """Return the estimate for new data of the same kind, for layouts whose splits vary.

        With folds, the units are the single folds.

        Args:
            values: Replicate -> value.
            ratio: The number of test examples divided by the number of training examples.
            step: As in `estimate`.

        References:
            Nadeau & Bengio 2003, doi:10.1023/A:1024068626366; for folds Bouckaert & Frank 2004,
            doi:10.1007/978-3-540-24775-3_3.
        """
        units = self.per_unit(values)
        if self.folds:
            by_fold = [_mean([values[run[fold]] for run in unit]) for unit in self.units for fold in range(self.folds)]
            return t_test.estimate_mean(by_fold, smallest_sd=self._floor(step) * self.folds, split_ratio=ratio)
        return t_test.estimate_mean(units, smallest_sd=self._floor(step), split_ratio=ratio)

    def _floor(self, step: float) -> float:
        """Return the lower limit of the standard deviation: half a step of a unit's mean."""
        # A mean over k runs changes in steps that are k times as small.
        size = max((sum(map(len, unit)) for unit in self.units), default=1)
        return 0.5 * step / max(size, 1) if self.kind != "crossed" else 0.5 * step / max(self.folds, 1)


def find_layout(replicates: Iterable[Replicate], folds: int = 0) -> Layout:
    """Find the layout of these replicates.

    Args:
        replicates: The replicates of a comparison, or of the runs of one setting.
        folds: `dataset.folds` of the runs, or 0.
    """
    distinct = list(dict.fromkeys(replicates))
    runs, folds = _complete_divisions(distinct, folds)
    layout = _arranged(runs, folds)
    left_out = len(distinct) - len(layout.replicates)
    return Layout(layout.kind, layout.units, layout.folds, layout.refused, left_out)


def _complete_divisions(replicates: Sequence[Replicate], folds: int) -> tuple[dict[tuple[int, int], Folded], int]:
    """Return (seed, split) -> its replicates, one per fold, and the number of folds.

    A division without all its folds is left out.
    """
    gathered: dict[tuple[int, int], list[Replicate]] = {}
    for one in replicates:
        gathered.setdefault((one.seed, one.split_seed), []).append(one)
    if not folds or all(len(one) == 1 for one in gathered.values()):
        # Without a second fold of any division, each fold is an ordinary split.
        return {key: tuple(one) for key, one in gathered.items()}, 0
    complete = {
        key: tuple(sorted(one, key=lambda replicate: replicate.fold))
        for key, one in gathered.items()
        if len(one) == folds and all(0 <= replicate.fold < folds for replicate in one)
    }
    return complete, folds


def _arranged(runs: Mapping[tuple[int, int], Folded], folds: int) -> Layout:
    splits = Counter(split for _, split in runs)
    seeds = Counter(seed for seed, _ in runs)
    singles = tuple((run,) for run in runs.values())
    if len(runs) < 2:
        reason = f"no division has all {folds} folds" if folds and not runs else ""
        reason = reason or "with one run per setting there is no spread"
        return Layout("single" if runs else "none", singles, folds, reason)
    if len(splits) == 1:
        return Layout("seeds", singles, folds, _few(len(runs), "seed"))
    if max(splits.values()) == 1:
        if len(seeds) in (1, len(runs)):
            return Layout("splits", singles, folds, _few(len(runs), "split"))
        return Layout("irregular", singles, folds, "some splits share a seed and others do not")
    if max(seeds.values()) == 1:
        nested = tuple(tuple(run for (_, split), run in runs.items() if split == one) for one in splits)
        return Layout("nested", nested, folds, _few(len(splits), "split"))
    return _crossed(runs, splits, seeds, folds)


def _crossed(
    runs: Mapping[tuple[int, int], Folded], splits: Mapping[int, int], seeds: Mapping[int, int], folds: int
) -> Layout:
    """Return the layout of the largest complete block: seeds and splits with all of them."""
    # A block that is large enough for a verdict is preferred to a larger one that is not.
    chosen, complete = max(
        (_block(runs, splits, seeds, least) for least in sorted(set(seeds.values()), reverse=True)),
        key=lambda block: (min(map(len, block)) >= MIN_UNITS, len(block[0]) * len(block[1])),
    )
    if len(complete) < MIN_UNITS or len(chosen) < MIN_UNITS:
        block = f"{counted(len(complete), 'complete split')} x {counted(len(chosen), 'seed')}"
        fact = f"{block} are too few (at least 3 x 3 are needed)"
        return Layout("irregular", tuple((run,) for run in runs.values()), folds, fact)
    units = tuple(tuple(runs[seed, split] for seed in chosen) for split in complete)
    return Layout("crossed", units, folds)


def _block(
    runs: Mapping[tuple[int, int], Folded], splits: Mapping[int, int], seeds: Mapping[int, int], least: int
) -> tuple[list[int], list[int]]:
    """Return the seeds on at least `least` splits, and the splits with all these seeds."""
    chosen = sorted(seed for seed, count in seeds.items() if count >= least)
    return chosen, [split for split in splits if all((seed, split) in runs for seed in chosen)]


def _few(n: int, unit: str) -> str:
    return "" if n >= MIN_UNITS else f"{counted(n, unit)} {'is' if n == 1 else 'are'} too few (at least 3 are needed)"


def _mean(values: Sequence[float]) -> float:
    """Return the mean; for equal values exactly that value, without rounding."""
    return float(values[0]) if all(one == values[0] for one in values) else float(np.mean(values))
