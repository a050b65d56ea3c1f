"""Rows around a table: titles, units, a second header, totals, notes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropout_cli.core.errors import DataError
from dropout_cli.data.base import Examples
from dropout_cli.data.sources.table import TableSource
from tests.commands import dropout

ROWS = [f"{0.5 + n * 1.25},{(n * 37) % 11},{'uv'[n % 2]}" for n in range(30)]
HEADER = "size,count,kind"
PLAIN = "\n".join([HEADER, *ROWS]) + "\n"
SUMS = f"{sum(float(row.split(',')[0]) for row in ROWS)},{sum(int(row.split(',')[1]) for row in ROWS)}"


def read(path: Path, text: str, **keys: Any) -> Examples:
    """Read a file with this text."""
    path.write_text(text, encoding="utf-8")
    return TableSource(path=str(path), **keys).read()


def is_plain(examples: Examples) -> bool:
    """Return True if the rows and names are those of PLAIN."""
    expected = np.array([[float(cell) for cell in row.split(",")[:2]] for row in ROWS])
    return [column.name for column in examples.columns] == ["size", "count"] and np.array_equal(examples.x, expected)


@pytest.mark.parametrize(
    ("titles", "line"),
    [
        (["Sales of the quarter"], 2),
        (["Sales of the quarter,,", ",,"], 3),
        (["Sales of the quarter", "", "Generated on,2024-01-01", ""], 5),
        (['"Report, third quarter",,', "Region:,North,"], 3),
    ],
)
def test_titles_are_left_out(tmp_path: Path, titles: list[str], line: int) -> None:
    """A message says in which line the header is."""
    examples = read(tmp_path / "t.csv", "\n".join([*titles, PLAIN]))
    assert is_plain(examples)
    assert f"the header is in line {line}" in " ".join(examples.notices)


def test_the_line_of_the_header_can_be_set(tmp_path: Path) -> None:
    """Comments above count as lines; extra_rows: keep reads every line."""
    text = f"# a comment\nsome,words,here\nand,more,words\n{PLAIN}"
    assert is_plain(read(tmp_path / "t.csv", text, header_line=4))
    with pytest.raises(DataError, match=r"line 1 of .* is a comment"):
        read(tmp_path / "t.csv", text, header_line=1)
    with pytest.raises(DataError, match="line 2: has 3 fields, but line 1 has 1 field"):
        read(tmp_path / "t.csv", f"Title\n{PLAIN}", extra_rows="keep", separator=",")


@pytest.mark.parametrize(
    "row", ["cm,pieces,", "(mm),[n],", "kg/m3,,text", "Größe,Zahl,Art der Blume", "Response,Response,Response", "$,,-"]
)
def test_a_row_of_units_is_left_out(tmp_path: Path, row: str) -> None:
    """A message names the line."""
    examples = read(tmp_path / "t.csv", f"{HEADER}\n{row}\n" + "\n".join(ROWS))
    assert is_plain(examples)
    assert "line 2: this row is left out, as units or a second header" in " ".join(examples.notices)


def test_identifiers_of_questions_are_left_out(tmp_path: Path) -> None:
    """Qualtrics writes the question and its identifier below the header."""
    texts = 'How big?,How many?,Which kind?\n"{""ImportId"":""Q1""}","{""ImportId"":""Q2""}","{""ImportId"":""Q3""}"'
    assert is_plain(read(tmp_path / "t.csv", f"{HEADER}\n{texts}\n" + "\n".join(ROWS)))


@pytest.mark.parametrize("row", ["12x,3,u", "NA,4,u", ",,u", "1.5,many,u"])
def test_a_first_row_with_an_odd_cell_is_data(tmp_path: Path, row: str) -> None:
    """A missing value or a typing error is no unit."""
    try:
        examples = read(tmp_path / "t.csv", f"{HEADER}\n{row}\n" + "\n".join(ROWS))
    except DataError as error:
        assert "between numbers" in str(error) and "line 2" in str(error)
    else:
        assert len(examples.labels) == 31 and "left out" not in " ".join(examples.notices)


@pytest.mark.parametrize("word", ["Total", "Summe", "Grand total:", "TOTAL GÉNÉRAL"])
def test_a_row_of_totals_is_left_out(tmp_path: Path, word: str) -> None:
    """If its numbers are the sums of the columns; else it is data, and a message says so."""
    with_names = "name," + PLAIN.replace("\n", "\nx,").removesuffix("x,")
    examples = read(tmp_path / "t.csv", f"{with_names}{word},{SUMS},\n")
    assert len(examples.labels) == 30 and "as it holds the totals of the columns" in " ".join(examples.notices)
    with pytest.raises(DataError, match="the target 'kind' is missing in 1 row"):
        read(tmp_path / "t.csv", f"{with_names}{word},1,2,\n")
    examples = read(tmp_path / "t.csv", f"{with_names}{word},1,2,u\n")
    assert len(examples.labels) == 31 and "is named like a total, but is read as data" in " ".join(examples.notices)


@pytest.mark.parametrize(("total", "rows"), [("3.9,0.3", 10), ("4.5,0.9", 9), ("4,1", 9)])
def test_totals_may_be_rounded_but_not_wrong(tmp_path: Path, total: str, rows: int) -> None:
    """A mean of fractions below `Total` is data; a sum may be printed without its fraction."""
    shares = "".join(f"u,{n / 10},0.1\n" for n in range(9)).replace("u,0.8,0.1", "v,1.7,0.1")
    examples = read(tmp_path / "t.csv", f"kind,a,b\n{shares}Total,{total}\n", target="kind")
    assert len(examples.labels) == rows


@pytest.mark.parametrize(
    "notes",
    ["Source: World Bank,,", "\n* preliminary,,", "\nData of the third quarter", "Note: sizes in cm\n\nStand: 2024"],
)
def test_notes_below_the_table_are_left_out(tmp_path: Path, notes: str) -> None:
    """With or without separators."""
    examples = read(tmp_path / "t.csv", PLAIN + notes + "\n")
    assert is_plain(examples)
    assert "as a note below the table" in " ".join(examples.notices)


@pytest.mark.parametrize("row", ["7.5", "7.5,3", "Source: here,1"])
def test_a_row_that_was_cut_off_is_an_error(tmp_path: Path, row: str) -> None:
    """An incomplete download must not lose a row in silence."""
    with pytest.raises(DataError, match=r"line 32: has . fields?, but line 1 has 3 fields"):
        read(tmp_path / "t.csv", PLAIN + row)


def test_a_note_between_rows_is_an_error(tmp_path: Path) -> None:
    """It has its line."""
    with pytest.raises(DataError, match="line 32: has 1 field"):
        read(tmp_path / "t.csv", f"{PLAIN}Source: here\n{ROWS[0]}\n")


@pytest.mark.parametrize("text", [PLAIN, PLAIN.replace(",", ";"), PLAIN.replace(",", "\t"), PLAIN.replace(",", " ")])
def test_a_plain_table_has_no_messages(tmp_path: Path, text: str) -> None:
    """And is read as it stands."""
    examples = read(tmp_path / "t.csv", text)
    assert is_plain(examples) and not examples.notices
    assert np.array_equal(examples.x, read(tmp_path / "t.csv", text, extra_rows="keep").x)


def test_workbooks_have_titles_units_totals_and_notes_too(tmp_path: Path) -> None:
    """The table may be on any sheet."""
    import pandas as pd

    cells = [["Sales", None, None], [None] * 3, HEADER.split(","), ["cm", "pieces", None]]
    cells += [[float(row.split(",")[0]), int(row.split(",")[1]), row[-1]] for row in ROWS]
    cells += [[None] * 3, ["Source: the shop", None, None]]
    with pd.ExcelWriter(tmp_path / "t.xlsx") as book:
        pd.DataFrame([["About this file"]]).to_excel(book, sheet_name="About", header=False, index=False)
        pd.DataFrame(cells).to_excel(book, sheet_name="Data", header=False, index=False)
        pd.DataFrame({"size": [1.0, 2.0, 3.0], "kind": ["u", "v", "u"]}).to_excel(book, sheet_name="More", index=False)
    examples = TableSource(path=str(tmp_path / "t.xlsx")).read()
    assert is_plain(examples)
    said = " ".join(examples.notices)
    for part in (
        "the sheet 'Data' was read",
        "'About', 'Data', 'More'",
        "header is in row 3",
        "row 4: this row is left out",
        "note",
    ):
        assert part in said
    assert len(TableSource(path=str(tmp_path / "t.xlsx"), sheet="More").read().labels) == 3
    third = TableSource(path=str(tmp_path / "t.xlsx"), sheet=2).read()
    assert len(third.labels) == 3 and "the sheet" not in " ".join(third.notices)
    with pytest.raises(DataError, match=r"has no sheet 'Mor'. It has 'About', 'Data', 'More'"):
        TableSource(path=str(tmp_path / "t.xlsx"), sheet="Mor").read()


def test_new_files_are_read_by_the_same_rules(tmp_path: Path) -> None:
    """`predict` leaves out what is no row, and says so."""
    (tmp_path / "t.csv").write_text(f"My flowers\n{PLAIN}")
    (tmp_path / "c.yaml").write_text(
        "dataset: {name: table, path: t.csv}\narchitecture: {name: mlp, hidden: [4]}\n"
        "training: {epochs: 1, batch_size: 8}\n"
    )
    done = dropout("train", "c.yaml", "--quiet", cwd=tmp_path)
    assert done.returncode == 0 and "header is in line 2" in done.stderr
    (tmp_path / "new.csv").write_text("Other flowers\n\nsize,count\n1.5,3\n2.5,4\nSource: a garden\n")
    done = dropout("predict", "latest", "new.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line.split(",")[0] for line in done.stdout.splitlines()] == ["size", "1.5", "2.5"]
    assert "as a note below the table" in done.stderr
