"""The section of a report about published and measured values."""

from collections.abc import Iterator

from dropout_cli.report.common import narrow_tables
from dropout_cli.report.page import Figure, Section, SectionPart
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.reproduction import table as tables
from dropout_cli.sweeps.reproduction.measure import ReproducedTable, measure_folder
from dropout_cli.sweeps.reproduction.sentences import headline, table_notes
from dropout_cli.sweeps.reproduction.stored import is_reproduction


def reproduction_sections(folder: SweepFolder) -> Iterator[Section]:
    """Yield the section of a reproduction; nothing for another sweep.

    Raises:
        UsageError: A file of the reproduction is damaged.
    """
    if is_reproduction(folder):
        yield Section("Published and measured", list(_parts(measure_folder(folder))))


def _parts(table: ReproducedTable) -> Iterator[SectionPart]:
    document = table.reproduction.document
    yield f"{document.paper}. {document.question}"
    yield from narrow_tables("Published and measured", tables.HEADERS, tables.table_rows(table))
    if orders := tables.order_rows(table):
        yield from narrow_tables("Orders", tables.order_headers(table), orders)
    if (picture := tables.draw_table(table, svg=True)) is not None:
        yield Figure(picture, headline(table), headline(table))
    yield from table_notes(table)
