"""A sweep as it was asked for: base config, points, seeds, splits and how its runs are compared."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dropout_cli.config.writing import dump_yaml
from dropout_cli.core.errors import ConfigError
from dropout_cli.sweeps.axes import Axes, Point
from dropout_cli.sweeps.permutation import TestName
from dropout_cli.sweeps.replicates import EACH, Splits
from dropout_cli.sweeps.settings import ComparisonSettings

SEEDS = 10


@dataclass(frozen=True)
class Sweep:
    """A sweep as it was asked for, not yet checked against the data."""

    base: Path
    points: tuple[Point, ...]
    """Each key once per point."""
    seeds: tuple[int, ...]
    """With a number of splits, only how many there are matters."""
    splits: Splits | None
    """None: as the sweep in the folder has it, else the usual layout."""
    baseline: dict[str, Any] | None
    metric: str
    metrics: tuple[str, ...]
    """Those beside the main one."""
    test: TestName
    margin: float | None
    axes: Axes
    trials: int
    repeats: int
    written: Mapping[str, Any]
    """The keys of a SWEEP.yaml that says the same; `seeds` as they were given, None where they were not."""
    folder: Path
    """The folder from which relative paths in swept values count."""
    name: str
    first: int = 0
    """Added to every seed, and to every split that is not the same for all."""
    begun: Splits | None = None
    """The layout of the sweep that the folder holds."""

    @property
    def text(self) -> bytes:
        """As a SWEEP.yaml; it says `splits` where the layout is not the usual one."""
        is_usual = self.splits in (None, EACH) or self.axes.chooses_splits() is not None
        values = {**self.written, "splits": None if is_usual else self.splits}
        values["seeds"] = len(self.seeds) if values["seeds"] is None else values["seeds"]
        return dump_yaml({name: value for name, value in values.items() if value not in (None, {})}).encode()

    @property
    def comparison(self) -> ComparisonSettings:
        """How its runs are compared."""
        return ComparisonSettings(self.metric, self.metrics, self.test, self.baseline, self.margin)

    def with_splits(self, splits: Splits | None) -> "Sweep":
        """Return the sweep with that layout, and with its usual number of seeds where none was given.

        Raises ConfigError for a list of seeds beside a number of splits.
        """
        given = self.written["seeds"]
        return replace(self, splits=splits, seeds=self.seeds if splits == self.splits else seed_numbers(given, splits))


def seed_numbers(seeds: int | tuple[int, ...] | None, splits: Splits | None) -> tuple[int, ...]:
    """Return the seeds; with a number of splits, those of one split.

    Raises:
        ConfigError: The seeds are a list beside a number of splits, or repeat each other.
    """
    if isinstance(splits, int) and isinstance(seeds, tuple):
        fact = f"a list beside {splits} splits, and no seed may be on two splits"
        raise ConfigError("seeds", fact, "Say how many each split has, such as 3; or give splits: each.")
    if seeds is None:
        seeds = 1 if isinstance(splits, int) else SEEDS
    numbers = tuple(range(seeds)) if isinstance(seeds, int) else seeds
    if len(set(numbers)) < len(numbers) or not numbers:
        raise ConfigError("seeds", "must be different numbers, at least one", "Such as seeds: 10 or seeds: [0, 1, 2].")
    return numbers
