"""Cells of a table as numbers, in plain Python, for exported programs."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from dropout_cli.export.numpy_program import MODEL, predict


def cell_word(cell: Any, missing: Collection[str]) -> str:
    """Return the text of a cell; "" if it is missing."""
    if cell is None or (isinstance(cell, float) and cell != cell):
        return ""
    if not isinstance(cell, str) and type(cell) is not bool and hasattr(cell, "__float__"):
        number = float(cell)
        cell = str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)
    text = str(cell).strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        text = text[1:-1].strip()
    return "" if text in missing else text


def cell_features(cell: Any, column: Mapping[str, Any]) -> list[float]:
    """Return the features of a cell: a number, or a 1 at the place of its word."""
    text = cell_word(cell, column["missing"])
    if "codes" not in column:
        fill, mark = column["fill"], [float(not text)] if column["marks_missing"] else []
        number = text.replace(",", ".") if column["decimal_comma"] and isinstance(cell, str) else text
        return [float(number) if text else fill, *mark]
    codes, place = column["codes"], column["missing_place"]
    if text and text not in codes and "spellings" in column:
        text = re.sub(r"(?<=[^\W\d_])[\s_-]+(?=[^\W\d_])", " ", text)
        codes = column["spellings"]
        text = " ".join(text.casefold().split()).rstrip(" .,;")
    if text:
        try:
            number = cell_word(float({"true": "1", "false": "0"}.get(text.lower(), text)), ())
        except ValueError:
            number = text
        place = codes.get(text, codes.get(number, -1))
    return [float(index == place) for index in range(column["width"])]


def encode_table(table: Any, columns: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    """Return a row of features per row of a table, which maps names of columns to cells."""
    each = [[cell_features(cell, column) for cell in table[column["name"]]] for column in columns]
    return [[number for cells in row for number in cells] for row in zip(*each, strict=True)]


def predict_table(table: Any, rng: Any = None) -> dict[str, Any]:
    """Return the predictions by name, with a row per row of the table.

    Args:
        table: A mapping from the names of the columns to their cells, as text or numbers; other columns are ignored.
        rng: A numpy.random.Generator, for a model that draws noise.
    """
    return predict(encode_table(table, MODEL["columns"]), rng)
