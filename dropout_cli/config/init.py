"""A config to start from for a user's own file: the target guessed, sizes that fit the data, a comment on each."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.errors import DataError, UsageError
from dropout_cli.core.registry import did_you_mean
from dropout_cli.data.readers import cells, frames
from dropout_cli.data.sources.table import Table

if TYPE_CHECKING:
    from pandas import Series

LIKELY = ("target", "label", "labels", "class", "y", "outcome", "species", "diagnosis", "survived", "quality", "price")
"""Names of columns that are more often predicted than not."""
STEPS = 6_000
"""About so many training steps are worth a first look."""
AS_SAID = "as --target says"
VAL, TEST = 0.15, 0.2
"""Parts of the rows that are not trained on, where these are enough."""


def starting(file: Path, target: str | None = None) -> tuple[str, str]:
    """The text of a config for that file, and what to say of the target, which is guessed where none is given.

    Raises DataError, and UsageError for a target that is no column.
    """
    if file.suffix.lower() in (".npz", ".npy"):
        return _of_arrays(file, target)
    table = Table(path=str(file.absolute()))
    sheet = table.sheet(file)
    frame = sheet.frame
    names = [str(name) for name in frame.columns]
    columns = {str(name): cells.cleaned(frame[name], comma=sheet.comma) for name in frame.columns}
    unusable = {name: why for name, series in columns.items() if (why := _unusable(series))}
    if target is None:
        target, why = _guessed(names, [name for name, one in columns.items() if _predictable(one)], [*unusable])
    elif target in names:
        why = AS_SAID
    else:
        fact, way_out = f"{file} has no column '{target}'", f"It has {cells.listed(names)}"
        raise UsageError("--target", fact, f"{did_you_mean(target, names)} {way_out}".strip())
    drop = [name for name in unusable if name != target]
    if len(drop) == len(frame.columns) - 1:  # a number of the row may be all that there is
        drop = []
    task = _task(columns[target])
    wanted = replace(table, target=target, task=task, drop=tuple(drop)).wanted(sheet.comma)
    found = frames.examples(frame, wanted, sheet.where, place=str(file))
    rows, features = len(found.labels), len(found.columns)
    val, test = (_part(usual, rows, len(found.classes)) for usual in (VAL, TEST))
    trained = rows - round(val * rows) - round(test * rows)
    batch = min(trained, 16 if rows < 2_000 else 64 if rows < 50_000 else 256)
    width = 64 if rows < 5_000 else 256
    epochs = max(5, min(200, round(STEPS * batch / trained / 5) * 5))
    kind = f"classification into {len(found.classes)} classes" if found.classes else "regression"
    said = [f"{file}: '{target}' is to be predicted ({why}; {kind})."]
    if drop:
        left_out = ", ".join(f"'{name}' ({unusable[name]})" for name in drop)
        said.append(f"Left out: {left_out}.")
    guess = " ".join([*said, f"Change dataset.target{' and dataset.drop' if drop else ''} if that is wrong."])
    text = _TABLE.format(
        rows=rows,
        features=features,
        path=json.dumps(str(file)),
        target=json.dumps(target),
        why=f"guessed {why}" if why != AS_SAID else why,
        task=task,
        kind=kind,
        drop=json.dumps(drop),
        left_out="  # no values, dates, numbers of the rows, or another value in nearly every row" if drop else "",
        width=width,
        epochs=epochs,
        batch=batch,
        val=val,
        test=test,
        weights=_WEIGHTS if _unequal(found.labels, found.classes) else "",
    )
    return text, guess


def _of_arrays(file: Path, target: str | None) -> tuple[str, str]:
    """The same for a file of arrays."""
    if target is not None:
        raise UsageError("--target", f"{file} has no columns with names", "Leave --target out.")
    if file.suffix.lower() == ".npy":
        raise DataError(str(file), "has examples or labels alone", "Write dataset: {name: arrays, path: , labels: }")
    return _ARRAYS.format(path=json.dumps(str(file))), f"{file}: its arrays x and y are taken."


def _guessed(names: list[str], predictable: list[str], unusable: list[str]) -> tuple[str, str]:
    """A column that may be the target, and why: by its name, or else the last one that can be predicted."""
    named = [name for name in names if name.strip().lower() in LIKELY and name in predictable]
    if named:
        return named[-1], "by its name"
    able = [name for name in predictable if name not in unusable]
    if not able or able[-1] == names[-1]:
        return names[-1], "because it is the last column"
    return able[-1], "because it is the last column that can be predicted"


def _predictable(series: "Series") -> bool:
    """Whether a cleaned column has classes, or quantities."""
    different = series.nunique()
    if different < 2 or cells.is_date(series):
        return False
    return series.dtype != object or different <= min(frames.MOST_CLASSES, 0.5 * series.notna().sum())


def _task(series: "Series") -> frames.Task:
    """What to say of a target: whole numbers are a quantity where rows are so few that they make no classes."""
    numbers = series.dtype.kind in "iuf"
    return "regression" if numbers and frames.are_no_classes(series.nunique(), len(series)) else "auto"


def _unusable(series: "Series") -> str:
    """Why no network can learn from a cleaned column as it is; nothing where it can."""
    different, known = series.nunique(), int(series.notna().sum())
    if different == 0:
        return "no values"
    if cells.is_date(series):
        return "dates"
    some = max(0.5 * known, min(20, 0.8 * known))  # of a few rows, words that name nearly each are no categories either
    if series.dtype == object and different > min(frames.MOST_CATEGORIES, some):
        return "another value in nearly every row"
    if series.dtype.kind in "iuf" and known == len(series) == different == np.ptp(series) + 1 > 20:
        return "numbers of the rows"
    return ""


def _part(usual: float, rows: int, classes: int) -> float:
    """As much of the rows as is usual, and of a few rows enough for one of each class, if all three parts get that."""
    least = max(1, classes)
    return usual if 3 * least > rows else max(usual, math.ceil(100 * least / rows) / 100)


def _unequal(labels: object, classes: tuple[str, ...]) -> bool:
    return bool(classes) and bool((counts := np.bincount(np.asarray(labels))).max() > 4 * counts.min())


_TABLE = """\
# {rows:,} rows, {features} columns to learn from; {kind}.
# What was read, column by column: dropout config check THIS_FILE --data
dataset:
  name: table
  path: {path}
  target: {target}  # {why}
  task: {task}  # classification or regression; auto: the values of the target tell
  drop: {drop}{left_out}
  val_fraction: {val}
  test_fraction: {test}
  split_seed: 0  # another one, another split
architecture: {{name: mlp, hidden: [{width}, {width}]}}
dropout: {{variant: inverted, rate: 0.3}}  # `dropout variants` lists the others
{weights}training:
  epochs: {epochs}
  batch_size: {batch}
  optimizer: {{name: adam, learning_rate: 1e-3}}
  schedule: cosine
seed: 0
"""
_WEIGHTS = """\
objective: {name: cross_entropy, class_weights: balanced}  # classes are unequal: rare ones count as much
"""
_ARRAYS = """\
# What was read: dropout config check THIS_FILE --data
dataset: {{name: arrays, path: {path}, val_fraction: 0.15}}  # with x_test and y_test in the file, these are tested on
architecture: {{name: mlp, hidden: [128, 128]}}
dropout: {{variant: inverted, rate: 0.3}}  # `dropout variants` lists the others
training: {{epochs: 60, batch_size: 64, optimizer: {{name: adam, learning_rate: 1e-3}}, schedule: cosine}}
seed: 0
"""
