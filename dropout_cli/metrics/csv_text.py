"""CSV that spreadsheets and Python read back unchanged."""

import csv
import io
import re
from collections.abc import Iterable, Sequence


def csv_bytes(rows: Iterable[Sequence[str | int | float]]) -> bytes:
    r"""Return rows as UTF-8 CSV with `\n` after each row; cells are quoted if needed.

    Args:
        rows: Cells of each row; texts are made safe by `safe_text`.
    """
    table = [[safe_text(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    # Before Python 3.13 a lone carriage return is left unquoted and read back as the end of the row.
    torn = any(isinstance(cell, str) and "\r" in cell for row in table for cell in row)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL if torn else csv.QUOTE_MINIMAL).writerows(table)
    return text.getvalue().encode("utf-8", "backslashreplace")


def safe_text(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run as a formula.

    Such a text starts with = + - @ tab or CR and is not a number.

    Args:
        text: The content of a cell.
    """
    number = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", text, re.ASCII | re.IGNORECASE)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) and not number else text
