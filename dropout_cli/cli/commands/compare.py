"""The command `dropout compare`: compare groups of runs at equal seeds."""

import math
import sys
from enum import StrEnum
from typing import Annotated

import typer

from dropout_cli.cli import arguments, completion, output
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted

POSITION = 50


class Format(StrEnum):
    """Formats of the printed table."""

    table = "table"
    csv = "csv"
    text = "text"
    md = "md"
    latex = "latex"
    json = "json"


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("compare")(compare_command)


def compare_command(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            autocompletion=completion.complete_compared,
            metavar="RUN|SWEEP",
            help="Runs and sweeps. If none are given, paths are read from standard input, one per line.",
        ),
    ] = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            "--baseline",
            autocompletion=completion.complete_setting,
            metavar="KEY=VALUE",
            help="The setting that all others are compared with, such as dropout.variant=none. Can be given several "
            "times.",
        ),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="KEY,...",
            help="Group by these config keys instead of all keys that differ. Can be given several times.",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            autocompletion=completion.complete_metric,
            metavar="NAME",
            help="A metric in summary.json (default: test.accuracy, or test.rmse for a regression).",
        ),
    ] = None,
    metrics: arguments.Metrics = None,
    test: arguments.PairedTest = None,
    margin: Annotated[
        float | None,
        typer.Option(
            "--margin", metavar="M", help="Call a difference equal if its whole interval is between -M and M."
        ),
    ] = None,
    any_time: Annotated[
        bool,
        typer.Option(
            "--any-time", help="Use intervals that stay valid if runs were added after a look at the results."
        ),
    ] = False,
    all_columns: arguments.AllColumns = False,
    form: Annotated[
        Format,
        typer.Option("--format", help="The output format. text: a paragraph for a paper, with references."),
    ] = Format.table,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="NAME,NAME...",
            help="The columns of the table, in this order, by their names in `--format csv`.",
        ),
    ] = None,
    caption: Annotated[
        str | None, typer.Option("--caption", metavar="TEXT", help="With --format latex: the caption of the table.")
    ] = None,
    label: Annotated[
        str | None, typer.Option("--label", metavar="NAME", help="With --format latex: the label, for \\ref.")
    ] = None,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
) -> None:
    """Group runs by the config keys in which they differ, and compare the groups.

    Groups are compared at the same seeds. Runs that differ only in seed and split are one group.
    """
    from dropout_cli.core.registry import suggest_names
    from dropout_cli.metrics import DEFAULT_METRIC, METRICS
    from dropout_cli.sweeps import collect, options, printed_table, tables, two_runs
    from dropout_cli.sweeps import export_tables as printed
    from dropout_cli.sweeps.notes import comparison_notes
    from dropout_cli.sweeps.paper_text import paper_text
    from dropout_cli.sweeps.settings import ComparisonSettings
    from dropout_cli.sweeps.sweep_comparison import compare_runs
    from dropout_cli.sweeps.until_sure import collected
    from dropout_cli.sweeps.until_sure.levels import AnyTimeLevels, SequentialRule

    if margin is not None and not 0 <= margin < math.inf:
        raise UsageError(
            "--margin", f"must be a number of at least 0, got {margin}", "Write, for example, --margin 0.01."
        )
    chosen_columns = _parse_columns(columns, form)
    for option, given in (("--caption", caption), ("--label", label)):
        if given is not None and form is not Format.latex:
            raise UsageError(option, "needs --format latex", "Add --format latex, or leave it out.")
    paired_test = options.parse_test(test or "t")
    named = options.parse_metrics(metric, metrics)
    references = what or _from_standard_input()
    by = [key.strip() for keys in by or () for key in keys.split(",")]
    records, keys, left_out = collect.collect_runs(references, runs_dir, by)
    ending = collected.find_ending_sweep(references, by)
    if paired_test != "t" and (any_time or ending is not None):
        fact = "has a p-value that does not account for several looks at the results"
        raise UsageError("--test", fact, "Leave it out.")
    # A sweep alone is compared as its plan says, unless an option says otherwise.
    planned = collected.stored_settings(references, by) if ending is None else ending.settings
    metric, *others = planned.metrics if metric is None and metrics is None else named
    # The default metric is missing in regression runs, for which another default is chosen later.
    if metric != DEFAULT_METRIC and all(math.isnan(record.score(metric)) for record in records):
        present = [name for name in METRICS if not all(math.isnan(record.score(name)) for record in records)]
        raise UsageError("--metric", f"no run has '{metric}'", suggest_names(metric, present))
    # Runs that are not complete have no final numbers.
    if left_out:
        verb = "is" if left_out == 1 else "are"
        output.print_stderr(f"compare: {counted(left_out, 'run')} {verb} not complete and {verb} left out.")
    wanted = options.parse_pairs(baseline or (), "--baseline") or planned.baseline
    margin = planned.margin if margin is None else margin
    settings = ComparisonSettings(metric, tuple(others), paired_test, wanted, margin)
    rule: SequentialRule | None = AnyTimeLevels() if any_time else None
    if ending is not None and not any_time:
        records, rule = ending.counted(records), ending.progress.levels
    elif not any_time:
        for line in collected.unplanned_notices(references):
            output.print_stderr(line)
    evidence = compare_runs(records, keys, settings, **collect.earlier_looks(references), sequential=rule)
    lines = [*comparison_notes(evidence), *filter(None, [two_runs.test_two_runs(records, metric)])]
    if form is Format.json:
        output.print_result(output.json_text(tables.comparison_dict(evidence) | {"notes": lines}))
        return
    if form is Format.text:
        output.print_result("\n".join(map(output.cell_text, paper_text(evidence).split("\n"))))
        return
    if form is Format.table:
        for name in evidence.metrics:
            if chosen_columns:
                headers, rows = printed.choose_columns(*printed_table.comparison_table(evidence, name), chosen_columns)
            else:
                headers, rows = printed_table.short_table(evidence, name, every=all_columns)
            output.print_result(
                output.format_table(headers, rows, drop_order=printed_table.LEAST, full_table_option="--format json")
            )
        output.print_lines(lines)
        return
    write = {Format.csv: printed.as_csv, Format.md: printed.as_markdown}
    for name in evidence.metrics:
        headers, rows = printed_table.comparison_table(evidence, name)
        if chosen_columns:
            headers, rows = printed.choose_columns(headers, rows, chosen_columns)
        if form is Format.latex:
            text = printed.as_latex(headers, rows, caption=caption, label=label)
        else:
            text = write[form](headers, rows)
        output.print_result(text.rstrip("\n"))
    # On stderr: stdout has a table that another program reads.
    for line in lines:
        output.print_stderr(output.cell_text(line))


def _parse_columns(text: str | None, form: Format) -> list[str]:
    """Return the names of `--columns`; none without the option.

    Raises:
        UsageError: The format has no columns, or the list is empty.
    """
    if text is None:
        return []
    if form in (Format.text, Format.json):
        raise UsageError("--columns", f"cannot be used with --format {form}", "Use table, csv, md or latex.")
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError("--columns", "is empty", "Write names of columns, as in --columns n,difference,verdict.")
    return names


def _from_standard_input() -> list[str]:
    """Return the references on standard input. Raise UsageError if there are none."""
    # A terminal is not read: the command would seem to hang until the user ends the input.
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError("compare", "no runs given", "Give runs or sweeps, or pipe their paths into the command.")
    references = [line.strip() for line in sys.stdin if line.strip()]
    if not references:
        raise UsageError("compare", "standard input is empty", "Write one path per line.")
    return references
