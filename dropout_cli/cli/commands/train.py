"""`dropout train`."""

from typing import Annotated

import typer

from dropout_cli.cli import arguments, output, progress
from dropout_cli.cli.time_limit import limited, seconds

POSITION = 10


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(train)


def train(
    config: arguments.Config,
    overrides: arguments.Overrides = None,
    runs_dir: arguments.RunsDir = arguments.RUNS,
    name: Annotated[str | None, typer.Option("--name", help="What to call the run in its folder's name.")] = None,
    max_time: arguments.MaxTime = None,
    no_plots: arguments.NoPlots = False,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Train what CONFIG describes, and print the path of the run folder."""
    import dropout_cli.config as configs
    from dropout_cli.runs import Run
    from dropout_cli.training.run import prepare_run, run_experiment
    from dropout_cli.training.setup import run_label

    show = progress.Screen(quiet=quiet)
    longest = None if max_time is None else seconds(max_time)
    loaded = configs.load(configs.find(config), overrides or ())
    prepared = prepare_run(loaded.experiment)
    for notice in (*loaded.notices, *prepared.notices):
        show.notice(notice)
    run = Run.create(runs_dir, name or run_label(prepared.experiment))
    with show.following(run, prepared.experiment.training.epochs) as watch:
        summary = run_experiment(prepared, run, loaded.text, watch=limited(watch, longest), figures=not no_plots)
    output.run_ended(run, summary, json)
