"""Conversion of a pandas table to examples."""

from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.data.base import TEST, TRAIN, Examples
from dropout_cli.data.precision import narrow
from dropout_cli.data.readers.cells import RowLocator
from dropout_cli.data.readers.row_assignment import group_numbers, part_codes
from dropout_cli.data.readers.table_columns import TableColumns, TableOptions
from dropout_cli.data.readers.table_features import read_features
from dropout_cli.data.readers.table_targets import read_targets, require_trained_classes, target_columns

if TYPE_CHECKING:
    from pandas import DataFrame


def examples_from_frame(
    frame: "DataFrame", options: TableOptions, where: RowLocator, *, place: str, test_count: int = 0
) -> Examples:
    """Make examples of the rows.

    Args:
        frame: the table.
        options: how to interpret the columns.
        where: maps a row number to its place in the file.
        place: the table as a whole, for messages.
        test_count: number of rows at the end that come from a test file.

    Raises:
        DataError: if a column is missing or cannot be used.
    """
    columns = TableColumns(frame, options, where, place)
    predicted = target_columns(columns)
    special = {"group": options.group, "split": options.split}
    unlearned = [columns.find_name(which, key) for key, which in special.items() if which is not None]
    dropped = {*(columns.find_name(which, "drop") for which in options.drop), *unlearned, *predicted}
    learned = [name for name in frame.columns if name not in dropped]
    if not learned:
        raise DataError(place, "has no columns left to learn from", "Drop fewer columns")
    forced = {columns.find_name(which, "categorical") for which in options.categorical}
    targets = read_targets(columns, predicted)
    if test_count and targets.classes:
        require_trained_classes(columns, targets, len(frame) - test_count)
    features, arrays = read_features(columns, learned, forced)
    assigned = groups = None
    if options.split is not None:
        assigned = part_codes(columns.words(options.split, "split"), where)
    elif test_count:
        assigned = np.repeat(np.array([TRAIN, TEST], np.int8), [len(frame) - test_count, test_count])
    if options.group is not None:
        groups = group_numbers(columns.words(options.group, "group"))
    return Examples(
        x=narrow(np.stack(arrays, axis=1)),
        labels=targets.labels,
        classes=targets.classes,
        target_names=targets.target_names,
        columns=features,
        assigned_parts=assigned,
        groups=groups,
        needs_encoding=True,
    )
