"""What a finished run says of examples that it has never seen, some thousand at a time.

Nothing but the run folder and the file is needed: what was fitted to the training examples is stored with the run.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dropout_cli.analysis import mc_notices
from dropout_cli.core import npz
from dropout_cli.core.errors import DataError
from dropout_cli.core.text import counted
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
from dropout_cli.training.restore import LoadedWithoutData
from dropout_cli.training.setup import computing

if TYPE_CHECKING:
    from pandas import DataFrame

BLOCK_BYTES = 64 << 20
UNCERTAINTIES = ("predictive_entropy", "mutual_information", "model_sd", "noise_sd")


@dataclass(frozen=True)
class Block:
    """Some rows of the file, and what is predicted for them."""

    names: tuple[str, ...]
    """Of all columns: first those of the file, then the predicted ones."""
    rows: list[list[Any]]
    """The cells: text, numbers, true and false, or None; those of the file as they stand in it."""
    own: int
    """How many columns are those of the file."""
    notices: tuple[str, ...]
    """What the user should know, once."""


def predict(run: Run, file: Path, *, passes: int | None = None, all_noise: bool = False) -> Iterator[Block]:
    """Yield predictions for the rows of `file`, a table or, for runs on arrays and pictures, .npy, .npz or IDX.

    A row has the same prediction, to the rounding of float32, whatever rows stand beside it: what is drawn is drawn
    once for all rows.

    `passes`: average so many noisy passes, and say how sure the network is. `all_noise`: draw the noise of the training
    in them too. Raises UsageError, DataError, RunFailed.
    """
    must_be_plain(file)
    found = restore.load_without_data(run)
    known: tuple[str, ...] = ()
    if passes is not None:
        found, known = _for_passes(found, run, all_noise)
    source = _tables(found, file) if found.fitted.columns and not _is_array(file) else _arrays(found.fitted, file)
    told: set[str] = set()
    with computing(found.experiment), found.learner.averaged():
        for names, cells, x, notices in source:
            prediction, combined = _predicted(found, x, passes, all_noise)
            added = list(_columns(found, prediction, combined, names))
            values = [column for _, column in added]
            rows = [[*own, *(column[at] for column in values)] for at, own in enumerate(cells)]
            fresh = tuple(dict.fromkeys(one for one in (*known, *notices) if one not in told))
            told.update(fresh)
            yield Block((*names, *(name for name, _ in added)), rows, len(names), fresh)


def _is_array(file: Path) -> bool:
    name = file.name.lower()
    return name.removesuffix(".gz").endswith((".npy", ".npz", "ubyte", ".idx"))


def _for_passes(found: LoadedWithoutData, run: Run, all_noise: bool) -> tuple[LoadedWithoutData, tuple[str, ...]]:
    """Return the run, with the noise that its targets have beside the passes, and notices on the passes."""
    part, dataset = _as_data(found.fitted, np.zeros((1, *found.fitted.shape), np.float32))
    with found.learner.averaged() as network:
        said = mc_notices.without_noise(network, dataset, part, found.experiment, all_noise)
    task = found.task
    if isinstance(task, Regression) and task.needs_passes and task.noise_sd is not None and not said:
        beside = restore.beside_passes(run, all_noise)
        task = replace(task, pass_noise=beside)
        said = task.notices() if beside else [mc_notices.COUNTED_TWICE]
    return replace(found, task=task), tuple(said)


def _as_data(fitted: Fitted, x: Array) -> tuple[Part, Dataset]:
    """Return examples without labels as a part, and a dataset that consists of this part."""
    targets = len(fitted.quantities.names) if fitted.quantities else 0
    labels = np.zeros((len(x), targets)) if targets else np.zeros(len(x), np.intp)
    part = Part(x, labels, np.arange(len(x)))
    return part, Dataset("", part, None, part, fitted.classes, fitted.scaling, "", quantities=fitted.quantities)


def _predicted(
    found: LoadedWithoutData, x: Array, passes: int | None, all_noise: bool
) -> tuple[Prediction, Combined | None]:
    batch, task, network = found.experiment.training.evaluation_batch, found.task, found.learner.network
    part, dataset = _as_data(found.fitted, x)
    if passes is None:
        return task.predict(inference.outputs(network, dataset, part, batch=batch)), None
    seed = found.experiment.seed
    drawn = inference.passes(
        network, dataset, part, seed=seed, count=passes, batch=batch, training_noise=all_noise, shared=True
    )
    combined = task.combine(drawn)
    return combined.predictions["monte_carlo"], combined


def _columns(
    found: LoadedWithoutData, prediction: Prediction, combined: Combined | None, taken: Sequence[str]
) -> Iterator[tuple[str, list[Any]]]:
    """Name and values of each predicted column; a name that the file has gets an underscore."""
    classes, task = found.fitted.classes, found.task
    made: list[tuple[str, list[Any]]] = []
    if isinstance(task, Regression):
        names = task.quantities.names
        for t, name in enumerate(names):
            end = "" if len(names) == 1 else f" {name}"
            made.append((f"predicted{end}", prediction["mean"][:, t].tolist()))
            if "sd" in prediction:
                made.append((f"sd{end}", prediction["sd"][:, t].tolist()))
            if combined is not None:
                made += [(f"{key}{end}", values[:, t].tolist()) for key, values in combined.uncertainties.items()]
    else:
        probs = prediction["probabilities"]
        made.append(("predicted", [classes[one] for one in predicted(prediction).tolist()]))
        made += [(f"probability {name}", probs[:, place].tolist()) for place, name in enumerate(classes)]
        if combined is not None:
            made += [(key, values.tolist()) for key, values in combined.uncertainties.items() if key in UNCERTAINTIES]
    for name, values in made:
        while name in taken:
            name += "_"
        yield name, values


Cells = tuple[Sequence[str], list[list[Any]], Array, list[str]]
"""Names and cells as the file has them, x, and notices."""


def _tables(found: LoadedWithoutData, file: Path) -> Iterator[Cells]:
    """The rows of a table, matched by the names of its columns."""
    fitted = found.fitted
    settings = found.experiment.dataset if isinstance(found.experiment.dataset, Table) else Table(path=str(file))
    first = 0
    for frame, comma, where in _frames(fitted, settings, file):
        start = first

        def here(row: int, where: Line = where, start: int = start) -> str:
            return where(row if row < 0 else start + row)

        raw, notices = matched(frame, fitted.columns, settings.missing, comma, here)
        if fitted.encoding is None and np.isnan(raw).any():
            row, column = np.argwhere(np.isnan(raw))[0]
            raise DataError(here(int(row)), f"has no value for '{fitted.columns[column].name}'", "Fill it in")
        x = raw if fitted.encoding is None else fitted.encoding.apply(raw)
        cells = zip(*(written(frame[name]) for name in frame.columns), strict=True)
        yield list(map(str, frame.columns)), [list(row) for row in cells], x, notices
        first += len(frame)


def _frames(fitted: Fitted, settings: Table, file: Path) -> "Iterator[tuple[DataFrame, bool | None, Line]]":
    """The rows some thousand at a time, whether numbers have a decimal comma, and where each row of the file stands."""
    kind = file.suffix.lower()
    if kind in PARQUET:
        for frame in parquet(file):
            yield frame, None, lambda row: f"{file}, row {row + 1}" if row >= 0 else str(file)
        return
    if kind in EXCEL:
        frame, rows = excel(file, settings.header)
        yield frame, None, lambda row: f"{file}, row {rows[row]}" if row >= 0 else str(file)
        return
    wanted = [column.name for column in fitted.columns]
    dialect = settings.dialect(file)
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
    """Whether the table of the training had no header."""
    return all(name.startswith(UNNAMED) for name in names)


def _without_names(wanted: Sequence[str], width: int, file: Path) -> list[str]:
    """Names for the columns of a file that gives none: by place, or in the order of training where the target lacks."""
    if width == len(wanted):
        return list(wanted)
    if _by_place(wanted):
        return [f"{UNNAMED}{place}" for place in range(width)]
    fact = f"has no header and {counted(width, 'column')}, and the network takes {len(wanted)}"
    raise DataError(str(file), fact, "Add a header, or leave only the columns that it was trained on")


def _arrays(fitted: Fitted, file: Path) -> Iterator[Cells]:
    """The examples of an array, some of them at a time."""
    if fitted.encoding is not None:
        raise DataError(str(file), "is an array, and this run was trained on a table", "Give it a table")
    if not _is_array(file):
        raise DataError(str(file), "is no .npy, .npz or IDX file, and this run was trained on arrays", "Save it as one")
    x: Any
    if file.suffix.lower() == ".npz":
        try:
            x = npz.read(file.read_bytes(), str(file)).get("x")
        except OSError as error:
            raise DataError(str(file), f"cannot be read: {error.strerror}", "Name a file") from None
        if x is None:
            raise DataError(str(file), "has no array `x`", "Call the examples x")
    elif file.suffix.lower() == ".npy":
        x = npy.rows([file], BLOCK_BYTES)
    else:
        x = idx.read(file)
    shape = tuple(x.shape[1:])
    if shape == fitted.shape[:2] and len(fitted.shape) == 3 and fitted.shape[2] == 1:
        shape = fitted.shape
    if shape != fitted.shape or x.dtype.kind not in "uifb":
        fact = f"has examples of {' x '.join(map(str, x.shape[1:]))}, and the network takes {fitted.shape}"
        raise DataError(str(file), fact, "Give it examples as in training")
    step = max(1, BLOCK_BYTES // max(1, 4 * int(np.prod(shape))))
    for start in range(0, len(x), step):
        some = np.asarray(x[start : start + step]).reshape(-1, *shape)
        with np.errstate(over="ignore"):
            some = some if some.dtype == np.uint8 else some.astype(np.float32)
        broken = np.argwhere(~np.isfinite(some)) if some.dtype.kind == "f" else np.empty((0, 1))
        if len(broken):
            place = f"{file}, row {start + int(broken[0, 0])}"
            raise DataError(place, "has a value that is no finite number of single precision", "Correct it")
        yield ["row"], [[row] for row in range(start, start + len(some))], some, []
