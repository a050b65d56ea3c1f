"""The cells of a table mean the same in every type in which Python programs hold them."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from dropout_cli.export.table_program import encode_table

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
