"""The command `dropout variance`: divide the variance of a metric among its sources."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dropout_cli.cli import arguments, completion, output, progress
from dropout_cli.cli.config_argument import ConfigArgument, find_config_argument
from dropout_cli.core.errors import SweepIncomplete
from dropout_cli.core.text import counted

if TYPE_CHECKING:
    from dropout_cli.sweeps.folder import SweepFolder
    from dropout_cli.sweeps.plan import SweepPlan
    from dropout_cli.sweeps.spec import Sweep
    from dropout_cli.sweeps.variance.design import VarianceDesign
    from dropout_cli.sweeps.variance.study import VarianceReport

POSITION = 35


class Levels(StrEnum):
    """Numbers of levels of each source."""

    preview = "5"
    default = "7"
    precise = "11"


def register_command(app: typer.Typer) -> None:
    """Register the command."""
    app.command("variance")(variance)


def variance(
    config: arguments.Config,
    overrides: arguments.Overrides = None,
    target: arguments.Target = None,
    levels: Annotated[
        Levels,
        typer.Option(
            "--levels",
            help="How many seeds per source. 5 trains 25 runs and gives a preview, 7 trains 49 runs, 11 trains 121 "
            "runs and is precise.",
        ),
    ] = Levels.default,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            autocompletion=completion.complete_metric,
            metavar="NAME",
            help="The metric whose variance is divided (default: test.accuracy, or test.rmse for a regression).",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            parser=arguments.parse_folder,
            help="The folder for the results (default: runs/variance-NAME).",
        ),
    ] = None,
    jobs: arguments.Jobs = None,
    scheduler: arguments.Scheduler = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Train one epoch of a run and estimate the time and disk space.")
    ] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Train failed runs again.")] = False,
    no_plots: arguments.NoPlots = False,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Find out where the spread of a metric comes from.

    The table has the share of each source of randomness: initial weights, batch order, dropout noise, augmentation and
    split. Each has several seeds, and each pair of seeds of two sources is trained once. Run the same command again to
    continue.
    """
    from dropout_cli.sweeps import plan
    from dropout_cli.sweeps.folder import SweepFolder
    from dropout_cli.sweeps.folder_use import refuse_other_use
    from dropout_cli.sweeps.settings import ExecutionSettings
    from dropout_cli.sweeps.variance.study import run_variance

    arguments.check_scheduler(scheduler, jobs)
    found = find_config_argument(config, target, overrides)
    folder = SweepFolder(out or arguments.DEFAULT_RUNS_DIR / f"variance-{found.name}")
    refuse_other_use(folder, search=False, study=True)
    sweep, design = _lay_out(found, overrides, folder, int(levels.value), metric)
    planned = plan.make_plan(sweep)
    if dry_run:
        _print_dry_run(planned, jobs, json)
        return
    show = progress.SweepProgressDisplay(quiet=quiet)
    execution = ExecutionSettings(jobs, scheduler, retry_failed=retry_failed, figures=not no_plots)
    with show.display():
        report = run_variance(planned, folder, sweep, design, execution, watch=show, notice=output.print_stderr)
    _print_report(report, folder, json)
    if report.shares is None:
        missing = f"{counted(report.missing, 'run')} {'was' if report.missing == 1 else 'were'} not trained"
        fact = f"{counted(len(report.failures), 'run')} failed, {missing}; the shares need all {design.runs} runs"
        raise SweepIncomplete(str(folder.path), fact, "Use --retry-failed to train the failed runs again.")


def _lay_out(
    found: ConfigArgument, overrides: list[str] | None, folder: "SweepFolder", levels: int, metric: str | None
) -> "tuple[Sweep, VarianceDesign]":
    """Return the sweep of all runs, and its design; print the sources that are left out on stderr."""
    from dataclasses import replace

    from dropout_cli import config
    from dropout_cli.sweeps.options import SweepOptions
    from dropout_cli.sweeps.run import BASE_FILE
    from dropout_cli.sweeps.sweep_file import load_sweep
    from dropout_cli.sweeps.variance.design import VarianceDesign
    from dropout_cli.sweeps.variance.sources import find_sources, lay_out_variance

    loaded = found.load(overrides)
    for line in loaded.notices:
        output.print_stderr(line)
    # The folder stores the config with its overrides, from which `sweep.yaml` starts.
    text = config.to_yaml(loaded.experiment).encode()
    options = SweepOptions(metric=metric)
    sweep = replace(load_sweep(folder.path / BASE_FILE, (), options, text=text), name=found.name)
    keys, messages = find_sources(loaded.experiment, sweep.metric)
    for line in messages:
        output.print_stderr(line)
    design = VarianceDesign(levels, tuple(keys))
    return lay_out_variance(sweep, loaded.experiment, design), design


def _print_dry_run(planned: "SweepPlan", jobs: int | None, json: bool) -> None:
    """Print the time and space to expect."""
    from dropout_cli.sweeps import estimate

    facts = [(key, value) for key, value in estimate.estimate_training(planned, jobs, 1) if key in DRY_RUN]
    if json:
        output.print_result(output.json_text(dict(facts)))
    else:
        output.print_result(output.format_table(("item", "value"), [(DRY_RUN[key], value) for key, value in facts]))


DRY_RUN = {
    "cells": "runs",
    "epochs": "epochs",
    "jobs": "jobs",
    "time to expect": "estimated time, if no other program runs",
    "disk space to expect": "estimated disk space",
}
"""Key of an estimate -> its name in the table."""


def _print_report(report: "VarianceReport", folder: "SweepFolder", json: bool) -> None:
    """Print failed runs on stderr, and the table, sentences and folder on stdout."""
    from dropout_cli.sweeps.variance.shares import TABLE_HEADERS, sentences, shares_dict, shares_table

    for run, reason in report.failures.items():
        output.print_stderr(f"{run}: failed ({reason}). See {folder.path / 'failed' / run}.json.")
    if report.shares is None:
        return
    lines = list(sentences(report.shares))
    if json:
        facts: dict[str, Any] = {"variance": str(folder.path)} | shares_dict(report.shares) | {"messages": lines}
        output.print_result(output.json_text(facts))
        return
    output.print_result(output.format_table(TABLE_HEADERS, shares_table(report.shares)))
    output.print_lines(lines)
    output.print_path(folder.path)
