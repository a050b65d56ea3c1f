"""The command `dropout resume`: continue a stopped run, or train a complete one longer."""

from typing import Annotated

import typer

from dropout_cli.cli import arguments, progress
from dropout_cli.cli.run_result import print_run_result
from dropout_cli.cli.time_limit import parse_duration, with_time_limit

POSITION = 20


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("resume")(resume_command)


def resume_command(
    reference: arguments.RunReference,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", metavar="N", min=1, help="Train until epoch N, even if the run is already complete."),
    ] = None,
    change_schedule: Annotated[
        bool,
        typer.Option(
            "--change-schedule",
            help="With --epochs: continue even if a schedule or variant depends on the number of epochs. The result "
            "then differs from a single run of N epochs, and the run is marked.",
        ),
    ] = False,
    max_time: arguments.MaxTime = None,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
    no_plots: arguments.NoPlots = False,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Continue an interrupted or crashed RUN.

    With the same versions on the same machine, the result is the same as without the interruption, byte for byte.
    """
    from dropout_cli.runs import find_run
    from dropout_cli.training.resume import reopen_run
    from dropout_cli.training.run import continue_run

    show = progress.ProgressDisplay(quiet=quiet)
    # Parsed first: a wrong time is reported before the run is touched.
    longest = None if max_time is None else parse_duration(max_time)
    run = find_run(reference, runs_dir)
    with reopen_run(run, epochs=epochs, change_schedule=change_schedule) as prepared:
        for notice in prepared.notices:
            show.notice(notice)
        with show.display(run, prepared.experiment) as watch:
            summary = continue_run(prepared, run, watch=with_time_limit(watch, longest), figures=not no_plots)
    print_run_result(run, summary, prepared, json=json, quiet=quiet)
