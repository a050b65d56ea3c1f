"""The command `dropout reproduce`: train a paper's table, and compare it with the published values."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dropout_cli.cli import arguments, completion, output, progress
from dropout_cli.cli.reproduction_screen import TableFormat, print_table
from dropout_cli.core.errors import Mismatch, SweepIncomplete, UsageError
from dropout_cli.core.text import counted

POSITION = 37


class ScaleChoice(StrEnum):
    """How much is trained."""

    smoke = "smoke"
    laptop = "laptop"
    full = "full"


def register_command(app: typer.Typer) -> None:
    """Register the command."""
    app.command("reproduce")(reproduce)


def reproduce(
    name: Annotated[
        str | None,
        typer.Argument(
            autocompletion=completion.complete_paper,
            metavar="NAME|FILE",
            help="A reproduction; without it, all are listed.",
        ),
    ] = None,
    scale: Annotated[
        ScaleChoice,
        typer.Option(
            "--scale",
            help="How much is trained. smoke: only to see that it runs. laptop: less than in the paper. full: as much, "
            "or nearly.",
        ),
    ] = ScaleChoice.laptop,
    seeds: Annotated[
        int | None,
        typer.Option(
            "--seeds",
            min=1,
            max=1000,
            metavar="N",
            help="The number of seeds of each row (default: that of the scale, or of the folder if it has more).",
        ),
    ] = None,
    rows: Annotated[
        str | None, typer.Option("--rows", metavar="A,B", help="Train only these rows of the table.")
    ] = None,
    table_format: Annotated[
        TableFormat | None, typer.Option("--format", help="The format of the table (default: text).")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            parser=arguments.parse_folder,
            help="The folder for the results (default: runs/reproduce-NAME-SCALE).",
        ),
    ] = None,
    jobs: arguments.Jobs = None,
    scheduler: arguments.Scheduler = None,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Train failed runs again.")] = False,
    no_plots: arguments.NoPlots = False,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Train the settings of a paper's table, and print published and measured values side by side.

    Run the same command again to continue. More seeds only train the new runs.
    """
    if name is None:
        options = {
            "--scale": scale is not ScaleChoice.laptop,
            "--seeds": seeds,
            "--rows": rows is not None,
            "--format": table_format,
            "--out": out,
            "--jobs": jobs,
            "--scheduler": scheduler,
            "--retry-failed": retry_failed,
            "--no-plots": no_plots,
        }
        for option, given in options.items():
            if given:
                raise UsageError(option, "needs a reproduction", "Give a name from `dropout reproduce`, or a file.")
        _print_list(json)
        return
    from dropout_cli.sweeps.folder import SweepFolder
    from dropout_cli.sweeps.reproduction.catalog import find_paper
    from dropout_cli.sweeps.reproduction.load import load_reproduction
    from dropout_cli.sweeps.reproduction.run import continue_folder, find_rows, run_reproduction
    from dropout_cli.sweeps.settings import ExecutionSettings

    if json and table_format is not None:
        raise UsageError("--format", "cannot be used with --json", "Leave out one of them.")
    arguments.check_scheduler(scheduler, jobs)
    paper = load_reproduction(find_paper(name))
    folder = SweepFolder(out or arguments.DEFAULT_RUNS_DIR / f"reproduce-{paper.name}-{scale.value}")
    names = [one.strip() for one in rows.split(",")] if rows is not None else []
    if rows is not None and not rows.strip():
        raise UsageError("--rows", "is empty", "Give names of rows, separated by commas.")
    if not all(names):
        raise UsageError("--rows", f"'{rows}' has an empty name", "Separate names by single commas.")
    wanted = find_rows(paper, scale.value, names)
    wanted, count = continue_folder(folder, paper, scale.value, wanted, seeds)
    show = progress.SweepProgressDisplay(quiet=quiet)
    execution = ExecutionSettings(jobs, scheduler, retry_failed=retry_failed, figures=not no_plots)
    with show.display():
        report = run_reproduction(
            paper,
            scale.value,
            wanted,
            count,
            folder,
            execution,
            watch=show,
            notice=output.print_stderr,
            announce=(lambda _: None) if quiet else output.print_stderr,
        )
    labels = {run: paper.rows[row].given.label for row, runs in report.table.stored.runs.items() for run in runs}
    for run, reason in report.failures.items():
        place = f"{labels.get(run, 'a run')} ({run})"
        output.print_stderr(f"{place}: failed ({reason.rstrip('.')}). See {folder.path / 'failed' / run}.json.")
    print_table(report.table, table_format or TableFormat.text, folder.path, json=json)
    if report.failures or report.missing:
        fact = f"{counted(len(report.failures), 'run')} failed, {counted(report.missing, 'run')} not trained"
        raise SweepIncomplete(str(folder.path), fact, "Correct the row, or give --retry-failed.")
    if scale is ScaleChoice.full and report.table.failures:
        raise Mismatch(
            paper.name, f"the results differ from the paper: {'; '.join(report.table.failures)}", "See the table."
        )


def _print_list(json: bool) -> None:
    """Print the bundled reproductions: name, paper, question and minutes at each scale."""
    from dropout_cli.sweeps.reproduction.catalog import bundled_papers, speed_factor
    from dropout_cli.sweeps.reproduction.load import load_reproduction

    factor, found = speed_factor(), [load_reproduction(path) for path in bundled_papers().values()]
    minutes = {one.name: {scale: factor * its.minutes for scale, its in one.scales.items()} for one in found}
    if json:
        entries = [
            {"name": one.name, "paper": one.document.paper, "question": one.document.question}
            | {"minutes": minutes[one.name]}
            for one in found
        ]
        output.print_result(output.json_text({"reproductions": entries}))
        return
    lines = [
        (
            one.name,
            one.document.paper,
            one.document.question,
            *(_time(minutes[one.name][scale]) for scale in ("laptop", "full")),
        )
        for one in found
    ]
    headers = ("name", "paper", "question", "laptop", "full")
    output.print_result(output.format_table(headers, lines, drop_order=("full", "paper")))


def _time(minutes: float) -> str:
    return f"{minutes / 60:.0f} h" if minutes >= 100 else f"{max(1, minutes):.0f} min"
