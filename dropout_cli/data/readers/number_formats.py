"""Numbers as people write them: 1,234.5 or 1.234,5 or 1'234.50, 45 %, $3, CHF 3, (12.5) for -12.5, true and false."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pandas import Series

_CURRENCY = r"(?:[$€£¥]|CHF|EUR|GBP|USD)"
_AROUND = re.compile(rf"^([+-]?)\s*{_CURRENCY}\s*|\s*(?:%|{_CURRENCY})$")
_GAPS = re.compile(r"(?<=\d)['\u2019 \u00a0\u202f](?=\d{3}(?!\d))")
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)", re.ASCII | re.IGNORECASE)
_POINT = re.compile(r"[+-]?([1-9]\d{0,2}(,\d{3})+|\d+)(\.\d*)?", re.ASCII)
_COMMA = re.compile(r"[+-]?([1-9]\d{0,2}(\.\d{3})+|\d+)(,\d+)?([eE][+-]?\d+)?", re.ASCII)
_BOOLEAN = re.compile("true|false", re.IGNORECASE)
_SURELY_POINT = re.compile(r"[+-]?(\d+\.(\d{1,2}|\d{4,})|(0|\d{4,})\.\d+|\d{1,3}(,\d{3})+\.\d+)", re.ASCII)
_SURELY_COMMA = re.compile(r"[+-]?(\d+,(\d{1,2}|\d{4,})|(0|\d{4,}),\d+|\d{1,3}(\.\d{3})+,\d+)", re.ASCII)
_LOOKED_AT = 50


def bare(cell: str) -> str:
    """The digits of a cell: without currency, percent and gaps between thousands; minus as a hyphen in front."""
    text = cell.strip().replace("\u2212", "-")
    if text.startswith("(") and text.endswith(")"):
        text = f"-{text[1:-1]}"
    return _GAPS.sub("", _AROUND.sub(r"\1", text)).strip()


def is_number(cell: str) -> bool:
    """Whether the cell is a number in some way of writing it."""
    text = bare(cell)
    return any(way.fullmatch(text) for way in (_PLAIN, _POINT, _COMMA))


def has_decimal_comma(cells: Iterable[str], separator: str | None) -> bool | None:
    """Whether numbers are written with a decimal comma; None where the cells do not tell, or tell both.

    1,5 does and 1.5 does not; 1,234 could be either, and is the former where semicolons are between the cells.
    """
    texts = [bare(cell) for cell in cells]
    comma, point = (any(way.fullmatch(text) for text in texts) for way in (_SURELY_COMMA, _SURELY_POINT))
    if not comma and not point:
        return True if separator == ";" and any("," in text and _COMMA.fullmatch(text) for text in texts) else None
    return None if comma and point else comma


def might_be_numbers(words: "Series") -> bool:
    """Whether the first words look like numbers, or like true and false."""
    return all(_BOOLEAN.fullmatch(word) or is_number(word) for word in words.iloc[:_LOOKED_AT])


def numbers(words: "Series", comma: bool | None) -> "Series":
    """Each word as float64, NaN where it is none in the way that this column writes them.

    `comma`: whether they have a decimal comma; None: found out from the column.
    """
    import pandas as pd

    if words.str.fullmatch(_BOOLEAN.pattern, case=False).all():
        return words.str.lower().map({"true": 1.0, "false": 0.0})
    texts = words.map(bare)
    grouped = texts.where(~texts.str.contains(",") | texts.str.fullmatch(_POINT.pattern))
    pointed = pd.to_numeric(grouped.str.replace(",", ""), errors="coerce").astype(np.float64)
    if comma is False or (comma is None and pointed.notna().all()):
        return pointed
    plain = texts.where(texts.str.fullmatch(_COMMA.pattern)).str.replace(".", "").str.replace(",", ".")
    with_comma = pd.to_numeric(plain, errors="coerce").astype(np.float64)
    return pointed if pointed.notna().sum() > with_comma.notna().sum() else with_comma
