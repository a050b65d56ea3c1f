"""`dropout resume`."""

from typing import Annotated

import typer

from dropout_cli.cli import arguments, output, progress
from dropout_cli.cli.time_limit import limited, seconds

POSITION = 20


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(resume)


def resume(
    run: arguments.RunReference,
    epochs: Annotated[
        int | None, typer.Option("--epochs", metavar="N", min=1, help="Go on to N epochs, also after the last one.")
    ] = None,
    change_schedule: Annotated[
        bool,
        typer.Option(
            "--change-schedule",
            help="With --epochs: go on even where a schedule or a variant depends on the number of epochs, so that "
            "the whole is no run of N epochs; the run is marked.",
        ),
    ] = False,
    max_time: arguments.MaxTime = None,
    runs_dir: arguments.RunsDir = arguments.RUNS,
    no_plots: arguments.NoPlots = False,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Go on with an interrupted or crashed RUN, to the same bytes as if it had never stopped."""
    from dropout_cli.runs import find
    from dropout_cli.training.resume import reopened
    from dropout_cli.training.run import continue_run

    show = progress.Screen(quiet=quiet)
    longest = None if max_time is None else seconds(max_time)
    found = find(run, runs_dir)
    with reopened(found, epochs=epochs, change_schedule=change_schedule) as prepared:
        for notice in prepared.notices:
            show.notice(notice)
        with show.following(found, prepared.experiment.training.epochs) as watch:
            summary = continue_run(prepared, found, watch=limited(watch, longest), figures=not no_plots)
    output.run_ended(found, summary, json)
