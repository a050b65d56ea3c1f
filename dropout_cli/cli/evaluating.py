"""`dropout eval`."""

from enum import StrEnum
from typing import Annotated

import typer

from dropout_cli.cli import arguments, screen


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
    runs_dir: arguments.RunsDir = arguments.RUNS,
    no_plots: arguments.NoPlots = False,
    json: arguments.Json = False,
) -> None:
    """Recompute the numbers of RUN from its checkpoint; files go to its folder, under after/."""
    from dropout_cli import experiment, runs

    found = runs.find(run, runs_dir)
    numbers = experiment.evaluate(found, split=split, checkpoint=checkpoint, figures=not no_plots)
    if json:
        screen.result(screen.as_json({"run": str(found.path)} | numbers))
        return
    rows = [(key, value) for key, value in numbers.items() if key != "per_class"]
    screen.result(screen.table(("what", "value"), [("run", found.path.resolve().name), *rows]))
