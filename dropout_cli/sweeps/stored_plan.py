"""The plan and the complete runs of a sweep, read from its folder.

The folder may come from someone else, so that everything is checked.
"""

import itertools
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dropout_cli.core.dotted import value_at
from dropout_cli.core.errors import UsageError
from dropout_cli.metrics import METRICS
from dropout_cli.sweeps.folder import PLAN, SweepFolder
from dropout_cli.sweeps.permutation import TestName
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.replicates import SAME, Replicate, Splits
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import IncompleteSetting, SweepComparison, compare_runs, metric_of_task
from dropout_cli.sweeps.until_sure.levels import PlannedLooks
from dropout_cli.sweeps.until_sure.progress import PlannedUnits, SequentialProgress, assess_progress
from dropout_cli.sweeps.variance.design import VarianceDesign

STUDY_FACT = "belong to a study of the variance and differ only in seeds, so there is nothing to compare"
STUDY_WAY_OUT = "`dropout show FOLDER` shows the sources of the variance."


@dataclass(frozen=True)
class StoredCell:
    """A planned run, as stored in `plan.json`."""

    id: str
    group: int
    seed: int
    split_seed: int
    fingerprint: str | None
    fold: int = 0
    """The fold that is the test part, if the data are divided into folds."""


@dataclass(frozen=True)
class StoredGroup:
    """A group of runs, as stored in `plan.json`."""

    values: dict[str, Any]
    config: dict[str, Any]


@dataclass(frozen=True)
class StoredPlan:
    """The contents of `plan.json`."""

    format: int
    metric: str
    baseline: dict[str, Any] | None
    margin: float | None
    keys: list[str]
    generations: list[dict[str, int]]
    groups: list[StoredGroup]
    cells: list[StoredCell]
    metrics: list[str] = field(default_factory=list)
    """The metrics besides the main one."""
    test: TestName = "t"
    judged_by: list[str] = field(default_factory=list)
    """The metrics by which the tables were written before."""
    arithmetic: int = 1
    """The version of the arithmetic with which the sweep began (see `training.result_changes`)."""
    splits: Splits = SAME
    """The layout of the replicates. Plans of older versions do not have it; all their runs share one split."""
    until: PlannedLooks | None = None
    """The looks of `--until sure`; None: all planned runs are trained."""
    design: VarianceDesign | None = None
    """The design of a study of the variance; None for a comparison of settings."""

    def __post_init__(self) -> None:
        """Raise ValueError for an invalid name, group or metric."""
        # A name becomes a part of a path: it must not lead out of the folder.
        if not all(re.fullmatch("[0-9a-f]{12}", cell.id) for cell in self.cells):
            raise ValueError("a run's name is not 12 hex digits")
        if not all(0 <= cell.group < len(self.groups) for cell in self.cells):
            raise ValueError("a run belongs to no setting")
        if not {self.metric, *self.metrics} <= {*METRICS}:
            raise ValueError("its metric is unknown")

    @property
    def looks(self) -> list[int]:
        """The number of runs at each look at the tables before runs were added or removed."""
        return [
            before["cells"]
            for before, after in itertools.pairwise(self.generations)
            if after.get("looked") and (after["new"] or after.get("orphaned"))
        ]

    @property
    def comparison(self) -> ComparisonSettings:
        """The settings by which the runs are compared."""
        return ComparisonSettings(self.metric, tuple(self.metrics), self.test, self.baseline, self.margin, self.until)

    def progress(self, records: Sequence[RunRecord], failed: Collection[str] = ()) -> SequentialProgress | None:
        """Return how far a sweep with `--until sure` is; None for another sweep.

        Args:
            records: The complete runs.
            failed: The ids of the runs that failed.

        Raises:
            UsageError: No setting is the baseline.
        """
        if self.until is None:
            return None
        groups = [PlannedUnits(group.values, self._units(place)) for place, group in enumerate(self.groups)]
        settings = replace(self.comparison, metric=metric_of_task(self.metric, records))
        by_id = {record.name: record for record in records}
        return assess_progress(self.until, groups, self.keys, settings, by_id, failed, unit=self._unit)

    def _units(self, group: int) -> list[list[str]]:
        """Return the ids of the runs of each unit of a group, in the order of training."""
        found: dict[tuple[int, ...], list[str]] = {}
        for cell in self.cells:
            if cell.group == group:
                unit = (cell.split_seed,) if isinstance(self.splits, int) else (cell.seed, cell.split_seed)
                found.setdefault(unit, []).append(cell.id)
        return list(found.values())

    @property
    def _unit(self) -> str:
        """The name of a unit."""
        if self.splits == SAME:
            return "seed"
        folds = any(value_at(group.config, "dataset.folds") for group in self.groups)
        return "division" if folds else "split"

    def due(self, records: Sequence[RunRecord], failed: Collection[str] = ()) -> Collection[str]:
        """Return the ids of the runs that are known to be needed: all, unless the sweep ends by itself.

        Args:
            records: The complete runs.
            failed: The ids of the runs that failed.

        Raises:
            UsageError: No setting is the baseline.
        """
        progress = self.progress(records, failed)
        return frozenset(cell.id for cell in self.cells) if progress is None else progress.due

    def count_missing(self, records: Sequence[RunRecord], failed: Collection[str] = ()) -> int:
        """Return how many runs are due, and neither complete nor failed; see `due`."""
        return len({*self.due(records, failed)}.difference(failed, (record.name for record in records)))

    def compare(self, records: Sequence[RunRecord], failed: Collection[str] = ()) -> SweepComparison:
        """Compare the runs.

        Args:
            records: The complete runs.
            failed: The ids of the runs that failed.

        Raises:
            UsageError: No run of the baseline is complete, or the runs are a study of the variance.
        """
        if self.design is not None:
            raise UsageError("the runs", STUDY_FACT, STUDY_WAY_OUT)
        progress = self.progress(records, failed)
        lacking = self._lacking(records, failed, self.due(records, failed))
        if progress is not None:
            records = [record for record in records if record.name in progress.counted]
        return compare_runs(
            records,
            self.keys,
            self.comparison,
            looks=self.looks,
            judged_by=self.judged_by,
            lacking=lacking,
            sequential=None if progress is None else progress.levels,
        )

    def _lacking(
        self, records: Sequence[RunRecord], failed: Collection[str], due: Collection[str]
    ) -> list[IncompleteSetting]:
        """Return the settings without some of the runs that are due."""
        complete = {record.name for record in records}
        found: list[IncompleteSetting] = []
        for place, group in enumerate(self.groups):
            cells = [cell.id for cell in self.cells if cell.group == place and cell.id in due]
            there = len(complete.intersection(cells))
            if there < len(cells):
                lost = sum(id in failed and id not in complete for id in cells)
                found.append(IncompleteSetting(group.values, there, len(cells), lost))
        return found


def read_plan(folder: SweepFolder) -> StoredPlan | None:
    """Return the stored plan, None without one; raise UsageError if it is damaged."""
    from pydantic import TypeAdapter, ValidationError

    content = folder.plan()
    if content is None:
        return None
    try:
        return TypeAdapter(StoredPlan).validate_json(json.dumps(content, allow_nan=False), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        reason = ": ".join(filter(None, [".".join(map(str, first["loc"])), first["msg"]]))
    except ValueError as error:  # not finite, or no Unicode
        reason = str(error)
    raise UsageError(
        str(folder.path / PLAN), f"is damaged ({reason})", "Restore the file, or choose another folder with --out."
    )


def read_failures(folder: SweepFolder, plan: StoredPlan) -> set[str]:
    """Return the ids of the runs that failed and are not complete."""
    return {cell.id for cell in plan.cells if folder.failure(cell.id) is not None and not folder.is_complete(cell.id)}


def read_runs(folder: SweepFolder) -> tuple[list[RunRecord], StoredPlan]:
    """Return the complete runs of a sweep, and its plan.

    Raises:
        UsageError: The folder is not a sweep folder, or a file is damaged.
    """
    found = read_plan(folder)
    if found is None:
        raise UsageError(str(folder.path), "is not a sweep folder", "`dropout sweep` creates one.")
    records = [
        RunRecord.from_summary(
            str(folder.cell(cell.id)),
            found.groups[cell.group].values,
            Replicate(cell.seed, cell.split_seed, cell.fold),
            folder.summary(cell.id),
        )
        for cell in found.cells
        if folder.is_complete(cell.id)
    ]
    return records, found
