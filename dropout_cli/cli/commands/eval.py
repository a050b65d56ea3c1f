"""`dropout eval`."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from dropout_cli.cli import arguments, output
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted

POSITION = 60


class Split(StrEnum):
    """The parts of the data."""

    train = "train"
    val = "val"
    test = "test"


class Checkpoint(StrEnum):
    """The checkpoints of a run."""

    best = "best"
    last = "last"


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command("eval")(evaluate)


def evaluate(
    run: arguments.RunReference,
    split: Annotated[Split, typer.Option("--split", help="The part of the data.")] = Split.test,
    checkpoint: Annotated[
        Checkpoint | None, typer.Option("--checkpoint", help="Which one; unless given that of the summary, or last.")
    ] = None,
    mc: Annotated[
        int | None,
        typer.Option(
            "--mc",
            metavar="T",
            min=1,
            help="Predict in T noisy passes as well, and say how sure the network is; beside the prediction without "
            "noise, the geometric mean, and sampled thinned networks.",
        ),
    ] = None,
    thinned: Annotated[
        int | None,
        typer.Option(
            "--thinned",
            metavar="K",
            min=0,
            help="With --mc: score K sampled networks one by one, 10 unless given; each takes a pass per example, "
            "about a second for 10,000 in a small network.",
        ),
    ] = None,
    mc_noise: Annotated[
        arguments.McNoise | None,
        typer.Option(
            "--mc-noise",
            help="With --mc: what the passes draw: the dropout alone, as unless given, or all, with input_noise and "
            "hidden_noise, which are noise of the training.",
        ),
    ] = None,
    allow_changed_data: Annotated[
        bool,
        typer.Option(
            "--allow-changed-data",
            help="Go on where the data are not those of the training; its preprocessing is applied to them.",
        ),
    ] = False,
    runs_dir: arguments.RunsDir = arguments.RUNS,
    no_plots: arguments.NoPlots = False,
    json: arguments.Json = False,
) -> None:
    """Recompute the numbers of RUN from its checkpoint; files go to its folder, under after/."""
    from dropout_cli import runs
    from dropout_cli.analysis import evaluate as analysis_evaluate

    if thinned is not None and mc is None:
        raise UsageError("--thinned", "sampled networks are scored beside Monte-Carlo passes", "Give --mc T as well.")
    arguments.must_have_passes(mc_noise, mc)
    found = runs.find(run, runs_dir)
    asked: dict[str, Any] = {"split": split, "checkpoint": checkpoint, "figures": not no_plots}
    asked["allow_changed_data"] = allow_changed_data
    if mc is None:
        numbers = analysis_evaluate.evaluate(found, **asked)
    else:
        asked |= {"thinned": 10 if thinned is None else thinned, "all_noise": mc_noise == arguments.McNoise.all}
        numbers = analysis_evaluate.evaluate_with_noise(found, mc, **asked)
    for notice in numbers.get("notices", []):
        output.complain(notice)
    if json:
        output.result(output.as_json({"run": str(found.path)} | numbers))
        return
    if mc is not None:
        from dropout_cli.tasks import TASKS

        shown = next(task.shown for task in TASKS.values() if task.number in numbers["monte_carlo"])
        output.result(output.table(("prediction", *shown), _ways(numbers, shown)))
    rows = [(key, value) for key, value in numbers.items() if not isinstance(value, dict | list | None)]
    output.result(output.table(("what", "value"), [("run", found.name), *rows]))
    output.result(str(found.path / "after" / analysis_evaluate.name(numbers)))


def _ways(numbers: dict[str, Any], shown: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """A row for each way of predicting."""
    ways = {
        "weight scaling": numbers["weight_scaling"],
        "Monte Carlo": numbers["monte_carlo"],
    }
    if "geometric_mean" in numbers:
        ways["geometric mean"] = numbers["geometric_mean"]
    if numbers["thinned"] is not None:
        networks = counted(len(numbers["thinned"]["networks"]), "thinned network")
        ways[f"{networks}, mean"] = numbers["thinned"]["mean"]
        ways[f"{networks}, sd"] = numbers["thinned"]["sd"]
    return [(name, *(scores[key] for key in shown)) for name, scores in ways.items()]
