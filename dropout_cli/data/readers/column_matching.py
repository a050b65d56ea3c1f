"""A table for a network that was trained before: its columns are known, and are found by their names."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array
from dropout_cli.data.base import Column
from dropout_cli.data.encoding import UNKNOWN
from dropout_cli.data.readers.cells import Line, cleaned, listed, numbers_of, word_of, words_of

if TYPE_CHECKING:
    from pandas import DataFrame


def matched(
    frame: "DataFrame", columns: Sequence[Column], missing: Sequence[str], comma: bool | None, where: Line
) -> tuple[Array, list[str]]:
    """x (N, columns) of the table, and what to say of it.

    `comma`: whether numbers have a decimal comma; None: as in training. A row means the same whatever rows are read
    with it. Raises DataError for a column that is missing, and for words in a column of numbers.
    """
    lacking = [column.name for column in columns if column.name not in frame.columns]
    if lacking:
        raise DataError(where(-1), f"has no column {listed(lacking)}", "Add it, with empty cells where it is not known")
    arrays, said = [], []
    for column in columns:
        series = frame[column.name]
        if column.categories is None:
            either = column.comma if comma is None else comma
            arrays.append(numbers_of(cleaned(series, missing, either), column.name, where, comma=either))
            continue
        codes = {word: float(code) for code, word in enumerate(column.categories)}
        words = words_of(series, missing)
        found = words.map(lambda word, codes=codes: _code(word, codes))
        unseen = words[(found == UNKNOWN)].unique()
        if len(unseen):
            said.append(f"column '{column.name}': not seen in training, so of no category: {listed(unseen)}.")
        arrays.append(found.to_numpy(np.float32))
    return np.stack(arrays, axis=1), said


def _code(word: object, codes: dict[str, float]) -> float:
    """The place of a word; of a number, however it is written; NaN of a missing one."""
    if word != word:
        return float("nan")
    text = str(word)
    if text in codes:
        return codes[text]
    try:
        number = {"true": 1.0, "false": 0.0}.get(text.lower())
        return codes.get(str(word_of(float(text) if number is None else number)), UNKNOWN)
    except ValueError:
        return UNKNOWN
