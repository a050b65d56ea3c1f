"""The cells of a table mean the same in every type in which Python programs hold them."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dropout_cli.data.base import DateFeature
from dropout_cli.data.readers.cells import column_to_numbers, parse_column
from dropout_cli.data.readers.dates import DAY_PARTS, date_values
from dropout_cli.export.table_program import encode_table
from tests.commands import dropout

ROWS = [[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [0, 0, 0]]  # red, 2, missing, unknown
WORDS = {"name": "w", "missing": ["", "NA", "<NA>"], "codes": {"red": 0, "2": 1}, "missing_place": 2, "width": 3}
NUMBERS = {"name": "n", "missing": ["", "NA", "-9"], "fill": 5.5, "marks_missing": True, "decimal_comma": True}


@pytest.mark.parametrize(
    ("cells", "places"),
    [
        (["red", " 'red' ", "Red", '"2"'], [0, 0, 3, 1]),
        ([2, 2.0, np.int64(2), np.float32(2), "2.00", 3], [1, 1, 1, 1, 1, 3]),
        (["", None, float("nan"), np.nan, "NA", "x"], [2, 2, 2, 2, 2, 3]),
        (pd.Series(["red", None, "2"], dtype="string"), [0, 2, 1]),
        (pd.Series(["red", "2", None]), [0, 1, 2]),
        (np.array(["2", "red"]), [1, 0]),
    ],
)
def test_a_word_is_found_in_every_notation(cells: Any, places: list[int]) -> None:
    """As text with blanks or quotation marks, or as a number; a missing one has its own row."""
    assert encode_table({"w": cells}, [WORDS]) == [ROWS[place] for place in places]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,5", "2.5", "-3", "1e2"], [1.5, 2.5, -3, 100]),
        ([1, 2.5, np.float64(3), np.int8(4)], [1, 2.5, 3, 4]),
        (pd.Series([0.25, 7]), [0.25, 7]),
    ],
)
def test_a_number_is_read_as_text_or_as_a_number(cells: Any, numbers: list[float]) -> None:
    """With a decimal comma where the training had one."""
    assert encode_table({"n": cells}, [NUMBERS]) == [[number, 0] for number in numbers]


def test_a_missing_number_is_filled_in_and_marked() -> None:
    """Also one that is written as a number that stands for a missing value."""
    cells = ["", None, np.nan, " NA ", -9, "-9", np.float32(-9)]
    assert encode_table({"n": cells}, [NUMBERS]) == [[5.5, 1]] * len(cells)
    with pytest.raises(ValueError, match="x"):
        encode_table({"n": ["x"]}, [NUMBERS])


def test_rows_join_the_columns_in_their_order_and_others_are_ignored() -> None:
    """A row of features per row of the table."""
    table = {"n": [1, 2], "other": [None, None], "w": ["2", "red"]}
    assert encode_table(table, [WORDS, NUMBERS]) == [[0, 1, 0, 1, 0], [1, 0, 0, 2, 0]]


@pytest.mark.parametrize(
    ("text", "comma", "number"),
    [
        ("20,715", False, 20715),
        ("1,234.5", False, 1234.5),
        ("6 %", False, 6),
        ("$3", False, 3),
        ("CHF 1'250", False, 1250),
        ("(12.5)", False, -12.5),
        ("true", False, 1),
        ("27.247", True, 27247),
        ("1.234,5", True, 1234.5),
        ("46 %", True, 46),
        ("2.5", True, 2.5),
    ],
)
def test_numbers_are_read_as_people_write_them(text: str, comma: bool, number: float) -> None:
    """As `dropout predict` reads them: marks of thousands, currencies, percent signs, parentheses."""
    column = {**NUMBERS, "decimal_comma": comma}
    assert encode_table({"n": [text]}, [column]) == [[number, 0]]
    predicted = parse_column(pd.Series([text]), (), comma)
    assert column_to_numbers(predicted, "n", str, comma=comma).tolist() == [number]


@pytest.mark.parametrize(
    ("text", "day_first"),
    [
        ("2024-03-01", False),
        ("2024/3/1", False),
        ("1.3.2024", True),
        ("3/1/24", False),
        ("2024-03-01 18:30:00", False),
        ("2024-03-01T18:30", False),
        ("2024-03-01T23:30-05:00", False),
        ("20240301", False),
    ],
)
def test_dates_are_read_as_predict_reads_them(text: str, day_first: bool) -> None:
    """A column of dates is taken as it is in the file; its parts may be given instead."""
    features = [DateFeature("day", part, day_first) for part in DAY_PARTS]
    columns = [
        {**NUMBERS, "marks_missing": False, "name": f"day ({one.part})"}
        | {"date": "day", "part": one.part, "day_first": day_first}
        for one in features
    ]
    found = encode_table({"day": [text, ""]}, columns)
    wanted = [values.tolist()[0] for values in date_values(pd.Series([text]), features, str)]
    assert found == [wanted, [5.5] * 4]
    assert encode_table({f"day ({one.part})": [3] for one in features}, columns) == [[3.0] * 4]


def test_a_cell_or_column_that_is_wrong_is_named() -> None:
    """With its column and row."""
    date = {**NUMBERS, "name": "day (year)", "date": "day", "part": "year", "day_first": False}
    with pytest.raises(ValueError, match=r"column 'n', row 1 .*'1,2,3' is no number"):
        encode_table({"n": ["1", "1,2,3"]}, [{**NUMBERS, "decimal_comma": False}])
    with pytest.raises(ValueError, match=r"column 'day', row 0 .*'soon' is no date"):
        encode_table({"day": ["soon"]}, [date])
    for column, name in ((NUMBERS, "n"), (date, "day")):
        with pytest.raises(ValueError, match=f"no column '{name}'"):
            encode_table({"other": [1]}, [column])


def test_a_program_takes_the_rows_of_a_file_as_predict_does(tmp_path: Path) -> None:
    """A table with decimal commas, points between thousands, percent signs and dates: the same probabilities."""
    rows = [
        f"{20 + n % 40};{5 + n % 50}.{(137 * n) % 1000:03};{n % 9},{n % 10};{n % 90} %;{1 + n % 28}.{1 + n % 12}.2024"
        for n in range(120)
    ]
    labels = ["ja" if n % 40 > 19 else "nein" for n in range(120)]
    head = "age;income;hours;share;day"
    lines = [f"{row};{label}" for row, label in zip(rows, labels, strict=True)]
    (tmp_path / "t.csv").write_text("\n".join([f"{head};left", *lines]) + "\n")
    (tmp_path / "new.csv").write_text("\n".join([head, *rows[:20]]) + "\n")
    words = ("--target", "left", "dataset.dates=expand", "training.epochs=2", "--quiet", "--no-plots")
    for command in (
        ("train", "t.csv", *words),
        ("export", "latest", "--format", "numpy", "--output", "model.py"),
        ("predict", "latest", "new.csv", "--output", "predicted.csv"),
    ):
        done = dropout(*command, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    code = "import json, sys, pandas, model; table = pandas.read_csv('new.csv', sep=';', dtype=str)\n"
    code += "print(json.dumps(model.predict_table(table)['probabilities'].tolist()))"
    printed = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert printed.returncode == 0, printed.stderr
    predicted = pd.read_csv(tmp_path / "predicted.csv", sep=None, engine="python")
    columns = [name for name in predicted if str(name).startswith("probability")]
    np.testing.assert_allclose(json.loads(printed.stdout), predicted[columns], atol=2e-6)
