"""The command `dropout train`: train one model and write a run folder."""

from typing import Annotated

import typer

from dropout_cli.cli import arguments, progress
from dropout_cli.cli.config_argument import find_config_argument
from dropout_cli.cli.run_result import print_run_result
from dropout_cli.cli.time_limit import parse_duration, with_time_limit

POSITION = 10


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("train")(train_command)


def train_command(
    config: arguments.Config,
    overrides: arguments.Overrides = None,
    target: arguments.Target = None,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="A name for the run, which becomes a part of its folder's name."),
    ] = None,
    max_time: arguments.MaxTime = None,
    no_plots: arguments.NoPlots = False,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Train the network that CONFIG describes, or one for DATA, and print the path of the run folder."""
    from dropout_cli.runs import Run
    from dropout_cli.training.run import prepare_run, run_experiment
    from dropout_cli.training.setup import run_label

    show = progress.ProgressDisplay(quiet=quiet)
    # Parsed first: a wrong time is reported before there is a run folder.
    longest = None if max_time is None else parse_duration(max_time)
    loaded = find_config_argument(config, target, overrides, notice=show.notice).load(overrides)
    prepared = prepare_run(loaded.experiment)
    for notice in (*loaded.notices, *prepared.notices):
        show.notice(notice)
    # The folder is created last: mistakes in config and data leave nothing behind.
    run = Run.create(runs_dir, name or run_label(prepared.experiment))
    with show.display(run, prepared.experiment) as watch:
        summary = run_experiment(
            prepared, run, loaded.text, watch=with_time_limit(watch, longest), figures=not no_plots
        )
    print_run_result(run, summary, prepared, json=json, quiet=quiet)
