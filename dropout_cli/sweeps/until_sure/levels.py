"""The levels of intervals that account for several looks at the results.

PlannedLevels    for `--until sure`: the level of the look at which a setting was decided
AnyTimeLevels    for `compare --any-time`: a level that holds at every number of pairs, planned or not
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from dropout_cli.statistics import sequential

SPENDING: Literal["alpha t^2"] = "alpha t^2"
MOST_UNITS = 1_000
"""The most seeds or splits of a plan."""
MOST_LOOKS = 100
"""More looks than any plan has: a stored plan with more is damaged."""
SMALLEST_LEVEL = 1e-12
"""Below any level of a plan; the bounds of smaller ones cannot be computed."""


class SequentialLevel(NamedTuple):
    """The level of one interval."""

    p: float
    """Two-sided nominal level: the interval is mean +- t(1 - p/2, df) se."""
    look: int = 0
    """Number of the planned look, from 1; 0 for an any-time interval."""
    looks: int = 0
    """Number of planned looks."""
    n: int = 0
    """Planned number of units at this look."""
    comparisons: int = 1
    """Number of comparisons for Bonferroni's correction."""


class SequentialRule(Protocol):
    """Chooses the level of each interval."""

    def level_of_difference(
        self, names: Iterable[str], units: int, kind: str, comparisons: int
    ) -> SequentialLevel | str:
        """Return the level of a difference, or the reason why there is none yet.

        Args:
            names: The names of the runs of both settings.
            units: The number of differences: seeds, splits, or means of splits.
            kind: The kind of the layout.
            comparisons: The number of comparisons that are made now.
        """

    def level_of_mean(self, names: Iterable[str], units: int) -> float:
        """Return the two-sided level of the interval of a mean; NaN if there is none yet."""


@dataclass(frozen=True)
class PlannedLooks:
    """The looks of a sweep with `--until sure`, as stored in `plan.json`."""

    looks: list[int]
    """Numbers of units (seeds or splits), in ascending order."""
    comparisons: int
    """The number of comparisons, by all metrics together, for Bonferroni's correction."""
    alpha: float = 0.05
    """The level of all looks and comparisons together."""
    spending: Literal["alpha t^2"] = SPENDING
    """How alpha is distributed over the looks (Kim & DeMets 1987)."""

    def __post_init__(self) -> None:
        """Raise ValueError for looks that cannot be."""
        if not self.looks or len(self.looks) > MOST_LOOKS or self.looks != sorted({*self.looks}) or self.looks[0] < 3:
            raise ValueError("its looks are not ascending numbers of at least 3")
        if self.looks[-1] > MOST_UNITS:
            raise ValueError(f"its looks go beyond {MOST_UNITS:,}")
        if not (self.comparisons >= 1 and SMALLEST_LEVEL <= self.alpha / self.comparisons < 1):
            raise ValueError("its looks have no valid level")

    def levels(self, comparisons: int) -> list[float]:
        """Return the nominal level of each look."""
        found = sequential.planned_looks(tuple(self.looks), comparisons=comparisons, alpha=self.alpha)
        return [look.p for look in found]


@dataclass(frozen=True)
class PlannedLevels:
    """The levels of a sweep with `--until sure`; see `SequentialRule`."""

    plan: PlannedLooks
    reached: Mapping[str, int]
    """Name of a run -> the index of the look that its setting has reached; -1 before the first look."""
    unit: str
    """`seed`, `split` or `division`."""

    def level_of_difference(
        self, names: Iterable[str], units: int, kind: str, comparisons: int
    ) -> SequentialLevel | str:
        """Return the level of the look that both settings have reached."""
        # The intervals hold at all looks together, so that also a metric or a baseline that did not decide when a
        # setting ended may use them.
        place = min((self.reached.get(name, -1) for name in names), default=-1)
        if place < 0:
            return f"the first look is at {self.plan.looks[0]} {self.unit}s"
        family = max(self.plan.comparisons, comparisons)
        return SequentialLevel(
            self.plan.levels(family)[place], place + 1, len(self.plan.looks), self.plan.looks[place], family
        )

    def level_of_mean(self, names: Iterable[str], units: int) -> float:
        """Return the level of the look that the setting has reached, without correction."""
        place = min((self.reached.get(name, -1) for name in names), default=-1)
        # A mean over fewer units, such as the pairs that all settings have, belongs to an earlier look.
        earlier = sum(look <= units for look in self.plan.looks) - 1
        return self.plan.levels(1)[max(0, min(place, earlier))] if place >= 0 else math.nan


@dataclass(frozen=True)
class AnyTimeLevels:
    """The levels that hold at every number of pairs, planned or not; see `SequentialRule`."""

    def level_of_difference(
        self, names: Iterable[str], units: int, kind: str, comparisons: int
    ) -> SequentialLevel | str:
        """Return the level for this number of units."""
        if kind not in ("seeds", "splits", "nested"):
            return "an any-time interval needs independent seeds or splits"
        level = _any_time_level(units, comparisons)
        return (
            SequentialLevel(level, comparisons=comparisons)
            if level > 0
            else "there are too few pairs for an any-time interval"
        )

    def level_of_mean(self, names: Iterable[str], units: int) -> float:
        """Return the level for this number of units, without correction."""
        return _any_time_level(units, 1) or math.nan


def _any_time_level(units: int, comparisons: int) -> float:
    """Return the two-sided level of the any-time constant; 0 if the constant is infinite."""
    from scipy import stats

    constant = sequential.anytime_constant(units, comparisons=comparisons)
    return 2 * float(stats.t.sf(constant, units - 1)) if units > 1 and math.isfinite(constant) else 0.0
