"""`dropout tune`."""

from pathlib import Path
from typing import Annotated

import typer

from dropout_cli.cli import arguments, output, progress
from dropout_cli.core.errors import SweepIncomplete
from dropout_cli.core.text import visible

POSITION = 40


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("tune")(tune)


def tune(
    file: Annotated[
        str, typer.Argument(metavar="SWEEP|CONFIG", help="A sweep file (it has `base:`), a config, or a bundled one.")
    ],
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=V1,V2]...",
            help="What to choose from, such as dropout.rate=0,0.2,0.5 or dropout.rate={uniform: [0, 0.6]}.",
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, metavar="N", help="How many points to try, 50 unless given.")
    ] = None,
    repeats: Annotated[
        int | None, typer.Option("--repeats", min=1, metavar="N", help="Seeds of each trial, 3 unless given.")
    ] = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", metavar="N", help="Fresh seeds for the winner, 10 unless given.")
    ] = None,
    splits: arguments.Splits = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric", metavar="NAME", help="The number to compare; test.accuracy unless given. Its val part is tuned."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where it is kept; runs/tune-NAME unless given.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, metavar="N", help="Runs at a time; one per core unless given.")
    ] = None,
    no_plots: arguments.NoPlots = False,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Search for the best point, and see with fresh seeds what it is worth. The same again goes on."""
    from dropout_cli import config
    from dropout_cli.sweeps import spec, tables
    from dropout_cli.sweeps.folder import Folder
    from dropout_cli.sweeps.notes import notes
    from dropout_cli.sweeps.tuning import tune as tuning_tune

    asked = spec.load(
        config.find(file),
        values or (),
        seeds=seeds,
        splits=splits,
        metric=metric,
        search=True,
        trials=trials,
        repeats=repeats,
    )
    folder = Folder(out or arguments.RUNS / f"tune-{asked.name}")
    show = progress.SweepScreen(quiet=quiet)
    with show.following():
        tuned = tuning_tune.tune(
            asked,
            folder,
            searching=show.search,
            watch=show,
            notice=output.complain,
            jobs=jobs,
            draw=not no_plots,
        )
    if json:
        found = {"tune": str(folder.path), "winner": tuned.winner, "search": tuned.told}
        output.result(output.as_json(found | tables.as_dict(tuned.report.evidence)))
    else:
        output.result(output.table(*tables.overview(tuned.report.evidence), least=tables.LEAST))
        output.result(visible("\n".join([*tuned.told, *notes(tuned.report.evidence)])))
        output.result(str(folder.path))
    if tuned.report.failures or tuned.report.missing:
        fact = f"{len(tuned.report.failures)} fresh runs failed, {tuned.report.missing} were not trained"
        raise SweepIncomplete(str(folder.path), fact, "The table rests on the others.")
