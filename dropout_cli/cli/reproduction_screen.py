"""Print published and measured values side by side."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from dropout_cli.cli import output

if TYPE_CHECKING:
    from dropout_cli.sweeps.reproduction.measure import ReproducedTable


class TableFormat(StrEnum):
    """The format of the table."""

    text = "text"
    csv = "csv"
    md = "md"
    latex = "latex"


def print_table(table: "ReproducedTable", table_format: TableFormat, folder: Path, *, json: bool) -> None:
    """Print the table of a reproduction as the result of a command.

    Args:
        table: The measured table.
        table_format: Text has notes and the path of the folder, too.
        folder: The folder of the reproduction.
        json: True to print one JSON object instead.
    """
    from dropout_cli.sweeps.export_tables import as_csv
    from dropout_cli.sweeps.reproduction import table as tables

    rows = tables.table_rows(table)
    if json:
        output.print_result(output.json_text({"folder": str(folder)} | tables.table_dict(table)))
    elif table_format is TableFormat.csv:
        output.print_result(as_csv(tables.HEADERS, rows).rstrip("\n"))
    elif table_format is TableFormat.md:
        output.print_result(tables.markdown_tables(table).rstrip("\n"))
    elif table_format is TableFormat.latex:
        output.print_result(tables.latex_tables(table).rstrip("\n"))
    else:
        print_as_text(table)
        output.print_path(folder)


def print_as_text(table: "ReproducedTable") -> None:
    """Print the tables of rows and orders, and the sentences below them."""
    from dropout_cli.sweeps.reproduction import table as tables
    from dropout_cli.sweeps.reproduction.sentences import table_notes

    output.print_lines([table.reproduction.document.paper, table.reproduction.document.question])
    rows = tables.table_rows(table)
    output.print_result(output.format_table(tables.HEADERS, rows, drop_order=("changed", "difference", "band")))
    if orders := tables.order_rows(table):
        output.print_result(output.format_table(tables.order_headers(table), orders))
    output.print_lines(table_notes(table))
