"""Predict new data with a finished run, in chunks of some thousand rows.

Only the run folder and the file are needed: the preprocessing that was fitted to the training examples is stored with
the run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli.analysis import mc_notices
from dropout_cli.core import npz
from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array
from dropout_cli.data.cache import must_be_plain
from dropout_cli.data.dataset import Dataset, Part
from dropout_cli.data.preprocessing import Fitted
from dropout_cli.data.readers import idx, npy
from dropout_cli.data.readers.cells import Line, written
from dropout_cli.data.readers.column_matching import matched
from dropout_cli.data.readers.csv import check, text_chunks
from dropout_cli.data.readers.dialect import UNNAMED
from dropout_cli.data.readers.dialect import names as names_of
from dropout_cli.data.readers.excel_parquet import EXCEL, PARQUET, excel, parquet
from dropout_cli.data.sources.table import Table
from dropout_cli.metrics import predicted
from dropout_cli.runs import Run
from dropout_cli.tasks import Combined, Prediction, Regression
from dropout_cli.training import inference, restore
from dropout_cli.training.restore import Recalled
from dropout_cli.training.setup import computing

if TYPE_CHECKING:
    from pandas import DataFrame

BLOCK_BYTES = 64 << 20
"""Memory for the examples of one block of an array, as float32."""
UNCERTAINTIES = ("predictive_entropy", "mutual_information", "model_sd", "noise_sd")
"""Uncertainties of Monte-Carlo passes that become columns."""


@dataclass(frozen=True)
class Block:
    """Some rows of the file, with their predictions."""

    names: tuple[str, ...]
    """Names of the columns: first those of the file, then the predicted ones."""
    rows: list[list[Any]]
    """Cells: text, number, bool or None. Cells of the file are unchanged."""
    own: int
    """Number of columns that come from the file."""
    notices: tuple[str, ...]
    """Notices for the user; each one comes with the first block that it is true of."""


def predict(run: Run, file: Path, *, passes: int | None = None, all_noise: bool = False) -> Iterator[Block]:
    """Yield predictions for the rows of a file.

    The prediction of a row does not depend on the other rows, except for the rounding of float32: each pass draws one
    noise for all rows.

    Args:
        run: A run with a checkpoint.
        file: A table; for runs on arrays and pictures a .npy, .npz or IDX file.
        passes: Number of passes with noise to average; None: one pass without noise.
        all_noise: True to draw the noise of the training (`input_noise`, `hidden_noise`) beside that of dropout.

    Raises:
        UsageError: The run has no checkpoint.
        DataError: The file cannot be read, or does not fit the run.
        RunFailed: The checkpoint is damaged.
    """
    # A pipe without a writer would block for ever.
    must_be_plain(file)
    model = restore.recall(run)
    pass_notices: tuple[str, ...] = ()
    if passes is not None:
        model, pass_notices = _for_passes(model, run, all_noise)
    source = _tables(model, file) if model.fitted.columns and not _is_array(file) else _arrays(model.fitted, file)
    reported: set[str] = set()
    with computing(model.experiment), model.learner.averaged():
        for names, cells, x, notices in source:
            prediction, combined = _predicted(model, x, passes, all_noise)
            added = list(_columns(model, prediction, combined, names))
            values = [column for _, column in added]
            rows = [[*own, *(column[i] for column in values)] for i, own in enumerate(cells)]
            # Every chunk may have the same notices; the user sees each of them once.
            fresh = tuple(dict.fromkeys(notice for notice in (*pass_notices, *notices) if notice not in reported))
            reported.update(fresh)
            yield Block((*names, *(name for name, _ in added)), rows, len(names), fresh)


def _is_array(file: Path) -> bool:
    """Return True if the name of the file is that of an array file."""
    name = file.name.lower()
    # IDX files are published gzipped.
    return name.removesuffix(".gz").endswith((".npy", ".npz", "ubyte", ".idx"))


def _for_passes(model: Recalled, run: Run, all_noise: bool) -> tuple[Recalled, tuple[str, ...]]:
    """Prepare a run for Monte-Carlo passes.

    Args:
        model: The model as it was stored.
        run: The run that it comes from.
        all_noise: True if the passes draw the noise of the training, too.

    Returns:
        The model, for regression with the noise of the targets that was estimated for such passes, and notices.
    """
    # One example of zeros is enough to see whether a pass draws anything.
    part, dataset = _as_data(model.fitted, np.zeros((1, *model.fitted.shape), np.float32))
    with model.learner.averaged() as network:
        notices = mc_notices.without_noise(network, dataset, part, model.experiment, all_noise)
    task = model.task
    if isinstance(task, Regression) and task.needs_passes and task.noise_sd is not None and not notices:
        target_noise = restore.beside_passes(run, all_noise)
        task = replace(task, pass_noise=target_noise)
        notices = task.notices() if target_noise else [mc_notices.COUNTED_TWICE]
    return replace(model, task=task), tuple(notices)


def _as_data(fitted: Fitted, x: Array) -> tuple[Part, Dataset]:
    """Return examples without labels as a part, and a dataset that consists of this part."""
    targets = len(fitted.quantities.names) if fitted.quantities else 0
    # The labels are never read, but a part has as many labels as examples.
    labels = np.zeros((len(x), targets)) if targets else np.zeros(len(x), np.intp)
    part = Part(x, labels, np.arange(len(x)))
    return part, Dataset("", part, None, part, fitted.classes, fitted.scaling, "", quantities=fitted.quantities)


def _predicted(model: Recalled, x: Array, passes: int | None, all_noise: bool) -> tuple[Prediction, Combined | None]:
    """Return the prediction for x and, with passes, all Monte-Carlo results."""
    batch, task, network = model.experiment.training.evaluation_batch, model.task, model.learner.network
    part, dataset = _as_data(model.fitted, x)
    if passes is None:
        return task.predict(inference.outputs(network, dataset, part, batch=batch)), None
    seed = model.experiment.seed
    # shared: one noise for all rows, so that a prediction depends neither on other rows nor on the size of blocks.
    drawn = inference.passes(
        network, dataset, part, seed=seed, count=passes, batch=batch, training_noise=all_noise, shared=True
    )
    combined = task.combine(drawn)
    return combined.predictions["monte_carlo"], combined


def _columns(
    model: Recalled, prediction: Prediction, combined: Combined | None, taken: Sequence[str]
) -> Iterator[tuple[str, list[Any]]]:
    """Yield name and values of each predicted column.

    Args:
        model: The model.
        prediction: Arrays of the task, one row per example.
        combined: Monte-Carlo results with uncertainties; None without passes.
        taken: Names of the columns of the file; a predicted column with such a name gets an underscore.
    """
    classes, task = model.fitted.classes, model.task
    columns: list[tuple[str, list[Any]]] = []
    if isinstance(task, Regression):
        names = task.quantities.names
        for t, name in enumerate(names):
            end = "" if len(names) == 1 else f" {name}"
            columns.append((f"predicted{end}", prediction["mean"][:, t].tolist()))
            if "sd" in prediction:
                columns.append((f"sd{end}", prediction["sd"][:, t].tolist()))
            if combined is not None:
                columns += [(f"{key}{end}", values[:, t].tolist()) for key, values in combined.uncertainties.items()]
    else:
        probs = prediction["probabilities"]
        columns.append(("predicted", [classes[label] for label in predicted(prediction).tolist()]))
        columns += [(f"probability {name}", probs[:, place].tolist()) for place, name in enumerate(classes)]
        if combined is not None:
            columns += [
                (key, values.tolist()) for key, values in combined.uncertainties.items() if key in UNCERTAINTIES
            ]
    for name, values in columns:
        # Two columns of one name could not be told apart in CSV, and would replace each other in JSON.
        while name in taken:
            name += "_"
        yield name, values


Cells = tuple[Sequence[str], list[list[Any]], Array, list[str]]
"""Names and cells of the file, x of shape (N, ...), and notices."""


def _tables(model: Recalled, file: Path) -> Iterator[Cells]:
    """Yield the rows of a table in chunks, with columns matched by name."""
    fitted = model.fitted
    settings = model.experiment.dataset if isinstance(model.experiment.dataset, Table) else Table(path=str(file))
    first = 0
    for frame, comma, where in _frames(fitted, settings, file):
        start = first

        # Default arguments keep the values of this chunk; the function is called after the loop variables change.
        def here(row: int, where: Line = where, start: int = start) -> str:
            return where(row if row < 0 else start + row)

        raw, notices = matched(frame, fitted.columns, settings.missing, comma, here)
        # Without an encoding, the training had no missing values, so there is no value to fill in.
        if fitted.encoding is None and np.isnan(raw).any():
            row, column = np.argwhere(np.isnan(raw))[0]
            raise DataError(here(int(row)), f"has no value for '{fitted.columns[column].name}'", "Fill in the cell")
        x = raw if fitted.encoding is None else fitted.encoding.apply(raw)
        cells = zip(*(written(frame[name]) for name in frame.columns), strict=True)
        yield list(map(str, frame.columns)), [list(row) for row in cells], x, notices
        first += len(frame)


def _frames(fitted: Fitted, settings: Table, file: Path) -> "Iterator[tuple[DataFrame, bool | None, Line]]":
    """Yield chunks of a table.

    Each chunk is a frame, whether its numbers have a decimal comma (None: its cells are typed), and a function from a
    row's index to its place in the file, for messages.
    """
    kind = file.suffix.lower()
    if kind in PARQUET:
        # Parquet and Excel store typed numbers, so a decimal comma cannot occur.
        for frame in parquet(file):
            yield frame, None, lambda row: f"{file}, row {row + 1}" if row >= 0 else str(file)
        return
    if kind in EXCEL:
        frame, rows = excel(file, settings.header)
        yield frame, None, lambda row: f"{file}, row {rows[row]}" if row >= 0 else str(file)
        return
    wanted = [column.name for column in fitted.columns]
    dialect = settings.dialect(file)
    # A header is recognized by a column of the training, even if the file looks like one without a header.
    named = any(name in dialect.first for name in wanted)
    if settings.header == "auto":
        dialect = replace(dialect, header=named or (dialect.header and _by_place(wanted)))
    checked = check(file, dialect)
    names = names_of(dialect, checked.width)
    if not dialect.header or not named:
        names = _without_names(wanted, checked.width, file)
    for frame in text_chunks(file, dialect, names, checked):
        yield frame, dialect.comma, lambda row: f"{file}, line {checked.lines[row]}" if row >= 0 else str(file)


def _by_place(names: Sequence[str]) -> bool:
    """Return True if the table of the training had no header."""
    return all(name.startswith(UNNAMED) for name in names)


def _without_names(wanted: Sequence[str], width: int, file: Path) -> list[str]:
    """Return names for the columns of a file without a header.

    Args:
        wanted: The columns of the training, in order, without the target.
        width: Number of columns of the file.
        file: For messages.

    Raises:
        DataError: The columns of the file cannot be matched.
    """
    # Without names, only files with the columns of the training in their order can be matched.
    if width == len(wanted):
        return list(wanted)
    if _by_place(wanted):
        return [f"{UNNAMED}{place}" for place in range(width)]
    fact = f"has no header and {width} columns, but the network takes {len(wanted)} columns"
    raise DataError(str(file), fact, "Add a header, or keep only the columns of the training")


def _arrays(fitted: Fitted, file: Path) -> Iterator[Cells]:
    """Yield the examples of an array file in blocks. Raise DataError if they do not fit the run."""
    if fitted.encoding is not None:
        raise DataError(str(file), "is an array, but this run was trained on a table", "Use a table")
    if not _is_array(file):
        raise DataError(
            str(file), "is not a .npy, .npz or IDX file, but this run was trained on arrays", "Save the data as one"
        )
    x: Any
    if file.suffix.lower() == ".npz":
        try:
            x = npz.read(file.read_bytes(), str(file)).get("x")
        except OSError as error:
            raise DataError(str(file), f"cannot be read: {error.strerror}", "Name a file") from None
        if x is None:
            raise DataError(str(file), "has no array `x`", "Save the examples under the name x")
    elif file.suffix.lower() == ".npy":
        x = npy.rows([file], BLOCK_BYTES)
    else:
        x = idx.read(file)
    shape = tuple(x.shape[1:])
    # Gray pictures may come without their channel axis.
    if shape == fitted.shape[:2] and len(fitted.shape) == 3 and fitted.shape[2] == 1:
        shape = fitted.shape
    if shape != fitted.shape or x.dtype.kind not in "uifb":
        needed, given = (" x ".join(map(str, sizes)) for sizes in (fitted.shape, x.shape[1:]))
        fact = f"has examples of shape {given or '()'} and type {x.dtype}, but the network takes shape {needed}"
        raise DataError(str(file), fact, "Use numbers in the shape of the training examples")
    # 4: bytes of a float32. The file may have pixels of one byte.
    step = max(1, BLOCK_BYTES // max(1, 4 * int(np.prod(shape))))
    for start in range(0, len(x), step):
        block = np.asarray(x[start : start + step]).reshape(-1, *shape)
        with np.errstate(over="ignore"):  # overflow gives inf, which is reported below
            block = block if block.dtype == np.uint8 else block.astype(np.float32)
        broken = np.argwhere(~np.isfinite(block)) if block.dtype.kind == "f" else np.empty((0, 1))
        if len(broken):
            place = f"{file}, row {start + int(broken[0, 0])}"
            raise DataError(place, "has a value that is no finite number of single precision", "Correct this value")
        yield ["row"], [[row] for row in range(start, start + len(block))], block, []
