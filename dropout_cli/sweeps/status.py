"""How far a sweep or a search is: counts of its runs, the time to go, and the comparison so far.

Only the folder is read, so this works while a process trains, and after one was killed. Nothing is changed in it.
"""

import calendar
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from dropout_cli.core import locks
from dropout_cli.core.errors import DropoutError, UsageError
from dropout_cli.core.numbers import is_finite_number
from dropout_cli.runs import MANIFEST, Run
from dropout_cli.runs.safe_read import require_regular_files
from dropout_cli.runs.state import TIME_FORMAT
from dropout_cli.sweeps.folder import SweepFolder, find_sweep
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.replicates import Replicate
from dropout_cli.sweeps.stored_plan import StoredCell, StoredPlan, read_plan
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.tuning.study import STUDY
from dropout_cli.sweeps.variance.design import VarianceDesign
from dropout_cli.sweeps.variance.shares import VarianceShares, compute_shares

SEARCH, FINALS = "search", "finals"
"""The folders of a search: its trials, and the sweep among the best of them."""
LAST_RUNS = 2
"""The number of runs of a setting, the last ones, from which its time is estimated."""
TRIAL_STATES = ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING")
"""States of a trial in the database of a search."""


@dataclass(frozen=True)
class SweepStatus:
    """How far the runs of one plan are."""

    planned: int
    done: int
    failures: Mapping[str, str]
    """ID of the run -> reason."""
    training: int
    """Runs that processes on this machine train now."""
    seconds_left: float | None
    """Estimate while a process works on the sweep; None without one, or without a finished run."""
    is_running: bool
    """True if a process works on the sweep."""
    comparison: SweepComparison | None
    """The comparison of the runs so far; None if no run of the baseline is complete."""
    look: str = ""
    """With `--until sure`, the next look, or the last one, and how many settings are decided."""
    design: VarianceDesign | None = None
    """The design of a study of the variance; None for a comparison of settings."""
    shares: VarianceShares | None = None
    """The shares of a study; None unless all its runs are complete."""

    @property
    def missing(self) -> int:
        """Runs that are neither complete nor failed."""
        return self.planned - self.done - len(self.failures)

    @property
    def word(self) -> str:
        """The status in one word."""
        return "running" if self.is_running else "incomplete" if self.missing or self.failures else "complete"


@dataclass(frozen=True)
class SearchStatus:
    """How far the trials of a search are."""

    trials: Mapping[str, int]
    """State in lower case -> number of trials, for the states that occur."""
    is_running: bool
    """True if a process works on the search."""


def find_sweep_or_search(reference: str, root: Path) -> SweepFolder | None:
    """Return the folder of a sweep or search that a reference names; None if it names none.

    Args:
        reference: A path, or the name of a folder in `root`.
        root: The folder that holds the runs.
    """
    return find_sweep(reference, root) or find_sweep(reference, root, f"{SEARCH}/{STUDY}")


def sweep_status(folder: SweepFolder) -> SweepStatus | None:
    """Return how far a sweep is; None if its folder has no plan yet.

    Raises:
        UsageError: The plan or a summary is damaged.
    """
    plan = read_plan(folder)
    if plan is None:
        return None
    found = {cell.id: folder.read_run(cell.id, MANIFEST, Run.summary) for cell in plan.cells}
    summaries = {id: summary for id, summary in found.items() if summary is not None}
    failures = {
        cell.id: reason
        for cell in plan.cells
        if cell.id not in summaries and (reason := folder.failure(cell.id)) is not None
    }
    busy = {cell.id for cell in plan.cells if cell.id not in summaries and folder.is_busy(cell.id)}
    is_running = locks.is_locked(folder.path_of(".lock"))
    progress = plan.progress(_records(folder, plan, summaries), failures)
    due = {cell.id for cell in plan.cells} if progress is None else {*progress.due, *summaries, *failures}
    waiting = [cell for cell in plan.cells if cell.id in due and cell.id not in summaries and cell.id not in failures]
    return SweepStatus(
        planned=len(due),
        done=len(summaries),
        failures=failures,
        training=len(busy),
        seconds_left=_seconds_left(folder, plan, summaries, waiting, busy) if is_running else None,
        is_running=is_running,
        design=plan.design,
        look="" if progress is None else progress.sentence,
        **_results(folder, plan, summaries, failures),
    )


def _records(folder: SweepFolder, plan: StoredPlan, summaries: Mapping[str, Any]) -> list[RunRecord]:
    """Return the complete runs that have their final names."""
    return [
        RunRecord.from_summary(
            str(folder.cell(cell.id)),
            plan.groups[cell.group].values,
            Replicate(cell.seed, cell.split_seed, cell.fold),
            summaries[cell.id],
        )
        for cell in plan.cells
        if cell.id in summaries and folder.cell(cell.id).is_dir()
    ]


def _results(
    folder: SweepFolder, plan: StoredPlan, summaries: Mapping[str, Any], failures: Mapping[str, str]
) -> dict[str, Any]:
    """Return the comparison, or the shares of a study, of the complete runs that have their final names."""
    records = _records(folder, plan, summaries)
    if plan.design is not None:
        return {"comparison": None, "shares": compute_shares(records, plan.design, plan.metric)}
    try:
        return {"comparison": plan.compare(records, failures) if records else None}
    except UsageError:  # no run of the baseline is complete
        return {"comparison": None}


def _seconds_left(
    folder: SweepFolder,
    plan: StoredPlan,
    summaries: Mapping[str, Any],
    waiting: Sequence[StoredCell],
    busy: Set[str],
) -> float | None:
    """Estimate the time to go from the last finished runs, of the same setting if there are some."""
    by_group: dict[int, list[float]] = {}
    for cell in sorted(plan.cells, key=lambda cell: _ended(folder, cell.id)):
        if is_finite_number(seconds := summaries.get(cell.id, {}).get("seconds")):
            by_group.setdefault(cell.group, []).append(seconds)
    if not by_group:
        return None
    # Earlier runs may have trained beside other programs, or without them.
    by_group = {group: seconds[-LAST_RUNS:] for group, seconds in by_group.items()}
    usual = fmean(seconds for group in by_group.values() for seconds in group)
    total = 0.0
    for cell in waiting:
        expected = fmean(by_group.get(cell.group, [usual]))
        total += max(0.0, expected - (_elapsed(folder.partial(cell.id)) if cell.id in busy else 0.0))
    # As many runs at a time as now; between two runs, none may be training for a moment.
    return total / max(1, len(busy))


def _ended(folder: SweepFolder, id: str) -> float:
    """Return when a run was completed, in seconds since 1970; 0 if it is not complete."""
    return folder.read_run(id, MANIFEST, lambda run: run.path_of(MANIFEST).stat().st_mtime) or 0.0


def _elapsed(path: Path) -> float:
    """Return the seconds since the session of a run began; 0 if that is unknown."""
    try:
        began = calendar.timegm(time.strptime(Run(path).state()["sessions"][-1]["began"], TIME_FORMAT))
    except (DropoutError, LookupError, TypeError, ValueError):
        return 0.0
    return max(0.0, time.time() - began)


def search_status(folder: SweepFolder) -> SearchStatus | None:
    """Return how far the search in a tune folder is; None if it has no search.

    The database is read without Optuna, which takes a second to import and may be missing here.

    Raises:
        UsageError: The database cannot be read.
    """
    path = folder.path_of(f"{SEARCH}/{STUDY}")
    if not path.is_file():
        return None
    require_regular_files(path.parent)  # SQLite opens the file, and journals beside it, by itself
    try:
        # as_uri needs an absolute path, and quotes it. mode=ro: a look must not create or change the file.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)) as database:
            # A search that has only begun has no tables yet.
            begun = database.execute("SELECT 1 FROM sqlite_master WHERE name = 'trials'").fetchone()
            found = dict(database.execute("SELECT state, COUNT(*) FROM trials GROUP BY state") if begun else ())
    except sqlite3.Error as error:
        raise UsageError(str(path), f"cannot be read ({error})", "Run the same `dropout tune` command again.") from None
    trials = {state.lower(): int(found[state]) for state in TRIAL_STATES if state in found}
    return SearchStatus(trials, locks.is_locked(folder.path_of(f"{SEARCH}/.lock")))


def stages(folder: SweepFolder) -> Iterator[tuple[str, SweepStatus]]:
    """Yield name and status of the sweeps in a folder: the finals of a search, then its main sweep.

    Raises:
        UsageError: A plan or a summary is damaged.
    """
    for name, place in ((FINALS, folder.inner(FINALS)), ("sweep", folder)):
        if (status := sweep_status(place)) is not None:
            yield name, status
