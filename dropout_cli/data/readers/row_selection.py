"""Rows of a table that are left out: rows without a target, and rows of rare classes."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted, plural
from dropout_cli.core.types import Array
from dropout_cli.data.readers.cells import MISSING_TEXTS, quote_names, strip_cells
from dropout_cli.data.readers.spellings import normal_form
from dropout_cli.data.readers.table_columns import TableColumns
from dropout_cli.data.readers.table_targets import TableTargets, missing_target_rows

if TYPE_CHECKING:
    from pandas import DataFrame

MERGED_CLASS = "other"
"""Name of the class that rare classes are merged into."""
MAX_LISTED_CLASSES = 8


@dataclass(frozen=True)
class SelectedRows:
    """The rows that are used, and messages about the others."""

    columns: TableColumns
    rows: Array
    """(N,) intp: number of each row in the file, ascending."""
    notices: tuple[str, ...] = ()

    def keep(self, kept: Array, notice: str) -> "SelectedRows":
        """Return some of the rows.

        Args:
            kept: (N,) bool.
            notice: the message about the others.
        """
        rows, where = self.rows[kept], self.columns.where
        numbers = np.flatnonzero(kept)
        columns = replace(
            self.columns,
            frame=self.columns.frame[kept].reset_index(drop=True),
            where=lambda row: where(int(numbers[row]) if row >= 0 else row),
        )
        return SelectedRows(columns, rows, (*self.notices, notice))


def rows_with_target(
    columns: TableColumns, names: Sequence[str], as_written: "Callable[[], DataFrame] | None"
) -> SelectedRows:
    """Return the rows that have a target; all rows if all have one.

    Args:
        columns: the table.
        names: the columns to predict.
        as_written: reads the file again, with the words that usually stand for a missing value. None: not possible.

    Raises:
        DataError: if a row has no target and `drop_missing_target` is not set, or no row has one.
    """
    selected = SelectedRows(columns, np.arange(len(columns.frame), dtype=np.intp))
    # Without the key, `read_targets` refuses such rows.
    for name in names if columns.options.drop_missing_target is not None else ():
        missing = missing_target_rows(selected.columns, name)
        count = int(missing.sum())
        if not count:
            continue
        words = words_read_as_missing(as_written(), name) if as_written else {}
        options = columns.options
        hint = _keep_hint({word: count for word, count in words.items() if word not in options.not_missing})
        if count == len(missing):
            fact = f"the target '{name}' is missing in every row"
            raise DataError(columns.place, fact, f"Choose another target. {hint}".removesuffix(". "))
        if not options.drop_missing_target:
            first = int(np.flatnonzero(missing)[0])
            fact = f"the target '{name}' is missing in {counted(count, 'row')}"
            rows = "this row" if count == 1 else "these rows"
            way_out = f"Fill it in, or leave {rows} out with dataset.drop_missing_target: true"
            raise DataError(selected.columns.where(first), fact, f"{way_out}. {hint}".removesuffix(". "))
        verb = "is" if count == 1 else "are"
        left_out = f"{counted(count, 'row')} without a value of the target '{name}' {verb} left out."
        selected = selected.keep(~missing, f"{left_out} {hint}." if hint else left_out)
    return selected


def words_read_as_missing(frame: "DataFrame", name: str) -> dict[str, int]:
    """Return the words of a column that stand for a missing value, with their counts.

    Args:
        frame: the table with its words as written.
        name: the column.
    """
    words = Counter(strip_cells(frame[name], not_missing=MISSING_TEXTS))
    return {str(word): count for word, count in words.most_common() if word in MISSING_TEXTS}


def _keep_hint(words: dict[str, int]) -> str:
    """Return the sentence about words that were read as missing; empty without any."""
    if not words:
        return ""
    listed = " and ".join(f"'{word}' ({counted(count, 'row')})" for word, count in words.items())
    noun, pronoun = ("a missing value", "it") if len(words) == 1 else ("missing values", "them")
    keys = ", ".join(f'"{word}"' for word in words)
    return (
        f"{listed} {'is' if len(words) == 1 else 'are'} read as {noun}; dataset.not_missing: [{keys}] keeps {pronoun}"
    )


def treat_rare_classes(
    selected: SelectedRows, targets: TableTargets, name: str, known_classes: tuple[str, ...] = ()
) -> tuple[SelectedRows, TableTargets]:
    """Leave out or merge classes with fewer than `min_class_rows` rows.

    Args:
        selected: the rows.
        targets: the targets of these rows.
        name: the target column.
        known_classes: classes of a trained network, which are never rare. Empty: the counts decide.

    Raises:
        DataError: for a regression, or if fewer than two classes remain.
    """
    options, place = selected.columns.options, selected.columns.place
    least = options.min_class_rows
    if least is None:
        return selected, targets
    if not targets.classes:
        fact = "needs classes, but the task is regression"
        raise DataError("dataset.min_class_rows", fact, "Remove it")
    counts = np.bincount(targets.labels, minlength=len(targets.classes))
    form = normal_form if options.normalize_labels else str
    known = {form(one) for one in known_classes}
    rare = (counts < least) & np.array([form(one) not in known for one in targets.classes])
    other = next((index for index, one in enumerate(targets.classes) if one.casefold() == MERGED_CLASS), None)
    if not rare.any():
        return selected, targets
    title = MERGED_CLASS if other is None else targets.classes[other]
    merged_rows = int(counts[rare].sum()) + (0 if other is None or rare[other] else int(counts[other]))
    # A merged class that is rare itself could not be split either.
    can_merge = title in known_classes if known else merged_rows >= least
    if options.rare_classes == "merge" and can_merge and other is not None:
        rare[other] = False
    listed = _list_classes(targets.classes, counts, rare)
    few = f"fewer than {counted(least, 'row')}"
    kept_classes = tuple(one for one, is_rare in zip(targets.classes, rare, strict=True) if not is_rare)
    if options.rare_classes == "merge" and can_merge:
        classes = kept_classes if other is not None else (*kept_classes, MERGED_CLASS)
        names = [title if is_rare else one for one, is_rare in zip(targets.classes, rare, strict=True)]
        numbers = np.array([classes.index(one) for one in names], np.intp)
        targets = targets._replace(labels=numbers[targets.labels], classes=classes)
        notice = f"the classes of '{name}' with {few} are merged into '{title}': {listed}."
        selected = replace(selected, notices=(*selected.notices, notice))
    else:
        kept = ~rare[targets.labels]
        # Class numbers without the gaps that the rare classes leave.
        numbers = np.cumsum(~rare, dtype=np.intp) - 1
        targets = targets._replace(labels=numbers[targets.labels[kept]], classes=kept_classes)
        selected = selected.keep(kept, f"the rows of classes of '{name}' with {few} are left out: {listed}.")
    if len(targets.classes) < 2:
        fact = f"the target '{name}' has {counted(len(targets.classes), 'class')} with at least {counted(least, 'row')}"
        raise DataError(place, fact, "Lower dataset.min_class_rows, or choose another target")
    return selected, targets


def _list_classes(classes: tuple[str, ...], counts: Array, chosen: Array) -> str:
    texts = [
        f"{quote_names([one])} ({counted(int(count), 'row')})"
        for one, count, is_chosen in zip(classes, counts, chosen, strict=True)
        if is_chosen
    ]
    more = len(texts) - MAX_LISTED_CLASSES
    more_rows = int(counts[chosen][MAX_LISTED_CLASSES:].sum())
    end = f" and {more:,} more {plural(more, 'class')} ({counted(more_rows, 'row')})" if more > 0 else ""
    return ", ".join(texts[:MAX_LISTED_CLASSES]) + end
