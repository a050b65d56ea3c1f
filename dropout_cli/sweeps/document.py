"""The keys of a SWEEP.yaml."""

from dataclasses import dataclass, field
from typing import Annotated, Any

from annotated_types import Ge, Le

from dropout_cli.core.fields import CountOrZero, NonNegative
from dropout_cli.sweeps.options import MOST_CELLS
from dropout_cli.sweeps.permutation import TestName
from dropout_cli.sweeps.replicates import Splits

TRIALS, REPEATS = 50, 3
Points = Annotated[int, Ge(1), Le(MOST_CELLS)]


@dataclass(frozen=True, kw_only=True)
class RandomAxes:
    """Points drawn at random."""

    count: Points
    """How many."""
    seed: CountOrZero = 0
    """Of the stream that they are drawn from."""
    draw: dict[str, Any]
    """Dotted key -> uniform, log_uniform, integers or choice, each with its list."""


@dataclass(frozen=True, kw_only=True)
class SweepDocument:
    """The keys of a sweep file."""

    base: str
    """A config file, counted from this file's folder, or the name of a bundled config."""
    set: dict[str, Any] = field(default_factory=dict)
    """Dotted key -> a value that all runs share."""
    grid: dict[str, Any] = field(default_factory=dict)
    """Dotted key -> its values: every combination is trained."""
    zip: dict[str, Any] = field(default_factory=dict)
    """Dotted key -> its values: the first ones together, then the second ones."""
    random: RandomAxes | None = None
    """Points drawn at random."""
    seeds: Points | tuple[CountOrZero, ...] | None = None
    """How many, from 0 on, or which; beside a number of splits, how many on each. 10 unless given, or 1 on each."""
    splits: Splits | None = None
    """Whether each seed has a split of its own, all have the same one, or how many splits there are. Each unless given,
    or unless the sweep sets or sweeps `seed` or `dataset.split_seed` itself."""
    baseline: dict[str, Any] | None = None
    """Dotted key -> the value of what all others are compared with."""
    metric: str = "test.accuracy"
    """A number of summary.json."""
    metrics: tuple[str, ...] = ()
    """More numbers to compare by, beside `metric`; all comparisons are corrected for together."""
    test: TestName = "t"
    """A permutation test to stand beside the t test: sign-flip, max-t or wilcoxon."""
    margin: NonNegative | None = None
    """Differences smaller than this do not matter."""
    trials: Points = TRIALS
    """Of `dropout tune`: how many points it tries."""
    repeats: Points = REPEATS
    """Of `dropout tune`: the seeds that a trial is trained with, from 0 on."""
