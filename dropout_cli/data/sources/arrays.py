"""Your own arrays: NumPy's `.npz` and `.npy`, and IDX; `.npy` files may be larger than the memory."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import numpy as np

from dropout_cli.core import npz
from dropout_cli.core.environment import available_bytes
from dropout_cli.core.errors import DataError, InvalidField
from dropout_cli.core.fields import CountOrZero, Fraction, PathField, Positive
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.base import DATASETS, TEST, TRAIN, VAL, Column, Examples, Facts, Source
from dropout_cli.data.cache import must_be_plain
from dropout_cli.data.readers import frames, idx, npy
from dropout_cli.data.readers.frames import Task

if TYPE_CHECKING:
    from pandas import DataFrame

PART_NAMES = {"": TRAIN, "_val": VAL, "_test": TEST}
PathOrNone = Annotated[str, PathField()] | None


@DATASETS.register("arrays")
@dataclass(frozen=True, kw_only=True)
class Arrays(Source):
    """Your own arrays: an .npz file with x and y, or a pair of .npy or IDX files."""

    facts = Facts(None, None, None, "files of yours")
    default_test_fraction = 0.2

    path: Annotated[str, PathField()]
    """An .npz file with `x` and `y` (and perhaps x_val, y_val, x_test, y_test), or the .npy or IDX file of the
    examples: (N, features), (N, height, width) or (N, height, width, channels)."""
    labels: PathOrNone = None
    """The .npy or IDX file of the labels: (N,) classes or quantities, or (N, targets) quantities."""
    val_path: PathOrNone = None
    """Examples to validate on, where they are in a file of their own."""
    val_labels: PathOrNone = None
    """Their labels."""
    test_path: PathOrNone = None
    """Examples to test on, where they are in a file of their own."""
    test_labels: PathOrNone = None
    """Their labels."""
    task: Task = "auto"
    """What the labels are; auto: words and up to 20 different whole numbers are classes, other numbers quantities."""
    test_rows: tuple[CountOrZero, ...] | None = None
    """The numbers of the examples to test on, from 0."""
    memory: Positive = 1.0
    """Gigabytes; .npy files that are larger stay where they are, and are read block by block."""
    test_fraction: Fraction | None = None
    """Part of all examples to test on; null: what the files or test_rows give, else 0.2."""
    scaling: Literal["none", "unit", "standardize"] = "standardize"
    """Fitted on the training part, per feature or per channel: to [0, 1], to mean 0 and variance 1, or none."""

    def __post_init__(self) -> None:
        """Raise InvalidField for keys that contradict each other."""
        super().__post_init__()
        packed = self.path.lower().endswith(".npz")
        for part in ("", "val_", "test_"):
            examples, labels = getattr(self, f"{part}path"), getattr(self, f"{part}labels")
            if packed and part and (examples or labels):
                fact = f"an .npz file holds all parts, as x_{part}and y_{part}".rstrip("_")
                raise InvalidField(f"{part}path", fact)
            if not packed and (examples is None) != (labels is None):
                fact = "examples and labels come in two files"
                raise InvalidField(f"{part}labels", fact, f"Give {part}path and {part}labels")
        if self.test_rows is not None and (self.test_path is not None or self.test_fraction is not None):
            way_out = "Set one of test_rows, test_path, test_fraction"
            raise InvalidField("test_rows", "the test part is given twice", way_out)

    def read(self) -> Examples:
        """The arrays as they are; pixels stay bytes."""
        found = self._packed() if self.path.lower().endswith(".npz") else self._in_files()
        if self.test_rows is None:
            return found
        rows = np.array(self.test_rows, np.int64)
        if not len(rows) or rows.max() >= len(found.labels):
            fact = f"must name examples from 0 to {len(found.labels) - 1}"
            raise DataError("dataset.test_rows", fact, "The first one is 0")
        assigned = np.full(len(found.labels), TRAIN, np.int8) if found.assigned is None else found.assigned.copy()
        assigned[rows] = TEST
        return replace(found, assigned=assigned)

    def _packed(self) -> Examples:
        path = Path(self.path)
        must_be_plain(path)
        try:
            size, free = path.stat().st_size, available_bytes() or 1 << 34
            if 3 * size > free:
                fact = f"has {size / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free"
                raise DataError(self.path, fact, "Save x and y as .npy files: they need not fit into the memory")
            arrays = npz.read(path.read_bytes(), self.path, most=free // 3)
        except OSError as error:
            raise DataError(self.path, f"cannot be read: {error.strerror}", "Name a file") from None
        known = {f"{name}{part}" for part in PART_NAMES for name in "xy"}
        lacking = [name for name in ("x", "y") if name not in arrays]
        lacking += [f"y{name[1:]}" for name in arrays if name in known and f"y{name[1:]}" not in arrays]
        lacking += [f"x{name[1:]}" for name in arrays if name in known and f"x{name[1:]}" not in arrays]
        if lacking:
            there = ", ".join(map(repr, list(arrays)[:10])) or "nothing"
            fact = f"lacks {', '.join(dict.fromkeys(lacking))}; it has {there}"
            raise DataError(self.path, fact, "Call examples x and labels y (x_val, y_val, x_test, y_test)")
        parts = [part for part in PART_NAMES if f"x{part}" in arrays]
        pictures = [_examples(arrays[f"x{part}"], f"{self.path}, x{part}") for part in parts]
        return self._together(parts, pictures, [arrays[f"y{part}"] for part in parts], [self.path] * len(parts))

    def _in_files(self) -> Examples:
        named = {
            "": (self.path, self.labels),
            "_val": (self.val_path, self.val_labels),
            "_test": (self.test_path, self.test_labels),
        }
        parts = [part for part, (path, _) in named.items() if path is not None]
        paths, labels = ([Path(str(named[part][which])) for part in parts] for which in (0, 1))
        for path in (*paths, *labels):
            must_be_plain(path)
        y = [_read(path) for path in labels]
        places = [str(path) for path in labels]
        plain = [path for path in paths if path.suffix.lower() == ".npy"]
        try:
            size = sum(path.stat().st_size for path in plain)
        except OSError as error:
            raise DataError(str(error.filename), f"cannot be read: {error.strerror}", "Name a file") from None
        if size > self.memory * 1e9 and len(plain) == len(paths):
            x = npy.rows(paths, int(self.memory * 1e9))
            sums = [npy.digest(path) for path in paths]
            found = self._together(parts, [cast("Array", x)], y, places)
            return replace(found, digest=hashlib.sha256("".join(sums).encode()).hexdigest())
        return self._together(parts, [_examples(_read(path), str(path)) for path in paths], y, places)

    def _together(self, parts: list[str], x: list[Array], y: list[Array], places: list[str]) -> Examples:
        """One set of examples of all parts."""
        whole = x[0] if len(x) == 1 else _joined(x, self.path)
        frame = _frame(y, places)
        if len(frame) != len(whole):
            raise DataError(
                places[0],
                f"has {counted(len(frame), 'label')} for {counted(len(whole), 'example')}",
                "Give one for each",
            )
        if len(frame) < 2:
            raise DataError(self.path, f"has {counted(len(frame), 'example')}", "Training needs more")

        def where(row: int) -> str:
            return f"{places[0]}, row {row}" if row >= 0 else places[0]

        labels, classes, quantities = frames.predicted(frame, self.task, where, places[0])
        assigned = np.repeat([PART_NAMES[part] for part in parts], [len(one) for one in y]).astype(np.int8)
        columns = tuple(Column(f"x{place}") for place in range(whole.shape[1])) if whole.ndim == 2 else ()
        return Examples(
            x=whole,
            labels=labels,
            classes=classes,
            quantities=quantities,
            columns=columns,
            assigned=assigned if len(parts) > 1 else None,
        )


def _read(path: Path) -> Array:
    """A file of one array, by its ending. Raises DataError."""
    name = path.name.lower()
    if name.endswith(".npy"):
        return npy.read(path)
    if "idx" in name or name.endswith((".gz", "ubyte")):
        return idx.read(path)
    raise DataError(str(path), "is no .npz, .npy or IDX file", "For CSV and the like there is `dataset: {name: table}`")


def _examples(x: Array, place: str) -> Array:
    """Bytes as they are, other numbers as float32, pictures with a channel. Raises DataError."""
    if x.dtype.kind not in "uifb":
        raise DataError(place, f"holds {x.dtype}, and examples are numbers", "Convert it")
    if x.ndim not in (2, 3, 4) or x.size == 0:
        fact = f"has the shape {' x '.join(map(str, x.shape)) or 'of a single number'}"
        raise DataError(place, fact, "Examples are (N, features), (N, height, width) or (N, height, width, channels)")
    x = x[..., np.newaxis] if x.ndim == 3 else x
    if x.dtype == np.uint8:
        return np.ascontiguousarray(x)
    with np.errstate(over="ignore"):
        made = np.ascontiguousarray(x, np.float32)
    if not np.isfinite(made).all():
        row = int(np.argwhere(~np.isfinite(made))[0, 0])
        raise DataError(f"{place}, row {row}", "has a value that is no finite number of single precision", "Correct it")
    return made


def _joined(x: list[Array], place: str) -> Array:
    for one in x[1:]:
        if one.shape[1:] != x[0].shape[1:]:
            raise DataError(place, "has examples of different shapes in its parts", "Give all the same")
    return np.concatenate(x)


def _frame(y: list[Array], places: list[str]) -> "DataFrame":
    """The labels of all parts as a table, a column per target. Raises DataError."""
    import pandas as pd

    flat = [one[:, 0] if one.ndim == 2 and one.shape[1] == 1 else one for one in y]
    for one, place in zip(flat, places, strict=True):
        if one.ndim not in (1, 2) or one.shape[1:] != flat[0].shape[1:]:
            fact = f"has labels of the shape {' x '.join(map(str, one.shape)) or 'of a single number'}"
            raise DataError(place, fact, "Labels are (N,) or, for a regression, (N, targets)")
        if one.ndim == 2 and set(np.unique(one[:1000]).tolist()) <= {0, 1}:
            raise DataError(place, "has a column of 0 and 1 for each class", "Save y.argmax(axis=1)")
        if one.dtype.kind not in "uifbUS":
            raise DataError(place, f"has labels of the type {one.dtype}", "Use numbers or words")
    whole = np.concatenate(flat)
    if whole.dtype.kind == "S":
        whole = np.char.decode(whole, "utf-8", "replace")
    names = ["y"] if whole.ndim == 1 else [f"y{place}" for place in range(whole.shape[1])]
    values = whole.reshape(len(whole), -1)
    return pd.DataFrame({name: pd.Series(list(values[:, place])) for place, name in enumerate(names)})
