"""A check that the runs of a sweep are unchanged, and that its tables match them.

The tables are computed again by the rules of the format in `plan.json`. To change a table, add a format: the old
function stays for the old format, and the next `dropout sweep` writes the tables in the new one.
"""

import csv
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial

from dropout_cli.analysis.value_differences import VERIFY_TOLERANCE
from dropout_cli.analysis.verify import Check
from dropout_cli.core.errors import DropoutError, UsageError
from dropout_cli.core.text import counted
from dropout_cli.runs import Run
from dropout_cli.statistics import comparison_rules
from dropout_cli.sweeps import stored_plan, sweep_checksums, tables
from dropout_cli.sweeps.earlier_tables import earlier_tables
from dropout_cli.sweeps.folder import PLAN, SweepFolder
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.reproduction.measure import measure_folder
from dropout_cli.sweeps.reproduction.stored import is_reproduction
from dropout_cli.sweeps.reproduction.table import TABLE_JSON, table_files
from dropout_cli.sweeps.stored_plan import StoredCell, StoredPlan
from dropout_cli.sweeps.variance.study import study_tables

RESULTS = "results.csv"
IN_UNITS = ("mean", "difference", "sd", "low", "high")
"""Columns in the units of the metric: their rounding errors are relative to the ends of the interval."""


def _tables_by(
    number: int, records: Sequence[RunRecord], plan: StoredPlan, failed: Collection[str] = ()
) -> dict[str, bytes]:
    """Compute the tables of an old format by a version of the rules."""
    made = {RESULTS: tables.results_csv(records, plan.keys)}
    return made | earlier_tables(
        records, plan.keys, metric=plan.metric, baseline=plan.baseline, margin=plan.margin, rules=number
    )


def _tables_now(records: Sequence[RunRecord], plan: StoredPlan, failed: Collection[str] = ()) -> dict[str, bytes]:
    """Compute the tables of the current format."""
    if plan.design is not None:
        return study_tables(records, plan)
    return tables.all_tables(records, plan.keys, plan.compare(records, failed))


RULES: Mapping[int, Callable[[Sequence[RunRecord], StoredPlan, Collection[str]], dict[str, bytes]]] = {
    1: partial(_tables_by, comparison_rules.RULES_V1),
    2: partial(_tables_by, comparison_rules.RULES_LATEST),
    3: _tables_now,
}
"""Format -> function from complete runs, plan and failed runs to the tables; UsageError without a baseline."""


def verify_sweep(folder: SweepFolder) -> list[Check]:
    """Check every run of a sweep and its tables.

    The runs that an interrupted sweep has not trained yet are not mistakes.

    Args:
        folder: The folder of the sweep.

    Raises:
        UsageError: The plan is damaged.
    """
    checks = [*sweep_checksums.check_files(folder)]
    try:
        return [*checks, *_plan(folder)]
    except UsageError as error:
        # A damaged file may make the plan unreadable; the failed check of that file says more.
        if all(check.right for check in checks):
            raise
        problem = error.problems[0]
        return [*checks, Check(PLAN, False, f"{problem.place}: {problem.fact}")]


def _plan(folder: SweepFolder) -> Iterator[Check]:
    """Yield the checks of the planned runs and of the tables."""
    records, plan = stored_plan.read_runs(folder)
    complete, reported = {record.name for record in records}, _reported_cells(folder)
    due = plan.due(records, stored_plan.read_failures(folder, plan))
    later = [one for one in plan.cells if one.id not in complete and _is_to_come(one.id, folder, reported)]
    missing = [one for one in later if one.id in due]
    if missing:
        planned = len(due) if plan.until is not None else len(plan.cells)
        verb = "is" if planned == 1 else "are"
        count = f"{len(complete)} of {counted(planned, 'run')} {verb} complete"
        yield Check("cells", True, f"{count}; run the same command again to continue")
    for one in plan.cells:
        if one not in later:
            yield from _cell(one, folder)
    yield from sweep_checksums.check_other_runs(folder, {one.id for one in plan.cells})
    yield from _tables(folder, records, plan, ended=not missing)
    if is_reproduction(folder) and not missing:
        right = folder.has(TABLE_JSON) and folder.read(TABLE_JSON) == table_files(measure_folder(folder))[TABLE_JSON]
        yield Check(TABLE_JSON, right, f"{'matches' if right else 'does not match'} the runs")


def _reported_cells(folder: SweepFolder) -> set[str]:
    """Return the ids of the runs in results.csv."""
    try:
        rows = csv.reader(folder.read(RESULTS).decode("utf-8", "replace").splitlines())
        return {row[0] for row in rows if row}
    except (csv.Error, DropoutError):
        return set()


def _is_to_come(id: str, folder: SweepFolder, reported: set[str]) -> bool:
    """Return True if the run was never complete and has not failed."""
    # A run in results.csv was complete once: if its folder is missing, it was deleted.
    return folder.failure(id) is None and not folder.cell(id).exists() and id not in reported


def _cell(one: StoredCell, folder: SweepFolder) -> Iterator[Check]:
    what = f"cells/{one.id}"
    if not folder.is_complete(one.id):
        reason = folder.failure(one.id)
        yield Check(what, False, f"failed ({reason})" if reason else "is no longer complete")
        return
    run = Run(folder.cell(one.id))
    check = sweep_checksums.check_run(what, run)
    yield check
    if check.right and run.summary()["config"]["dataset"]["fingerprint"] != one.fingerprint:
        yield Check(what, False, "was trained on different data than planned")


def _tables(folder: SweepFolder, records: Sequence[RunRecord], plan: StoredPlan, *, ended: bool) -> Iterator[Check]:
    """Yield a check of each table; before the sweep has ended, only of those that match."""
    # An interrupted sweep writes its tables again at its end, so that an old table is no mistake.
    try:
        made = RULES[plan.format](records, plan, stored_plan.read_failures(folder, plan))
    except UsageError:  # no run of the baseline is complete
        if ended:
            raise
        return
    for name, data in made.items():
        try:
            right = _are_equal_tables(folder.read(name), data)
        except DropoutError:
            right = False
        if right or ended:
            yield Check(name, right, f"{'matches' if right else 'does not match'} the runs")


def _are_equal_tables(stored: bytes, computed: bytes) -> bool:
    """Return True if two tables are equal up to the rounding of numbers."""
    # Versions of NumPy and SciPy differ in the last digits.
    if stored == computed:
        return True
    try:
        before, after = (list(csv.reader(data.decode().splitlines(keepends=True))) for data in (stored, computed))
    except (UnicodeDecodeError, csv.Error):
        return False
    if [len(row) for row in before] != [len(row) for row in after]:
        return False
    return all(_same_row(before[0], *rows) for rows in zip(before, after, strict=True))


def _same_row(names: Sequence[str], stored: Sequence[str], computed: Sequence[str]) -> bool:
    ends = [
        abs(float(cell))
        for name, cell in zip(names, computed, strict=True)
        if name in IN_UNITS[-2:] and _is_number(cell)
    ]
    for name, one, other in zip(names, stored, computed, strict=True):
        if one != other:
            if not (_is_number(one) and _is_number(other)):
                return False
            rounding = VERIFY_TOLERANCE * max(ends, default=0.0) if name in IN_UNITS else 0.0
            if not math.isclose(float(one), float(other), rel_tol=VERIFY_TOLERANCE, abs_tol=rounding):
                return False
    return True


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False
