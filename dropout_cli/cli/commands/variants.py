"""The command `dropout variants`: list the dropout variants, or describe one."""

from typing import Annotated

import typer

from dropout_cli.cli import arguments, catalogues

POSITION = 130


def add_to(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("variants")(variants)


def variants(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="The variant to describe.", show_default=False)
    ] = None,
    json: arguments.Json = False,
) -> None:
    """List the dropout variants, or describe one: equations, YAML keys, an example config."""
    from dropout_cli.variants import VARIANTS
    from dropout_cli.variants.toolkit import catalogue

    if name is not None:
        from dropout_cli.config import example

        catalogues.one_entry(catalogue.details(arguments.lookup(VARIANTS, name)) | {"config": example(name)}, json)
    else:
        catalogues.all_entries("variants", catalogue.catalogue(), json, left_out=VARIANTS.left_out())
