"""Rows of a table file that are no data: titles, a second header or units, totals, notes.

Programs for spreadsheets and surveys write them around the table. Only clear cases are recognized; other files are read
as they are.
"""

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Literal, TypeAlias

from dropout_cli.core.text import counted
from dropout_cli.data.readers import number_formats
from dropout_cli.data.readers.cell_notation import strip_number_marks
from dropout_cli.data.readers.cells import MISSING_TEXTS

ExtraRows: TypeAlias = Literal["leave_out", "keep"]
"""Value of `dataset.extra_rows`."""
Rows: TypeAlias = Sequence[Sequence[str]]
MAX_TITLE_ROWS = 20
MIN_ROWS_BELOW = 3
"""Fewer rows below a header or a unit prove nothing."""
_UNITS = """
m cm mm km kg g mg t s ms min h hr hrs hour hours sec second seconds day days d month months year years yr yrs
°c °f c f k % pct percent pa hpa kpa bar psi v mv a ma w kw kwh wh j kj n hz khz mhz ghz l ml mol mph kph kmh
in inch inches ft feet yd mi lb lbs oz deg degree degrees rad px bpm mmhg ppm ppb lux db eur usd gbp chf $ € £
count counts number numbers numeric num int integer float double text string m2 m3 m² m³ km² cm² ha # tsd mio
stück anzahl jahr jahre tage stunden
"""
_UNIT_WORDS = frozenset(_UNITS.split())
_UNIT_SHAPE = re.compile(r"[(\[].*[)\]]|[^\W\d]{1,6}\d?\s*[/·*^]\s*\S{1,8}|[kMGmµu]?[A-Za-z]{1,3}[²³]|µ\w{1,3}")
_TOTAL = re.compile(
    r"((grand|sub)[ -]?)?(total(e|es|s)?|sums?|summe|gesamt(summe)?|insgesamt|suma|somme|somma|totaal|all rows)"
    r"( (général|general|generale|generell))?:?",
    re.IGNORECASE,
)
_NOTE = re.compile(
    r"(sources?|notes?|quellen?|hinweise?|anmerkung(en)?|fuentes?|nota|remarks?|footnotes?|generated|exported|created|"
    r"printed|downloaded|data as of|as of|stand|erstellt|copyright|disclaimer|last updated?|end of)\b.*|[*†‡©].*",
    re.IGNORECASE | re.DOTALL,
)
# Qualtrics writes the identifiers of its questions below their texts.
_SURVEY_ID = re.compile(r"\{\s*[\"']+ImportId")


def rows_left_out(count: int, noun: str = "row") -> str:
    """Return that this row, or this row and those below it, are left out."""
    if count == 1:
        return f"this {noun} is left out"
    return f"this {noun} and {counted(count - 1, f'more {noun}')} below it are left out"


def find_titles(rows: Rows, known_names: Collection[str] = ()) -> int:
    """Return the number of title rows above the header; 0 if the first row begins the table.

    Args:
        rows: the first rows that are not blank, as texts without blanks around them.
        known_names: names of columns that the header should have.
    """
    for index, row in enumerate(rows[: MAX_TITLE_ROWS + 1] if known_names else ()):
        if 2 * sum(name in row for name in known_names) > len(known_names):
            return index
    widths = Counter(len(row) for row in rows if _filled(row) > 1)
    width = max(widths, key=lambda cells: widths[cells], default=0)
    if width < 2 or (len(rows[0]) == width and 2 * _filled(rows[0]) > width):
        return 0
    for index, row in enumerate(rows[: MAX_TITLE_ROWS + 1]):
        if len(row) == width == _filled(row):
            return index if _is_header_below_titles(rows, index) else 0
    return 0


def _is_header_below_titles(rows: Rows, index: int) -> bool:
    """Return True if the row has the names of the columns of numbers below it."""
    header = rows[index]
    below = _without_notes(rows[index + 1 + find_rows_below_header(rows[index:]) :])
    if index == 0 or len(below) < MIN_ROWS_BELOW or len({*header}) < len(header):
        return False
    if any(cell in MISSING_TEXTS or number_formats.is_number_text(cell) for cell in header):
        return False
    if sum(len(row) == len(header) for row in below) < 0.9 * len(below):
        return False
    columns = [_present(below, place) for place in range(len(header))]
    if any(column and all(map(number_formats.is_number_text, column)) for column in columns):
        return True
    # Titles of another width can be no rows of the table, so a header of words is enough.
    return all(len(row) != len(header) for row in rows[:index]) and not any(
        cell in column for cell, column in zip(header, columns, strict=True)
    )


def find_rows_below_header(rows: Rows) -> int:
    """Return the number of rows between the header and the data: units, a second header.

    Args:
        rows: the header and the rows below it, as texts without blanks around them.
    """
    for index, row in enumerate(rows[1:3], 1):
        if any(_SURVEY_ID.match(cell) for cell in row):
            return index
    if len(rows) < 2 + MIN_ROWS_BELOW:
        return 0
    return int(_is_second_header(rows[1], _without_notes(rows[2:])))


def _is_second_header(row: Sequence[str], below: Rows) -> bool:
    """Return True if a row has units or one repeated word, which do not occur below."""
    filled = {place: cell for place, cell in enumerate(row) if cell not in MISSING_TEXTS}
    columns = {place: _present(below, place) for place in filled}
    if not filled or any(
        number_formats.is_number_text(cell) or cell in columns[place] for place, cell in filled.items()
    ):
        return False
    # SurveyMonkey writes `Response` under each question.
    if len(filled) > 1 and len({*filled.values()}) == 1:
        return True
    over_numbers = [place for place, cells in columns.items() if _are_numbers(cells)]
    if not over_numbers:
        return False
    all_numbers = [place for place in range(len(row)) if _are_numbers(_present(below, place))]
    if all(_is_unit(filled[place]) for place in over_numbers):
        return True
    return len(over_numbers) == len(all_numbers) > 1


def _are_numbers(cells: Sequence[str]) -> bool:
    return len(cells) >= MIN_ROWS_BELOW and all(map(number_formats.is_number_text, cells))


def _is_unit(cell: str) -> bool:
    return cell.lower() in _UNIT_WORDS or bool(_UNIT_SHAPE.fullmatch(cell))


def is_note(row: Sequence[str], width: int, after_blank: bool) -> bool:
    """Return True if a row at the end of a table is a note.

    Args:
        row: the cells.
        width: number of columns of the table.
        after_blank: True if a blank row is above it.
    """
    cells = [cell.strip() for cell in row]
    if _filled(cells) != 1:
        return False
    # A number may be the beginning of a row that was cut off.
    if not cells[0] or number_formats.is_number_text(cells[0]) or (len(cells) == width and width < 3):
        return False
    is_sentence = " " in cells[0] and (after_blank or len(cells) != width)
    return is_sentence or bool(_NOTE.fullmatch(cells[0]))


def is_total(row: Sequence[str]) -> bool:
    """Return True if the first word of a row says that it is a total."""
    first = next((cell.strip() for cell in row if cell.strip()), "")
    return bool(_TOTAL.fullmatch(first))


def are_sums(total: Sequence[str], rows: Iterable[Sequence[str]], comma: bool | None) -> bool:
    """Return True if every number of a row is the sum of the numbers above it.

    Args:
        total: the row.
        rows: all rows above it.
        comma: True if numbers have a decimal comma.
    """
    wanted = {place: value for place, cell in enumerate(total) if (value := _number(cell, comma)) is not None}
    sums = dict.fromkeys(wanted, 0.0)
    for row in rows:
        for place in wanted:
            if place < len(row) and (value := _number(row[place], comma)) is not None:
                sums[place] += value
    return bool(wanted) and all(_is_rounded(sums[place], wanted[place]) for place in wanted)


def _is_rounded(exact: float, printed: float) -> bool:
    """Return True if a printed sum can be the rounded exact one."""
    half = 0.5 if printed.is_integer() else 0.0
    return math.isclose(exact, printed, rel_tol=1e-3, abs_tol=half)


def _number(cell: str, comma: bool | None) -> float | None:
    text = strip_number_marks(cell)
    text = text.replace(".", "").replace(",", ".") if comma else text.replace(",", "")
    try:
        return float(text)
    except ValueError:
        return None


def _without_notes(rows: Rows) -> Rows:
    """Return the rows with more than one cell that is not empty."""
    # The sample of a short table includes the notes at its end.
    return [row for row in rows if _filled(row) > 1]


def _filled(row: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _present(rows: Rows, place: int) -> list[str]:
    """Return the cells of a column that are not missing."""
    return [row[place] for row in rows if place < len(row) and row[place] not in MISSING_TEXTS]
