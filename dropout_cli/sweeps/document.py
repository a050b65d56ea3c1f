"""The keys of a sweep file, with their types and descriptions."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from annotated_types import Ge, Le

from dropout_cli.core.field_types import CountOrZero, NonNegative
from dropout_cli.sweeps.options import MOST_CELLS, MostUnits, Until
from dropout_cli.sweeps.permutation import TestName
from dropout_cli.sweeps.replicates import Splits

TRIALS, REPEATS = 50, 3
"""Defaults of `dropout tune`: trials, and seeds per trial."""
Points = Annotated[int, Ge(1), Le(MOST_CELLS)]


@dataclass(frozen=True, kw_only=True)
class RandomAxes:
    """Random combinations of values."""

    count: Points
    """The number of random combinations."""
    seed: CountOrZero = 0
    """The seed of the random combinations."""
    draw: dict[str, Any]
    """Dotted key -> a distribution (uniform, log_uniform, integers or choice) with its list."""


@dataclass(frozen=True, kw_only=True)
class SweepDocument:
    """The keys of a sweep file."""

    base: str
    """A config file, relative to the folder of this file, or the name of a bundled config."""
    set: dict[str, Any] = field(default_factory=dict)
    """Dotted key -> the value for all runs."""
    grid: dict[str, Any] = field(default_factory=dict)
    """Dotted key -> its values. Every combination is trained."""
    zip: dict[str, Any] = field(default_factory=dict)
    """Dotted key -> its values. These keys change together: the first values, then the second values, and so on."""
    settings: tuple[dict[str, Any], ...] = ()
    """A list of settings, each a mapping of dotted keys to values; a setting may lack keys that others have. Each is
    trained with every combination of grid and zip."""
    random: RandomAxes | None = None
    """Random combinations of values, in addition to those of grid and zip."""
    seeds: Points | tuple[CountOrZero, ...] | None = None
    """The number of seeds (0, 1, ...), or a list of seeds. With a number of splits: how many seeds on each split.
    Default: 10, or 1 on each split."""
    splits: Splits | None = None
    """each: every seed has its own split. same: all seeds use one split. A number N: N splits, with the seeds on
    each. Default: each, or same if the sweep sets or varies `seed` or `dataset.split_seed`."""
    baseline: dict[str, Any] | None = None
    """Dotted key -> its value in the baseline, the setting that all others are compared with."""
    metric: str = "test.accuracy"
    """The metric to compare by, any number of summary.json."""
    metrics: tuple[str, ...] = ()
    """Further metrics to compare by. The comparisons by all metrics are corrected together."""
    test: TestName = "t"
    """A permutation test that is shown in addition to the t test: sign-flip, max-t or wilcoxon."""
    margin: NonNegative | None = None
    """Differences smaller than this do not matter."""
    until: Until | None = None
    """sure: train each setting only until its difference from the baseline is decided, and end by itself."""
    max_seeds: MostUnits | None = None
    """With `until: sure`, the most seeds (or splits) of a setting. Default: 30."""
    trials: Points = TRIALS
    """The number of settings that `dropout tune` tries."""
    repeats: Points = REPEATS
    """The number of seeds with which `dropout tune` trains each setting."""
