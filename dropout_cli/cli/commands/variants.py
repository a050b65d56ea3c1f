"""The command `dropout variants`: list the dropout variants, or describe one."""

from typing import Annotated

import typer

from dropout_cli.cli import arguments
from dropout_cli.cli import catalogs as catalogues

POSITION = 130


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("variants")(variants_command)


def variants_command(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The variant to show.", show_default=False)
    ] = None,
    json: arguments.Json = False,
) -> None:
    """List the dropout variants, or show one of them.

    The page of a variant has its equations, YAML keys, notes and an example config.
    """
    from dropout_cli.variants import VARIANTS
    from dropout_cli.variants.toolkit import catalog as catalogue

    if name is not None:
        from dropout_cli.config import example_config

        catalogues.print_catalog_entry(
            catalogue.describe_variant(arguments.find_registered(VARIANTS, name)) | {"config": example_config(name)},
            json,
        )
    else:
        catalogues.print_catalog("variants", catalogue.list_variants(), json, left_out=VARIANTS.unusable_plugins())
