"""Dataset `arrays`: your own `.npz`, `.npy` or IDX files.

`.npy` files may exceed the memory.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, cast

import numpy as np

from dropout_cli.core import npz
from dropout_cli.core.environment import available_bytes
from dropout_cli.core.errors import DataError, InvalidField
from dropout_cli.core.field_types import CountOrZero, Fraction, PathField, Positive
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array, Shape
from dropout_cli.data.base import DATASETS, TEST, TRAIN, VAL, Column, DatasetInfo, Examples, Source
from dropout_cli.data.cache import require_regular_file
from dropout_cli.data.precision import narrow
from dropout_cli.data.readers import idx, npy
from dropout_cli.data.readers.array_labels import label_table
from dropout_cli.data.readers.array_names import find_part_names, names_notice
from dropout_cli.data.readers.array_weights import weights_from_array
from dropout_cli.data.readers.cells import FLOAT32_MAX, quote_names
from dropout_cli.data.readers.table_columns import TaskName
from dropout_cli.data.readers.table_targets import targets_from_frame

MAX_USUAL_CHANNELS = 4
"""Images have 1 to 4 channels; more rows and columns."""
OptionalPath = Annotated[str, PathField()] | None
ARRAY_ENDINGS = (".npy", ".gz", "ubyte", ".idx")
"""Endings of the files that hold one array."""


@DATASETS.register("arrays")
@dataclass(frozen=True, kw_only=True)
class Arrays(Source):
    """Your own arrays: an .npz file with x and y, or a pair of .npy or IDX files."""

    info = DatasetInfo(None, None, None, "your own files")
    default_test_fraction = 0.2

    path: Annotated[str, PathField()]
    """An .npz file with `x` and `y` (optionally x_val, y_val, x_test, y_test; other usual names such as x_train are
    found), or the .npy or IDX file of the examples: (N, features), (N, height, width) or (N, height, width,
    channels)."""
    labels: OptionalPath = None
    """The .npy or IDX file of the labels: (N,) classes or numbers, or (N, targets) numbers."""
    val_path: OptionalPath = None
    """The file of the validation examples, if they are separate."""
    val_labels: OptionalPath = None
    """The labels of val_path."""
    test_path: OptionalPath = None
    """The file of the test examples, if they are separate."""
    test_labels: OptionalPath = None
    """The labels of test_path."""
    weights: Annotated[str, PathField(ARRAY_ENDINGS)] | None = None
    """The weight of each training example in the loss, (N,) numbers of at least 0: the name of an array in the .npz
    file, or an .npy or IDX file. null: all examples count the same."""
    channels: Literal["first", "last"] | None = None
    """Axis of the channels of images: first for (N, channels, height, width), last for (N, height, width, channels).
    null: last, with a warning if the shape looks like first."""
    task: TaskName = "auto"
    """classification, regression or auto. auto: words, or at most 20 different whole numbers, mean classification;
    other numbers mean regression."""
    test_rows: tuple[CountOrZero, ...] | None = None
    """Indices of the test examples, counted from 0."""
    memory: Positive = 1.0
    """Gigabytes. Larger .npy files are not loaded; they are read in blocks."""
    test_fraction: Fraction | None = None
    """Fraction of all examples used for testing. null: the test part of the files or of test_rows, otherwise 0.2."""
    scaling: Literal["none", "unit", "standardize"] = "standardize"
    """unit: scale each feature (or channel) to [0, 1]. standardize: scale it to mean 0 and variance 1. none: no
    scaling. Fitted on the training part."""

    def __post_init__(self) -> None:
        """Raise InvalidField if keys contradict each other."""
        super().__post_init__()
        packed = self.path.lower().endswith(".npz")
        for part in ("", "val_", "test_"):
            examples, labels = getattr(self, f"{part}path"), getattr(self, f"{part}labels")
            if packed and part and (examples or labels):
                suffix = part.rstrip("_")
                way_out = f"Put x_{suffix} and y_{suffix} into the .npz file"
                raise InvalidField(f"{part}path", "cannot be set together with an .npz file", way_out)
            if not packed and (examples is None) != (labels is None):
                fact = "examples and labels are two files"
                raise InvalidField(f"{part}labels", fact, f"Give both {part}path and {part}labels")
        if not packed and self.weights is not None and not _is_array_file(self.weights):
            fact = f"'{self.weights:.40}' is no .npy or IDX file, and only an .npz file has named arrays"
            raise InvalidField("weights", fact, "Give a file with one weight for each example")
        if self.test_rows is not None and (self.test_path is not None or self.test_fraction is not None):
            way_out = "Set only one of test_rows, test_path, test_fraction"
            raise InvalidField("test_rows", "the test part is defined twice", way_out)

    def read(self) -> Examples:
        """Read the arrays; uint8 values keep their dtype.

        Raises:
            DataError: if a file is missing, damaged, too large, or does not fit the others.
        """
        examples = self._read_npz() if self.path.lower().endswith(".npz") else self._read_files()
        if self.test_rows is None:
            return examples
        rows = np.array(self.test_rows, np.int64)
        if not len(rows) or rows.max() >= len(examples.labels):
            fact = f"must name examples from 0 to {len(examples.labels) - 1}"
            raise DataError("dataset.test_rows", fact, "The first one is 0")
        assigned = (
            np.full(len(examples.labels), TRAIN, np.int8)
            if examples.assigned_parts is None
            else examples.assigned_parts.copy()
        )
        assigned[rows] = TEST
        return replace(examples, assigned_parts=assigned)

    def _read_npz(self) -> Examples:
        path = Path(self.path)
        require_regular_file(path)
        try:
            # If the system does not report its free memory, assume 16 GB.
            size, free = path.stat().st_size, available_bytes() or 1 << 34
            # The bytes of the file, the arrays read from them, and the parts copied from these.
            if 3 * size > free:
                fact = f"is {size / 1e9:.1f} GB large, but only {free / 1e9:.1f} GB of memory are free"
                raise DataError(self.path, fact, "Save x and y as .npy files, which are read in blocks")
            arrays = npz.read_npz(path.read_bytes(), self.path, max_bytes=free // 3)
        except OSError as error:
            raise DataError(
                self.path, f"cannot be read: {error.strerror}", "Check the path and its permissions"
            ) from None
        parts = find_part_names(arrays, self.path)
        examples = [self._prepare_examples(arrays[part.x], f"{self.path}, {part.x}") for part in parts]
        combined = self._combine(
            [part.part for part in parts], examples, [arrays[part.y] for part in parts], [self.path] * len(parts)
        )
        combined = replace(combined, notices=(*names_notice(parts), *combined.notices))
        if self.weights is None or _is_array_file(self.weights):
            return self._with_weights(combined)
        if self.weights not in arrays:
            fact = f"has no array '{self.weights:.40}' (named in dataset.weights)"
            raise DataError(self.path, fact, f"It has {quote_names(arrays)}")
        return self._with_weights(combined, arrays[self.weights], f"{self.path}, {self.weights}")

    def _read_files(self) -> Examples:
        named = {
            TRAIN: (self.path, self.labels),
            VAL: (self.val_path, self.val_labels),
            TEST: (self.test_path, self.test_labels),
        }
        parts = [part for part, (path, _) in named.items() if path is not None]
        paths, labels = ([Path(str(named[part][which])) for part in parts] for which in (0, 1))
        for path in (*paths, *labels):
            require_regular_file(path)
        y = [_read(path) for path in labels]
        places = [str(path) for path in labels]
        npy_paths = [path for path in paths if path.suffix.lower() == ".npy"]
        try:
            size = sum(path.stat().st_size for path in npy_paths)
        except OSError as error:
            raise DataError(
                str(error.filename), f"cannot be read: {error.strerror}", "Check the path and its permissions"
            ) from None
        # IDX and npz files cannot be read by rows.
        if size > self.memory * 1e9 and len(npy_paths) == len(paths):
            x = npy.open_npy_rows(paths, int(self.memory * 1e9))
            if self.channels == "first":
                fact = "cannot be first for a file that is read in blocks, because it is larger than dataset.memory"
                raise DataError("dataset.channels", fact, "Raise dataset.memory, or save (N, height, width, channels)")
            sums = [npy.npy_digest(path) for path in paths]
            examples = self._combine(parts, [cast("Array", x)], y, places)
            examples = replace(examples, digest=hashlib.sha256("".join(sums).encode()).hexdigest())
        else:
            x_of_parts = [self._prepare_examples(_read(path), str(path)) for path in paths]
            examples = self._combine(parts, x_of_parts, y, places)
        return self._with_weights(examples)

    def _with_weights(self, examples: Examples, array: Array | None = None, place: str = "") -> Examples:
        """Return the examples with their weights: an array of the .npz file, or else the file of the key."""
        if self.weights is None:
            return examples
        if array is None:
            require_regular_file(Path(self.weights))
            array, place = _read(Path(self.weights)), self.weights
        total, parts = len(examples.labels), examples.assigned_parts
        trained = total if parts is None else int(np.count_nonzero(parts == TRAIN))
        return replace(examples, weights=weights_from_array(array, place, trained=trained, total=total))

    def _combine(self, parts: list[int], x: list[Array], y: list[Array], places: list[str]) -> Examples:
        """Return the examples of all parts as one set."""
        examples = x[0] if len(x) == 1 else _concatenate(x, self.path)
        notices = tuple(self._channel_warning(examples.shape))
        if isinstance(examples, np.ndarray) and examples.dtype != np.uint8:
            examples = narrow(examples)  # after the parts are joined, since one alone may have a single row
        if isinstance(examples, np.ndarray):
            examples = np.ascontiguousarray(examples)
        frame, label_notices = label_table(y, places, self.task)
        for array, labels, place in zip(x, y, places, strict=len(x) == len(y)):
            # Equal sums of all parts could hide that labels of one part belong to another.
            if len(x) == len(y) and len(array) != len(labels):
                fact = f"has {counted(len(labels), 'label')} for {counted(len(array), 'example')}"
                raise DataError(place, fact, "Give one label for each example")
        if len(frame) != len(examples):
            fact = f"has {counted(len(frame), 'label')} for {counted(len(examples), 'example')}"
            raise DataError(places[0], fact, "Give one label for each example")
        if len(frame) < 2:
            raise DataError(self.path, f"has {counted(len(frame), 'example')}", "Training needs at least 2")

        def where(row: int) -> str:
            return f"{places[0]}, row {row}" if row >= 0 else places[0]

        targets = targets_from_frame(frame, self.task, where, places[0])
        assigned = np.repeat(parts, [len(labels) for labels in y]).astype(np.int8)
        columns = tuple(Column(f"x{place}") for place in range(examples.shape[1])) if examples.ndim == 2 else ()
        return Examples(
            x=examples,
            labels=targets.labels,
            classes=targets.classes,
            target_names=targets.target_names,
            columns=columns,
            assigned_parts=assigned if len(parts) > 1 else None,
            notices=(*notices, *label_notices),
        )

    def _prepare_examples(self, x: Array, place: str) -> Array:
        """Return the examples in their dtype, with the channels last."""
        if self.channels == "first":
            if x.ndim != 4:
                fact = f"cannot be first, because {place} has the shape {x.shape} instead of 4 dimensions"
                raise DataError("dataset.channels", fact, "Remove the key")
            x = x.transpose(0, 2, 3, 1)
        return _to_examples(x, place)

    def _channel_warning(self, shape: Shape) -> Iterator[str]:
        """Yield a warning if images seem to have their channels first, and the key is not set."""
        if self.channels is not None or len(shape) != 4:
            return
        _, first, second, last = shape
        if looks_channels_first(shape) or (first == last == 3 < second):
            yield (
                f"{self.path}: images of the shape {shape} are read as {counted(first, 'row')}, "
                f"{counted(second, 'column')} and {counted(last, 'channel')}. If the channels come first, set "
                "dataset.channels: first; otherwise set it to last."
            )


def looks_channels_first(shape: Shape) -> bool:
    """Return True if the shape of an array is (N, channels, height, width) rather than channels last."""
    # Maps of a network, such as (N, 4, 4, 512), have few rows, as few columns, and many channels.
    return len(shape) == 4 and shape[1] <= MAX_USUAL_CHANNELS < min(shape[2:])


def _is_array_file(name: str) -> bool:
    return name.lower().endswith(ARRAY_ENDINGS)


def _read(path: Path) -> Array:
    """Read a file of one array, by its ending.

    Raises:
        DataError: if the file is damaged or has another format.
    """
    name = path.name.lower()
    if name.endswith(".npy"):
        return npy.read_npy(path)
    if "idx" in name or name.endswith((".gz", "ubyte")):
        return idx.read_idx(path)
    raise DataError(str(path), "is not an .npz, .npy or IDX file", "For a CSV file, use dataset: {name: table}")


def _to_examples(x: Array, place: str) -> Array:
    """Return the examples in their dtype; gray images get a channel axis.

    Raises:
        DataError: if the array cannot hold examples.
    """
    if x.dtype.kind not in "uifb":
        raise DataError(place, f"contains {x.dtype}, but examples must be numbers", "Convert it")
    if x.ndim not in (2, 3, 4) or x.size == 0:
        way_out = "Examples must have the shape (N, features), (N, height, width) or (N, height, width, channels)"
        raise DataError(place, f"has the shape {x.shape}", way_out)
    x = x[..., np.newaxis] if x.ndim == 3 else x
    finite = np.isfinite(x) if x.dtype.itemsize <= 4 else np.abs(x) <= FLOAT32_MAX
    if not finite.all():
        row = int(np.argwhere(~finite)[0, 0])
        raise DataError(f"{place}, row {row}", "has a value that is not a finite 32-bit number", "Correct it")
    return x


def _concatenate(x: list[Array], place: str) -> Array:
    for array in x[1:]:
        if array.shape[1:] != x[0].shape[1:]:
            raise DataError(place, "its parts have examples of different shapes", "All parts must have the same shape")
    return np.concatenate(x)
