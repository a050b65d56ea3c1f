"""`dropout runs`."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dropout_cli.cli import arguments, output
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted

if TYPE_CHECKING:
    from dropout_cli.runs import Run

POSITION = 100


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("runs")(list_runs)


def list_runs(
    named: Annotated[
        list[str] | None, typer.Argument(metavar="[RUN]...", help="Only these; all unless given.", show_default=False)
    ] = None,
    sort: Annotated[str, typer.Option("--sort", metavar="KEY", help="Sort by this key; -KEY: downwards.")] = "name",
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="'KEY OP VALUE'", help="Only runs for which it holds; may be given again."),
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="KEY,KEY...", help="Show these keys instead of the usual ones.")
    ] = None,
    sizes: Annotated[bool, typer.Option("--sizes", help="Show the megabytes of each on disk.")] = False,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", metavar="WORD", help="Tag the runs named; may be given again.")
    ] = None,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Note something about them.")] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete the runs named, or those for which it holds.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --delete: do not ask.")] = False,
    runs_dir: arguments.RunsDir = arguments.RUNS,
    json: arguments.Json = False,
) -> None:
    """List the runs. Keys: name, status, tags, and those of summary.json, such as test.accuracy."""
    from dropout_cli import runs
    from dropout_cli.analysis import run_table
    from dropout_cli.runs import tags

    chosen = _different(runs.find(one, runs_dir) for one in named) if named else runs.all_runs(runs_dir)
    if (tag or note is not None or delete) and not (named or where):
        raise UsageError("runs", "says of no run what to do with it", "Name runs, or choose them with --where.")
    found = run_table.select(run_table.read(chosen, sizes=sizes), where or (), sort)
    picked = [one.run for one in found]
    if delete:
        if not picked:
            output.complain("runs: no run matches. Nothing is deleted.")
        _delete(picked, yes)
        return
    if tag or note is not None:
        for run in picked:
            tags.annotate(run, tag or (), note)
        found = run_table.select(run_table.read(picked, sizes=sizes), (), sort)
    if json:
        output.result(output.as_json({"runs": found}))
        return
    if not found:
        output.complain(f"{runs_dir}: no runs to show.")
    keys = [key.strip() for key in columns.split(",")] if columns else _usual(found)
    output.result(output.table(keys, run_table.rows(found, keys), least=() if columns else run_table.LEAST))


def _different(found: "Iterable[Run]") -> "list[Run]":
    """Return each folder once, even if it was named twice; a link and its target are two folders."""
    known: dict[tuple[int, int], Run] = {}
    for run in found:
        place = (run.path if run.path.name else run.path.resolve()).lstat()
        known.setdefault((place.st_dev, place.st_ino), run)
    return list(known.values())


def _usual(found: Sequence[dict[str, Any]]) -> list[str]:
    """The usual columns, and those that only some runs have."""
    from dropout_cli.analysis import run_table

    extra = [key for key in ("megabytes", "tags", "note") if any(key in run for run in found)]
    if any(run_table.value(run, "test.rmse") is not None for run in found):
        extra = ["val.rmse", "test.rmse", *extra]
    return [*run_table.COLUMNS, *extra]


def _delete(chosen: "Sequence[Run]", yes: bool) -> None:
    """Delete all runs, or none where one must not be deleted, and print their paths; ask first unless `yes`."""
    from dropout_cli.runs import tags

    for run in chosen:
        tags.must_be_deletable(run)
    if chosen and not yes:
        if not sys.stdin.isatty():
            raise UsageError(
                "--delete", f"would delete {counted(len(chosen), 'run')}", "Add --yes to do it without being asked."
            )
        for run in chosen:
            output.complain(output.cell_text(run.path))
        try:
            agreed = typer.confirm(f"Delete {counted(len(chosen), 'run')}?", err=True)
        except typer.Abort:  # the end of its input
            agreed = False
        if not agreed:
            output.complain("Nothing is deleted.")
            return
    for run in chosen:
        tags.delete(run)
        output.result(output.cell_text(run.path))
