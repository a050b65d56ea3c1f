"""Files as programs and people write them: what is between the cells, where the header is, how numbers are written."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dropout_cli.core.errors import DataError
from dropout_cli.data import load_dataset
from dropout_cli.data.base import Examples
from dropout_cli.data.readers.dialect_detection import detect_dialect, has_header
from dropout_cli.data.sources.table import TableSource

READ: dict[str, tuple[str, tuple[str, ...], list[float]]] = {
    "auto-mpg.data: white space, then a tab and a name": (
        '18.0   8   307.0      ?      3504.   1\t"chevrolet chevelle malibu"\n'
        '15.0   8   350.0      165.0      3693.   1\t"buick skylark 320"\n',
        ("column 0", "column 1", "column 2", "column 3", "column 4", "column 5"),
        [18, 15],
    ),
    "decimal commas without a header": ("1,5;2,5;gut\n2,25;3,75;schlecht\n", ("column 0", "column 1"), [1.5, 2.25]),
    "decimal commas and numbers alone": ("1,5;2,5;1\n2,25;3,75;0\n", ("column 0", "column 1"), [1.5, 2.25]),
    "three decimals between semicolons": ("a;y\n1,234;p\n2,125;q\n", ("a",), [1.234, 2.125]),
    "German thousands": ("a;b;y\n1.234;0,5;p\n2.000;1,5;q\n", ("a", "b"), [1234, 2000]),
    "an export of Excel": (
        "\ufeffNr;Größe;Klasse;;\r\n1;1,5;gut;;\r\n2;2,5;böse;;\r\n;;;;\r\n;;;;\r\n",
        ("Nr", "Größe"),
        [1, 2],
    ),
    "sep= for Excel": ("sep=;\r\na;b;y\r\n1,5;3;p\r\n2,5;4;q\r\n", ("a", "b"), [1.5, 2.5]),
    "empty columns at the end": ("a,b,y,,,\n1,2,p,,,\n3,4,q,,,\n", ("a", "b"), [1, 3]),
    "lines that end in a separator": ("a,b,y\n1,2,p,\n3,4,q,\n", ("a", "b"), [1, 3]),
    "row names of R": ("a,b,y\nr1,1,2,p\nr2,3,4,q\n", ("column 0", "a", "b"), [0, 1]),
    "a header after #": ("# exported\n#id,a,y\n1,2,p\n3,4,q\n", ("id", "a"), [1, 3]),
    "a comment after |": ("|1x3 Cross validator\n25, Private, p\n38, State, q\n", ("column 0", "column 1"), [25, 38]),
    "years as names": ("1990,1991,1992,class\n.5,.2,1,p\n.75,.5,1,q\n", ("1990", "1991", "1992"), [0.5, 0.75]),
    "places as names": ("0,1,2\n.5,.25,1\n.75,.5,0\n", ("0", "1"), [0.5, 0.75]),
    "places over words": ("0,1,2,kind\n1,5,2,p\n2,2,2,q\n", ("0", "1", "2"), [1, 2]),
    "apostrophes": ("name,decade,y\nO'Brien,'80s,p\nD'Arcy,'90s,q\n", ("name", "decade"), [1, 0]),
    "lists of words": ("tags,v,y\n\"['a', 'b', 'c']\",1,p\n\"['a', 'b', 'c']\",2,q\n", ("tags", "v"), [0, 0]),
    "line breaks in cells": ('a,text,y\n1,"one, ""x""\n\ntwo",p\n2,"one, ""x""\n\ntwo",q\n', ("a", "text"), [1, 2]),
    "carriage returns alone": ("a,y\r1,p\r2,q\r", ("a",), [1, 2]),
}


def read(path: Path, text: str, **keys: Any) -> Examples:
    """Return the table that is read from a text."""
    path.write_bytes(text.encode())
    return TableSource(path=str(path), **keys).read()


@pytest.mark.parametrize("name", READ)
def test_a_file_is_read_as_it_is(tmp_path: Path, name: str) -> None:
    """Its columns have these names, and the first one these values."""
    text, columns, first = READ[name]
    found = read(tmp_path / "t.csv", text)
    assert tuple(column.name for column in found.columns) == columns
    np.testing.assert_allclose(found.x[:, 0], first, rtol=1e-6)
    assert len(found.x) == len(first) and len(found.classes) == 2


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["1,2,3,4", "5,7,7,8"], True),
        (["1,2,3,4", "2,3,4,5"], False),
        (["5.1,3.5,setosa", "4.9,3.0,virginica"], False),
        (["5,3,setosa", "4,4,setosa"], False),
        (["5,?,a", "4,4,b"], False),
        (["400.5,410.5,ripeness", "0.1,0.2,5.5"], True),
        (["410.5,400.5,n.a.", "0.1,0.2,5.5"], False),
        (["red,big,a", "blue,small,b", "red,small,a"], False),
        (["color,size,kind", "blue,small,b", "red,small,a"], True),
    ],
)
def test_a_header_is_told_from_a_row(rows: list[str], expected: bool) -> None:
    """By words over numbers, by words that never come again, and by numbers that count or ascend."""
    assert has_header([row.split(",") for row in rows]) is expected


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1'234.50", "12", "1'000'000"], [1234.5, 12, 1e6]),
        (["1 234,5", "2\u202f000,0", "7,5"], [1234.5, 2000, 7.5]),
        (["CHF 3.50", "CHF 1'200", "5 CHF"], [3.5, 1200, 5]),
        (["-$3", "$-4", "(5.5)"], [-3, -4, -5.5]),
        (["\u22123", "4", "1e3"], [-3, 4, 1000]),
    ],
)
def test_more_ways_of_writing_numbers(tmp_path: Path, cells: list[str], numbers: list[float]) -> None:
    """Gaps between thousands, currencies by name, minus signs of all kinds."""
    text = "v|y\n" + "".join(f"{cell}|{'pq'[place % 2]}\n" for place, cell in enumerate(cells))
    np.testing.assert_allclose(read(tmp_path / "t.csv", text).x[:, 0], numbers, rtol=1e-6)


@pytest.mark.parametrize(
    "cell", ["31-12-2020", "2020.12.31", "12/31/20", "31-Dec-2020", "Dec 31, 2020", "2020-12-31T10:00:00", "10:30"]
)
def test_dates_are_refused_until_they_are_dropped(tmp_path: Path, cell: str) -> None:
    """As a feature, the error names the column and what to write; as a target they are refused, too."""
    text = "v;d;y\n" + "".join(f"{place};{cell};{'pq'[place % 2]}\n" for place in range(4))
    with pytest.raises(DataError, match=r"'d' contains dates.*dataset.drop=\[d\]"):
        read(tmp_path / "t.csv", text)
    assert len(read(tmp_path / "t.csv", text, drop=("d",)).columns) == 1
    with pytest.raises(DataError, match="target 'd' is a date"):
        read(tmp_path / "t.csv", text, target="d")


def test_a_workbook_without_a_header_and_with_blank_rows(tmp_path: Path) -> None:
    """The first row is one of the data; blank rows and columns are none; rows keep their numbers."""
    frame = pd.DataFrame([[1.5, 2, "p", None], [None] * 4, [2.5, 3, "q", None], [3.5, float("inf"), "q", None]])
    frame.to_excel(tmp_path / "t.xlsx", index=False, header=False)
    with pytest.raises(DataError, match=r"t.xlsx, row 4: column 'column 1' has inf"):
        TableSource(path=str(tmp_path / "t.xlsx")).read()
    frame.iloc[:3].to_excel(tmp_path / "t.xlsx", index=False, header=False)
    found = TableSource(path=str(tmp_path / "t.xlsx")).read()
    np.testing.assert_array_equal(found.x, [[1.5, 2], [2.5, 3]])


def test_a_test_file_has_its_columns_in_any_order_and_its_labels_with_a_full_stop(tmp_path: Path) -> None:
    """adult.test has this form; classes that only the test file has are refused with their line."""
    rows = "".join(f"{place},{'<=50K' if place % 2 else '>50K'}\n" for place in range(30))
    (tmp_path / "t.csv").write_text(f"age,income\n{rows}")
    (tmp_path / "e.csv").write_text("income,age\n<=50K.,3\n>50K.,4\n")
    dataset = load_dataset(TableSource(path=str(tmp_path / "t.csv"), test_path=str(tmp_path / "e.csv")))
    assert dataset.classes == ("<=50K", ">50K") and dataset.test.labels.tolist() == [0, 1]
    np.testing.assert_array_equal(dataset.test.x, [[3], [4]])
    (tmp_path / "e.csv").write_text("income,age\n<=50K,3\n>60K,4\n")
    with pytest.raises(DataError, match=r"e.csv, line 3: has the class '>60K', but no training row has it"):
        load_dataset(TableSource(path=str(tmp_path / "t.csv"), test_path=str(tmp_path / "e.csv")))
    (tmp_path / "e.csv").write_text("income,years\n<=50K,3\n>50K,4\n")
    with pytest.raises(DataError, match="has no column 'age' and has the additional column 'years'"):
        load_dataset(TableSource(path=str(tmp_path / "t.csv"), test_path=str(tmp_path / "e.csv")))


def test_a_word_among_decimal_commas_is_the_one_that_is_blamed(tmp_path: Path) -> None:
    """Not the first number."""
    text = "v;y\n" + "".join(f"{place},5;{'pq'[place % 2]}\n" for place in range(40)) + "oops;p\n"
    with pytest.raises(DataError, match=r"line 42: column 'v' has 'oops'"):
        read(tmp_path / "t.csv", text)
    with pytest.raises(DataError, match=r"line 42: column 'v' has 'oops', which is not a number"):
        read(tmp_path / "t.csv", text, target="v", task="regression")


@pytest.mark.parametrize("separator", ["~", "^", ":"])
def test_a_rare_separator_is_found(tmp_path: Path, separator: str) -> None:
    """Only if none of the usual ones gives columns: a table of times keeps its colons."""
    text = "".join(f"{n}{separator}{n % 3}{separator}{'ab'[n % 2]}\n" for n in range(40))
    (tmp_path / "t.csv").write_text(f"x{separator}y{separator}kind\n{text}")
    assert [column.name for column in TableSource(path=str(tmp_path / "t.csv")).read().columns] == ["x", "y"]
    (tmp_path / "t.csv").write_text("".join(f"12:{n:02},{'ab'[n % 2]}\n" for n in range(40)))
    assert detect_dialect(tmp_path / "t.csv").separator == ","


def test_characters_without_width_are_removed(tmp_path: Path) -> None:
    """From names and words; they would make two of one."""
    rows = "".join(f"{'a' if n % 2 else chr(0x200B) + 'a'},{'xy'[n % 2]}\n" for n in range(20))
    (tmp_path / "t.csv").write_text(f"{chr(0xFEFF)}{chr(0xFEFF)}first,kind\n{rows}", encoding="utf-8")
    (column,) = TableSource(path=str(tmp_path / "t.csv")).read().columns
    assert (column.name, column.categories) == ("first", ("a",))
