"""`dropout compare`."""

import math
import sys
from enum import StrEnum
from typing import Annotated

import typer

from dropout_cli.cli import arguments, output
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted, visible

POSITION = 50


class Format(StrEnum):
    """How the table is printed."""

    table = "table"
    csv = "csv"
    md = "md"
    latex = "latex"
    json = "json"


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("compare")(compare)


def compare(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN|SWEEP]...", help="Runs and sweeps; from standard input, one per line, unless given."
        ),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option("--baseline", metavar="KEY=VALUE", help="What all others are compared with; may be given again."),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="KEY", help="Group by this key of the config instead of all that differ."),
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="NAME", help="A number of summary.json; test.accuracy by default.")
    ] = None,
    metrics: arguments.Metrics = None,
    test: arguments.PairedTest = None,
    margin: Annotated[
        float | None, typer.Option("--margin", min=0, help="Differences smaller than this do not matter.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.table,
    runs_dir: arguments.RunsDir = arguments.RUNS,
) -> None:
    """Group runs by what differs in their configs, and compare the groups at equal seeds."""
    from dropout_cli.metrics import DEFAULT_METRIC, METRICS, suggestion
    from dropout_cli.sweeps import collect, options, printed, tables, two_runs
    from dropout_cli.sweeps.notes import notes
    from dropout_cli.sweeps.settings import ComparisonSettings
    from dropout_cli.sweeps.sweep_comparison import compare_runs

    paired_test = options.paired_test(test or "t")
    metric, *others = options.metrics_of(metric, metrics)
    references = what or _from_standard_input()
    records, keys, left_out = collect.gather(references, runs_dir, by or ())
    if metric != DEFAULT_METRIC and all(math.isnan(record.score(metric)) for record in records):
        there = [one for one in METRICS if not all(math.isnan(record.score(one)) for record in records)]
        raise UsageError("--metric", f"no run has '{metric}'", suggestion(metric, tuple(there)))
    if left_out:
        output.complain(f"compare: left out, because not complete: {counted(left_out, 'run')}.")
    wanted = options.pairs(baseline or (), "--baseline") or None
    settings = ComparisonSettings(metric, tuple(others), paired_test, wanted, margin)
    evidence = compare_runs(records, keys, settings, **collect.earlier_looks(references))
    said = [*notes(evidence), *filter(None, [two_runs.tested(records, metric)])]
    if form is Format.json:
        output.result(output.as_json(tables.as_dict(evidence) | {"notes": said}))
        return
    if form is Format.table:
        for one in evidence.metrics:
            headers, rows = tables.overview(evidence, one)
            output.result(output.table(headers, rows, least=tables.LEAST, elsewhere="--format json"))
        output.result(visible("\n".join(said)))
    else:
        write = {Format.csv: printed.as_csv, Format.md: printed.as_markdown, Format.latex: printed.as_latex}[form]
        for one in evidence.metrics:
            output.result(visible(write(*tables.overview(evidence, one)).rstrip("\n")))
        for line in said:
            output.complain(line)


def _from_standard_input() -> list[str]:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("compare", "nothing to compare", "Name runs or sweeps, or pipe their paths in.")
    found = [line.strip() for line in sys.stdin if line.strip()]
    if not found:
        raise UsageError("compare", "standard input names no runs", "Write one path per line.")
    return found
