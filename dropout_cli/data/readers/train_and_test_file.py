"""A table in two files, one to train on and one to test on."""

from typing import TYPE_CHECKING

from dropout_cli.core.errors import DataError
from dropout_cli.data.readers.cells import quote_names, strip_cells

if TYPE_CHECKING:
    from pandas import DataFrame, Series


def join_test_file(
    train: "DataFrame", tests: "DataFrame", path: str, test_path: str, optional: str | None = None
) -> "DataFrame":
    """Return the rows of both files, those of the test file last.

    Args:
        train: the cells of the file to train on.
        tests: the cells of the file to test on; its columns are matched by name.
        path: the file to train on, for messages.
        test_path: the file to test on, for messages.
        optional: a column that the file to test on may lack; its cells are missing then.

    Raises:
        DataError: if the files have different columns.
    """
    import pandas as pd

    names = list(train.columns)
    if optional is not None and optional not in tests.columns:
        tests = tests.reindex(columns=[*tests.columns, optional])
    if set(tests.columns) != set(names):
        fact = f"its columns differ from those of {path}: it {_column_difference(train, tests)}"
        raise DataError(test_path, fact, "Both files need the same columns")
    others = [_strip_full_stops(tests[name], train[name]) for name in names]
    columns = [
        # As objects, so that a file of whole numbers and one of fractions keep their cells as written.
        pd.concat([train[column.name].astype(object), column.astype(object)], ignore_index=True)
        for column in others
    ]
    return pd.concat(columns, axis=1)


def _strip_full_stops(tests: "Series", trains: "Series") -> "Series":
    """Return a test column without the full stop after each word.

    This applies if the words then match those of the training file, as in adult.test of UCI.
    """
    words, known = strip_cells(tests).dropna().astype(str), {*strip_cells(trains).dropna().astype(str)}
    stopped = len(words) and words.str.endswith(".").all() and not known & {*words} and {*words.str[:-1]} <= known
    return strip_cells(tests).str.removesuffix(".") if stopped else tests


def _column_difference(train: "DataFrame", test: "DataFrame") -> str:
    lacking = [name for name in train.columns if name not in test.columns]
    added = [name for name in test.columns if name not in train.columns]
    parts = [f"has no column {quote_names(lacking, 5)}"] if lacking else []
    parts += (
        [f"has the additional {'column' if len(added) == 1 else 'columns'} {quote_names(added, 5)}"] if added else []
    )
    return " and ".join(parts)
