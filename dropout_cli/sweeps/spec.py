"""The specification of a sweep: base config, points, seeds, splits and comparison."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dropout_cli.config.writing import dump_yaml
from dropout_cli.core.errors import ConfigError
from dropout_cli.statistics.sequential import LOOKS
from dropout_cli.sweeps.axes import Axes, Point
from dropout_cli.sweeps.options import FEWEST_UNITS
from dropout_cli.sweeps.permutation import TestName
from dropout_cli.sweeps.replicates import EACH, Splits
from dropout_cli.sweeps.settings import ComparisonSettings

SEEDS = 10


@dataclass(frozen=True)
class Sweep:
    """The specification of a sweep, not yet checked against the data."""

    base: Path
    points: tuple[Point, ...]
    """The combinations of settings; a point has each key once."""
    seeds: tuple[int, ...]
    """The seeds; with a number of splits, only their count matters."""
    splits: Splits | None
    """The layout; None: that of the sweep in the folder, or the usual one in a new folder."""
    baseline: dict[str, Any] | None
    metric: str
    metrics: tuple[str, ...]
    """The metrics besides the main one."""
    test: TestName
    margin: float | None
    axes: Axes
    trials: int
    repeats: int
    written: Mapping[str, Any]
    """The keys of an equivalent SWEEP.yaml; `seeds` is None if none were given."""
    folder: Path
    """The folder to which relative paths in swept values refer."""
    name: str
    base_text: bytes | None = None
    """The content of the base, if it was made for a data file; `base` is then where the sweep stores it."""
    first: int = 0
    """Added to every seed, and to every split that is not the same for all."""
    begun: Splits | None = None
    """The layout of the sweep in the folder; None without one."""
    until: int | None = None
    """With `until: sure`, the most seeds or splits of a setting; None: all seeds are trained."""

    @property
    def text(self) -> bytes:
        """The specification as a SWEEP.yaml, with `splits` unless the layout is the usual one."""
        is_usual = self.splits in (None, EACH) or self.axes.chooses_splits() is not None
        values = {**self.written, "splits": None if is_usual else self.splits}
        # The number of seeds of a sweep that ends by itself is not known.
        if values["seeds"] is None and (self.until is None or isinstance(self.splits, int)):
            values["seeds"] = len(self.seeds)
        return dump_yaml({name: value for name, value in values.items() if value not in (None, {})}).encode()

    @property
    def comparison(self) -> ComparisonSettings:
        """The settings by which the runs are compared."""
        return ComparisonSettings(self.metric, self.metrics, self.test, self.baseline, self.margin)

    def with_splits(self, splits: Splits | None) -> "Sweep":
        """Return the sweep with another layout, and the usual seeds for it if none were given.

        Raises:
            ConfigError: The seeds are a list, and `splits` is a number.
        """
        if splits == self.splits:
            return self
        given = self.written["seeds"]
        until = None if self.until is None else most_units(self.written["max_seeds"], splits)
        return replace(self, splits=splits, until=until, seeds=seed_numbers(given, splits, until))


def most_units(max_seeds: int | None, splits: Splits | None) -> int:
    """Return the most seeds or splits of a sweep with `until: sure`.

    Raises:
        ConfigError: `splits` is a number, which is the most, and does not fit.
    """
    if not isinstance(splits, int):
        return max_seeds or LOOKS[-1]
    if max_seeds not in (None, splits):
        fact = f"cannot be {max_seeds}, because the sweep has {splits} splits, and their number is the limit"
        raise ConfigError("max_seeds", fact, "Leave out one of the two.")
    if splits < FEWEST_UNITS:
        fact = f"{splits} are too few for until: sure, whose first look is at {FEWEST_UNITS}"
        raise ConfigError("splits", fact, f"Give at least {FEWEST_UNITS}.")
    return splits


def seed_numbers(
    seeds: int | tuple[int, ...] | None, splits: Splits | None, until: int | None = None
) -> tuple[int, ...]:
    """Return the seeds; with a number of splits, those of one split.

    Args:
        seeds: The seeds, or their number.
        splits: The layout.
        until: The most seeds or splits of a sweep with `until: sure`.

    Raises:
        ConfigError: The seeds are a list although `splits` is a number, or a seed is repeated; or there are seeds
            although the results decide their number.
    """
    if until is not None and not isinstance(splits, int):
        if seeds is not None:
            fact = "cannot be combined with until: sure, which decides the number of seeds itself"
            raise ConfigError("seeds", fact, "Leave it out, or give the most seeds with --max-seeds.")
        return tuple(range(until))
    # No seed may be on two splits, so that the layout numbers the seeds itself.
    if isinstance(splits, int) and isinstance(seeds, tuple):
        fact = f"must be a number of seeds per split if there are {splits} splits, not a list"
        raise ConfigError("seeds", fact, "Write a number, such as 3, or use splits: each.")
    if seeds is None:
        seeds = 1 if isinstance(splits, int) else SEEDS
    numbers = tuple(range(seeds)) if isinstance(seeds, int) else seeds
    if len(set(numbers)) < len(numbers) or not numbers:
        raise ConfigError(
            "seeds", "must be a count or a list of different numbers", "Write seeds: 10 or seeds: [0, 1, 2]."
        )
    return numbers
