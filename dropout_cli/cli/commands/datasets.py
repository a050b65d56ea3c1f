"""The command `dropout datasets`: list the datasets, or describe one."""

from typing import Annotated

import typer

from dropout_cli.cli import arguments, catalogs, completion

POSITION = 140


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("datasets")(datasets_command)


def datasets_command(
    name: Annotated[
        str | None,
        typer.Argument(
            autocompletion=completion.complete_dataset,
            metavar="NAME",
            help="The dataset to show.",
            show_default=False,
        ),
    ] = None,
    json: arguments.Json = False,
) -> None:
    """List the datasets, or show the YAML keys of one."""
    from dropout_cli.data import DATASETS, catalog

    if name is not None:
        catalogs.print_catalog_entry(catalog.describe_dataset(arguments.find_registered(DATASETS, name)), json)
    else:
        catalogs.print_catalog("datasets", catalog.list_datasets(), json, left_out=DATASETS.unusable_plugins())
