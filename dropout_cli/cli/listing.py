"""`dropout runs` and `dropout show`."""

from typing import Annotated

import typer

from dropout_cli.cli import arguments, screen


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("runs")(list_runs)
    app.command("show")(show)


def list_runs(
    sort: Annotated[str, typer.Option("--sort", metavar="KEY", help="Sort by this key; -KEY: downwards.")] = "name",
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="'KEY OP VALUE'", help="Only runs for which it holds; may be given again."),
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="KEY,KEY...", help="Show these keys instead of the usual ones.")
    ] = None,
    runs_dir: arguments.RunsDir = arguments.RUNS,
    json: arguments.Json = False,
) -> None:
    """List the runs. Keys are those of summary.json, such as test.accuracy or config.dropout.rate, and name, status."""
    from dropout_cli import run_table

    found = run_table.select(run_table.read(runs_dir), where or (), sort)
    if json:
        screen.result(screen.as_json({"runs": found}))
        return
    if not found:
        screen.complain(f"{runs_dir}: no runs to show.")
    keys = [key.strip() for key in columns.split(",")] if columns else list(run_table.COLUMNS)
    screen.result(screen.table(keys, run_table.rows(found, keys)))


def show(
    run: arguments.RunReference, runs_dir: arguments.RunsDir = arguments.RUNS, json: arguments.Json = False
) -> None:
    """Show one run: what it was, how it ended, its numbers and its files."""
    from dropout_cli import run_table, runs

    found = runs.find(run, runs_dir)
    facts = run_table.facts(found)
    if json:
        screen.result(screen.as_json({"run": str(found.path)} | facts))
        return
    screen.result(screen.table(("what", "value"), run_table.overview(facts)))
    screen.result("\n".join(screen.cell_text(name) for name in run_table.files(found)))
