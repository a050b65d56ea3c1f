"""`dropout train`."""

from typing import Annotated

import typer

from dropout_cli.cli import arguments, screen


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(train)


def train(
    config: arguments.Config,
    overrides: arguments.Overrides = None,
    runs_dir: arguments.RunsDir = arguments.RUNS,
    name: Annotated[str | None, typer.Option("--name", help="What to call the run in its folder's name.")] = None,
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
    loaded = configs.load(configs.find(config), overrides or ())
    for notice in loaded.notices:
        show.notice(notice)
    prepared = ready(loaded.experiment)
    for notice in prepared.notices:
        show.notice(notice)
    run = Run.create(runs_dir, name or label(prepared.experiment))
    with show.following(run, prepared.experiment.training.epochs) as watch:
        summary = conduct(prepared, run, loaded.text, watch=watch, figures=not no_plots)
    for warning in summary["warnings"]:
        screen.complain(warning)
    screen.result(screen.as_json({"run": str(run.path)} | summary) if json else str(run.path))
