"""The command `dropout fetch`: download a dataset."""

from typing import Annotated

import typer

from dropout_cli.cli import output

POSITION = 150


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("fetch")(fetch_command)


def fetch_command(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The dataset to download, such as mnist.")],
) -> None:
    """Download a dataset now, and print its folder."""
    from dropout_cli.data.sources.mnist import fetch_dataset

    output.print_path(fetch_dataset(name))
