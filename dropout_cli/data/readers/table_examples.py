"""Conversion of a pandas table to examples."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.data.base import TEST, TRAIN, Examples
from dropout_cli.data.precision import narrow
from dropout_cli.data.readers.cells import RowLocator
from dropout_cli.data.readers.row_assignment import group_numbers, part_codes
from dropout_cli.data.readers.row_selection import rows_with_target, treat_rare_classes
from dropout_cli.data.readers.table_columns import TableColumns, TableOptions
from dropout_cli.data.readers.table_features import read_features
from dropout_cli.data.readers.table_targets import read_targets, require_trained_classes, target_columns
from dropout_cli.data.readers.table_weights import check_weights_column, read_weights

if TYPE_CHECKING:
    from pandas import DataFrame


def examples_from_frame(
    frame: "DataFrame",
    options: TableOptions,
    where: RowLocator,
    *,
    place: str,
    test_count: int = 0,
    as_written: "Callable[[], DataFrame] | None" = None,
    known_classes: tuple[str, ...] = (),
) -> Examples:
    """Make examples of the rows.

    Args:
        frame: the table.
        options: how to interpret the columns.
        where: maps a row number to its place in the file.
        place: the table as a whole, for messages.
        test_count: number of rows at the end that come from a test file.
        as_written: reads the table again, with the words that usually stand for a missing value. None: not possible.
        known_classes: classes of a trained network; they are kept even if they are rare.

    Raises:
        DataError: if a column is missing or cannot be used.
    """
    columns = TableColumns(frame, options, where, place)
    predicted = target_columns(columns)
    special = {"group": options.group, "split": options.split, "weights": options.weights}
    unlearned = [columns.find_name(which, key) for key, which in special.items() if which is not None]
    dropped = {*(columns.find_name(which, "drop") for which in options.drop), *unlearned, *predicted}
    check_weights_column(columns, predicted)
    learned = [name for name in frame.columns if name not in dropped]
    if not learned:
        raise DataError(place, "has no columns left to learn from", "Add a column besides the target, or drop fewer")
    forced = {columns.find_name(which, "categorical") for which in options.categorical}
    selected = rows_with_target(columns, predicted, as_written)
    selected, targets = treat_rare_classes(
        selected, read_targets(selected.columns, predicted), predicted[0], known_classes
    )
    columns, first_test = selected.columns, int(np.searchsorted(selected.rows, len(frame) - test_count))
    if test_count and targets.classes:
        require_trained_classes(columns, targets, first_test)
    features, arrays, notices = read_features(columns, learned, forced)
    assigned = groups = None
    if options.split is not None:
        assigned = part_codes(columns.words(options.split, "split"), columns.where)
    elif test_count:
        assigned = np.where(np.arange(len(selected.rows)) < first_test, TRAIN, TEST).astype(np.int8)
    weights = None
    if options.weights is not None:
        weights = read_weights(columns, np.full(len(selected.rows), True) if assigned is None else assigned == TRAIN)
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
        weights=weights,
        needs_encoding=True,
        rows=None if len(selected.rows) == len(frame) else selected.rows,
        notices=(*targets.notices, *selected.notices, *notices),
    )
