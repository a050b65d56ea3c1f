"""The command `dropout tune`: search for the best setting, then measure it with new seeds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dropout_cli.cli import arguments, completion, output, progress, run_result
from dropout_cli.cli.config_argument import find_config_argument, load_sweep_argument
from dropout_cli.core.errors import SweepIncomplete
from dropout_cli.core.text import counted

if TYPE_CHECKING:
    from dropout_cli.sweeps.folder import SweepFolder
    from dropout_cli.sweeps.run import SweepReport
    from dropout_cli.sweeps.tuning.tune import TuneResult

POSITION = 40


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("tune")(tune_command)


def tune_command(
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
            help="The values to search, such as dropout.rate=0,0.2,0.5 or dropout.rate={uniform: [0, 0.6]}.",
        ),
    ] = None,
    target: arguments.Target = None,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, metavar="N", help="How many settings to try (default: 50).")
    ] = None,
    repeats: Annotated[
        int | None,
        typer.Option("--repeats", min=1, metavar="N", help="How many seeds to train per setting (default: 3)."),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option("--seeds", metavar="N", help="How many new seeds to train the best setting with (default: 10)."),
    ] = None,
    splits: arguments.Splits = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            autocompletion=completion.complete_metric,
            metavar="NAME",
            help="The metric to compare (default: test.accuracy, or test.rmse for a regression). The search uses "
            "its validation value.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            parser=arguments.parse_folder,
            help="The folder for the results (default: runs/tune-NAME).",
        ),
    ] = None,
    jobs: arguments.Jobs = None,
    no_plots: arguments.NoPlots = False,
    quiet: arguments.Quiet = False,
    json: arguments.Json = False,
) -> None:
    """Search for the best setting, then measure it with new seeds.

    Run the same command again to continue.
    """
    from dropout_cli.sweeps.folder import SweepFolder
    from dropout_cli.sweeps.options import SweepOptions
    from dropout_cli.sweeps.settings import ExecutionSettings
    from dropout_cli.sweeps.tuning.tune import run_tuning

    options = SweepOptions(seeds=seeds, splits=splits, metric=metric, trials=trials, repeats=repeats)
    asked, path = load_sweep_argument(find_config_argument(file, target, values), values, options, out, kind="tune")
    folder = SweepFolder(path)
    show, execution = progress.SweepProgressDisplay(quiet=quiet), ExecutionSettings(jobs, figures=not no_plots)
    with show.display():
        result = run_tuning(
            asked, folder, execution, watch_search=show.show_search, watch=show, notice=output.print_stderr
        )
    _print_results(result, folder, json)
    if not quiet:
        for line in run_result.sweep_commands(folder.path, result.report.evidence):
            output.print_stderr(line)
    _check_complete(result.report, folder)


def _print_results(result: "TuneResult", folder: "SweepFolder", json: bool) -> None:
    """Print the winner, the comparison with the config as it stands, and the folder."""
    from dropout_cli.sweeps import printed_table, tables
    from dropout_cli.sweeps.notes import comparison_notes

    evidence = result.report.evidence
    if json:
        found = {"tune": str(folder.path), "winner": result.winner, "search": result.messages}
        output.print_result(output.json_text(found | tables.comparison_dict(evidence)))
        return
    output.print_result(output.format_table(*printed_table.short_table(evidence), drop_order=printed_table.LEAST))
    output.print_lines([*result.messages, *comparison_notes(evidence)])
    output.print_path(folder.path)


def _check_complete(report: "SweepReport", folder: "SweepFolder") -> None:
    """Raise SweepIncomplete if a fresh run failed or was not trained."""
    if report.failures or report.missing:
        failed = f"{counted(len(report.failures), 'run')} with new seeds failed"
        fact = f"{failed}, {counted(report.missing, 'run')} {'was' if report.missing == 1 else 'were'} not trained"
        raise SweepIncomplete(str(folder.path), fact, "The table uses the other runs.")
