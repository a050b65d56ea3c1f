"""The command `dropout sweep`: train all combinations of values and seeds."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dropout_cli.cli import arguments, completion, output, progress, run_result
from dropout_cli.cli.config_argument import find_config_argument, load_sweep_argument
from dropout_cli.core.errors import SweepIncomplete
from dropout_cli.core.text import counted

if TYPE_CHECKING:
    from dropout_cli.sweeps.folder import SweepFolder
    from dropout_cli.sweeps.plan import SweepPlan
    from dropout_cli.sweeps.run import SweepProgress, SweepReport, SweepWatch
    from dropout_cli.sweeps.settings import ComparisonSettings
    from dropout_cli.sweeps.spec import Sweep

POSITION = 30
IN_WORDS = {
    "cells": "runs",
    "most runs": "runs, at most",
    "fewest runs": "runs, at least",
    "groups": "settings",
    "combinations that are the same as another": "duplicate combinations",
    "shortest time to expect": "estimated time, if it ends at the first look",
    "time to expect": "estimated time, if no other program runs",
    "disk space to expect": "estimated disk space",
    "what it can show": "power",
    "difference seen with 80 % probability": "smallest difference detected with 80 % probability",
}
"""Key in the JSON of a dry run -> its name in the table."""


class Until(StrEnum):
    """When a sweep ends by itself."""

    sure = "sure"


class OnError(StrEnum):
    """Whether the other runs continue after one has failed."""

    proceed = "continue"
    stop = "stop"


def register_command(app: typer.Typer) -> None:
    """Register the command."""
    app.command("sweep")(sweep)


def sweep(
    file: Annotated[
        str,
        typer.Argument(
            autocompletion=completion.complete_config,
            metavar="SWEEP|CONFIG|DATA",
            help="A sweep file (with the key `base`), a config file, the name of a bundled config, or your data.",
        ),
    ],
    values: Annotated[
        list[str] | None,
        typer.Argument(
            autocompletion=completion.complete_setting,
            metavar="KEY=V1,V2",
            help="Values to sweep, such as dropout.rate=0,0.2,0.5.",
        ),
    ] = None,
    target: arguments.Target = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            "--seeds",
            metavar="N|S1,S2",
            help="The number of seeds, or a list of seeds (default: 10, or 1 with --splits N).",
        ),
    ] = None,
    splits: arguments.Splits = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option(
            "--baseline",
            autocompletion=completion.complete_setting,
            metavar="KEY=VALUE",
            help="The setting that all others are compared with. Can be given several times.",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            autocompletion=completion.complete_metric,
            metavar="NAME",
            help="The metric to compare (default: test.accuracy, or test.rmse for a regression).",
        ),
    ] = None,
    metrics: arguments.Metrics = None,
    test: arguments.PairedTest = None,
    until: Annotated[
        Until | None,
        typer.Option(
            "--until",
            help="Train each setting only until its difference from the baseline is decided, with looks at 6, 8, 10, "
            "14, 20 and 30 seeds.",
        ),
    ] = None,
    margin: Annotated[
        float | None,
        typer.Option(
            "--margin", min=0, metavar="M", help="Call a difference equal if its whole interval is between -M and M."
        ),
    ] = None,
    max_seeds: Annotated[
        int | None,
        typer.Option(
            "--max-seeds",
            metavar="N",
            help="With --until sure, the most seeds (or splits) of a setting (default: 30).",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            parser=arguments.parse_folder,
            help="The folder for the results (default: runs/sweep-NAME).",
        ),
    ] = None,
    jobs: arguments.Jobs = None,
    scheduler: arguments.Scheduler = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Train one epoch of a few runs and estimate the time and disk space of the whole sweep."
        ),
    ] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Train failed runs again.")] = False,
    on_error: Annotated[
        OnError, typer.Option("--on-error", help="Continue with the other runs, or stop, when a run fails.")
    ] = OnError.proceed,
    all_columns: arguments.AllColumns = False,
    no_plots: arguments.NoPlots = False,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Train every combination of values and seeds, and report which differences are real.

    Run the same command again to continue a sweep.
    """
    from dropout_cli.sweeps import layout_choice, plan
    from dropout_cli.sweeps.folder import SweepFolder
    from dropout_cli.sweeps.options import SweepOptions
    from dropout_cli.sweeps.run import run_sweep
    from dropout_cli.sweeps.settings import ExecutionSettings
    from dropout_cli.sweeps.until_sure import plan as until_plan

    arguments.check_scheduler(scheduler, jobs)
    options = SweepOptions(
        *(seeds, splits, baseline or (), metric, metrics, test), margin=margin, until=until, max_seeds=max_seeds
    )
    asked, path = load_sweep_argument(find_config_argument(file, target, values), values, options, out, kind="sweep")
    folder = SweepFolder(path)
    asked = layout_choice.keep_layout(asked, folder)
    planned = plan.make_plan(asked)
    comparison = until_plan.comparison_with_looks(planned, asked)
    names_load = scheduler is None and not quiet
    if dry_run:
        if names_load:
            _print_load()
        _print_dry_run(planned, folder, comparison, jobs, json)
        return
    _print_left_out(planned, asked)
    text, show = asked.with_splits(planned.splits).text, progress.SweepProgressDisplay(quiet=quiet)
    execution = ExecutionSettings(jobs, scheduler, on_error.value, retry_failed, figures=not no_plots)
    with show.display():
        report = run_sweep(
            planned,
            folder,
            text,
            comparison,
            execution,
            watch=_with_load(show) if names_load else show,
            notice=output.print_stderr,
            base=asked.base_text,
        )
    _print_results(report, folder, json, every=all_columns)
    if not quiet:
        for line in run_result.sweep_commands(folder.path, report.evidence):
            output.print_stderr(line)
    _check_complete(report, folder)


def _with_load(watch: "SweepWatch") -> "SweepWatch":
    """Return a watch that names a busy computer before the first run is trained."""
    calls = 0

    def watch_with_load(progress: "SweepProgress") -> None:
        nonlocal calls
        # Not earlier: a mistake in the command is one line.
        if calls == 0 and progress.done + progress.failed < progress.cells:
            _print_load()
        calls += 1
        watch(progress)

    return watch_with_load


def _print_load() -> None:
    """Print on stderr if other programs use the computer."""
    from dropout_cli.core import environment

    if message := environment.load_message(environment.load_average(), os.cpu_count() or 1):
        output.print_stderr(message)


def _print_dry_run(
    planned: "SweepPlan", folder: "SweepFolder", comparison: "ComparisonSettings", jobs: int | None, json: bool
) -> None:
    """Print the time and space to expect; changes of the plan go to stderr."""
    from dropout_cli.sweeps import estimate, plan_changes, power
    from dropout_cli.sweeps.folder_use import refuse_other_use
    from dropout_cli.sweeps.until_sure.plan import refuse_changed_looks

    refuse_other_use(folder, search=False)
    refuse_changed_looks(planned, comparison, folder)
    change = plan_changes.compare_with_stored(planned, folder)
    for line in (
        *plan_changes.layout_messages(planned, folder),
        *plan_changes.change_messages(planned, folder, change),
    ):
        output.print_stderr(line)
    earlier = power.earlier_spread(folder, comparison)
    facts = estimate.estimate_cost(planned, jobs, comparison, earlier)
    if json:
        output.print_result(output.json_text(dict(facts)))
    else:
        output.print_result(
            output.format_table(("item", "value"), [(IN_WORDS.get(key, key), value) for key, value in facts])
        )


def _print_left_out(planned: "SweepPlan", asked: "Sweep") -> None:
    """Print how many combinations are not trained, on stderr."""
    left_out = ((planned.skipped, "without a swept key"), (planned.merged, "the same as another"))
    if facts := [f"{number} {why}" for number, why in left_out if number]:
        total = planned.skipped + planned.merged
        verb = "was" if total == 1 else "were"
        output.print_stderr(f"{asked.base}: {counted(total, 'combination')} {verb} skipped: {', '.join(facts)}.")


def _print_results(report: "SweepReport", folder: "SweepFolder", json: bool, *, every: bool) -> None:
    """Print failed runs on stderr, and tables, notes and the folder on stdout."""
    from dropout_cli.sweeps import printed_table, tables
    from dropout_cli.sweeps.notes import comparison_notes

    for run, reason in report.failures.items():
        output.print_stderr(f"{run}: failed ({reason}). See {folder.path / 'failed' / run}.json.")
    if json:
        output.print_result(output.json_text({"sweep": str(folder.path)} | tables.comparison_dict(report.evidence)))
        return
    for one in report.evidence.metrics:
        headers, rows = printed_table.short_table(report.evidence, one, every=every)
        output.print_result(output.format_table(headers, rows, drop_order=printed_table.LEAST))
    output.print_lines(comparison_notes(report.evidence))
    output.print_path(folder.path)


def _check_complete(report: "SweepReport", folder: "SweepFolder") -> None:
    """Raise SweepIncomplete if a run failed or was not trained."""
    if report.failures or report.missing:
        missing = f"{counted(report.missing, 'run')} {'was' if report.missing == 1 else 'were'} not trained"
        fact = f"{counted(len(report.failures), 'run')} failed, {missing}"
        raise SweepIncomplete(str(folder.path), fact, "Use --retry-failed to train the failed runs again.")
