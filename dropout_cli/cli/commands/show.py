"""The command `dropout show`: show the numbers and files of a run, or how far a sweep is."""

import sys
from typing import Annotated

import typer

from dropout_cli.cli import arguments, completion, output
from dropout_cli.core.errors import UsageError

POSITION = 110


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("show")(show_command)


def show_command(
    reference: Annotated[
        str,
        typer.Argument(
            autocompletion=completion.complete_run_or_sweep,
            metavar="RUN|SWEEP",
            help="A run, as for the other commands, or the folder of a sweep.",
        ),
    ],
    figures: Annotated[
        bool,
        typer.Option(
            "--figures", help="First draw the figures into after/figures/. A run of a sweep has no figures of its own."
        ),
    ] = False,
    all_columns: arguments.AllColumns = False,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
    json: arguments.Json = False,
) -> None:
    """Show one run: its settings, how it ended, its metrics and its files.

    Of a sweep or a search, show how many runs are done, and the comparison so far, also while it runs.
    """
    from dropout_cli import runs
    from dropout_cli.analysis import headlines, run_table
    from dropout_cli.analysis.yardstick_lines import yardstick_lines
    from dropout_cli.sweeps.status import find_sweep_or_search
    from dropout_cli.training import yardstick_messages

    if (folder := find_sweep_or_search(reference, runs_dir)) is not None:
        from dropout_cli.cli.sweep_screen import print_sweep

        if figures:
            raise UsageError("--figures", "works on a single run", "Give the path of one run of the sweep.")
        print_sweep(folder, json, every=all_columns)
        return
    run = runs.find_run(reference, runs_dir)
    if figures:
        from dropout_cli.analysis import evaluate

        evaluate.draw_run_figures(run)
    facts = run_table.run_facts(run)
    if json:
        output.print_result(output.json_text({"run": str(run.path)} | facts))
        return
    rows = run_table.run_overview(facts)
    if sys.stdout.isatty():  # shorter keys leave room, so that the name of the run fits on one line
        rows = [(key.removeprefix("config."), value) for key, value in rows]
    # On stdout, unlike in `train`: warning and comparison are a part of the result here.
    for line in (
        *headlines.headline_lines(facts, run),
        headlines.monte_carlo_line(facts),
        yardstick_messages.dummy_warning(facts),
        *yardstick_lines(facts, run),
    ):
        if line is not None:
            output.print_lines([line])
    output.print_result(output.format_table(("key", "value"), rows))
    comparison = yardstick_messages.yardstick_table(facts)
    if comparison is not None:
        output.print_result(output.format_table(*comparison))
    output.print_lines(run_table.run_files(run))
