"""Training a reproduction: hyperparameters, teachers, all rows, and the table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from dropout_cli.core.errors import RunFailed, UsageError
from dropout_cli.core.registry import suggest_names
from dropout_cli.core.text import counted
from dropout_cli.sweeps import plan, run, stored_plan
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.folder_use import refuse_other_use
from dropout_cli.sweeps.reproduction import table
from dropout_cli.sweeps.reproduction.choose import choose_values
from dropout_cli.sweeps.reproduction.design import (
    CHOICES,
    Chosen,
    Design,
    design_choices,
    design_rows,
)
from dropout_cli.sweeps.reproduction.load import Reproduction
from dropout_cli.sweeps.reproduction.measure import ReproducedTable, measure_folder
from dropout_cli.sweeps.reproduction.row import Row, choices_direction
from dropout_cli.sweeps.reproduction.settings_check import refuse_wrong_settings
from dropout_cli.sweeps.reproduction.stored import (
    PAPER_FILE,
    ROWS_FILE,
    StoredReproduction,
    is_reproduction,
    read_reproduction,
)
from dropout_cli.sweeps.settings import ExecutionSettings

Watch = run.SweepWatch
Notice = Callable[[str], None]


@dataclass(frozen=True)
class ReproductionReport:
    """The table, and the runs that are missing in it."""

    table: ReproducedTable
    failures: Mapping[str, str]
    """Id of a run -> reason of its failure."""
    missing: int


def find_rows(reproduction: Reproduction, scale: str, names: Sequence[str]) -> list[Row]:
    """Return the rows to train, and the rows that they need.

    Args:
        reproduction: The file.
        scale: The scale.
        names: The names of the rows; empty: all of the scale.

    Raises:
        UsageError: A row does not exist or is not trained.
    """
    if not names:
        return reproduction.trained_rows(scale)
    for name in names:
        if name not in reproduction.rows:
            raise UsageError("--rows", f"unknown row '{name}'", suggest_names(name, reproduction.rows))
        if reason := reproduction.rows[name].given.not_run:
            raise UsageError("--rows", f"'{name}' is not trained here: {reason}", "Leave it out.")
    return reproduction.with_needed_rows(names)


def run_reproduction(
    reproduction: Reproduction,
    scale: str,
    rows: Sequence[Row],
    seeds: int,
    folder: SweepFolder,
    execution: ExecutionSettings,
    *,
    watch: Watch,
    notice: Notice,
    announce: Notice,
) -> ReproductionReport:
    """Train what is missing, and compare with the published values. The same call continues.

    Args:
        reproduction: The file.
        scale: The scale.
        rows: The rows to train.
        seeds: The number of seeds.
        folder: The folder of the sweep.
        execution: How runs are trained.
        watch: Receives the progress.
        notice: Receives messages that the user should not miss.
        announce: Receives the name of the next step.

    Raises:
        UsageError: The folder has something else in it, or a row cannot be trained as the file says.
        DropoutError: As `sweeps.run.run_sweep`.
    """
    refuse_other_use(folder, search=False)
    stored = _read_stored(folder, reproduction, scale)
    refuse_wrong_settings(reproduction, scale, rows)
    if stored is not None and folder.read(PAPER_FILE) != reproduction.text:
        notice(f"{reproduction.path}: has changed since the results in {folder.path}. They follow the new file now.")
    execution = replace(execution, may_replace=True)  # another choice may win with more seeds
    chosen = _choose(reproduction, scale, rows, seeds, folder, execution, watch, notice, announce)
    teachers = _train_teachers(reproduction, scale, rows, seeds, chosen, folder, execution, watch, notice)
    design = design_rows(reproduction, scale, rows, seeds, chosen, teachers)
    report, ids = _train(design, folder, execution, watch, notice)
    ids |= {row.name: ids[row.given.same_runs] for row in rows if row.given.same_runs in ids}
    stored = StoredReproduction(reproduction.name, scale, seeds, ids, chosen)
    folder.add_results({PAPER_FILE: reproduction.text, ROWS_FILE: stored.to_bytes()})
    measured = measure_folder(folder)
    folder.add_results(table.table_files(measured))
    if execution.figures:
        folder.add_results(table.figure_files(measured))
    return ReproductionReport(measured, report.failures, report.missing)


def _read_stored(folder: SweepFolder, reproduction: Reproduction, scale: str) -> StoredReproduction | None:
    """Return what a folder keeps about this reproduction; None for a new folder.

    Raises:
        UsageError: The folder has another reproduction.
    """
    if not is_reproduction(folder):
        return None
    before, stored = read_reproduction(folder)
    old, new = before.document, reproduction.document
    if old.paper != new.paper and old.question != new.question:
        fact = f"the folder contains another reproduction, of {old.paper}"
        raise UsageError(str(folder.path), fact, "Choose another folder with --out.")
    if (stored.name, stored.scale) != (reproduction.name, scale):
        fact = f"the folder contains {stored.name} at the scale {stored.scale}"
        raise UsageError(str(folder.path), fact, "Choose another folder with --out.")
    return stored


def continue_folder(
    folder: SweepFolder, reproduction: Reproduction, scale: str, rows: Sequence[Row], seeds: int | None
) -> tuple[list[Row], int]:
    """Return the rows and the number of seeds of a call, which should not shrink a table.

    Without a number of seeds, a folder keeps its own, and all rows have at least that of the scale. Rows that the
    folder has stay in the table, unless they would need more seeds.

    Args:
        folder: The folder; it may not exist yet.
        reproduction: The file.
        scale: The scale.
        rows: The rows that were asked for.
        seeds: The number of seeds that was asked for; None: that of the scale.

    Raises:
        UsageError: The folder has another reproduction.
    """
    stored = _read_stored(folder, reproduction, scale)
    usual = reproduction.scales[scale].seeds
    if stored is None:
        return list(rows), seeds or usual
    asked = {row.name for row in rows}
    some = asked < {row.name for row in reproduction.trained_rows(scale)}
    count = seeds or (stored.seeds if some else max(usual, stored.seeds))
    kept = {*stored.runs} if count <= stored.seeds else set()
    names = asked | kept
    return [
        row
        for name, row in reproduction.rows.items()
        if row.given.not_run is None and (name in names or row.given.same_runs in kept)
    ], count


def _train(
    design: Design, folder: SweepFolder, execution: ExecutionSettings, watch: Watch, notice: Notice
) -> tuple[run.SweepReport, dict[str, list[str]]]:
    """Train a design; return its report, and row -> ids of its runs."""
    sweep = design.sweep
    planned = plan.make_plan(sweep)
    comparison = replace(sweep.comparison, baseline=planned.groups[0].values or None)
    text = sweep.with_splits(planned.splits).text
    report = run.run_sweep(planned, folder, text, comparison, execution, watch=watch, notice=notice)
    return report, _runs_of_rows(design, planned)


def _runs_of_rows(design: Design, planned: plan.SweepPlan) -> dict[str, list[str]]:
    """Return row -> the ids of its runs; a row may have several points."""
    ids: dict[str, list[str]] = {}
    for name, runs in zip(design.rows, planned.runs_of_points, strict=True):
        ids.setdefault(name, []).extend(runs)
    return ids


def _choose(
    reproduction: Reproduction,
    scale: str,
    rows: Sequence[Row],
    seeds: int,
    folder: SweepFolder,
    execution: ExecutionSettings,
    watch: Watch,
    notice: Notice,
    announce: Notice,
) -> dict[str, list[Chosen]]:
    """Train the combinations of hyperparameters, and return what is best on the validation part."""
    design = design_choices(reproduction, scale, rows, seeds)
    choices = reproduction.document.choices
    if design is None or choices is None:
        return {}
    inner = folder.inner(CHOICES)
    announce(f"Choosing hyperparameters of {counted(len({*design.rows}), 'row')} by {choices.by}.")
    _train(design, inner, replace(execution, figures=False), watch, notice)
    records, _ = stored_plan.read_runs(inner)
    runs = plan.make_plan(design.sweep).runs_of_points
    by_id = {record.name: record for record in records}
    larger = choices_direction(choices) == "higher"
    return choose_values(design, runs, by_id, choices.by, larger=larger, per_replicate=choices.per == "replicate")


def _train_teachers(
    reproduction: Reproduction,
    scale: str,
    rows: Sequence[Row],
    seeds: int,
    chosen: Mapping[str, Sequence[Chosen]],
    folder: SweepFolder,
    execution: ExecutionSettings,
    watch: Watch,
    notice: Notice,
) -> dict[str, str]:
    """Train the rows that are teachers; return row -> the folder of its teacher's first run."""
    students = {row.name: row.given.teacher for row in rows if row.given.teacher is not None}
    if not students:
        return {}
    teachers = [row for row in rows if row.name in students.values()]
    # Only a run that is trained here keeps the weights of its last epoch, so no worker trains the teacher.
    design = design_rows(reproduction, scale, teachers, seeds if execution.scheduler is None else 1, chosen, {})
    here = replace(execution, scheduler=None, figures=False)
    ids = _runs_of_rows(design, plan.make_plan(design.sweep))
    if not all(folder.is_complete(id) for its in ids.values() for id in its[:1]):
        _train(design, folder, here, watch, notice)
    for name, its in ids.items():
        if not folder.is_complete(its[0]):
            raise RunFailed(name, "the teacher was not trained", "Run the same command again with --retry-failed.")
    return {student: str(folder.cell(ids[teacher][0]).absolute()) for student, teacher in students.items() if teacher}
