"""A config to start from for a user's own file: the target guessed, sizes that fit the data, a comment on each."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from dropout_cli.data import cells, frames
from dropout_cli.data.table import Sheet, Table
from dropout_cli.errors import DataError

LIKELY = ("target", "label", "labels", "class", "y", "outcome", "species", "diagnosis", "survived", "quality", "price")
"""Names of columns that are more often predicted than not."""
STEPS = 6_000
"""About so many training steps are worth a first look."""
VAL, TEST = 0.15, 0.2
"""Parts of the rows that are not trained on."""


def starting(file: Path) -> tuple[str, str]:
    """The text of a config for that file, and what to say of the guessed target. Raises DataError."""
    if file.suffix.lower() in (".npz", ".npy"):
        if file.suffix.lower() == ".npy":
            raise DataError(
                str(file), "has examples or labels alone", "Write dataset: {name: arrays, path: , labels: }"
            )
        return _ARRAYS.format(path=json.dumps(str(file))), f"{file}: its arrays x and y are taken."
    table = Table(path=str(file.absolute()))
    sheet = table.sheet(file)
    frame = sheet.frame
    unusable = list(_unusable(sheet))
    target, why = _guessed([str(name) for name in frame.columns], unusable)
    drop = [name for name in unusable if name != target]
    if len(drop) == len(frame.columns) - 1:  # a number of the row may be all that there is
        drop = []
    wanted = replace(table, target=target, drop=tuple(drop)).wanted(sheet.comma)
    found = frames.examples(frame, wanted, sheet.where, place=str(file))
    rows, features = len(found.labels), len(found.columns)
    trained = rows - round(VAL * rows) - round(TEST * rows)
    batch = min(trained, 16 if rows < 2_000 else 64 if rows < 50_000 else 256)
    width = 64 if rows < 5_000 else 256
    epochs = max(5, min(200, round(STEPS * batch / trained / 5) * 5))
    kind = f"classification into {len(found.classes)} classes" if found.classes else "regression"
    guess = f"{file}: '{target}' is to be predicted ({why}; {kind}). Change dataset.target if that is wrong."
    text = _TABLE.format(
        rows=rows,
        features=features,
        path=json.dumps(str(file)),
        target=json.dumps(target),
        why=why,
        kind=kind,
        drop=json.dumps(drop),
        left_out="  # no values, dates, or another value in nearly every row" if drop else "",
        width=width,
        epochs=epochs,
        batch=batch,
        val=VAL,
        test=TEST,
        weights=_WEIGHTS if _unequal(found.labels, found.classes) else "",
    )
    return text, guess


def _guessed(names: list[str], unusable: list[str]) -> tuple[str, str]:
    """A column that may be the target, and why: by its name, the last one, or else the first that can be one."""
    named = [name for name in names if name.strip().lower() in LIKELY]
    if named:
        return named[-1], "by its name"
    if names[-1] not in unusable or len(unusable) == len(names):
        return names[-1], "because it is the last column"
    return next(name for name in names if name not in unusable), "because it is the first that can be predicted"


def _unusable(sheet: Sheet) -> Iterable[str]:
    """Columns that no network can use as they are."""
    for name in sheet.frame.columns:
        series = cells.cleaned(sheet.frame[name], comma=sheet.comma)
        different, known = series.nunique(), int(series.notna().sum())
        wordy = series.dtype == object and different > min(frames.MOST_CATEGORIES, max(20, 0.5 * known))
        numbered = series.dtype.kind in "iuf" and known == len(series) == different == np.ptp(series) + 1 > 20
        if different == 0 or wordy or numbered or cells.is_date(series):
            yield str(name)


def _unequal(labels: object, classes: tuple[str, ...]) -> bool:
    return bool(classes) and bool((counts := np.bincount(np.asarray(labels))).max() > 4 * counts.min())


_TABLE = """\
# {rows:,} rows, {features} columns to learn from; {kind}.
# What was read, column by column: dropout config check THIS_FILE --data
dataset:
  name: table
  path: {path}
  target: {target}  # guessed {why}
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
