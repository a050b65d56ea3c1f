"""Columns of codes such as 01234, which look like numbers but are names."""

import re
from typing import TYPE_CHECKING

from dropout_cli.data.readers.cells import strip_cells

if TYPE_CHECKING:
    from pandas import DataFrame, Series

_LEADING_ZERO = re.compile("0[0-9]")
SAMPLE_ROWS = 2_000
"""Number of rows that decide."""


def columns_of_codes(frame: "DataFrame") -> tuple[str, ...]:
    """Return the columns whose cells are digits, some of them with a leading zero.

    Args:
        frame: the first rows, with cells as they stand in the file.
    """
    return tuple(str(name) for name in frame.columns if _are_codes(frame[name]))


def _are_codes(series: "Series") -> bool:
    if series.dtype != object and not str(series.dtype).startswith("str"):
        return False
    sample = series.iloc[:SAMPLE_ROWS]
    # The check in pandas takes a millisecond per column, and a table can have thousands without such a cell.
    if not any(isinstance(cell, str) and _LEADING_ZERO.search(cell) for cell in sample.tolist()):
        return False
    cells = strip_cells(sample).dropna()
    texts = cells[cells.map(lambda cell: isinstance(cell, str))]
    if not len(texts) or len(texts) < len(cells) or not texts.str.fullmatch("[0-9]+").all():
        return False
    with_zero = texts[texts.str.match("0[0-9]")]
    # Codes have one length, or many zeros; a single 07 between numbers may be a typing error.
    return bool(len(with_zero) and (texts.str.len().nunique() == 1 or len(with_zero) > 0.05 * len(texts)))
