"""Starter config for a user's own data file: guessed target, suitable sizes, comments."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dropout_cli.core.errors import DataError, UsageError
from dropout_cli.core.registry import did_you_mean
from dropout_cli.core.text import counted
from dropout_cli.data.readers import cells, number_formats
from dropout_cli.data.readers.table_columns import TaskName
from dropout_cli.data.readers.table_examples import examples_from_frame
from dropout_cli.data.readers.table_features import MAX_CATEGORIES
from dropout_cli.data.readers.table_targets import MAX_CLASSES, MAX_NUMERIC_CLASSES, too_many_for_classes
from dropout_cli.data.sources.table import TableCells, TableSource

if TYPE_CHECKING:
    from pandas import Series

LIKELY_TARGETS = (
    "target",
    "label",
    "labels",
    "class",
    "y",
    "outcome",
    "species",
    "diagnosis",
    "survived",
    "quality",
    "price",
)
"""Column names that are usually the target."""
STARTER_STEPS = 6_000
"""Approximate number of training steps for a first run."""
CHOSEN_BY_USER = "because you chose it with --target"
"""Reason in the config for a target that the user chose."""
MIN_CELLS = 10
"""Fewer values prove nothing about a column."""
MAX_MISSING_WORDS = 5
"""A column with more different words between its numbers is not one of numbers."""
# `1,317 km`, `Rs. 1000.50`; not the codes `C17` and `12A`.
_NUMBER_WITH_TEXT = r"(\D{0,5}[^\w\d])?\d[\d.,' ]*(\s*[^\dA-Z]\D{0,5})?"
VAL_FRACTION, TEST_FRACTION = 0.15, 0.2
"""Fractions of the rows for validation and test, unless classes need more."""


def starter_config(file: Path, target: str | None = None) -> tuple[str, str]:
    """Return the text of a config for a file, and a message about the target.

    Args:
        file: a table, or an .npz file.
        target: the column to predict; None guesses it.

    Raises:
        DataError: if the file cannot be read or its columns cannot be used.
        UsageError: if the target is no column.
    """
    if file.suffix.lower() in (".npz", ".npy"):
        return _arrays_config(file, target)
    table = TableSource(path=str(file.absolute()))
    sheet = table.read_cells(file)
    frame = sheet.frame
    names = [str(name) for name in frame.columns]
    missing, columns = _parse_columns(sheet)
    unusable = {name: why for name, series in columns.items() if (why := _unusable_reason(series))}
    if target is None:
        target, why = _guess_target(
            names, [name for name, series in columns.items() if _is_predictable(series)], [*unusable]
        )
    elif target in names:
        why = CHOSEN_BY_USER
    else:
        fact, way_out = f"{file} has no column '{target}'", f"It has {cells.quote_names(names)}"
        raise UsageError("--target", fact, f"{did_you_mean(target, names)} {way_out}".strip())
    doubtful = [name for name in unusable if name != target]
    # Keep something to learn from, even if it looks like a row number.
    drop = [] if len(doubtful) == len(frame.columns) - 1 else doubtful
    task = _infer_task(columns[target])
    source = replace(table, target=target, task=task, drop=tuple(drop), missing=tuple(missing))
    wanted = source.options(sheet.decimal_comma)
    examples = examples_from_frame(frame, wanted, sheet.where, place=str(file))
    rows, features = len(examples.labels), len(examples.columns)
    val, test = (_part_fraction(usual, rows, len(examples.classes)) for usual in (VAL_FRACTION, TEST_FRACTION))
    trained = rows - round(val * rows) - round(test * rows)
    batch = min(trained, 16 if rows < 2_000 else 64 if rows < 50_000 else 256)
    width = 64 if rows < 5_000 else 256
    epochs = max(
        5, min(200, round(STARTER_STEPS * batch / trained / 5) * 5)
    )  # about STARTER_STEPS steps, to a multiple of 5
    kind = f"classification, {len(examples.classes)} classes" if examples.classes else "regression"
    messages = [f"{file}: predicts '{target}', {why} ({kind})."]
    if doubtful:
        reasons = ", ".join(f"'{name}' ({unusable[name]})" for name in doubtful)
        messages.append(f"{'Columns left out' if drop else 'Kept, as there is no other column'}: {reasons}.")
    messages += [f"'{word}' counts as a missing value ({places})." for word, places in missing.items()]
    keys = ["target", *["drop"][: len(drop)], *["missing"][: len(missing)]]
    changed = " and ".join([", ".join(f"dataset.{key}" for key in some) for some in (keys[:-1], keys[-1:]) if some])
    guess = " ".join([*messages, *sheet.notices, f"Change {changed} if that is wrong."])
    text = _TABLE.format(
        rows=rows,
        features=features,
        path=json.dumps(str(file)),
        target=json.dumps(target, ensure_ascii=False),
        why=f"guessed, {why}" if why != CHOSEN_BY_USER else why,
        task=task,
        kind=kind,
        drop=json.dumps(drop, ensure_ascii=False),
        left_out="  # empty columns, dates, row numbers, and columns with a different value in nearly every row"
        if drop
        else "",
        missing=_MISSING.format(words=json.dumps([*missing], ensure_ascii=False)) if missing else "",
        width=width,
        epochs=epochs,
        batch=batch,
        val=val,
        test=test,
        weights=_WEIGHTS if _is_unbalanced(examples.labels, examples.classes) else "",
    )
    return text, guess


def _parse_columns(sheet: TableCells) -> tuple[dict[str, str], dict[str, "Series"]]:
    """Return words that stand for a missing value, with their columns, and all columns without them.

    A few words without digits between many different numbers are answers such as `unknown`, `..` or `refused`.
    """
    missing: dict[str, str] = {}
    columns: dict[str, Series] = {}
    for name in sheet.frame.columns:
        series = cells.parse_column(sheet.frame[name], comma=sheet.decimal_comma)
        words = _missing_words(series, sheet.decimal_comma)
        if words:
            series = cells.parse_column(sheet.frame[name], tuple(words), sheet.decimal_comma)
            for word, count in words.items():
                place = f"{counted(count, 'row')} of '{name}'"
                missing[word] = f"{missing[word]}, {place}" if word in missing else place
        columns[str(name)] = series
    return missing, columns


def _missing_words(series: "Series", comma: bool | None) -> dict[str, int]:
    """Return the words between different numbers that can only mean a missing value, with their counts."""
    present = series.dropna().astype(str)
    if series.dtype != object or len(present) < MIN_CELLS:
        return {}
    words = number_formats.words_among_numbers(present, comma)
    numbers = present[~present.isin(list(words))]
    if len(words) > MAX_MISSING_WORDS or numbers.nunique() <= MAX_NUMERIC_CLASSES:
        return {}
    return {} if any(char.isdigit() for word in words for char in word) else words


def _arrays_config(file: Path, target: str | None) -> tuple[str, str]:
    """Return the config and message for a file of arrays."""
    if target is not None:
        raise UsageError("--target", f"{file} has no named columns", "Leave out --target.")
    # A .npy file holds one array, so labels must be in another one.
    if file.suffix.lower() == ".npy":
        fact = "contains only examples, or only labels"
        raise DataError(str(file), fact, "Give both files: dataset: {name: arrays, path: EXAMPLES, labels: LABELS}")
    return _ARRAYS.format(path=json.dumps(str(file))), f"{file}: uses its arrays x and y."


def _guess_target(names: list[str], predictable: list[str], unusable: list[str]) -> tuple[str, str]:
    """Return a column that may be the target, and the reason.

    A predictable column with a usual name comes first, then the last column that can be predicted.
    """
    named = [name for name in names if name.strip().lower() in LIKELY_TARGETS and name in predictable]
    if named:
        return named[-1], "because of its name"
    usable = [name for name in predictable if name not in unusable]
    if not usable or usable[-1] == names[-1]:
        return names[-1], "because it is the last column"
    return usable[-1], "because it is the last column with usable values"


def _is_predictable(series: "Series") -> bool:
    """Return True if a cleaned column has classes or numbers to predict."""
    distinct = series.nunique()
    if distinct < 2 or cells.is_date(series):
        return False
    return series.dtype != object or distinct <= min(MAX_CLASSES, 0.5 * series.notna().sum())


def _infer_task(series: "Series") -> TaskName:
    """Return the task of a target column.

    Whole numbers are a regression if nearly every row has another one.
    """
    numbers = series.dtype.kind in "iuf"
    return "regression" if numbers and too_many_for_classes(series.nunique(), len(series)) else "auto"


def _unusable_reason(series: "Series") -> str:
    """Return why no network can learn from a cleaned column; empty if one can."""
    distinct, present = series.nunique(), int(series.notna().sum())
    if distinct == 0:
        return "empty"
    if cells.is_date(series):
        return "dates"
    # Words may number half of the rows; in fewer than 40 rows up to 20, but at most 80 % of the rows.
    most_words = max(0.5 * present, min(20, 0.8 * present))
    if series.dtype == object and distinct > min(MAX_CATEGORIES, most_words):
        words = series.dropna().astype(str)
        between = number_formats.words_among_numbers(words, None)
        if between:
            # A few may be typing errors, which the reader of the table names with their line.
            few = sum(between.values()) <= 0.1 * present
            return "" if few else f"words between numbers, such as '{next(iter(between))[:20]}'"
        numbers = words[words.str.fullmatch(_NUMBER_WITH_TEXT)]
        if len(numbers) > 0.5 * present:
            return f"numbers with other text, such as '{numbers.iloc[0][:20]}'"
        return f"{distinct:,} different words" if 2 * distinct < present else "a different value in nearly every row"
    if series.dtype.kind in "iuf" and present == len(series) == distinct == np.ptp(series) + 1 > 20:
        return "row numbers"
    return ""


def _part_fraction(usual: float, rows: int, classes: int) -> float:
    """Return the usual fraction, raised in small data to one example per class if possible."""
    least = max(1, classes)
    # Below 3 * least rows, the three parts cannot all have an example of each class.
    return usual if 3 * least > rows else max(usual, math.ceil(100 * least / rows) / 100)


def _is_unbalanced(labels: object, classes: tuple[str, ...]) -> bool:
    return bool(classes) and bool((counts := np.bincount(np.asarray(labels))).max() > 4 * counts.min())


_TABLE = """\
# {rows:,} rows, {features} columns to learn from; {kind}.
# To see what was read, column by column: dropout config check THIS_FILE --data
dataset:
  name: table
  path: {path}
  target: {target}  # {why}
  task: {task}  # classification or regression; auto: decided from the values of the target
  drop: {drop}{left_out}
{missing}  val_fraction: {val}
  test_fraction: {test}
  split_seed: 0  # another number gives another split
architecture: {{name: mlp, hidden: [{width}, {width}]}}
dropout: {{variant: inverted, rate: 0.3}}  # `dropout variants` lists the others
{weights}training:
  epochs: {epochs}
  batch_size: {batch}
  optimizer: {{name: adam, learning_rate: 1e-3}}
  schedule: cosine
seed: 0
"""
_MISSING = """\
  missing: {words}  # words between numbers, which count as missing values
"""
_WEIGHTS = """\
objective: {name: cross_entropy, class_weights: balanced}  # gives rare classes the same weight
"""
_ARRAYS = """\
# To see what was read: dropout config check THIS_FILE --data
dataset: {{name: arrays, path: {path}, val_fraction: 0.15}}  # x_test and y_test are the test part, if the file has them
architecture: {{name: mlp, hidden: [128, 128]}}
dropout: {{variant: inverted, rate: 0.3}}  # `dropout variants` lists the others
training: {{epochs: 60, batch_size: 64, optimizer: {{name: adam, learning_rate: 1e-3}}, schedule: cosine}}
seed: 0
"""
