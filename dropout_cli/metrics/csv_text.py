r"""CSV that spreadsheets and Python read back unchanged; every cell of text goes through `safe_text`.

Two things are changed on purpose: a formula gets an apostrophe, and a control character is spelled out (`\x1b`).
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Literal

# Also as written with a decimal comma, groups of digits or a percent sign: no such text is executed.
_NUMBER = re.compile(
    r"[+-]((\d+[.,]?\d*|[.,]\d+|\d{1,3}([., ']\d{3})+([.,]\d+)?)(e[+-]?\d+)?( ?%)?|inf|nan)", re.ASCII | re.IGNORECASE
)
# Tab and line ends stay, since quotes carry them. The second line turns the direction of writing.
_CONTROL = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)  # fmt: skip


def csv_bytes(rows: Iterable[Sequence[str | int | float]]) -> bytes:
    r"""Return rows as UTF-8 CSV with `\n` after each row; cells are quoted if needed.

    Args:
        rows: Cells of each row; texts are made safe by `safe_text`.
    """
    return csv_text(rows).encode("utf-8", "backslashreplace")


def csv_text(rows: Iterable[Sequence[str | int | float | None]], separator: str = ",", quote: str = '"') -> str:
    """Return rows as the text of `csv_bytes`; lone surrogates stay.

    Args:
        rows: Cells of each row; texts are made safe by `safe_text`.
        separator: Character between cells.
        quote: Quotation mark around cells that contain the separator.
    """
    table = [[safe_text(cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    # Before Python 3.13 a lone carriage return is left unquoted and read back as the end of the row.
    torn = any(isinstance(cell, str) and "\r" in cell for row in table for cell in row)
    text = io.StringIO(newline="")
    quoting: Literal[0, 1] = csv.QUOTE_ALL if torn else csv.QUOTE_MINIMAL
    csv.writer(text, delimiter=separator, quotechar=quote, lineterminator="\n", quoting=quoting).writerows(table)
    return text.getvalue()


def safe_text(text: str) -> str:
    """Return a text that neither a spreadsheet executes nor a terminal obeys.

    A text that starts with = + - @ tab or CR, and is not a number, gets an apostrophe. Control characters are spelled
    out.

    Args:
        text: The content of a cell.
    """
    if not text.isprintable():
        text = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) and not _NUMBER.fullmatch(text) else text
