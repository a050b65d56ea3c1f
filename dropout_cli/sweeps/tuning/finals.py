"""Which trial of a search wins: the few best are trained with more seeds, and the mean over all seeds decides.

Among many trials of a few seeds the first place goes to whom chance helped most. More seeds for a few finalists cost
little beside more trials, and tell them apart (two stages of ranking and selection, Rinott 1978).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dropout_cli.metrics import larger_is_better, metric_name
from dropout_cli.statistics import argbest
from dropout_cli.sweeps import plan, run
from dropout_cli.sweeps.axes import Point, Setting
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.replicates import EACH, SAME, Splits
from dropout_cli.sweeps.settings import ComparisonSettings, ExecutionSettings
from dropout_cli.sweeps.spec import Sweep
from dropout_cli.sweeps.tuning.study import SETTINGS

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

FINALISTS = 4
"""So many trials come into the finals, and are trained there with as many seeds more as they had."""


@dataclass(frozen=True)
class Winner:
    """The trial that won, and what it is worth on validation."""

    trial: "FrozenTrial"
    value: float
    """Mean over the seeds of the search, on its one split, and of the finals, on their own."""
    finalists: int
    """1 where there was nothing to decide."""
    seeds: int
    """That a finalist has been trained with; fresh ones follow."""
    splits: Splits = SAME
    """The layout of the finals."""

    @property
    def point(self) -> Point:
        """Its settings."""
        return _point(self.trial)


def select_winner(
    complete: "Sequence[FrozenTrial]",
    sweep: Sweep,
    folder: SweepFolder,
    text: bytes,
    execution: ExecutionSettings,
    *,
    watch: run.SweepWatch,
    notice: run.Notice,
) -> Winner:
    """Train the best trials with more seeds, and choose among them.

    The folder becomes a sweep of their runs, with the same replicates for each finalist. Raises what `run_sweep`
    raises.

    Args:
        complete: Complete trials, at least one.
        sweep: The sweep that was searched.
        folder: Where the finals are kept.
        text: The sweep file, stored in the folder.
        execution: How the runs are trained.
        watch: Receives the progress.
        notice: Receives messages for the user.
    """
    number, larger = metric_name(sweep.metric), larger_is_better(sweep.metric)
    finalists = best_points(complete, larger=larger)[:FINALISTS]
    if len(finalists) == 1:
        return Winner(finalists[0], _searched(finalists[0]), 1, sweep.repeats)
    seeds = tuple(range(sweep.repeats, 2 * sweep.repeats))
    finals = replace(sweep, seeds=seeds, splits=EACH if isinstance(sweep.splits, int) else sweep.splits)
    planned = plan.make_plan(replace(finals, points=tuple(map(_point, finalists))))
    execution = replace(execution, figures=False, may_replace=True)
    run.run_sweep(planned, folder, text, ComparisonSettings(sweep.metric), execution, watch=watch, notice=notice)

    def value(trial: "FrozenTrial") -> float:
        cells = plan.make_plan(replace(finals, points=(_point(trial),), splits=planned.splits)).cells
        scores = [folder.summary(cell.id)["val"][number] for cell in cells if folder.is_complete(cell.id)]
        return float(len(cells) * _searched(trial) + sum(scores)) / (len(cells) + len(scores))

    values = [value(one) for one in finalists]
    won = argbest(values, larger_is_better=larger)
    return Winner(finalists[won], values[won], len(finalists), seeds[-1] + 1, planned.splits)


def best_points(complete: "Sequence[FrozenTrial]", *, larger: bool) -> "list[FrozenTrial]":
    """The trials from the best on, the better one alone where several had the same point."""
    points: dict[str, FrozenTrial] = {}
    for one in sorted(complete, key=_searched, reverse=larger):
        points.setdefault(str(one.user_attrs[SETTINGS]), one)
    return list(points.values())


def _searched(trial: "FrozenTrial") -> float:
    assert trial.value is not None
    return trial.value


def _point(trial: "FrozenTrial") -> Point:
    return tuple(Setting(key, value, f"trial {trial.number}") for key, value in trial.user_attrs[SETTINGS].items())
