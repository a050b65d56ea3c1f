"""Report of a study of the variance: the shares of all sources, and every run."""

import json
from collections.abc import Iterator, Sequence

from dropout_cli import plots
from dropout_cli.core.shell_words import quote_word
from dropout_cli.core.text import counted
from dropout_cli.plots.words import metric_words
from dropout_cli.report.common import key_value_table
from dropout_cli.report.page import Code, Details, Figure, HtmlTable, Section, SectionPart, render_page
from dropout_cli.runs import RESOLVED, Run
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.run import BASE_FILE, SWEEP_FILE
from dropout_cli.sweeps.stored_plan import StoredPlan
from dropout_cli.sweeps.variance.design import SOURCE_NAMES, VarianceDesign
from dropout_cli.sweeps.variance.shares import TABLE_HEADERS, VarianceShares, compute_shares, finding, shares_table
from dropout_cli.sweeps.variance.shares import sentences as share_sentences
from dropout_cli.sweeps.variance.study import draw_shares


def variance_report(folder: SweepFolder, records: Sequence[RunRecord], plan: StoredPlan) -> bytes:
    """Return the HTML page about a study of the variance.

    Args:
        folder: The folder of the study.
        records: Its complete runs, at least one.
        plan: Its plan, with a design.

    Raises:
        UsageError: A run does not have the metric.
    """
    design = plan.design
    assert design is not None
    found = compute_shares(records, design, plan.metric)
    metric = plan.metric if found is None else found.metric
    counts = f"{len(records)} of {counted(design.runs, 'run')} are complete. The shares need all of them."
    return render_page(
        folder.path.resolve().name,
        f"Where does the spread of {metric_words(metric)} come from?",
        counts if found is None else f"{finding(found)}.",
        _sections(folder, records, design, metric, found),
    )


def _sections(
    folder: SweepFolder, records: Sequence[RunRecord], design: VarianceDesign, metric: str, found: VarianceShares | None
) -> Iterator[Section]:
    if found is not None:
        yield Section("Shares", [*_shares(found)])
        yield Section("Method", [*share_sentences(found)][1:])
    names = [SOURCE_NAMES[key] for key in design.keys]
    rows = [[record.name, *(record.setting(key) for key in design.keys), record.score(metric)] for record in records]
    listed = HtmlTable("Every run, with the seed of each source", ["run", *names, metric_words(metric)], rows)
    yield Section("Runs", [Details(f"Seeds and results of {counted(len(records), 'run')}", [listed])])
    place, base = quote_word(str(folder.path)), quote_word(str(folder.path / BASE_FILE))
    command = f"dropout variance {base} --levels {design.levels} --metric {metric} --out {place}"
    introduction = "Train runs that are missing, if any, and check all runs:"
    yield Section("Commands", [introduction, Code(f"{command}\ndropout verify {place}")])
    yield Section("Sweep file", [Code(folder.read(SWEEP_FILE).decode("utf-8", "replace"))])
    first = Run(folder.cell(records[0].name))
    yield Section("Config of the first run", [Code(first.read(RESOLVED).decode("utf-8", "replace"))])
    yield Section(
        "Environment", [key_value_table("Environment of the first run", json.loads(first.read("environment.json")))]
    )


def _shares(found: VarianceShares) -> Iterator[SectionPart]:
    """Yield the figure and the table of the shares."""
    with plots.as_svg():
        image = draw_shares(found)
    rows = shares_table(found)
    listed = "; ".join(
        f"{name}: {share} ({interval})" if interval else f"{name}: {share}" for name, share, interval, _ in rows
    )
    yield Figure(image, f"Shares of the variance of {metric_words(found.metric)}. {listed}.", finding(found))
    yield HtmlTable(f"Shares of the variance of {metric_words(found.metric)}", list(TABLE_HEADERS), rows)
