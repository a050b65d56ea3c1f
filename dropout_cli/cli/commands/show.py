"""The command `dropout show`: show the numbers and files of one run."""

import sys
from typing import Annotated

import typer

from dropout_cli.cli import arguments, output

POSITION = 110


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("show")(show_command)


def show_command(
    reference: arguments.RunReference,
    figures: Annotated[
        bool,
        typer.Option(
            "--figures", help="First draw the figures into after/figures/. A run of a sweep has no figures of its own."
        ),
    ] = False,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
    json: arguments.Json = False,
) -> None:
    """Show one run: its settings, how it ended, its metrics and its files."""
    from dropout_cli import runs
    from dropout_cli.analysis import run_table
    from dropout_cli.training import yardstick_messages

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
    beaten = yardstick_messages.dummy_warning(facts)
    # On stdout, unlike in `train`: it is a part of the result here.
    if beaten is not None:
        output.print_result(beaten)
    output.print_result(output.format_table(("key", "value"), rows))
    comparison = yardstick_messages.yardstick_table(facts)
    if comparison is not None:
        output.print_result(output.format_table(*comparison))
    output.print_result("\n".join(output.cell_text(name) for name in run_table.run_files(run)))
