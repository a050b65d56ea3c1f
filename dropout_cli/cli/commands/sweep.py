"""`dropout sweep`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dropout_cli.cli import arguments, output, progress
from dropout_cli.core.errors import SweepIncomplete, UsageError
from dropout_cli.core.text import counted, visible

IN_WORDS = {"cells": "runs", "groups": "settings"}
"""Keys of the JSON of a dry run, as its table has them."""


class OnError(StrEnum):
    """What a failed run means for the others."""

    proceed = "continue"
    stop = "stop"


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("sweep")(sweep)


def sweep(
    file: Annotated[
        str, typer.Argument(metavar="SWEEP|CONFIG", help="A sweep file (it has `base:`), a config, or a bundled one.")
    ],
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=V1,V2]...", help="Values to sweep, such as dropout.rate=0,0.2,0.5."),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            "--seeds", metavar="N|S1,S2", help="How many seeds, 10 unless given (1 beside --splits N), or which."
        ),
    ] = None,
    splits: arguments.Splits = None,
    baseline: Annotated[
        list[str] | None,
        typer.Option("--baseline", metavar="KEY=VALUE", help="What all others are compared with; may be given again."),
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="NAME", help="The number to compare; test.accuracy unless given.")
    ] = None,
    metrics: arguments.Metrics = None,
    test: arguments.PairedTest = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where it is kept; runs/sweep-NAME unless given.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, metavar="N", help="Runs at a time; one per core unless given.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler", metavar="ADDRESS", help="Train on the workers of a Dask scheduler, such as tcp://host:8786."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Train one epoch of a few runs, and say what the whole would take.")
    ] = False,
    retry_failed: Annotated[bool, typer.Option("--retry-failed", help="Train failed runs again.")] = False,
    on_error: Annotated[
        OnError, typer.Option("--on-error", help="Whether the others go on when a run fails.")
    ] = OnError.proceed,
    no_plots: arguments.NoPlots = False,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Train every combination of values and seeds, and say which differences are real. The same again goes on."""
    from dropout_cli import config
    from dropout_cli.sweeps import estimate, plan, run, spec, splitting, tables
    from dropout_cli.sweeps.folder import Folder
    from dropout_cli.sweeps.notes import notes

    if scheduler is not None and jobs is not None:
        raise UsageError("--jobs", "is for this machine", "How many runs a cluster trains at a time, its workers say.")
    asked = spec.load(
        config.find(file),
        values or (),
        seeds=seeds,
        splits=splits,
        baseline=baseline or (),
        metric=metric,
        metrics=metrics,
        test=test,
    )
    folder = Folder(out or arguments.RUNS / f"sweep-{asked.name}")
    asked = splitting.as_begun(asked, folder)
    planned = plan.make(asked)
    if dry_run:
        for line in (*run.told_of_layout(planned, folder), *run.told(run.changes(planned, folder), folder)):
            output.complain(line)
        expected = estimate.expected(planned, jobs, asked.baseline)
        output.result(
            output.as_json(dict(expected))
            if json
            else output.table(("what", "value"), [(IN_WORDS.get(k, k), v) for k, v in expected])
        )
        return
    show = progress.SweepScreen(quiet=quiet)
    left_out = ((planned.skipped, "without a swept key"), (planned.merged, "with the values of another one"))
    if facts := [f"{counted(number, 'combination')} {why}" for number, why in left_out if number]:
        output.complain(f"{asked.base}: left out: {', '.join(facts)}.")
    with show.following():
        report = run.conduct(
            planned,
            folder,
            asked.with_splits(planned.splits).text,
            metric=asked.metric,
            others=asked.metrics,
            test=asked.test,
            baseline=asked.baseline,
            margin=asked.margin,
            watch=show,
            notice=output.complain,
            jobs=jobs,
            scheduler=scheduler,
            on_error=on_error.value,
            retry_failed=retry_failed,
            draw=not no_plots,
        )
    for cell, reason in report.failures.items():
        output.complain(f"{cell}: failed ({reason}). See {folder.path / 'failed' / cell}.json.")
    if json:
        output.result(output.as_json({"sweep": str(folder.path)} | tables.as_dict(report.evidence)))
    else:
        for one in report.evidence.metrics:
            output.result(output.table(*tables.overview(report.evidence, one), least=tables.LEAST))
        output.result(visible("\n".join(notes(report.evidence))))
        output.result(str(folder.path))
    if report.failures or report.missing:
        fact = f"{counted(len(report.failures), 'run')} failed, {counted(report.missing, 'run')} not trained"
        raise SweepIncomplete(str(folder.path), fact, "`--retry-failed` trains them again.")
