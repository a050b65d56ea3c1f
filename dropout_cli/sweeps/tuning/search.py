"""A search: a series of trials with settings that Optuna proposes from earlier results.

A trial trains its settings with a few seeds, one run after the other. Its value is the mean of a validation metric over
these runs. The tree-structured Parzen estimator (Bergstra et al. 2011) proposes settings. A trial is pruned, that is,
stopped early, if its best value so far is not in the best third of earlier trials at that epoch, or if the mean over
its complete seeds is not in the best third of earlier means over as many seeds.

No settings are tried twice. If there are no more points than trials, all points are tried, and the search ends.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dropout_cli.core.errors import UsageError
from dropout_cli.metrics import larger_is_better, metric_name
from dropout_cli.runs import Run
from dropout_cli.sweeps import plan
from dropout_cli.sweeps.axes import Point, Setting
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.plan import Cell
from dropout_cli.sweeps.spec import Sweep
from dropout_cli.sweeps.tuning.enumerate_points import all_points
from dropout_cli.sweeps.tuning.running_trial import RunningTrial
from dropout_cli.sweeps.tuning.space import suggest_point
from dropout_cli.sweeps.tuning.study import (
    BEST,
    CELLS,
    EARLIEST,
    EPOCHS,
    FAILURE,
    SECONDS,
    SETTINGS,
    VALUES,
    ended_trials,
    open_study,
)
from dropout_cli.sweeps.workers import local

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

SEEDS = 10_000_000
"""The first step at which means over seeds are reported: larger than every epoch, so that the two never mix."""
AGAIN = 100
"""The most proposals in a row that were already tried, before the search ends."""
POLL = 0.1
"""Seconds between two checks of the runs that are training."""
PHASES = ("train", "evaluate", "save")


@dataclass(frozen=True)
class SearchProgress:
    """The numbers of trials, and the best value so far."""

    ended: int
    trials: int
    best: float | None


SearchWatch: TypeAlias = Callable[[SearchProgress], None]


@dataclass(frozen=True)
class SearchResult:
    """The result of a search."""

    trials: "list[FrozenTrial]"
    """The trials that have ended."""
    exhausted: bool
    """True if all settings were tried before the wanted number of trials."""


def run_search(sweep: Sweep, folder: SweepFolder, jobs: int, watch: SearchWatch) -> SearchResult:
    """Run trials until there are `sweep.trials` of them, or all settings were tried.

    The same call continues a search that was interrupted.

    Args:
        sweep: The specification of the search.
        folder: The folder of the study and its runs.
        jobs: The number of trials at a time.
        watch: Receives the progress.

    Raises:
        UsageError: Optuna is not installed, the folder has a different search, or no run has the metric.
    """
    with open_study(sweep, folder) as study:
        searching = _Search(sweep, folder, study)
        try:
            while searching.advance(jobs):
                watch(searching.progress())
        finally:
            searching.stop()
        watch(searching.progress())
        return SearchResult(searching.ended, len(searching.ended) < sweep.trials)


class _Search:
    """The state of a search: trials that have ended, and trials that run."""

    def __init__(self, sweep: Sweep, folder: SweepFolder, study: "Study") -> None:
        self._sweep, self._folder, self._study = sweep, folder, study
        self._number, self._larger = metric_name(sweep.metric), larger_is_better(sweep.metric)
        self._running: list[RunningTrial] = []
        self.ended = ended_trials(study)
        self._tried = {self._cells_of(one) for one in self.ended}
        points, tried = all_points(sweep), [one.params for one in self.ended]
        self._goes_through = points is not None and len(points) <= sweep.trials
        self._left = None if points is None else [one for one in points if one not in tried]
        """Untried points, which replace proposals that were already tried; None if the space is not finite."""
        self._exhausted = False

    def _cells_of(self, trial: "FrozenTrial") -> tuple[str, ...]:
        """Return the ids of the runs of a trial that has ended."""
        if CELLS in trial.user_attrs:
            return tuple(trial.user_attrs[CELLS])
        # Studies of older versions do not store the ids.
        point = tuple(Setting(key, value, "trial") for key, value in trial.user_attrs[SETTINGS].items())
        return tuple(cell.id for cell in self._planned(point))

    def _planned(self, point: Point) -> list[Cell]:
        made = plan.make_plan(replace(self._sweep, points=(point,), seeds=tuple(range(self._sweep.repeats))))
        return list(made.cells)

    def progress(self) -> SearchProgress:
        """Return the progress of the search."""
        values = [one.value for one in self.ended if one.value is not None and one.state.name == "COMPLETE"]
        return SearchProgress(len(self.ended), self._sweep.trials, (max if self._larger else min)(values, default=None))

    def advance(self, jobs: int) -> bool:
        """Start trials, check those that run, and wait; return False if all have ended."""
        while len(self._running) < jobs and self._wants_more():
            self._begin()
        for one in list(self._running):
            self._look(one)
        if sentinels := [one.process.sentinel for one in self._running if one.process is not None]:
            wait(sentinels, timeout=POLL)
        return bool(self._running) or self._wants_more()

    def _wants_more(self) -> bool:
        return not self._exhausted and len(self.ended) + len(self._running) < self._sweep.trials

    def stop(self) -> None:
        """Stop the runs that are training, and wait until they have saved their state."""
        for one in self._running:
            if one.process is not None:
                one.process.terminate()
        for one in self._running:
            if one.process is not None:
                one.process.join()

    def _begin(self) -> None:
        """Start a trial of untried settings, or mark the search as exhausted."""
        from optuna.trial import TrialState

        for _ in range(AGAIN if self._left is None else len(self._left) + 1):
            if self._goes_through and not self._is_waiting():
                if not self._left:
                    break
                self._study.enqueue_trial(self._left.pop(0))
            trial = self._study.ask()
            point = suggest_point(self._sweep, trial)
            cells = self._planned(point)
            ids = tuple(cell.id for cell in cells)
            if ids not in self._tried:
                self._tried.add(ids)
                trial.set_user_attr(SETTINGS, {setting.key: setting.value for setting in point})
                trial.set_user_attr(CELLS, list(ids))
                self._running.append(RunningTrial(trial, cells))
                return
            self._study.tell(trial, state=TrialState.FAIL)  # a failure without a reason does not count as a trial
            # The sampler repeats itself: the next proposal is a point that was not tried.
            if self._left and not self._goes_through:
                self._study.enqueue_trial(self._left.pop(0))
        self._exhausted = True

    def _is_waiting(self) -> bool:
        """Return True if a trial waits, because the search was killed during it."""
        from optuna.trial import TrialState

        return bool(self._study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))

    def _look(self, one: RunningTrial) -> None:
        """Check the current run of a trial; start, prune, complete or fail it."""
        cell = one.cell
        if one.process is None and not self._folder.is_complete(cell.id):
            if not self._folder.is_busy(cell.id):
                one.process = local.start_process_for(self._folder, cell)
            return
        alive = one.process is not None and one.process.is_alive()
        if not one.scores and self._is_hopeless(one, self._history(cell)):
            self._end(one, "PRUNED")
        elif not alive and self._folder.is_complete(cell.id):
            self._complete(one)
        elif not alive:
            self._fail(one)

    def _history(self, cell: Cell) -> list[float]:
        """Return the value of each epoch: the validation metric, else the validation loss."""
        # Only some metrics are computed in every epoch. The sign makes larger losses as bad as smaller accuracies.
        for path in (self._folder.cell(cell.id), self._folder.partial(cell.id)):
            if (path / "metrics.csv").is_file():
                columns = Run(path).table("metrics.csv").columns()
                name = f"val_{self._number}" if f"val_{self._number}" in columns else "val_loss"
                sign = 1 if larger_is_better(name) == self._larger else -1
                return [sign * value for value in columns[name]]
        return []

    def _is_hopeless(self, one: RunningTrial, history: Sequence[float]) -> bool:
        return one.report(history) and one.trial.should_prune()

    def _complete(self, one: RunningTrial) -> None:
        scores = self._folder.summary(one.cell.id)["val"]
        if scores.get(self._number) is None:
            raise UsageError(
                "metric", f"val.{self._number} does not exist for this task", "Choose another metric with --metric."
            )
        one.process = None
        one.scores.append(float(scores[self._number]))
        one.trial.set_user_attr(VALUES, one.scores)
        value = sum(one.scores) / len(one.scores)
        if len(one.scores) == len(one.cells):
            self._end(one, "COMPLETE", value)
            return
        step = SEEDS + len(one.scores)
        one.trial.report(value, step)
        if self._is_behind(value, step):
            self._end(one, "PRUNED")

    def _is_behind(self, value: float, step: int) -> bool:
        """Return True if a mean over seeds is not in the best third of earlier means."""
        from optuna.trial import TrialState

        complete = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        # Only means over the same number of seeds are comparable; the step encodes this number.
        earlier = [trial.intermediate_values[step] for trial in complete if step in trial.intermediate_values]
        if len(earlier) < EARLIEST:
            return False
        bound = float(np.percentile(earlier, 100 - BEST if self._larger else BEST))
        return value < bound if self._larger else value > bound

    def _fail(self, one: RunningTrial) -> None:
        """End a trial whose run failed."""
        assert one.process is not None
        one.process.join()
        one.trial.set_user_attr(FAILURE, local.failure_reason(self._folder, one.cell, one.process.exitcode))
        # A diverged run is evidence against its settings, so that the sampler should learn from it; a crash is none.
        self._end(one, "PRUNED" if self._folder.has_diverged(one.cell.id) else "FAIL")

    def _end(self, one: RunningTrial, state: str, value: float | None = None) -> None:
        from optuna.trial import TrialState

        if one.process is not None:
            one.process.terminate()
            one.process.join()
        self._running.remove(one)
        epochs, seconds = zip(*map(self._trained, one.cells), strict=True)
        one.trial.set_user_attr(EPOCHS, sum(epochs))
        one.trial.set_user_attr(SECONDS, sum(seconds))
        self.ended.append(self._study.tell(one.trial, value, state=TrialState[state]))
        # An incomplete run of a trial that has ended is not continued.
        if state != "COMPLETE" and not self._folder.is_complete(one.cell.id):
            self._folder.discard(one.cell.id)

    def _trained(self, cell: Cell) -> tuple[int, float]:
        """Return the trained epochs of a run, and its seconds of training."""
        for path in (self._folder.cell(cell.id), self._folder.partial(cell.id)):
            if (path / "timings.csv").is_file():
                columns = Run(path).table("timings.csv").columns()
                return len(columns["epoch"]), sum(sum(columns[f"{phase}_seconds"]) for phase in PHASES)
        return 0, 0.0
