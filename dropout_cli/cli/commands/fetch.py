"""`dropout fetch`."""

from typing import Annotated

import typer

from dropout_cli.cli import output

POSITION = 150


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    app.command()(fetch)


def fetch(name: Annotated[str, typer.Argument(metavar="NAME", help="A dataset, such as mnist.")]) -> None:
    """Download a dataset ahead of time, and print the folder it is in."""
    from dropout_cli.data.sources.mnist import fetch

    output.result(str(fetch(name)))
