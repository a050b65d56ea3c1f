"""The progress of a sweep with `--until sure`: looks so far, and runs that are due.

Everything follows from the plan and from the runs that are complete or have failed, so that a sweep that was killed
goes on to the same end.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from dropout_cli.core.text import counted
from dropout_cli.statistics.sequential_decisions import OPEN, decide_at_looks
from dropout_cli.sweeps.baselines import find_baselines
from dropout_cli.sweeps.pairs import differences_of_pairs, paired_estimate
from dropout_cli.sweeps.records import RunGroup, RunRecord, Values
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.until_sure.levels import PlannedLevels, PlannedLooks


@dataclass(frozen=True)
class PlannedUnits:
    """The planned runs of one setting."""

    values: Values
    units: Sequence[Sequence[str]]
    """The ids of the runs of each unit (a seed, a split or a division), in the order of training."""


@dataclass(frozen=True)
class SettingProgress:
    """How far one setting is."""

    group: int
    baseline: int
    look: int
    """The index of the last look at it; -1 before the first."""
    decided: bool


@dataclass(frozen=True)
class SequentialProgress:
    """How far a sweep with `--until sure` is."""

    plan: PlannedLooks
    settings: tuple[SettingProgress, ...]
    """The settings that are compared with a baseline."""
    due: frozenset[str]
    """The ids of all runs that the looks so far need, and the next one if a setting is open."""
    counted: frozenset[str]
    """The ids of the runs that count: those that the last look at their setting needed, and all before the first."""
    levels: PlannedLevels

    @property
    def open(self) -> list[SettingProgress]:
        """The settings that are not decided and have a next look."""
        return [one for one in self.settings if not one.decided and one.look + 1 < len(self.plan.looks)]

    @property
    def sentence(self) -> str:
        """How far the sweep is, in words."""
        looks, total, unit = self.plan.looks, len(self.settings), self.levels.unit
        if self.open:
            place = min(one.look for one in self.open) + 1
            units = counted(looks[place], unit)
            return f"look {place + 1} of {len(looks)} ({units}): {len(self.open)} of {_settings(total)} still open"
        decided = sum(one.decided for one in self.settings)
        last = max(one.look for one in self.settings)
        end = f"ended at look {last + 1} of {len(looks)} ({counted(looks[last], unit)})"
        return f"{end}: {decided} of {_settings(total)} decided"


def _settings(number: int) -> str:
    return counted(number, "setting")


def assess_progress(
    plan: PlannedLooks,
    groups: Sequence[PlannedUnits],
    keys: Sequence[str],
    settings: ComparisonSettings,
    records: Mapping[str, RunRecord],
    failed: Collection[str],
    *,
    unit: str,
) -> SequentialProgress:
    """Look at the complete runs as often as the plan allows.

    Args:
        plan: The planned looks.
        groups: The planned runs.
        keys: The keys that tell groups apart.
        settings: How the runs are compared; only the main metric decides.
        records: Id -> complete run.
        failed: The ids of the runs that failed; a look goes on without them.
        unit: `seed`, `split` or `division`.

    Raises:
        UsageError: No group is the baseline.
    """
    bases = find_baselines([group.values for group in groups], keys, settings.baseline)
    levels = plan.levels(plan.comparisons)
    found = []
    for index, base in enumerate(bases):
        if base is not None and base != index:
            looks = [(-1, False), *_looks(plan, levels, groups[index], groups[base], settings, records, failed)]
            found.append(SettingProgress(index, base, *looks[-1]))
    ended, next_look = [-1] * len(groups), [-1] * len(groups)
    for one in found:
        ahead = one.look if one.decided else min(one.look + 1, len(plan.looks) - 1)
        for place in (one.group, one.baseline):
            ended[place], next_look[place] = max(ended[place], one.look), max(next_look[place], ahead)
    due, counting, reached = set[str](), set[str](), dict[str, int]()
    for group, last, ahead in zip(groups, ended, next_look, strict=True):
        reached |= dict.fromkeys(_ids(group, len(group.units)), last)
        counting.update(_ids(group, plan.looks[last] if last >= 0 else len(group.units)))
        due.update(_ids(group, plan.looks[ahead] if ahead >= 0 else 0))
    planned = PlannedLevels(plan, reached, unit)
    return SequentialProgress(plan, tuple(found), frozenset(due), frozenset(counting), planned)


def _ids(group: PlannedUnits, units: int) -> list[str]:
    """Return the ids of the runs of the first units."""
    return [id for unit in group.units[:units] for id in unit]


def _looks(
    plan: PlannedLooks,
    levels: Sequence[float],
    group: PlannedUnits,
    base: PlannedUnits,
    settings: ComparisonSettings,
    records: Mapping[str, RunRecord],
    failed: Collection[str],
) -> Iterator[tuple[int, bool]]:
    """Yield the index of each possible look, and whether it decides; end after a decision."""
    for place, (units, level) in enumerate(zip(plan.looks, levels, strict=True)):
        ours, theirs = _ids(group, units), _ids(base, units)
        if any(id not in records and id not in failed for id in (*ours, *theirs)):
            return
        sides = [_group(one.values, ids, records) for one, ids in ((group, ours), (base, theirs))]
        decided = _is_decided(sides[0], sides[1], settings, level)
        yield place, decided
        if decided:
            return


def _group(values: Values, ids: Sequence[str], records: Mapping[str, RunRecord]) -> RunGroup:
    """Return the complete ones of some runs as a group."""
    found: dict[Replicate, tuple[RunRecord, ...]] = {}
    for id in ids:
        if id in records:
            found[records[id].replicate] = (records[id],)
    return RunGroup(values, found)


def _is_decided(group: RunGroup, base: RunGroup, settings: ComparisonSettings, level: float) -> bool:
    """Return True if the interval at a level excludes 0 or is within the margin."""
    by_pair = differences_of_pairs(group, base, settings.metric)
    if not by_pair:
        return False
    layout, estimate = paired_estimate(group, base, settings.metric, by_pair)
    if layout.refused:
        return False
    means, errors, df, levels = (np.array([value]) for value in (estimate.mean, estimate.se, estimate.df, level))
    return int(decide_at_looks(means, errors, df, levels, settings.margin).codes) != OPEN
