"""Run a sweep: store its plan, train missing runs, and write tables and figures."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from dropout_cli import config
from dropout_cli.core import environment
from dropout_cli.core.errors import Interrupted, StopRequest
from dropout_cli.core.shell_words import quote_word
from dropout_cli.core.text import counted
from dropout_cli.sweeps import plan_changes, stored_plan
from dropout_cli.sweeps.baselines import find_baselines
from dropout_cli.sweeps.folder import PLAN, SweepFolder
from dropout_cli.sweeps.folder_use import refuse_other_use
from dropout_cli.sweeps.plan import Cell, SweepPlan
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.results import write_plan, write_results
from dropout_cli.sweeps.settings import ComparisonSettings, ExecutionSettings
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.until_sure import plan as until_plan
from dropout_cli.sweeps.variance.design import VarianceDesign
from dropout_cli.sweeps.workers import dask_client, local

SWEEP_FILE = "sweep.yaml"
BASE_FILE = "config.yaml"
"""The config that was made for data; other sweeps have their base elsewhere."""


@dataclass(frozen=True)
class SweepProgress:
    """Counts of the runs that are complete, have failed, and are planned."""

    done: int
    failed: int
    cells: int
    """Runs that are planned; of a sweep that ends by itself, those up to the next look."""
    last: local.Outcome | None = None
    look: str = ""
    """With `--until sure`, the look that is next, and how many settings are still open."""


@dataclass(frozen=True)
class SweepReport:
    """The result of a sweep."""

    evidence: SweepComparison
    failures: Mapping[str, str]
    """Id of a run -> reason of its failure."""
    missing: int
    """Runs that were not trained, because the sweep stopped at an error."""


@dataclass(frozen=True)
class TrainedRuns:
    """The runs of a plan after training."""

    records: Sequence[RunRecord]
    """The complete runs."""
    failures: Mapping[str, str]
    """Id of a run -> reason of its failure."""
    missing: int
    """Runs that were not trained, because the sweep stopped at an error."""


SweepWatch: TypeAlias = Callable[[SweepProgress], None]
Notice: TypeAlias = Callable[[str], None]
Train: TypeAlias = Callable[[SweepFolder, Sequence[Cell]], Generator[local.Outcome, None, None]]


def run_sweep(
    plan: SweepPlan,
    folder: SweepFolder,
    text: bytes,
    comparison: ComparisonSettings,
    execution: ExecutionSettings,
    *,
    watch: SweepWatch,
    notice: Notice,
    file: str = SWEEP_FILE,
    base: bytes | None = None,
) -> SweepReport:
    """Train the missing runs of a plan, compare all its runs and write the results.

    The same call continues a sweep that was interrupted.

    Args:
        plan: All runs.
        folder: The folder of the sweep.
        text: The sweep file, stored as `file`.
        comparison: How the runs are compared.
        execution: How the missing runs are trained.
        watch: Receives the progress.
        notice: Receives messages for the user.
        file: Name of the stored sweep file.
        base: The content of the base, stored as BASE_FILE; None: the base has a file of its own.

    Raises:
        UsageError: Another process uses the sweep, the folder stores a different sweep, or no group is the baseline.
        DataError: The data have changed.
        RunFailed: The folder cannot be written.
        Interrupted: The sweep was interrupted.
    """
    # A wrong baseline is an error before any run is trained.
    find_baselines([group.values for group in plan.groups], plan.keys, comparison.baseline)
    refuse_other_use(folder, search=file != SWEEP_FILE)
    with train_plan(plan, folder, text, comparison, execution, watch=watch, notice=notice, file=file, base=base) as its:
        evidence = write_results(its.records, folder, draw_figures=execution.figures)
    return SweepReport(evidence, its.failures, its.missing)


@contextmanager
def train_plan(
    plan: SweepPlan,
    folder: SweepFolder,
    text: bytes,
    comparison: ComparisonSettings,
    execution: ExecutionSettings,
    *,
    watch: SweepWatch,
    notice: Notice,
    file: str = SWEEP_FILE,
    base: bytes | None = None,
    design: VarianceDesign | None = None,
) -> Iterator[TrainedRuns]:
    """Train the missing runs of a plan, and yield all runs while the folder is locked.

    The block writes the results.

    Args:
        plan: All runs.
        folder: The folder of the sweep.
        text: The sweep file, stored as `file`.
        comparison: How the runs are compared.
        execution: How the missing runs are trained.
        watch: Receives the progress.
        notice: Receives messages for the user.
        file: Name of the stored sweep file.
        base: The content of the base, stored as BASE_FILE; None: the base has a file of its own.
        design: The design of a study of the variance; None for a comparison of settings.

    Raises:
        DropoutError: As `run_sweep`.
    """
    if execution.scheduler is not None and not folder.has(PLAN):
        # A wrong address is an error before there is a folder.
        with dask_client.connect(execution.scheduler):
            pass
    with folder.hold_lock():
        until_plan.refuse_changed_looks(plan, comparison, folder)
        change = plan_changes.compare_with_stored(plan, folder, may_replace=execution.may_replace)
        # A caller that may replace the plan changes it by itself, which is no news for the user.
        for line in list(plan_changes.plan_messages(plan, folder, None if execution.may_replace else change)):
            notice(line)
        # The plan is stored before training, so that an interrupted sweep can be continued and verified.
        write_plan(plan, folder, comparison, change, design)
        folder.write(file, text)
        if base is not None:
            folder.write(BASE_FILE, base)
        try:
            failures = _train_missing(plan, folder, execution, watch, notice)
        except (StopRequest, KeyboardInterrupt) as stop:
            total = len(_due(plan, folder, _failures(plan, folder))[0])
            verb = "is" if total == 1 else "are"
            fact = f"interrupted; {len(_complete(plan, folder))} of {counted(total, 'run')} {verb} complete"
            raise Interrupted.from_stop(
                stop, str(folder.path), fact, "Run the same command again to continue"
            ) from None
        complete = _complete(plan, folder)
        records = [_record(plan, cell, folder) for cell in complete]
        due, _ = _due(plan, folder, failures)
        missing = len(due.difference(failures, (cell.id for cell in complete)))
        yield TrainedRuns(records, failures, missing)
        folder.seal()


def _train_missing(
    plan: SweepPlan, folder: SweepFolder, execution: ExecutionSettings, watch: SweepWatch, notice: Notice
) -> dict[str, str]:
    """Train all runs that are neither complete nor failed; return the failures, old and new."""
    if execution.retry_failed:
        _forget_failures(plan, folder)
    failures = _failures(plan, folder)
    order = training_order(plan)
    trained: frozenset[str] | None = None
    while True:
        # A sweep that ends by itself has several stages, one for each look at its results.
        due, look = _due(plan, folder, failures)
        wanted = [cell for cell in order if cell.id in due and cell.id not in failures]
        wanted = [cell for cell in wanted if not folder.is_complete(cell.id)]
        failed = len(due.intersection(failures))
        done = len(due) - len(wanted) - failed
        if trained is None or wanted:
            watch(SweepProgress(done, failed, len(due), look=look))
        if (execution.on_error == "stop" and failures) or not wanted or due == trained:
            return failures
        trained = due
        folder.unseal()
        # Closing the generator stops runs that are still training, for example after Ctrl-C.
        with closing(_trainer(execution, notice)(folder, wanted)) as outcomes:
            for outcome in outcomes:
                if outcome.failure is None:
                    done += 1
                else:
                    failed, failures[outcome.cell.id] = failed + 1, outcome.failure
                    folder.record_failure(outcome.cell.id, outcome.failure, train_command(folder, outcome.cell))
                watch(SweepProgress(done, failed, len(due), outcome, look))
                if execution.on_error == "stop" and failures:
                    return failures


def _failures(plan: SweepPlan, folder: SweepFolder) -> dict[str, str]:
    """Return the id of each failed run, with the reason."""
    return {cell.id: reason for cell in plan.cells if (reason := folder.failure(cell.id)) is not None}


def _due(plan: SweepPlan, folder: SweepFolder, failures: Mapping[str, str]) -> tuple[frozenset[str], str]:
    """Return the ids of the runs that are due, and the next look in words."""
    stored = stored_plan.read_plan(folder)
    assert stored is not None
    if stored.until is None:
        return frozenset(cell.id for cell in plan.cells), ""
    progress = stored.progress([_record(plan, cell, folder) for cell in _complete(plan, folder)], failures)
    assert progress is not None
    return progress.due, progress.sentence


def training_order(plan: SweepPlan) -> list[Cell]:
    """Return the runs in the order of training: the first seed of every setting, then the second."""
    # If a sweep is stopped early, all settings then have about equally many runs, with the same seeds and splits, so
    # that they can be compared. The plan and the tables keep the order of the settings.
    counts = [0] * len(plan.groups)
    ranks: dict[str, int] = {}
    for cell in plan.cells:
        ranks[cell.id] = counts[cell.group]
        counts[cell.group] += 1
    return sorted(plan.cells, key=lambda cell: ranks[cell.id])


def _trainer(execution: ExecutionSettings, notice: Notice) -> Train:
    """Return the function that trains runs, here or on the workers of a Dask scheduler."""
    if execution.scheduler is None:
        return partial(local.train_locally, jobs=execution.jobs or environment.available_cores())
    return partial(dask_client.train_on_cluster, address=execution.scheduler, notice=notice)


def _forget_failures(plan: SweepPlan, folder: SweepFolder) -> None:
    """Remove the records of failed runs, so that they are trained again."""
    for cell in plan.cells:
        if folder.failure(cell.id) is not None:
            folder.forget_failure(cell.id)
            # A diverged run cannot be resumed: it would only diverge again.
            if folder.has_diverged(cell.id):
                folder.discard(cell.id)


def train_command(folder: SweepFolder, cell: Cell) -> str:
    """Store the config of one run, and return the command that trains it alone."""
    folder.write(f"failed/{cell.id}.yaml", config.to_yaml(cell.experiment).encode())
    return f"dropout train {quote_word(str(folder.path / 'failed' / f'{cell.id}.yaml'))}"


def _complete(plan: SweepPlan, folder: SweepFolder) -> list[Cell]:
    return [cell for cell in plan.cells if folder.is_complete(cell.id)]


def _record(plan: SweepPlan, cell: Cell, folder: SweepFolder) -> RunRecord:
    return RunRecord.from_summary(
        str(folder.cell(cell.id)), plan.groups[cell.group].values, cell.replicate, folder.summary(cell.id)
    )
