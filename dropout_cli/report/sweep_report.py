"""Report of a sweep: the better setting, how certain that is, and every run."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence

from dropout_cli import plots
from dropout_cli.core.errors import UsageError
from dropout_cli.core.shell_words import quote_word
from dropout_cli.core.text import counted
from dropout_cli.metrics import metric_name
from dropout_cli.plots.words import metric_words, number_words
from dropout_cli.report.common import key_value_table, narrow_tables
from dropout_cli.report.datasets_section import dataset_parts
from dropout_cli.report.headline import sample_size, sweep_headline
from dropout_cli.report.inspection_sections import inspection_sections
from dropout_cli.report.page import Code, DetailedCell, Details, Figure, HtmlTable, Section, SectionPart, render_page
from dropout_cli.report.reproduction_section import reproduction_sections
from dropout_cli.report.variance_report import variance_report
from dropout_cli.runs import RESOLVED, Run
from dropout_cli.sweeps import figures, printed_table, stored_plan, yardsticks
from dropout_cli.sweeps.comparison import Comparison
from dropout_cli.sweeps.findings import figure_findings, gap_metrics
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.inspections import stored_sweep_inspections
from dropout_cli.sweeps.notes import comparison_notes
from dropout_cli.sweeps.paper_text import paper_text
from dropout_cli.sweeps.records import RunRecord, setting_label
from dropout_cli.sweeps.reproduction.catalog import bundled_command
from dropout_cli.sweeps.reproduction.stored import is_reproduction
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.tuning.tune import FILE as TUNE
from dropout_cli.sweeps.tuning.tune import MESSAGES, TRIALS
from dropout_cli.sweeps.wording import (
    confirmed_for_new_data,
    format_interval,
    format_short,
    group_name,
    new_data_kind,
)

CAPTIONS = {
    "metric": (
        "The metric of each setting: means with 95 % intervals. "
        "The intervals are not corrected for the number of settings."
    ),
    "train_val": "Error on the training and on the validation part: means with 95 % intervals.",
    "gap": "The difference between training and validation, larger with more overfitting: means with 95 % intervals.",
    "differences": "Differences from the baseline (paired runs), with the 95 % intervals of the table.",
    "curves": "Validation loss over the epochs: means over the runs, with 95 % intervals.",
    "ranks": "Average ranks over the datasets. A bar connects settings whose difference is not significant.",
}


def sweep_report(folder: SweepFolder) -> bytes:
    """Return the HTML page about the complete runs of a sweep.

    Args:
        folder: The folder of a sweep or of a finished search.

    Raises:
        UsageError: no run is complete, or the plan is damaged.
    """
    records, plan = stored_plan.read_runs(folder)
    if not records:
        command = "variance" if plan.design is not None else "tune" if folder.has(TUNE) else "sweep"
        fact, way_out = "it has no complete run", f"Train its runs with the same `dropout {command}` command."
        raise UsageError(str(folder.path), fact, way_out)
    if plan.design is not None:
        return variance_report(folder, records, plan)
    swept = ", ".join(plan.keys) or "the seed"
    failed = [(cell.id, reason) for cell in plan.cells if (reason := folder.failure(cell.id)) is not None]
    missing = plan.count_missing(records, dict(failed))
    evidence = plan.compare(records, dict(failed))
    question = f"Which {swept} is best by {evidence.metric}, and how certain is that?"
    return render_page(
        folder.path.resolve().name,
        question,
        sweep_headline(evidence, len(failed), missing),
        _sections(folder, evidence, records, failed, missing),
    )


def _sections(
    folder: SweepFolder,
    evidence: SweepComparison,
    records: Sequence[RunRecord],
    failed: Sequence[tuple[str, str]],
    missing: int,
) -> Iterator[Section]:
    yield from reproduction_sections(folder)
    yield Section("Settings", [*_settings(evidence)])
    if evidence.over_datasets is not None:
        yield Section("Over the datasets", list(dataset_parts(evidence.over_datasets)))
    yield Section("Search", list(_search(folder)))
    yield Section("Figures", list(_figures(folder, evidence)))
    yield from inspection_sections(stored_sweep_inspections(folder))
    yield Section("Method", [*comparison_notes(evidence), *_incomplete(len(records), missing)])
    if evidence.main:
        yield Section("Text for a paper", [Details("A paragraph with references", [Code(paper_text(evidence))])])
    yield Section(
        "Failed", [HtmlTable("Runs that failed", ["run", "reason"], [list(row) for row in failed])] if failed else []
    )
    yield Section(
        "Runs", [Details(f"Scores and commands of {counted(len(records), 'run')}", [*_runs(folder, evidence, records)])]
    )
    introduction = "Train runs that are missing, if any, and check all runs:"
    yield Section("Commands", [introduction, Code(_command(folder))])
    yield Section("Sweep file", [Code(folder.read(_file(folder)).decode("utf-8", "replace"))])
    # All runs share the config but for the swept keys and the seed, so one is shown.
    first = Run(folder.cell(records[0].name))
    yield Section("Config of the first run", [Code(first.read(RESOLVED).decode("utf-8", "replace"))])
    yield Section(
        "Environment", [key_value_table("Environment of the first run", json.loads(first.read("environment.json")))]
    )


def _settings(evidence: SweepComparison) -> Iterator[SectionPart]:
    """Yield the tables of each metric, and those of training beside validation."""
    for metric in evidence.metrics:
        yield _overview(evidence, metric)
    for number in dict.fromkeys(map(metric_name, evidence.metrics)):
        yield from _training_beside_validation(evidence, number)
    several = len(evidence.metrics) > 1
    full = [table for metric in evidence.metrics for table in _all_columns(evidence, metric)]
    yield Details(f"All columns of {'these tables' if several else 'this table'}", full)
    for metric in evidence.metrics:
        if simple := yardsticks.yardstick_rows(evidence.records, metric):
            yield HtmlTable("Simple models for comparison", ["data", "model", "splits", metric], simple)


def _all_columns(evidence: SweepComparison, metric: str) -> list[HtmlTable]:
    """Return the full table of a metric as narrow ones, without empty columns."""
    headers, rows = printed_table.without_empty_columns(*printed_table.comparison_table(evidence, metric))
    kept = [place for place, name in enumerate(headers) if name not in evidence.keys]
    named = [
        [group_name(group), *(_number(row[place]) for place in kept)]
        for group, row in zip(evidence.groups, rows, strict=True)
    ]
    return narrow_tables(f"Every setting, by {metric}", ["setting", *(headers[place] for place in kept)], named)


def _training_beside_validation(evidence: SweepComparison, number: str) -> Iterator[HtmlTable]:
    """Yield a table of one metric on the training and on the validation part, if the runs have both."""
    parts = [f"train.{number}", f"val.{number}"]
    rows = []
    for group in evidence.groups:
        means = [evidence.mean(group, part) for part in parts]
        if all(mean.n for mean in means):
            estimates = [_estimate(mean.mean, format_interval(mean.interval)) for mean in means]
            rows.append([DetailedCell(group_name(group), sample_size(evidence, group)), *estimates])
    if rows:
        caption = f"{number_words(number).capitalize()} on the training and on the validation part"
        yield HtmlTable(f"{caption}: means with 95 % intervals", ["setting", *map(metric_words, parts)], rows)


def _overview(evidence: SweepComparison, metric: str) -> HtmlTable:
    """Return the table that fits a phone: setting, estimate, difference and verdict."""
    comparisons = evidence.comparisons_by(metric)
    bases = {comparison.baseline for comparison in comparisons}
    headers = ["setting", metric_words(metric)]
    headers += ["difference", "verdict"] if comparisons else []
    compared = {comparison.group: comparison for comparison in comparisons}
    rows = []
    for place, group in enumerate(evidence.groups):
        mean = evidence.mean(group, metric)
        interval = format_interval(mean.interval) or ("no interval" if mean.n else "")
        row = [DetailedCell(group_name(group), sample_size(evidence, group)), _estimate(mean.mean, interval)]
        if place in compared:
            comparison = compared[place]
            difference = _estimate(comparison.estimate.mean, format_interval(comparison.interval, "+"), "+")
            row += [difference, DetailedCell(comparison.verdict, _confirmed(comparison))]
        elif comparisons:
            row += [DetailedCell(""), DetailedCell("baseline" if place in bases else "not compared")]
        rows.append(row)
    for one in evidence.lacking:
        if not one.complete:
            name = DetailedCell(setting_label(one.values), f"0 of {counted(one.planned, 'run')}")
            state = "not trained yet" if one.untrained == one.planned else "no complete run"
            rows.append([name, *[DetailedCell("")] * (len(headers) - 2), DetailedCell(state)])
    by = f", by {metric_words(metric)}" if len(evidence.metrics) > 1 else ""
    return HtmlTable(f"Means and differences with 95 % intervals{by}", headers, rows)


def _estimate(mean: float, interval: str, sign: str = "") -> DetailedCell:
    return DetailedCell(format_short(mean, sign), interval, mean)


def _confirmed(comparison: Comparison) -> str:
    """Return whether a verdict also holds for new data; empty if nothing can be said."""
    kind = new_data_kind(comparison)
    return {None: "", True: f"also for {kind}", False: f"not confirmed for {kind}"}[confirmed_for_new_data(comparison)]


def _figures(folder: SweepFolder, evidence: SweepComparison) -> Iterator[SectionPart]:
    def history(record: RunRecord) -> Mapping[str, Sequence[float]]:
        return folder.history(record.name)

    findings = figure_findings(evidence, figures.learning_bands(evidence, history))
    sizes = "; ".join(dict.fromkeys(sample_size(evidence, group) for group in evidence.groups))
    with plots.as_svg():
        for name, picture in figures.draw_sweep_figures(evidence, history):
            kind = name.removesuffix(".png")
            finding = f"{findings[kind]} (n = {sizes} per setting). " if kind in findings else ""
            yield Figure(picture, _in_words(kind, evidence), f"{finding}{CAPTIONS.get(kind, kind)}")


def _in_words(kind: str, evidence: SweepComparison) -> str:
    """Describe a figure in words, as its text alternative."""
    number = metric_name(evidence.metric)
    if kind == "differences":
        texts = [
            f"{group_name(evidence.groups[test.group])}: {format_short(test.estimate.mean, '+')}"
            for test in evidence.main
        ]
        return f"Differences from the baseline in {evidence.metric}. {_listed(texts)}"
    train, val = f"train.{figures.plotted_metric(number)}", f"val.{figures.plotted_metric(number)}"
    columns = {"metric": [evidence.metric], "train_val": [train, val], "gap": [*gap_metrics(number)]}
    if kind not in columns:
        return CAPTIONS.get(kind, kind)
    texts = []
    for group in evidence.groups:
        means = [evidence.mean(group, column).mean for column in columns[kind]]
        values = [means[0] - means[1]] if kind == "gap" else means
        if not any(map(math.isnan, values)):
            texts.append(f"{group_name(group)}: {' and '.join(map(format_short, values))}")
    named = (" minus " if kind == "gap" else " and ").join(columns[kind])
    return f"{CAPTIONS[kind]} Means of {named}: {_listed(texts)}"


MAX_LISTED = 12  # settings in the text alternative of a figure; a screen reader reads them one by one


def _listed(texts: Sequence[str]) -> str:
    more = [f"{len(texts) - MAX_LISTED} more are in the table of settings"] if len(texts) > MAX_LISTED else []
    return "; ".join([*texts[:MAX_LISTED], *more]) + "."


def _incomplete(done: int, missing: int) -> Iterator[str]:
    if missing:
        verb = "is" if missing == 1 else "are"
        facts = f"{counted(missing, 'run')} {verb} not complete yet"
        yield f"{facts}. This page is based on {counted(done, 'complete run')}."


def _runs(folder: SweepFolder, evidence: SweepComparison, records: Sequence[RunRecord]) -> Iterator[SectionPart]:
    """Yield a row per run, and the command that trains a run again."""
    # Two columns fit a narrow window: the main metric, then validation, or the next metric if it is the main one.
    metrics = list(dict.fromkeys((evidence.metric, "val." + metric_name(evidence.metric), *evidence.metrics)))[:2]
    rows = []
    for record in records:
        seed, split_seed = record.replicate[:2]
        name = DetailedCell(record.name, f"seed {seed}, split seed {split_seed}")
        rows.append([name, setting_label(record.values), *map(record.score, metrics)])
    yield HtmlTable("Every run", ["run", "setting", *map(metric_words, metrics)], rows)
    yield "Train a run again, for example the first one:"
    yield Code(f"dropout train {quote_word(str(folder.cell(records[0].name) / RESOLVED))}")


def _search(folder: SweepFolder) -> Iterator[SectionPart]:
    """Yield the result of a search, if there was one, and its trials."""
    if folder.has(MESSAGES) and folder.has(TRIALS):
        yield from folder.read(MESSAGES).decode("utf-8", "replace").splitlines()
        try:
            headers, *rows = csv.reader(io.StringIO(folder.read(TRIALS).decode("utf-8", "replace")))
        except (csv.Error, ValueError):
            raise UsageError(
                str(folder.path / TRIALS),
                "is damaged (it is not a table of trials)",
                "Restore the file, or run the same search again.",
            ) from None
        trials = [list(map(_number, row)) for row in rows if len(row) == len(headers)]
        yield Details(counted(len(trials), "trial"), narrow_tables("Every trial", headers, trials))


def _file(folder: SweepFolder) -> str:
    return TUNE if folder.has(TUNE) else "sweep.yaml"


def _command(folder: SweepFolder) -> str:
    place, file = quote_word(str(folder.path)), _file(folder)
    if is_reproduction(folder) and (words := bundled_command(folder)) is not None:
        return f"{words} --out {place}\ndropout verify {place}"
    command = "tune" if file == TUNE else "sweep"
    return f"dropout {command} {quote_word(str(folder.path / file))} --out {place}\ndropout verify {place}"


def _number(cell: object) -> object:
    """Return the number in a text cell, or the cell."""
    if isinstance(cell, str):
        try:
            return float(cell)
        except ValueError:
            return cell
    return cell
