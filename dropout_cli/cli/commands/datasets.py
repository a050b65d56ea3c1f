"""The command `dropout datasets`: list the datasets, or describe one."""

from typing import Annotated

import typer

from dropout_cli.cli import arguments, catalogues

POSITION = 140


def add_to(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("datasets")(datasets)


def datasets(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The dataset to describe.", show_default=False)
    ] = None,
    json: arguments.Json = False,
) -> None:
    """List the datasets, or show the YAML keys of one."""
    from dropout_cli.data import DATASETS, catalogue

    if name is not None:
        catalogues.one_entry(catalogue.details(arguments.lookup(DATASETS, name)), json)
    else:
        catalogues.all_entries("datasets", catalogue.catalogue(), json)
