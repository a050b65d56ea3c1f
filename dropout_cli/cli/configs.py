"""`dropout config`: make, check and explain configs."""

from pathlib import Path
from typing import Annotated

import typer

from dropout_cli.cli import arguments, screen
from dropout_cli.errors import UsageError

app = typer.Typer(help="Make, check and explain configs.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="[FILE]", help="What to write.")] = Path("experiment.yaml"),
) -> None:
    """Write a commented config to start from, and print its path. An existing file is left alone."""
    from dropout_cli import config

    text = config.template()
    try:
        with file.open("x", encoding="utf-8") as target:
            target.write(text)
    except FileExistsError:
        raise UsageError(str(file), "is there already", "Name another file.") from None
    except OSError as error:
        raise UsageError(str(file), f"cannot be written ({error.strerror})", "Name another file.") from None
    screen.result(str(file))


@app.command()
def check(config: arguments.Config, overrides: arguments.Overrides = None) -> None:
    """Say whether a config is right; if not, name every mistake."""
    import dropout_cli.config as configs

    path = configs.find(config)
    for notice in configs.load(path, overrides or ()).notices:
        screen.complain(notice)
    screen.result(f"{path}: right")


@app.command()
def show(
    config: arguments.Config,
    overrides: arguments.Overrides = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say where each value came from.")] = False,
    model: Annotated[
        bool, typer.Option("--model", help="Show the network: layers, shapes, parameters, noise.")
    ] = False,
) -> None:
    """Print a config with every value filled in."""
    import dropout_cli.config as configs

    loaded = configs.load(configs.find(config), overrides or ())
    for notice in loaded.notices:
        screen.complain(notice)
    if model:
        from dropout_cli.preparation import model_table

        screen.result(screen.table(("layer", "kind", "shape", "parameters", "noise"), model_table(loaded.experiment)))
    elif explain:
        screen.result(screen.table(("key", "value", "from"), configs.explain(loaded)))
    else:
        screen.result(configs.to_yaml(loaded.experiment).rstrip())


@app.command()
def schema() -> None:
    """Print the JSON Schema of configs, for editors."""
    import dropout_cli.config as configs

    screen.result(screen.as_json(configs.json_schema()))
