"""The command `dropout eval`: compute the numbers of a run again from its checkpoint."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from dropout_cli.cli import arguments, output
from dropout_cli.cli.inspections import show_inspections
from dropout_cli.cli.studies import StudyOptions, make_studies
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted

POSITION = 60


class ShiftKind(StrEnum):
    """Changes of the examples, at rising strength."""

    ROTATE = "rotate"
    TRANSLATE = "translate"
    NOISE = "noise"
    BLUR = "blur"
    CONTRAST = "contrast"
    MISSING = "missing"


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("eval")(eval_command)


def eval_command(
    reference: arguments.RunReference,
    split: Annotated[
        arguments.Split, typer.Option("--split", help="The part of the data to evaluate.")
    ] = arguments.Split.test,
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
            help="Also predict with T passes of Monte Carlo dropout and report the uncertainty. The table compares "
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
            help="Which noise the passes of --mc, --mc-curve, --shift and --ood use. dropout: only dropout (default). "
            "all: also input_noise and hidden_noise, which are meant for training.",
        ),
    ] = None,
    mc_curve: Annotated[
        int | None,
        typer.Option(
            "--mc-curve",
            metavar="T",
            min=2,
            max=100_000,
            help="Instead, score the mean of 1, 2, 5, 10, ... and T passes of Monte Carlo "
            "dropout, beside the prediction without noise.",
        ),
    ] = None,
    selective: Annotated[
        bool,
        typer.Option(
            "--selective",
            help="Instead, show how the error falls if only the most confident examples are answered. With --mc "
            "also by the confidence of the passes.",
        ),
    ] = False,
    risk: Annotated[
        float | None,
        typer.Option(
            "--risk",
            metavar="R",
            help="With --selective: the largest error to accept (default: .01; for a regression half of its mean "
            "squared error).",
        ),
    ] = None,
    calibration: Annotated[
        bool,
        typer.Option(
            "--calibration",
            help="Instead, compare the probabilities, or the predicted distributions of a regression, with the true "
            "values: reliability diagram and calibration errors; calibration curve, CRPS and coverage of intervals. "
            "With --mc also for the mean of the passes.",
        ),
    ] = False,
    temperature: Annotated[
        bool,
        typer.Option(
            "--temperature",
            help="Instead, fit the temperature of the probabilities to the validation part and store it, for "
            "`dropout predict --temperature`. With --mc also that of the mean of the passes.",
        ),
    ] = False,
    shift: Annotated[
        ShiftKind | None,
        typer.Option(
            "--shift",
            metavar="KIND",
            help="Instead, change the examples more and more, and show accuracy, calibration and certainty at each "
            "strength. KIND for images: rotate, translate, noise, blur, contrast. For tables: noise, missing. The "
            "passes are those of --mc, or 20.",
        ),
    ] = None,
    example: Annotated[
        int | None,
        typer.Option(
            "--example",
            metavar="ROW",
            min=0,
            help="With --shift rotate: the row of the image that is shown at every angle (default: the first one of "
            "class 1, or else the first one).",
        ),
    ] = None,
    ood: Annotated[
        str | None,
        typer.Option(
            "--ood",
            metavar="SOURCE",
            help="Instead, test how well the uncertainty detects out-of-distribution examples. SOURCE: "
            "rotate90, uniform or gaussian (images made here), a config (its test part), or data as for "
            "`dropout predict`. The passes are those of --mc, or 20.",
        ),
    ] = None,
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

    chosen = StudyOptions(
        calibration=calibration,
        temperature=temperature,
        mc_curve=mc_curve,
        selective=selective,
        risk=risk,
        shift=shift,
        example=example,
        ood=ood,
    )
    chosen.check(thinned=thinned, mc=mc)
    if thinned is not None and mc is None:
        raise UsageError("--thinned", "needs --mc", "Add --mc T.")
    if not {"--mc-curve", "--shift", "--ood"} & set(chosen.requested):  # these have passes without --mc
        arguments.check_mc_noise(mc_noise, mc)
    all_noise = mc_noise == arguments.McNoise.all
    run = runs.find_run(reference, runs_dir)
    options: dict[str, Any] = {"split": split, "checkpoint": checkpoint, "allow_changed_data": allow_changed_data}
    if chosen.requested:
        studies = make_studies(run, chosen, passes=mc, all_noise=all_noise, **options)
        show_inspections(run, studies, images=not no_plots, json=json)
        return
    options["figures"] = not no_plots
    if mc is None:
        numbers = analysis_evaluate.evaluate_run(run, **options)
    else:
        options |= {"thinned": 10 if thinned is None else thinned, "all_noise": all_noise}
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
