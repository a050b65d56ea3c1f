"""`dropout train` and `dropout resume`."""

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from dropout_cli.cli import arguments, screen
from dropout_cli.cli.time_limit import limited, seconds

if TYPE_CHECKING:
    from dropout_cli.runs import Run

MaxTime: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--max-time", metavar="TIME", help="Stop after so long, such as 90s, 10m or 1.5h; `dropout resume` goes on."
    ),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(train)
    app.command()(resume)


def train(
    config: arguments.Config,
    overrides: arguments.Overrides = None,
    runs_dir: arguments.RunsDir = arguments.RUNS,
    name: Annotated[str | None, typer.Option("--name", help="What to call the run in its folder's name.")] = None,
    max_time: MaxTime = None,
    no_plots: arguments.NoPlots = False,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Train what CONFIG describes, and print the path of the run folder."""
    import dropout_cli.config as configs
    from dropout_cli.experiment import conduct, ready
    from dropout_cli.preparation import label
    from dropout_cli.runs import Run

    show = screen.Screen(quiet=quiet)
    longest = None if max_time is None else seconds(max_time)
    loaded = configs.load(configs.find(config), overrides or ())
    prepared = ready(loaded.experiment)
    for notice in (*loaded.notices, *prepared.notices):
        show.notice(notice)
    run = Run.create(runs_dir, name or label(prepared.experiment))
    with show.following(run, prepared.experiment.training.epochs) as watch:
        summary = conduct(prepared, run, loaded.text, watch=limited(watch, longest), figures=not no_plots)
    _ended(run, summary, json)


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
    max_time: MaxTime = None,
    runs_dir: arguments.RunsDir = arguments.RUNS,
    no_plots: arguments.NoPlots = False,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Go on with an interrupted or crashed RUN, to the same bytes as if it had never stopped."""
    from dropout_cli.experiment import go_on
    from dropout_cli.resuming import reopened
    from dropout_cli.runs import find

    show = screen.Screen(quiet=quiet)
    longest = None if max_time is None else seconds(max_time)
    found = find(run, runs_dir)
    with reopened(found, epochs=epochs, change_schedule=change_schedule) as prepared:
        for notice in prepared.notices:
            show.notice(notice)
        with show.following(found, prepared.experiment.training.epochs) as watch:
            summary = go_on(prepared, found, watch=limited(watch, longest), figures=not no_plots)
    _ended(found, summary, json)


def _ended(run: "Run", summary: dict[str, Any], json: bool) -> None:
    for warning in summary["warnings"]:
        screen.complain(warning)
    screen.result(screen.as_json({"run": str(run.path)} | summary) if json else str(run.path))
