"""What was read of a dataset, before anything trains: columns, classes, parts, and what looks suspicious."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.data.base import Examples
from dropout_cli.data.dataset import Dataset, Part
from dropout_cli.data.readers.memory_mapped import FileRows

Rows = list[list[Any]]
FIRST = 5
MOST_COLUMNS = 200
"""More are not listed one by one."""
ENOUGH_FOR_AN_ID = 20
_ID_NAME = re.compile(r"(^|[^a-z])(id|index|key|nr|no|unnamed)([^a-z]|$)|(?-i:[a-z]I[dD]$)", re.IGNORECASE)


@dataclass(frozen=True)
class Overview:
    """Tables, each a header and rows."""

    facts: Rows
    columns: Rows
    """name, kind, missing, different, from, to; the target last. Empty where features have no names."""
    parts: tuple[str, ...]
    target: Rows
    """A row per class or quantity: in all, and in each of the parts."""
    first: Rows
    """The first rows as they were understood, a header in front."""
    warnings: tuple[str, ...]


def describe(examples: Examples, dataset: Dataset) -> Overview:
    """Describe what was read, and what was made of it."""
    listed = 0 < len(examples.columns) <= MOST_COLUMNS and not isinstance(examples.x, FileRows)
    return Overview(
        facts=_facts(examples, dataset),
        columns=list(_columns(examples)) if listed else [],
        parts=tuple(name for name, _ in _parts(dataset)),
        target=list(_target(dataset)),
        first=_first(examples) if listed else [],
        warnings=(*dataset.notices, *_warnings(examples, dataset)),
    )


def _parts(dataset: Dataset) -> list[tuple[str, Part]]:
    return [(name, part) for name in ("train", "val", "test") if (part := dataset.part(name)) is not None]


def _facts(examples: Examples, dataset: Dataset) -> Rows:
    rows: Rows = [["read as", examples.read_as]] if examples.read_as else []
    rows += [["examples", f"{len(examples.labels):,}"], ["shape", "x".join(map(str, examples.x.shape[1:]))]]
    if dataset.shape != tuple(examples.x.shape[1:]):
        rows.append(["features of the network", str(dataset.shape[0])])
    rows.append(["task", f"classification, {len(dataset.classes)} classes" if dataset.classes else "regression"])
    rows += [[f"{name} examples", f"{len(part):,}"] for name, part in _parts(dataset)]
    return [*rows, ["fingerprint", f"{dataset.fingerprint[:12]}..."]]


def _columns(examples: Examples) -> Iterator[list[Any]]:
    for place, column in enumerate(examples.columns):
        values = examples.x[:, place].astype(np.float64)
        known = values[~np.isnan(values)]
        different = len(np.unique(known))
        if column.categories is None:
            ends = [f"{known.min():.6g}", f"{known.max():.6g}"] if len(known) else ["", ""]
            yield [column.name, "number", len(values) - len(known), different, *ends]
        else:
            words = column.categories
            most = words[int(np.bincount(known.astype(np.intp)).argmax())] if len(known) else ""
            yield [column.name, "category", len(values) - len(known), different, "mostly", most]


def _target(dataset: Dataset) -> Iterator[list[Any]]:
    parts = _parts(dataset)
    if dataset.quantities is None:
        counts = [np.bincount(part.labels, minlength=len(dataset.classes)) for _, part in parts]
        for label, name in enumerate(dataset.classes):
            yield [name, int(sum(count[label] for count in counts)), *(int(count[label]) for count in counts)]
        return
    for t, name in enumerate(dataset.quantities.names):
        values = [part.labels[:, t] for _, part in parts]
        whole = np.concatenate(values)
        said = f"{whole.min():.6g} to {whole.max():.6g}, mean {whole.mean():.6g}"
        yield [name, said, *(f"mean {value.mean():.6g}" for value in values)]


def _first(examples: Examples) -> Rows:
    """The first rows, categories as words, the target last."""
    header = [*(column.name for column in examples.columns), *(examples.quantities or ("(target)",))]
    rows: Rows = [header]
    for row in range(min(FIRST, len(examples.labels))):
        cells: list[Any] = []
        for place, column in enumerate(examples.columns):
            value = float(examples.x[row, place])
            word = column.categories[int(value)] if column.categories and value >= 0 else f"{value:.6g}"
            cells.append("" if np.isnan(value) else word)
        label = examples.labels[row]
        rows.append([*cells, *([f"{one:.6g}" for one in label] if examples.quantities else [examples.classes[label]])])
    return rows


def _warnings(examples: Examples, dataset: Dataset) -> Iterator[str]:
    if not isinstance(examples.x, FileRows) and examples.x.ndim == 2:
        for place, column in enumerate(examples.columns):
            yield from _of_column(column.name, column.categories, examples.x[:, place], examples)
    for name, repeated in _repeated(dataset):
        rows = f"example of the {name} part is" if repeated == 1 else f"examples of the {name} part are"
        yield f"{repeated} {rows} in the train part too, to the last value."
    if dataset.quantities is None:
        counts = np.bincount(dataset.train.labels, minlength=len(dataset.classes))
        if counts.max() > 4 * counts.min():
            yield (
                f"classes are unequal: '{dataset.classes[int(counts.argmax())]}' has {counts.max()} training examples, "
                f"'{dataset.classes[int(counts.argmin())]}' {counts.min()}. objective.class_weights=balanced, and "
                "training.monitor=val_balanced_accuracy, take note of it."
            )


def _of_column(name: str, categories: tuple[str, ...] | None, column: Array, examples: Examples) -> Iterator[str]:
    values = column[~np.isnan(column)]
    different = np.unique(values)
    if len(different) < 2:
        yield f"column '{name}' is the same in every row."
        return
    if len(values) == len(column) and _is_the_target(column, examples):
        yield f"column '{name}' says the target: is it known when something is to be predicted? dataset.drop=[{name}]"
    if len(different) > ENOUGH_FOR_AN_ID and _is_an_id(name, categories, values, len(different)):
        yield f"column '{name}' is another one in every row, like a number of the row. dataset.drop=[{name}]"


def _is_an_id(name: str, categories: tuple[str, ...] | None, values: Array, different: int) -> bool:
    """Whether a column only says which row it is: words that never come again, whole numbers in a row or so named."""
    if categories is not None:
        return different == len(values)
    whole = bool((values == np.floor(values)).all())
    if _ID_NAME.search(name):
        return whole and different > 0.9 * len(values)
    return whole and different == len(values) and bool((np.diff(values) > 0).all() or np.ptp(values) == different - 1)


def _is_the_target(column: Array, examples: Examples) -> bool:
    """Whether column and target say the same in other words."""
    if examples.quantities:
        for target in examples.labels.T:
            if np.ptp(target) > 0 and abs(np.corrcoef(column.astype(np.float64), target)[0, 1]) > 1 - 1e-9:
                return True
        return False
    _, codes = np.unique(column, return_inverse=True)
    pairs = np.unique(np.stack([codes, examples.labels], axis=1), axis=0)
    return len(pairs) == len(examples.classes) == int(codes.max()) + 1


def _repeated(dataset: Dataset) -> Iterator[tuple[str, int]]:
    """Of each part, how many examples are in the train part as well, if any."""
    if isinstance(dataset.train.x, FileRows):
        return
    seen = {row.tobytes() for row in dataset.train.x}
    for name, part in _parts(dataset)[1:]:
        repeated = sum(row.tobytes() in seen for row in part.x)
        if repeated:
            yield name, repeated
