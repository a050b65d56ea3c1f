"""The command `dropout eval`: compute the numbers of a run again from its checkpoint."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from dropout_cli.cli import arguments, output
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted

POSITION = 60


class Split(StrEnum):
    """Parts of the data."""

    train = "train"
    val = "val"
    test = "test"


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("eval")(eval_command)


def eval_command(
    reference: arguments.RunReference,
    split: Annotated[Split, typer.Option("--split", help="The part of the data to evaluate.")] = Split.test,
    checkpoint: Annotated[
        arguments.Checkpoint | None,
        typer.Option(
            "--checkpoint", help="The checkpoint to use (default: the one named in summary.json, otherwise last)."
        ),
    ] = None,
    mc: Annotated[
        int | None,
        typer.Option(
            "--mc",
            metavar="T",
            min=1,
            help="Also predict with T passes of Monte-Carlo dropout and report the uncertainty. The table compares "
            "them with the prediction without noise, the geometric mean, and single sampled networks.",
        ),
    ] = None,
    thinned: Annotated[
        int | None,
        typer.Option(
            "--thinned",
            metavar="K",
            min=0,
            help="With --mc: also evaluate K single sampled networks (default: 10). Each takes about a second per "
            "10,000 examples in a small network.",
        ),
    ] = None,
    mc_noise: Annotated[
        arguments.McNoise | None,
        typer.Option(
            "--mc-noise",
            help="With --mc: which noise the passes use. dropout: only dropout (default). all: also input_noise and "
            "hidden_noise, which are meant for training.",
        ),
    ] = None,
    calibration: Annotated[
        bool,
        typer.Option(
            "--calibration",
            help="Study how well the predicted distributions fit the true values: curve, PIT, CRPS, interval score and "
            "coverage of 95 % intervals. With --mc T also for the Monte-Carlo prediction.",
        ),
    ] = False,
    allow_changed_data: Annotated[
        bool,
        typer.Option(
            "--allow-changed-data",
            help="Continue even if the data have changed since training. The preprocessing of the training is "
            "applied to them.",
        ),
    ] = False,
    runs_dir: arguments.RunsDir = arguments.DEFAULT_RUNS_DIR,
    no_plots: arguments.NoPlots = False,
    json: arguments.Json = False,
) -> None:
    """Compute the metrics of RUN again from its checkpoint.

    The files are written to after/ in its folder.
    """
    from dropout_cli import runs
    from dropout_cli.analysis import evaluate as analysis_evaluate

    if thinned is not None and mc is None:
        raise UsageError("--thinned", "needs --mc", "Add --mc T.")
    arguments.check_mc_noise(mc_noise, mc)
    run = runs.find_run(reference, runs_dir)
    options: dict[str, Any] = {"split": split, "checkpoint": checkpoint, "figures": not no_plots}
    options["allow_changed_data"] = allow_changed_data
    if calibration:
        from dropout_cli.analysis.regression_calibration import inspect_regression_calibration
        from dropout_cli.cli.inspections import show_inspections

        del options["figures"]
        options |= {"passes": mc, "all_noise": mc_noise == arguments.McNoise.all}
        studies = [inspect_regression_calibration]
        show_inspections(run, (study(run, **options) for study in studies), images=not no_plots, json=json)
        return
    if mc is None:
        numbers = analysis_evaluate.evaluate_run(run, **options)
    else:
        options |= {"thinned": 10 if thinned is None else thinned, "all_noise": mc_noise == arguments.McNoise.all}
        numbers = analysis_evaluate.evaluate_monte_carlo(run, mc, **options)
    for notice in numbers.get("notices", []):
        output.print_stderr(notice)
    if json:
        output.print_result(output.json_text({"run": str(run.path)} | numbers))
        return
    if mc is not None:
        from dropout_cli.tasks import TASKS

        # The task of the run is the one whose headline metric is among the numbers.
        shown = next(
            task.displayed_metrics for task in TASKS.values() if task.headline_metric in numbers["monte_carlo"]
        )
        output.print_result(output.format_table(("prediction", *shown), _ways(numbers, shown)))
    rows = [(key, value) for key, value in numbers.items() if not isinstance(value, dict | list | None)]
    output.print_result(output.format_table(("key", "value"), [("run", run.name), *rows]))
    output.print_path(run.path / "after" / analysis_evaluate.eval_folder_name(numbers))


def _ways(numbers: dict[str, Any], shown: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Return a table row for each way to predict."""
    from dropout_cli.analysis.predictors import PREDICTORS

    ways = {label: numbers[name] for name, label in PREDICTORS.items() if name in numbers}
    if numbers["thinned"] is not None:
        networks = counted(len(numbers["thinned"]["networks"]), "sampled network")
        ways[f"{networks}, mean"] = numbers["thinned"]["mean"]
        ways[f"{networks}, sd"] = numbers["thinned"]["sd"]
    return [(name, *(scores[key] for key in shown)) for name, scores in ways.items()]
