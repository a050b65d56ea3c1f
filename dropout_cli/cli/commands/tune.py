"""The command `dropout tune`: search for the best setting, evaluate with fresh seeds."""

from pathlib import Path
from typing import Annotated

import typer

from dropout_cli.cli import arguments, output, progress
from dropout_cli.core.errors import SweepIncomplete
from dropout_cli.core.text import visible


def add_to(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("tune")(tune)


def tune(
    file: Annotated[
        str,
        typer.Argument(
            metavar="SWEEP|CONFIG",
            help="A sweep file (it has the key `base`), a config, or the name of one that comes with dropout.",
        ),
    ],
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=V1,V2]...",
            help="The values to search, such as dropout.rate=0,0.2,0.5 or dropout.rate={uniform: [0, 0.6]}.",
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, metavar="N", help="How many settings to try. The default is 50.")
    ] = None,
    repeats: Annotated[
        int | None,
        typer.Option(
            "--repeats", min=1, metavar="N", help="How many seeds each setting is trained with. The default is 3."
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            "--seeds", metavar="N", help="How many fresh seeds the best setting is evaluated with. The default is 10."
        ),
    ] = None,
    splits: arguments.Splits = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            metavar="NAME",
            help="The metric to compare. The default is test.accuracy. The search uses its value on the validation "
            "part.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="The folder for the results. The default is runs/tune-NAME."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(
            "--jobs", min=1, metavar="N", help="How many runs train at the same time. The default is one per core."
        ),
    ] = None,
    no_plots: arguments.NoPlots = False,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Search for the best setting, and evaluate it with fresh seeds.

    The same command continues a search that was stopped.
    """
    from dropout_cli import config
    from dropout_cli.sweeps import spec, tables
    from dropout_cli.sweeps.folder import Folder
    from dropout_cli.sweeps.notes import notes
    from dropout_cli.sweeps.tuning import tune as tuning_tune

    specification = spec.load(
        config.find(file),
        values or (),
        seeds=seeds,
        splits=splits,
        metric=metric,
        search=True,
        trials=trials,
        repeats=repeats,
    )
    folder = Folder(out or arguments.RUNS / f"tune-{specification.name}")
    show = progress.SweepScreen(quiet=quiet)
    with show.following():
        tuned = tuning_tune.tune(
            specification,
            folder,
            searching=show.search,
            watch=show,
            notice=output.complain,
            jobs=jobs,
            draw=not no_plots,
        )
    if json:
        printed = {"tune": str(folder.path), "winner": tuned.winner, "search": tuned.told}
        output.result(output.as_json(printed | tables.as_dict(tuned.report.evidence)))
    else:
        output.result(output.table(*tables.overview(tuned.report.evidence), least=tables.LEAST))
        output.result(visible("\n".join([*tuned.told, *notes(tuned.report.evidence)])))
        output.result(str(folder.path))
    # After the output: the results of the other runs are worth printing.
    if tuned.report.failures or tuned.report.missing:
        fact = f"{len(tuned.report.failures)} runs with fresh seeds failed, and {tuned.report.missing} were not trained"
        raise SweepIncomplete(str(folder.path), fact, "The table uses the other runs.")
