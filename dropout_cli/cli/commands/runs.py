"""The command `dropout runs`: list, tag and delete runs."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dropout_cli.cli import arguments, completion, output
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted

if TYPE_CHECKING:
    from dropout_cli.runs import Run

POSITION = 100


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("runs")(runs_command)


def runs_command(
    named: Annotated[
        list[str] | None,
        typer.Argument(
            autocompletion=completion.complete_run,
            metavar="RUN",
            help="The runs to list (default: all).",
            show_default=False,
        ),
    ] = None,
    sort: Annotated[
        str, typer.Option("--sort", metavar="KEY", help="Sort by this key. Write -KEY to sort from high to low.")
    ] = "name",
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="'KEY OP VALUE'",
            help="Only runs that meet this condition, such as 'test.accuracy > 0.97'. Can be given several times.",
        ),
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="KEY,KEY...", help="Show these keys instead of the usual ones.")
    ] = None,
    sizes: Annotated[bool, typer.Option("--sizes", help="Show the disk space of each run, in megabytes.")] = False,
    tag: Annotated[
        list[str] | None,
        typer.Option("--tag", metavar="WORD", help="Add this tag to the given runs. Can be given several times."),
    ] = None,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Add a note to the given runs.")] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete the given runs, or those that meet the --where conditions.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --delete: do not ask for confirmation.")] = False,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
    json: arguments.Json = False,
) -> None:
    """List the runs, tag them or delete them.

    Keys for --sort, --where and --columns are name, status, tags and the keys of summary.json, such as test.accuracy.
    """
    from dropout_cli import runs
    from dropout_cli.analysis import run_table
    from dropout_cli.runs import tags

    chosen = _unique(runs.find_run(reference, runs_dir) for reference in named) if named else runs.all_runs(runs_dir)
    if (tag or note is not None or delete) and not (named or where):
        raise UsageError("runs", "no runs are selected", "Give runs, or select them with --where.")
    listed = run_table.select_runs(run_table.read_facts(chosen, sizes=sizes), where or (), sort)
    picked = [known.run for known in listed]
    if delete:
        if not picked:
            output.print_stderr("runs: no run matches. Nothing was deleted.")
        _delete(picked, yes)
        return
    if tag or note is not None:
        for run in picked:
            tags.add_tags(run, tag or (), note)
        # Read again, so that the table shows the new tags and notes.
        listed = run_table.select_runs(run_table.read_facts(picked, sizes=sizes), (), sort)
    if json:
        output.print_result(output.json_text({"runs": listed}))
        return
    if not listed:
        output.print_stderr(f"{runs_dir}: there are no runs to show.")
    keys = [key.strip() for key in columns.split(",")] if columns else run_table.default_columns(listed)
    output.print_result(
        output.format_table(
            keys, run_table.facts_rows(listed, keys), drop_order=() if columns else run_table.DROP_ORDER
        )
    )


def _unique(named: "Iterable[Run]") -> "list[Run]":
    """Return each folder once, even if named twice; a link and its target are two folders."""
    known: dict[tuple[int, int], Run] = {}
    for run in named:
        # lstat, not resolve: a link may be deleted without its target.
        place = (run.path if run.path.name else run.path.resolve()).lstat()
        known.setdefault((place.st_dev, place.st_ino), run)
    return list(known.values())


def _delete(chosen: "Sequence[Run]", yes: bool) -> None:
    """Delete runs and print their paths. If one of them must not be deleted, delete none.

    Args:
        chosen: The runs.
        yes: True to delete without a question.
    """
    from dropout_cli.runs import tags

    for run in chosen:
        # Before the question and before the first deletion: either all runs go or none.
        tags.require_deletable(run)
    if chosen and not yes:
        if not sys.stdin.isatty():
            raise UsageError(
                "--delete",
                f"would delete {counted(len(chosen), 'run')}",
                "Add --yes to confirm.",
            )
        for run in chosen:
            output.print_stderr(output.cell_text(run.path))
        try:
            agreed = typer.confirm(f"Delete {counted(len(chosen), 'run')}?", err=True)
        except typer.Abort:  # the input ended before an answer
            agreed = False
        if not agreed:
            output.print_stderr("Nothing was deleted.")
            return
    for run in chosen:
        tags.delete_run(run)
        output.print_result(output.cell_text(run.path))
