"""A search: a series of trials with settings that Optuna proposes from earlier results.

A trial trains its settings with a few seeds, one run after the other. Its value is the mean of a validation metric over
these runs. The tree-structured Parzen estimator (Bergstra et al. 2011) proposes settings. A trial is pruned, that is,
stopped early, if its best value so far is not in the best third of earlier trials at that epoch, or if the mean over
its complete seeds is not in the best third of earlier means over as many seeds. With one trial at a time, the search is
a function of the config: neither the speed of the machine nor an interruption changes it.

No settings are tried twice. If there are no more points than trials, all points are tried, and the search ends.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from dropout_cli.core.errors import UsageError
from dropout_cli.metrics import larger_is_better, metric_name
from dropout_cli.runs.timings import PHASE_COLUMNS, TIMINGS, read_timings
from dropout_cli.sweeps import plan
from dropout_cli.sweeps.axes import Point, Setting
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.plan import Cell
from dropout_cli.sweeps.spec import Sweep
from dropout_cli.sweeps.tuning.proposals import Proposals
from dropout_cli.sweeps.tuning.running_trial import RunningTrial
from dropout_cli.sweeps.tuning.space import suggest_point
from dropout_cli.sweeps.tuning.study import (
    CELLS,
    EPOCHS,
    FAILURE,
    SECONDS,
    SETTINGS,
    VALUES,
    ended_trials,
    open_study,
    resume_trial,
)
from dropout_cli.sweeps.workers import local

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

SEEDS = 10_000_000
"""The first step at which means over seeds are reported: larger than every epoch, so that the two never mix."""
EARLIEST, BEST = 5, 100 / 3
"""A trial is pruned only after this number of comparable trials, and if it is not in this best percentage of them."""
HISTORY = "metrics.csv"
POLL = 0.1
"""Seconds between two checks of the runs that are training."""


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
    """The trials that have ended, by number."""
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
        # With several jobs, trials end in another order than they began.
        ended = sorted(searching.ended, key=lambda one: one.number)
        return SearchResult(ended, len(ended) < sweep.trials)


class _Search:
    """The state of a search: trials that have ended, and trials that run."""

    def __init__(self, sweep: Sweep, folder: SweepFolder, study: "Study") -> None:
        self._sweep, self._folder, self._study = sweep, folder, study
        self._number, self._larger = metric_name(sweep.metric), larger_is_better(sweep.metric)
        self._running: list[RunningTrial] = []
        self.ended = ended_trials(study)
        self._tried = {self._cells_of(one) for one in self.ended}
        self._proposals = Proposals(sweep, self.ended, larger=self._larger)
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

        while (trial := self._next_trial()) is not None:
            point = suggest_point(self._sweep, trial)
            cells = self._planned(point)
            ids = _ids(cells)
            if ids not in self._tried:
                self._tried.add(ids)
                trial.set_user_attr(SETTINGS, {setting.key: setting.value for setting in point})
                trial.set_user_attr(CELLS, list(ids))
                stored = frozenset(self._study.get_trials(deepcopy=False)[trial.number].intermediate_values)
                self._running.append(RunningTrial(trial, cells, stored))
                return
            # An older version was killed before it noticed that this trial repeats another one.
            self._study.tell(trial, state=TrialState.FAIL)  # a failure without a reason does not count as a trial
        self._exhausted = True

    def _next_trial(self) -> "Trial | None":
        """Return an unfinished trial, else a new one; None if all settings were tried."""
        unfinished = resume_trial(self._study, [one.trial.number for one in self._running])
        if unfinished is not None:
            return unfinished
        number = len(self._study.get_trials(deepcopy=False))
        params = self._proposals.next_params(number, lambda point: _ids(self._planned(point)) not in self._tried)
        if params is None:
            return None
        # This stores number and parameters at once, so that a kill does not separate them.
        self._study.enqueue_trial(dict(params))
        return self._study.ask()

    def _look(self, one: RunningTrial) -> None:
        """Check the current run of a trial; start, prune, complete or fail it."""
        cell = one.cell
        if one.process is None and not self._folder.is_complete(cell.id):
            if not self._folder.is_busy(cell.id):
                # The search was killed before it stored the result. To resume the run would give another reason.
                if self._folder.has_diverged(cell.id):
                    self._folder.discard(cell.id)
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
        columns = self._folder.read_run(cell.id, HISTORY, lambda run: run.table(HISTORY).columns())
        if columns is None:
            return []
        name = f"val_{self._number}" if f"val_{self._number}" in columns else "val_loss"
        sign = 1 if larger_is_better(name) == self._larger else -1
        return [sign * value for value in columns[name]]

    def _is_hopeless(self, one: RunningTrial, history: Sequence[float]) -> bool:
        """Return True if an epoch that is new in `history` is not in the best third."""
        return any(self._is_behind(best, epoch) for epoch, best in one.new_epochs(history, larger=self._larger))

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
        one.report(value, step)
        if self._is_behind(value, step):
            self._end(one, "PRUNED")

    def _is_behind(self, value: float, step: int) -> bool:
        """Return True if a value is not in the best third of the values of complete trials at that step."""
        # Only epochs of the same number, or means over the same number of seeds, are comparable.
        complete = (one.intermediate_values for one in self.ended if one.state.name == "COMPLETE")
        earlier = [values[step] for values in complete if not np.isnan(values.get(step, np.nan))]
        if len(earlier) < EARLIEST:
            return False
        bound = float(np.percentile(earlier, 100 - BEST if self._larger else BEST))
        return bool(np.isnan(value)) or (value < bound if self._larger else value > bound)

    def _fail(self, one: RunningTrial) -> None:
        """End a trial whose run failed."""
        assert one.process is not None
        one.process.join()
        reason = local.failure_reason(self._folder, one.cell, one.process.exitcode)
        # A diverged run is evidence against its settings, so that the sampler should learn from it; a crash is none.
        self._end(one, "PRUNED" if self._folder.has_diverged(one.cell.id) else "FAIL", failure=reason or "")

    def _end(self, one: RunningTrial, state: str, value: float | None = None, *, failure: str = "") -> None:
        """Store the notes of a trial, then its state; see `study`."""
        from optuna.trial import TrialState

        if one.process is not None:
            one.process.terminate()
            one.process.join()
        self._running.remove(one)
        # An empty reason replaces that of a failure after which the search was killed.
        if failure or FAILURE in one.trial.user_attrs:
            one.trial.set_user_attr(FAILURE, failure)
        epochs, seconds = zip(*map(self._trained, one.cells), strict=True)
        one.trial.set_user_attr(EPOCHS, sum(epochs))
        one.trial.set_user_attr(SECONDS, sum(seconds))
        ended = self._study.tell(one.trial, value, state=TrialState[state])
        self.ended.append(ended)
        self._proposals.learn(ended)
        # An incomplete run of a trial that has ended is not continued.
        if state != "COMPLETE" and not self._folder.is_complete(one.cell.id):
            self._folder.discard(one.cell.id)

    def _trained(self, cell: Cell) -> tuple[int, float]:
        """Return the trained epochs of a run, and its seconds of training."""
        columns = self._folder.read_run(cell.id, TIMINGS, read_timings)
        if columns is None:
            return 0, 0.0
        return len(columns["epoch"]), sum(sum(columns[name]) for name in PHASE_COLUMNS)


def _ids(cells: Sequence[Cell]) -> tuple[str, ...]:
    return tuple(cell.id for cell in cells)
