"""The notation of numbers and dates in cells, without pandas, so that exported programs have it too."""

import re

# Symbols and codes, before or behind the number.
CURRENCY: str = r"(?:[$€£¥]|CHF|EUR|GBP|USD)"
NUMBER_MARKS: re.Pattern[str] = re.compile(rf"^([+-]?)\s*{CURRENCY}\s*|\s*(?:%|{CURRENCY})$")
# Apostrophes and spaces, no-break and narrow ones too, before groups of three digits.
THOUSANDS_GAPS: re.Pattern[str] = re.compile(r"(?<=\d)['\u2019 \u00a0\u202f](?=\d{3}(?!\d))")
# A decimal point, commas between thousands: 1,234.5.
POINT: re.Pattern[str] = re.compile(r"[+-]?([1-9]\d{0,2}(,\d{3})+|\d+)(\.\d*)?", re.ASCII)
# A decimal comma, points between thousands: 1.234,5.
COMMA: re.Pattern[str] = re.compile(r"[+-]?([1-9]\d{0,2}(\.\d{3})+|\d+)(,\d+)?([eE][+-]?\d+)?", re.ASCII)
# Day and month, or month and day, in front of the year.
YEAR_LAST: re.Pattern[str] = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{2}|\d{4})(?!\d)")
YEAR_FIRST: re.Pattern[str] = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")


def strip_number_marks(cell: str) -> str:
    """Return the digits of a cell, without currency, percent sign and thousands gaps."""
    text = cell.strip().replace("\u2212", "-")  # U+2212 is the typographic minus sign
    if text.startswith("(") and text.endswith(")"):
        text = f"-{text[1:-1]}"
    return THOUSANDS_GAPS.sub("", NUMBER_MARKS.sub(r"\1", text)).strip()


def to_iso_date(cell: str, day_first: bool) -> str:
    """Return a cell with its date as year, month, day; notations such as 31 Jan 2020 stay."""
    if match := YEAR_FIRST.match(cell):
        return f"{match[1]}-{match[2]:0>2}-{match[3]:0>2}{cell[match.end() :]}"
    if match := YEAR_LAST.match(cell):
        day, month = (match[1], match[3]) if day_first else (match[3], match[1])
        # As POSIX does: 69 to 99 belong to the last century.
        year = int(match[4]) if len(match[4]) == 4 else int(match[4]) + (1900 if int(match[4]) > 68 else 2000)
        return f"{year:04}-{month:0>2}-{day:0>2}{cell[match.end() :]}"
    return cell
