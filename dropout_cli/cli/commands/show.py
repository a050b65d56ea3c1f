"""`dropout show`."""

import sys
from typing import Annotated

import typer

from dropout_cli.cli import arguments, output

POSITION = 110


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(show)


def show(
    run: arguments.RunReference,
    figures: Annotated[
        bool, typer.Option("--figures", help="Draw its figures first, which a cell of a sweep lacks, into its after/.")
    ] = False,
    runs_dir: arguments.RunsDir = arguments.RUNS,
    json: arguments.Json = False,
) -> None:
    """Show one run: what it was, how it ended, its numbers and its files."""
    from dropout_cli import runs
    from dropout_cli.analysis import run_table
    from dropout_cli.training import against_dummy

    found = runs.find(run, runs_dir)
    if figures:
        from dropout_cli.analysis import evaluate

        evaluate.draw(found)
    facts = run_table.facts(found)
    if json:
        output.result(output.as_json({"run": str(found.path)} | facts))
        return
    rows = run_table.overview(facts)
    if sys.stdout.isatty():  # where room is dear, and a run's name stays whole
        rows = [(key.removeprefix("config."), value) for key, value in rows]
    beaten = against_dummy.sentence(facts)
    if beaten is not None:
        output.result(beaten)
    output.result(output.table(("what", "value"), rows))
    beside = against_dummy.table(facts)
    if beside is not None:
        output.result(output.table(*beside))
    output.result("\n".join(output.cell_text(name) for name in run_table.files(found)))
