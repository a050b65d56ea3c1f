"""The command `dropout variants`: list the dropout variants, or describe one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dropout_cli.cli import arguments, catalogs, completion
from dropout_cli.core.errors import UsageError

if TYPE_CHECKING:
    from dropout_cli.variants import Variant

POSITION = 130


def register_command(app: typer.Typer) -> None:
    """Register the command with `app`."""
    app.command("variants")(variants_command)


def variants_command(
    name: Annotated[
        str | None,
        typer.Argument(
            autocompletion=completion.complete_variant,
            metavar="NAME",
            help="The variant to show.",
            show_default=False,
        ),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option("--figure", metavar="FILE", help="Draw the example of NAME into this .png, .svg or .pdf file."),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Show everything about NAME: all notes, a table of its keys, a config.")
    ] = False,
    json: arguments.Json = False,
) -> None:
    """List the dropout variants, or show one of them.

    The page of a variant has its equations and YAML keys. An example in NumPy and a training pass over a few numbers
    show what it does.
    """
    from dropout_cli.variants import VARIANTS
    from dropout_cli.variants.toolkit import catalog

    if name is None:
        if figure is not None:
            raise UsageError("--figure", "needs a variant", "Write `dropout variants NAME --figure FILE`.")
        if full:
            raise UsageError("--full", "needs a variant", "Write `dropout variants NAME --full`.")
        catalogs.print_catalog("variants", catalog.list_variants(), json, left_out=VARIANTS.unusable_plugins())
        return
    from dropout_cli.config import example_config

    variant = arguments.find_registered(VARIANTS, name)
    entry = catalog.describe_variant(variant)
    if figure is not None:
        _draw_example(variant, entry, figure)
    if json or full:
        catalogs.print_catalog_entry(entry | {"config": example_config(name)}, json)
    else:
        catalogs.print_variant_summary(entry)


def _draw_example(variant: "type[Variant]", entry: dict[str, Any], figure: Path) -> None:
    """Draw the worked example of a variant into a file; its ending is the format.

    Raises:
        UsageError: The ending is unknown, or the variant has no example.
    """
    from dropout_cli.plots.canvas import FIGURE_FORMATS, as_format
    from dropout_cli.plots.worked_example import example_figure
    from dropout_cli.runs.atomic_io import write_atomic
    from dropout_cli.variants.toolkit.worked_example import tables_per_row, worked_example

    ending = figure.suffix.lower().removeprefix(".")
    if ending not in FIGURE_FORMATS:
        raise UsageError("--figure", f"{figure} does not end in .png, .svg or .pdf", "Choose another file name.")
    tables = [(table.title, table.values) for table in worked_example(variant)]
    if not tables:
        raise UsageError("--figure", f"{entry['name']} has no example", "Leave out --figure.")
    with as_format(ending):
        picture = example_figure(entry["name"], tables, across=tables_per_row(variant))
    write_atomic(figure, picture)
