"""The report of a sweep: which setting is better, how sure that is, and every run behind it."""

import csv
import io
import json
import math
import shlex
from collections.abc import Iterator, Sequence

from dropout_cli import plots
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted
from dropout_cli.metrics import metric_name
from dropout_cli.report.common import flat
from dropout_cli.report.page import Code, Figure, Part, Section, Table, page
from dropout_cli.runs import RESOLVED, Run
from dropout_cli.sweeps import figures, stored_plan, tables, yardsticks
from dropout_cli.sweeps.answer import answer
from dropout_cli.sweeps.folder import Folder
from dropout_cli.sweeps.in_words import called, short
from dropout_cli.sweeps.notes import notes
from dropout_cli.sweeps.records import RunRecord, setting_label
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.tuning.tune import FILE as TUNE
from dropout_cli.sweeps.tuning.tune import MESSAGES, TRIALS

CAPTIONS = {
    "metric": "The metric of each setting: means with 95 % intervals, not corrected for several settings.",
    "train_val": "Error on the training and on the validation part: means with 95 % intervals.",
    "gap": "The training number minus the validation number: means with 95 % intervals.",
    "differences": "Differences from the baseline, pair by pair, with the 95 % intervals of the table.",
    "curves": "Validation loss over the epochs: means over the runs, with 95 % intervals.",
    "ranks": "Average ranks over the datasets; bars join settings with no difference shown.",
}


def of_sweep(folder: Folder) -> bytes:
    """The page about what a sweep's complete runs say. Raises UsageError without any, or where the plan is damaged."""
    records, plan = stored_plan.read_runs(folder)
    if not records:
        command = "tune" if folder.has(TUNE) else "sweep"
        fact, way_out = "none of its runs is complete", f"The same `dropout {command}` command trains them."
        raise UsageError(str(folder.path), fact, way_out)
    evidence = plan.compare(records)
    swept = ", ".join(plan.keys) or "the seed"
    question = f"Which {swept} is better by {evidence.metric}, and how sure is that?"
    failed = [(one.id, reason) for one in plan.cells if (reason := folder.failure(one.id)) is not None]
    missing = len(plan.cells) - len(records) - len(failed)
    return page(
        folder.path.resolve().name, question, answer(evidence), _sections(folder, evidence, records, failed, missing)
    )


def _sections(
    folder: Folder,
    evidence: SweepComparison,
    records: Sequence[RunRecord],
    failed: Sequence[tuple[str, str]],
    missing: int,
) -> Iterator[Section]:
    headers, rows = tables.overview(evidence)
    settings = Table(f"Every setting, by {evidence.metric}", headers, [list(map(_number, row)) for row in rows])
    simple = yardsticks.rows(records, evidence.metric)
    beside = (
        [Table("Simple models beside them", ["data", "model", "splits", evidence.metric], simple)] if simple else []
    )
    yield Section("Settings", [settings, *beside])
    yield Section("Search", list(_search(folder)))
    yield Section("Figures", list(_figures(folder, evidence)))
    yield Section("Method", [*list(notes(evidence))[1:], *_incomplete(len(records), missing)])
    yield Section(
        "Failed", [Table("Runs that failed", ["run", "reason"], [list(one) for one in failed])] if failed else []
    )
    yield Section("Runs", [_runs(folder, evidence, records)])
    yield Section("Commands", ["Train what is missing, and check all that is there:", Code(_command(folder))])
    yield Section("Sweep file", [Code(folder.read(_file(folder)).decode("utf-8", "replace"))])
    first = Run(folder.cell(records[0].name))
    yield Section("Config of the first run", [Code(first.read(RESOLVED).decode("utf-8", "replace"))])
    yield Section("Environment", [flat("Where the first run was trained", json.loads(first.read("environment.json")))])


def _figures(folder: Folder, evidence: SweepComparison) -> Iterator[Part]:
    with plots.as_svg():
        for name, picture in figures.draw(evidence, lambda record: folder.history(record.name)):
            kind = name.removesuffix(".png")
            yield Figure(picture, _in_words(kind, evidence), CAPTIONS.get(kind, kind))


def _in_words(kind: str, evidence: SweepComparison) -> str:
    """What a figure shows, for those who do not see it."""
    number = metric_name(evidence.metric)
    if kind == "differences":
        told = [f"{called(evidence.groups[one.group])}: {short(one.estimate.mean, '+')}" for one in evidence.main]
        return f"Differences from the baseline in {evidence.metric}. {_listed(told)}"
    train, val = f"train.{figures.shown_as(number)}", f"val.{figures.shown_as(number)}"
    columns = {"metric": [evidence.metric], "train_val": [train, val], "gap": [f"train.{number}", f"val.{number}"]}
    if kind not in columns:
        return CAPTIONS.get(kind, kind)
    told = []
    for group in evidence.groups:
        means = [evidence.mean(group, column).mean for column in columns[kind]]
        values = [means[0] - means[1]] if kind == "gap" else means
        if not any(map(math.isnan, values)):
            told.append(f"{called(group)}: {' and '.join(map(short, values))}")
    named = (" minus " if kind == "gap" else " and ").join(columns[kind])
    return f"{CAPTIONS[kind]} Means of {named}: {_listed(told)}"


MOST_LISTED = 12


def _listed(told: Sequence[str]) -> str:
    more = [f"{len(told) - MOST_LISTED} more are in the table of settings"] if len(told) > MOST_LISTED else []
    return "; ".join([*told[:MOST_LISTED], *more]) + "."


def _incomplete(done: int, missing: int) -> Iterator[str]:
    if missing:
        yield f"Runs that are not complete yet: {missing}. This page rests on {counted(done, 'complete run')}."


def _runs(folder: Folder, evidence: SweepComparison, records: Sequence[RunRecord]) -> Table:
    """A row per run, with the command that trains it again."""
    val = "val." + metric_name(evidence.metric)
    rows = [
        [
            record.name,
            setting_label(record.values),
            *record.replicate[:2],
            record.score(evidence.metric),
            record.score(val),
            f"dropout train {shlex.quote(str(folder.cell(record.name) / RESOLVED))}",
        ]
        for record in records
    ]
    return Table("Every run", ["run", "setting", "seed", "split seed", evidence.metric, val, "command"], rows)


def _search(folder: Folder) -> Iterator[Part]:
    """Where the settings come from a search: what it did, what its best is worth, and every trial."""
    if folder.has(MESSAGES) and folder.has(TRIALS):
        yield from folder.read(MESSAGES).decode("utf-8", "replace").splitlines()
        try:
            headers, *rows = csv.reader(io.StringIO(folder.read(TRIALS).decode("utf-8", "replace")))
        except (csv.Error, ValueError):
            raise UsageError(str(folder.path / TRIALS), "is no table of trials", "The file is damaged.") from None
        yield Table("Every trial", headers, [list(map(_number, row)) for row in rows if len(row) == len(headers)])


def _file(folder: Folder) -> str:
    return TUNE if folder.has(TUNE) else "sweep.yaml"


def _command(folder: Folder) -> str:
    place, file = shlex.quote(str(folder.path)), _file(folder)
    command = "tune" if file == TUNE else "sweep"
    return f"dropout {command} {shlex.quote(str(folder.path / file))} --out {place}\ndropout verify {place}"


def _number(cell: object) -> object:
    """A number that a table of text holds as text."""
    if isinstance(cell, str):
        try:
            return float(cell)
        except ValueError:
            return cell
    return cell
