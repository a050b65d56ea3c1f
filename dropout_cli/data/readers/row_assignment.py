"""Assignment of table rows to parts and groups, from a column of the table."""

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array
from dropout_cli.data.base import TEST, TRAIN, VAL
from dropout_cli.data.readers.cells import RowLocator

if TYPE_CHECKING:
    from pandas import Series

PART_CODES = {"train": TRAIN, "training": TRAIN, "val": VAL, "valid": VAL, "validation": VAL, "dev": VAL, "test": TEST}
"""Words that a column may use for the parts, in lower case."""


def part_codes(words: "Series", where: RowLocator) -> Array:
    """Return the part that each row names, (N,) int8.

    Args:
        words: the column as words; its name appears in messages.
        where: maps a row number to its place in the file.

    Raises:
        DataError: for a word that is not a part.
    """
    codes = words.map(lambda word: PART_CODES.get(word.lower()) if isinstance(word, str) else None)
    if codes.isna().any():
        row = int(np.flatnonzero(codes.isna().to_numpy())[0])
        fact = f"column '{words.name}' has {words.iloc[row]!r}"
        raise DataError(where(row), fact, "Write train, val or test")
    return codes.to_numpy(np.int8)


def group_numbers(words: "Series") -> Array:
    """Return a group number for each row; a row without a word is its own group."""
    # The zero byte keeps these names apart from any word of the file.
    names = [f"\0{row}" if word != word else word for row, word in enumerate(words)]
    return np.unique(np.array(names, str), return_inverse=True)[1].astype(np.intp)
