"""The commands `dropout config ...`: write, check, show and explain configs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dropout_cli.cli import arguments, output
from dropout_cli.cli.once import App
from dropout_cli.core.errors import UsageError

if TYPE_CHECKING:
    from dropout_cli.data.summary import Overview

POSITION = 180

app = App(help="Write, check and explain configs.", no_args_is_help=True, rich_markup_mode=None)


def add_to(parent: typer.Typer) -> None:
    """Register the group of commands."""
    parent.add_typer(app, name="config")


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="The file to write.")] = Path("experiment.yaml"),
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="TABLE", help="Your table or .npz file; the config is written for it."),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option("--target", metavar="NAME", help="With --data: the column to predict. The default is a guess."),
    ] = None,
) -> None:
    """Write a commented config to start from, and print its path. Existing files are kept."""
    from dropout_cli import config

    guess = ""
    if data is None and target is not None:
        raise UsageError("--target", "is a column of the table that --data names", "Give both.")
    if data is None:
        text = config.template()
    else:
        from dropout_cli.config.init import starting

        text, guess = starting(data.absolute(), target)
    try:
        # "x": the check for an existing file and its creation are one step.
        with file.open("x", encoding="utf-8") as written:
            written.write(text)
    except FileExistsError:
        raise UsageError(str(file), "exists already", "Name another file.") from None
    except OSError as error:
        raise UsageError(str(file), f"cannot be written ({error.strerror})", "Name another file.") from None
    if guess:
        output.complain(guess)
    output.result(str(file))


@app.command()
def check(
    config: arguments.Config,
    overrides: arguments.Overrides = None,
    data: Annotated[
        bool, typer.Option("--data", help="Also read the data, and show a summary of them. Nothing is trained.")
    ] = False,
) -> None:
    """Check a config and list all its mistakes."""
    import dropout_cli.config as configs

    path = configs.find(config)
    loaded = configs.load(path, overrides or ())
    for notice in loaded.notices:
        output.complain(notice)
    if data:
        from dropout_cli.training.setup import overview

        _show(overview(loaded.experiment))
    output.result(f"{path}: correct")


def _show(summary: "Overview") -> None:
    output.result(output.table(("fact", "value"), summary.facts))
    if summary.columns:
        output.result(output.table(("column", "kind", "missing", "different", "from", "to"), summary.columns))
    output.result(output.table(("target", "all", *summary.parts), summary.target))
    if summary.first:
        output.result(output.table(summary.first[0], summary.first[1:]))
    for warning in summary.warnings:
        output.complain(warning)


@app.command()
def show(
    config: arguments.Config,
    overrides: arguments.Overrides = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show where each value comes from.")] = False,
    model: Annotated[
        bool, typer.Option("--model", help="Show the layers of the network: shapes, parameters, noise.")
    ] = False,
) -> None:
    """Print a config with all its values, defaults included."""
    import dropout_cli.config as configs

    loaded = configs.load(configs.find(config), overrides or ())
    for notice in loaded.notices:
        output.complain(notice)
    if model:
        from dropout_cli.training.setup import model_table

        output.result(output.table(("layer", "kind", "shape", "parameters", "noise"), model_table(loaded.experiment)))
    elif explain:
        output.result(output.table(("key", "value", "from"), configs.explain(loaded)))
    else:
        output.result(configs.to_yaml(loaded.experiment).rstrip())


@app.command()
def schema() -> None:
    """Print the JSON Schema of configs, for completion and checks in editors."""
    import dropout_cli.config as configs

    output.result(output.as_json(configs.json_schema()))
