"""Summary of a dataset before training: columns, classes, parts, and warnings."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.data.base import Examples
from dropout_cli.data.column_warnings import column_warnings
from dropout_cli.data.dataset import Dataset, Part
from dropout_cli.data.example_weights import effective_examples
from dropout_cli.data.readers.file_rows import FileRows

TableRows = list[list[Any]]
FIRST_ROWS = 5
"""Number of example rows to show."""
MAX_LISTED_COLUMNS = 200
"""Tables with more columns are not listed column by column."""


@dataclass(frozen=True)
class DatasetOverview:
    """Tables that describe a dataset, each a list of rows."""

    facts: TableRows
    columns: TableRows
    """Name, type, missing, distinct, minimum, maximum of each feature; empty if features have no names."""
    parts: tuple[str, ...]
    """Names of the parts, in the order of the columns of `target`."""
    target: TableRows
    """One row per class or target: over all parts, then in each part."""
    first: TableRows
    """The first rows as they were interpreted, after a header."""
    warnings: tuple[str, ...]


def dataset_overview(examples: Examples, dataset: Dataset) -> DatasetOverview:
    """Describe the examples and the dataset made of them.

    Args:
        examples: the examples as read.
        dataset: the same examples, split and encoded.
    """
    # Columns of `FileRows` would have to be read from the disk for this.
    listed = 0 < len(examples.columns) <= MAX_LISTED_COLUMNS and not isinstance(examples.x, FileRows)
    return DatasetOverview(
        facts=_fact_rows(examples, dataset),
        columns=list(_column_rows(examples)) if listed else [],
        parts=tuple(name for name, _ in _parts(dataset)),
        target=list(_target_rows(dataset)),
        first=_first_rows(examples) if listed else [],
        warnings=(*dataset.notices, *_warnings(examples, dataset)),
    )


def _parts(dataset: Dataset) -> list[tuple[str, Part]]:
    return [(name, part) for name in ("train", "val", "test") if (part := dataset.part(name)) is not None]


def _fact_rows(examples: Examples, dataset: Dataset) -> TableRows:
    rows: TableRows = [["format", examples.read_as]] if examples.read_as else []
    rows += [["examples", f"{len(examples.labels):,}"], ["shape", "x".join(map(str, examples.x.shape[1:]))]]
    # Categories become several features.
    if dataset.shape != tuple(examples.x.shape[1:]):
        rows.append(["features after encoding", str(dataset.shape[0])])
    rows.append(["task", f"classification, {len(dataset.classes)} classes" if dataset.classes else "regression"])
    rows += [[f"{name} examples", f"{len(part):,}"] for name, part in _parts(dataset)]
    if examples.weights is not None:
        low, high = np.nanmin(examples.weights), np.nanmax(examples.weights)
        rows.append(["weights", f"{_number_text(low)} to {_number_text(high)}"])
        weights = dataset.train.weights
        count = len(dataset.train) if weights is None else effective_examples(weights)
        rows.append(["effective train examples", f"{count:,.0f}"])
    return [*rows, ["fingerprint", f"{dataset.fingerprint[:12]}..."]]


def _column_rows(examples: Examples) -> Iterator[list[Any]]:
    for index, column in enumerate(examples.columns):
        values = examples.x[:, index].astype(np.float64)
        present = values[~np.isnan(values)]
        distinct = len(np.unique(present))
        if column.categories is None:
            extremes = [_number_text(present.min()), _number_text(present.max())] if len(present) else ["", ""]
            yield [column.name, "number", len(values) - len(present), distinct, *extremes]
        else:
            words = column.categories
            most = words[int(np.bincount(present.astype(np.intp)).argmax())] if len(present) else ""
            yield [column.name, "category", len(values) - len(present), distinct, "mostly", most]


def _target_rows(dataset: Dataset) -> Iterator[list[Any]]:
    parts = _parts(dataset)
    if dataset.targets is None:
        counts = [np.bincount(part.labels, minlength=len(dataset.classes)) for _, part in parts]
        for label, name in enumerate(dataset.classes):
            yield [name, int(sum(count[label] for count in counts)), *(int(count[label]) for count in counts)]
        return
    for t, name in enumerate(dataset.targets.names):
        values = [part.labels[:, t] for _, part in parts]
        all_values = np.concatenate(values)
        whole_text = f"{all_values.min():.6g} to {all_values.max():.6g}, mean {all_values.mean():.6g}"
        yield [name, whole_text, *(f"mean {value.mean():.6g}" for value in values)]


def _first_rows(examples: Examples) -> TableRows:
    """Return the first rows: categories as words, the target last."""
    header = [*(column.name for column in examples.columns), *(examples.target_names or ("(target)",))]
    rows: TableRows = [header]
    for row in range(min(FIRST_ROWS, len(examples.labels))):
        cells: list[Any] = []
        for index, column in enumerate(examples.columns):
            value = float(examples.x[row, index])
            word = column.categories[int(value)] if column.categories and value >= 0 else _number_text(value)
            cells.append("" if np.isnan(value) else word)
        label = examples.labels[row]
        rows.append(
            [
                *cells,
                *(
                    [f"{value_of_target:.6g}" for value_of_target in label]
                    if examples.target_names
                    else [examples.classes[label]]
                ),
            ]
        )
    return rows


def _number_text(value: float) -> str:
    """Return whole numbers with all digits, as they stand in the file, and others with six."""
    return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e16 else f"{value:.6g}"


def _warnings(examples: Examples, dataset: Dataset) -> Iterator[str]:
    if not isinstance(examples.x, FileRows) and examples.x.ndim == 2:
        yield from column_warnings(examples)
    # Copies of image files are among the notices, with their names.
    for name, repeated in _count_repeats(dataset) if examples.images is None else ():
        rows = (
            f"example of the {name} part also occurs in the training part"
            if repeated == 1
            else f"examples of the {name} part also occur in the training part"
        )
        yield f"{repeated} {rows}, with the same values."
    if dataset.targets is None:
        counts = np.bincount(dataset.train.labels, minlength=len(dataset.classes))
        if counts.max() > 4 * counts.min():
            yield (
                f"the classes have very different sizes: '{dataset.classes[int(counts.argmax())]}' has {counts.max()} "
                f"training examples, '{dataset.classes[int(counts.argmin())]}' has {counts.min()}. "
                "objective.class_weights=balanced and training.monitor=val_balanced_accuracy can help."
            )


def _count_repeats(dataset: Dataset) -> Iterator[tuple[str, int]]:
    """Yield (part, count) for each part with examples that are also in the train part."""
    if isinstance(dataset.train.x, FileRows):
        return
    # Exact duplicates only, which a set of bytes finds in one pass.
    seen = {row.tobytes() for row in dataset.train.x}
    for name, part in _parts(dataset)[1:]:
        repeated = sum(row.tobytes() in seen for row in part.x)
        if repeated:
            yield name, repeated
