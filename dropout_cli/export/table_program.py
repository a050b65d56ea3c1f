"""Cells of a table as numbers, in plain Python, for exported programs."""

import datetime
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from dropout_cli.data.readers.cell_notation import COMMA, POINT, strip_number_marks, to_iso_date
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


def cell_number(text: str, decimal_comma: bool) -> float:
    """Return the number that a text such as 1,234.5, 1.234,5, 45 %, $3 or (12.5) says."""
    if text.lower() in ("true", "false"):
        return float(text.lower() == "true")
    text = strip_number_marks(text)
    if decimal_comma and COMMA.fullmatch(text):
        return float(text.replace(".", "").replace(",", "."))
    return float(text.replace(",", "") if POINT.fullmatch(text) else text)


def date_number(text: str, part: str, day_first: bool) -> float:
    """Return a part of a date such as 2024-03-01, 1.3.2024 or 2024-03-01 12:30, or of a time.

    Args:
        text: The text.
        part: year, month, weekday (0 is Monday), day number (days since 1970-01-01) or hour.
        day_first: True if the day comes before the month where the year comes last.

    Raises:
        ValueError: It says no date in these notations.
    """
    if part == "hour" and ":" in text[:3]:
        text = f"1970-01-01 {text:0>5}" if len(text) < 6 else f"1970-01-01 {text:0>8}"
    text = to_iso_date(text, day_first)
    if re.fullmatch(r"\d{8}", text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    when = datetime.datetime.fromisoformat(text)
    when = when.replace(tzinfo=None) - (when.utcoffset() or datetime.timedelta())  # as the time in UTC
    if part == "day number":
        return (when - datetime.datetime(1970, 1, 1)) / datetime.timedelta(days=1)
    if part == "hour":
        return when.hour + when.minute / 60 + when.second / 3600
    return float({"year": when.year, "month": when.month, "weekday": when.weekday()}[part])


def cell_features(cell: Any, column: Mapping[str, Any]) -> list[float]:
    """Return the features of a cell: a number, or a 1 at the place of its word."""
    text = cell_word(cell, column["missing"])
    if "codes" not in column:
        fill, mark = column["fill"], [float(not text)] if column["marks_missing"] else []
        if not text:
            return [fill, *mark]
        if "part" in column:
            return [date_number(text, column["part"], column["day_first"]), *mark]
        return [cell_number(text, column["decimal_comma"] and isinstance(cell, str)), *mark]
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


def column_features(table: Any, column: Mapping[str, Any]) -> list[list[float]]:
    """Return the features of each cell of a column.

    Raises:
        ValueError: The table lacks the column, or a cell has no meaning.
    """
    name, features = column["name"], []
    if name in table:  # also a part of a date, which may be given as a number
        column = {key: value for key, value in column.items() if key != "part"}
    elif "part" in column:
        name = column["date"]
    if name not in table:
        raise ValueError(f"the table has no column {name!r}")
    for row, cell in enumerate(table[name]):
        try:
            features.append(cell_features(cell, column))
        except ValueError:
            kind = "date that this program reads, such as 2024-03-31" if "part" in column else "number"
            raise ValueError(f"column {name!r}, row {row} (from 0): {str(cell)!r} is no {kind}") from None
    return features


def encode_table(table: Any, columns: Sequence[Mapping[str, Any]]) -> list[list[float]]:
    """Return a row of features per row of a table, which maps names of columns to cells."""
    each = [column_features(table, column) for column in columns]
    return [[number for cells in row for number in cells] for row in zip(*each, strict=True)]


def predict_table(table: Any, rng: Any = None) -> dict[str, Any]:
    """Return the predictions by name, with a row per row of the table.

    Args:
        table: A mapping from the names of the columns to their cells, as text or numbers; other columns are ignored.
        rng: A numpy.random.Generator, for a model that draws noise.
    """
    return predict(encode_table(table, MODEL["columns"]), rng)
