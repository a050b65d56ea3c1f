"""The finals of a search: the best trials are trained with more seeds.

The winner has the best mean over all seeds. Among many trials with a few seeds, the first is often the one that chance
helped most. More seeds for a few finalists cost little compared with more trials, and separate them better (two-stage
ranking and selection, Rinott 1978).
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
"""The number of trials in the finals. Each is trained there with as many additional seeds as it had in the search."""


@dataclass(frozen=True)
class Winner:
    """The trial that won, with its validation value."""

    trial: "FrozenTrial"
    value: float
    """The mean over the seeds of the search, on its single split, and of the finals, on their splits."""
    finalists: int
    """The number of trials in the finals; 1: no finals were needed."""
    seeds: int
    """The number of seeds with which a finalist was trained. New seeds start with this number."""
    splits: Splits = SAME
    """The layout of the finals."""

    @property
    def point(self) -> Point:
        """The settings of the trial."""
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
    """Train the best trials with more seeds, and return the best of them.

    The folder becomes a sweep of their runs, with the same replicates for each finalist.

    Args:
        complete: The complete trials, at least one.
        sweep: The specification of the search.
        folder: The folder of the finals.
        text: The sweep file, stored in the folder.
        execution: How the runs are trained.
        watch: Receives the progress.
        notice: Receives messages for the user.

    Raises:
        DropoutError: As `run_sweep`.
    """
    number, larger = metric_name(sweep.metric), larger_is_better(sweep.metric)
    finalists = best_points(complete, larger=larger)[:FINALISTS]
    if len(finalists) == 1:
        return Winner(finalists[0], _searched(finalists[0]), 1, sweep.repeats)
    seeds = tuple(range(sweep.repeats, 2 * sweep.repeats))
    finals = replace(sweep, seeds=seeds, splits=EACH if isinstance(sweep.splits, int) else sweep.splits)
    planned = plan.make_plan(replace(finals, points=tuple(map(_point, finalists))))
    # More trials may bring other finalists, whose plan replaces the stored one.
    execution = replace(execution, figures=False, may_replace=True)
    run.run_sweep(planned, folder, text, ComparisonSettings(sweep.metric), execution, watch=watch, notice=notice)

    def value(trial: "FrozenTrial") -> float:
        cells = plan.make_plan(replace(finals, points=(_point(trial),), splits=planned.splits)).cells
        scores = [folder.summary(cell.id)["val"][number] for cell in cells if folder.is_complete(cell.id)]
        # The search had as many runs per trial as the finals, so that its mean counts once per run.
        return float(len(cells) * _searched(trial) + sum(scores)) / (len(cells) + len(scores))

    values = [value(trial) for trial in finalists]
    won = argbest(values, larger_is_better=larger)
    return Winner(finalists[won], values[won], len(finalists), seeds[-1] + 1, planned.splits)


def best_points(complete: "Sequence[FrozenTrial]", *, larger: bool) -> "list[FrozenTrial]":
    """Return the trials from best to worst, and only the best of those with the same settings.

    Args:
        complete: The complete trials.
        larger: True if a larger value is better.
    """
    points: dict[str, FrozenTrial] = {}
    for trial in sorted(complete, key=_searched, reverse=larger):
        points.setdefault(str(trial.user_attrs[SETTINGS]), trial)
    return list(points.values())


def _searched(trial: "FrozenTrial") -> float:
    assert trial.value is not None
    return trial.value


def _point(trial: "FrozenTrial") -> Point:
    return tuple(Setting(key, value, f"trial {trial.number}") for key, value in trial.user_attrs[SETTINGS].items())
