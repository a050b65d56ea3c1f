"""How the runs of a comparison are laid out over seeds and splits, and what follows for its estimate.

    seeds     one split, n seeds: the unit is a seed
    splits    n splits, one run each: the unit is a split
    nested    S splits, each with seeds of its own: the unit is the mean of a split
    crossed   the same R seeds on each of S splits: two-way mean squares

With `dataset.folds`, a run of this list is the mean over the folds of one division. `statistics.estimate` has the
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
    """How replicates are arranged."""

    kind: Kind
    units: tuple[tuple[Folded, ...], ...]
    """The runs of each unit; of a crossed layout, the unit is a split and its runs are in the order of the seeds."""
    folds: int = 0
    """How many folds each run stands for; 0 where the data are not divided into folds."""
    refused: str = ""
    """Why there is no verdict; empty where there is one."""
    left_out: int = 0
    """Replicates that no unit has."""

    @property
    def replicates(self) -> list[Replicate]:
        """The replicates of all units, unit by unit."""
        return [one for unit in self.units for run in unit for one in run]

    @property
    def splits_vary(self) -> bool:
        """Whether units differ in their splits."""
        return self.kind in ("splits", "nested", "crossed")

    @property
    def seed(self) -> int | None:
        """The seed that all runs share; None where seeds differ."""
        seeds = {one.seed for one in self.replicates}
        return seeds.pop() if len(seeds) == 1 else None

    def per_unit(self, values: Mapping[Replicate, float]) -> list[float]:
        """Return the mean of each unit."""
        return [_mean([_mean([values[one] for one in run]) for run in unit]) for unit in self.units]

    def estimate(self, values: Mapping[Replicate, float], *, step: float = 0.0) -> Estimate:
        """Return the mean over the units with its standard error.

        Args:
            values: Replicate -> value, for all that are used.
            step: The smallest step of a single value, 1 / N of accuracies: standard deviations are at least half of it.
        """
        if self.kind == "crossed":
            rows = [[_mean([values[one] for one in run]) for run in unit] for unit in self.units]
            return t_test.estimate_crossed(np.array(rows), smallest_sd=self._floor(step))
        found = t_test.estimate_mean(self.per_unit(values), smallest_sd=self._floor(step))
        return t_test.mean_only(found.mean, found.n) if self.kind == "irregular" else found

    def for_new_data(self, values: Mapping[Replicate, float], ratio: float, *, step: float = 0.0) -> Estimate:
        """Return the estimate that speaks of new data of this kind, where splits vary (Nadeau & Bengio 2003).

        With folds, of which each division has all, the units are the single folds (Bouckaert & Frank 2004,
        doi:10.1007/978-3-540-24775-3_3).

        Args:
            values: Replicate -> value.
            ratio: Test examples over training examples.
            step: As in `estimate`.
        """
        units = self.per_unit(values)
        if self.folds:
            by_fold = [_mean([values[run[fold]] for run in unit]) for unit in self.units for fold in range(self.folds)]
            return t_test.estimate_mean(by_fold, smallest_sd=self._floor(step) * self.folds, split_ratio=ratio)
        return t_test.estimate_mean(units, smallest_sd=self._floor(step), split_ratio=ratio)

    def _floor(self, step: float) -> float:
        """Return half a step of the mean of a unit's runs."""
        size = max((sum(map(len, unit)) for unit in self.units), default=1)
        return 0.5 * step / max(size, 1) if self.kind != "crossed" else 0.5 * step / max(self.folds, 1)


def find_layout(replicates: Iterable[Replicate], folds: int = 0) -> Layout:
    """Find the layout of these replicates.

    Args:
        replicates: Those that a comparison has, or the runs of one setting.
        folds: `dataset.folds` of the runs, or 0.
    """
    asked = list(dict.fromkeys(replicates))
    runs, folds = _whole_divisions(asked, folds)
    layout = _arranged(runs, folds)
    lost = len(asked) - len(layout.replicates)
    return Layout(layout.kind, layout.units, layout.folds, layout.refused, lost)


def _whole_divisions(replicates: Sequence[Replicate], folds: int) -> tuple[dict[tuple[int, int], Folded], int]:
    """Return (seed, split) -> its replicates, one per fold; a division that lacks a fold is left out.

    Where no division has more than one fold, each is a split as any other.
    """
    gathered: dict[tuple[int, int], list[Replicate]] = {}
    for one in replicates:
        gathered.setdefault((one.seed, one.split_seed), []).append(one)
    if not folds or all(len(one) == 1 for one in gathered.values()):
        return {key: tuple(one) for key, one in gathered.items()}, 0
    whole = {
        key: tuple(sorted(one, key=lambda replicate: replicate.fold))
        for key, one in gathered.items()
        if len(one) == folds and all(0 <= replicate.fold < folds for replicate in one)
    }
    return whole, folds


def _arranged(runs: Mapping[tuple[int, int], Folded], folds: int) -> Layout:
    splits = Counter(split for _, split in runs)
    seeds = Counter(seed for seed, _ in runs)
    singles = tuple((run,) for run in runs.values())
    if len(runs) < 2:
        what = f"there is no whole division into {folds} folds" if folds and not runs else ""
        return Layout("single" if runs else "none", singles, folds, what or "one run of each has no spread")
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
    """Take the largest whole block: some seeds, and the splits that have all of them."""
    chosen, whole = max(
        (_block(runs, splits, seeds, least) for least in sorted(set(seeds.values()), reverse=True)),
        key=lambda block: (min(map(len, block)) >= MIN_UNITS, len(block[0]) * len(block[1])),
    )
    if len(whole) < MIN_UNITS or len(chosen) < MIN_UNITS:
        block = f"{counted(len(whole), 'whole split')} x {counted(len(chosen), 'seed')}"
        fact = f"splits share seeds, and {block} are too few (3 x 3 at least)"
        return Layout("irregular", tuple((run,) for run in runs.values()), folds, fact)
    units = tuple(tuple(runs[seed, split] for seed in chosen) for split in whole)
    return Layout("crossed", units, folds)


def _block(
    runs: Mapping[tuple[int, int], Folded], splits: Mapping[int, int], seeds: Mapping[int, int], least: int
) -> tuple[list[int], list[int]]:
    """Return the seeds that are on so many splits at least, ascending, and the splits that have all of them."""
    chosen = sorted(seed for seed, count in seeds.items() if count >= least)
    return chosen, [split for split in splits if all((seed, split) in runs for seed in chosen)]


def _few(n: int, unit: str) -> str:
    return "" if n >= MIN_UNITS else f"{counted(n, unit)} {'is' if n == 1 else 'are'} too few (3 at least)"


def _mean(values: Sequence[float]) -> float:
    """Return the mean; of equal values exactly that value."""
    return float(values[0]) if all(one == values[0] for one in values) else float(np.mean(values))
