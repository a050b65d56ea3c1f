"""Datasets ready for training: split into parts, with scaling fitted on the train part."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.core.types import Array, Shape
from dropout_cli.data.base import Column
from dropout_cli.data.missing_and_categories import TableEncoding
from dropout_cli.data.readers.file_rows import FileRows, SegmentWindow


@dataclass(frozen=True)
class Part:
    """The examples of one part of the split: train, val or test."""

    x: Array
    """(N, *shape), unscaled, C-contiguous, read-only: uint8, float32, or float64 if a feature needs it (`precision`);
    or `FileRows` or `SparseRows`."""
    labels: Array
    """(N,) intp: class ids; for a regression (N, targets) float64: the true values in their own units."""
    rows: Array
    """(N,) intp: row number of each example in the source."""
    weights: Array | None = None
    """(N,) float64, mean 1: factors of the examples' losses in training; only the train part has them. None: all are
    1."""

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.labels)

    @property
    def segment_rows(self) -> int | None:
        """Number of rows in a segment, if the examples stay in their files; None if they are in memory."""
        return self.x.segment_rows if isinstance(self.x, FileRows) else None


@dataclass(frozen=True)
class AffineScaling:
    """Fitted scaling: `(x - offset) * scale + shift`."""

    scale: Array
    """(1,), (channels,) or (features,) float32."""
    shift: Array
    """Same shape and dtype as `scale`."""
    offset: Array | None = None
    """(features,) or (channels,) float64, subtracted first; 0 for features that do not need it. None: all are 0."""


@dataclass(frozen=True)
class RegressionTargets:
    """Names of regression targets, and their mean and standard deviation on the train part."""

    names: tuple[str, ...]
    mean: Array
    """(targets,) float64."""
    sd: Array
    """(targets,) float64; 1 for a constant target."""

    def standardize(self, values: Array) -> Array:
        """Return `(values - mean) / sd`.

        Args:
            values: (N, targets), in their own units.

        Returns:
            (N, targets) float64; mean 0 and variance 1 on the train part.
        """
        return np.asarray((values - self.mean) / self.sd)


@dataclass(frozen=True)
class Dataset:
    """A source after reading and splitting."""

    name: str
    train: Part
    val: Part | None
    test: Part
    """It has no examples if the caller tests on its own ones (`Source.leaves_testing`)."""
    classes: tuple[str, ...]
    """Class names; a label is an index into them. Empty for a regression."""
    scaling: AffineScaling
    fingerprint: str
    """SHA-256 of the arrays as read, before the split."""
    columns: tuple[Column, ...] = ()
    """The features, if the source names them."""
    encoding: TableEncoding | None = None
    """How missing values and categories of a table become numbers; None if the source needs no encoding."""
    targets: RegressionTargets | None = None
    """The targets of a regression; None for a classification."""
    notices: tuple[str, ...] = ()
    """Messages about the data for the user."""
    varying_parts: tuple[str, ...] = ()
    """Names of the parts that change with `split_seed`, of train, val and test."""
    pixel_bits: int = 8
    """Range of image files that the network takes: 8, 16 or 32, see `Examples`."""

    @property
    def shape(self) -> Shape:
        """Shape of one example: (features,) or (height, width, channels)."""
        return tuple(self.train.x.shape[1:])

    def part(self, name: str) -> Part | None:
        """Return the part `train`, `val` or `test`; None if the split has no such part."""
        part = {"train": self.train, "val": self.val, "test": self.test}[name]
        return None if part is None or not len(part) else part


class BatchReader:
    """Gathers and scales rows of a part into one reused buffer."""

    def __init__(
        self,
        dataset: Dataset,
        part: Part,
        size: int,
        dtype: np.dtype | type = np.float32,
        *,
        windowed: bool = False,
    ) -> None:
        """Allocate the buffer.

        Args:
            dataset: the dataset whose scaling is applied.
            part: the part to take rows from.
            size: the largest number of rows that `take` will return at once.
            dtype: dtype of the scaled examples.
            windowed: True if rows come in the order of `row_order`, so that a part in files is read
                through a `SegmentWindow`.
        """
        self._x: Any = part.x
        if windowed and isinstance(part.x, FileRows):
            self._x = SegmentWindow(part.x)
        self._labels = part.labels
        # Standardized once for the whole part instead of in every step.
        if dataset.targets is not None:
            self._labels = dataset.targets.standardize(part.labels).astype(dtype)
        self._scale = dataset.scaling.scale.astype(dtype)
        self._offset = dataset.scaling.offset
        # Without a shift `take` saves one pass over the batch in every step.
        self._shift = dataset.scaling.shift.astype(dtype) if np.any(dataset.scaling.shift) else None
        # Reused by every batch, so that scaling allocates nothing.
        self._buffer = np.empty((size, *dataset.shape), dtype)

    def take(self, rows: Array | slice) -> tuple[Array, Array]:
        """Return scaled examples and their labels.

        Args:
            rows: row numbers within the part.

        Returns:
            x (n, *shape), and labels (n,) or standardized targets (n, targets). The next call overwrites x.
        """
        raw = self._x[rows]
        if self._offset is not None:
            raw = raw - self._offset
        x = np.multiply(raw, self._scale, out=self._buffer[: len(raw)])
        if self._shift is not None:
            x += self._shift
        return x, self._labels[rows]
