"""What training sees of data: parts with labels, unscaled, and the scaling fitted on the train part."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.core.types import Array, Shape
from dropout_cli.data.base import Column
from dropout_cli.data.encoding import Encoding
from dropout_cli.data.readers.memory_mapped import FileRows, Window


@dataclass(frozen=True)
class Part:
    """The examples of one part of the split: train, val or test."""

    x: Array
    """(N, *shape), uint8 or float32 as the source has them, unscaled, C-contiguous, read-only; or `FileRows`."""
    labels: Array
    """(N,) intp: class ids; of a regression (N, targets) float64: the true values in their own units."""
    rows: Array
    """(N,) intp: each example's row number in the source."""

    def __len__(self) -> int:
        """The number of examples."""
        return len(self.labels)


@dataclass(frozen=True)
class Affine:
    """The fitted scaling: `x * scale + shift`, float32, of shape (1,) or (channels,) or (features,)."""

    scale: Array
    shift: Array


@dataclass(frozen=True)
class Quantities:
    """What a regression predicts, and how it is standardized: to mean 0 and variance 1 on the train part."""

    names: tuple[str, ...]
    mean: Array
    """(targets,) float64."""
    sd: Array
    """(targets,) float64; 1 for a target that never changes."""

    def standardized(self, values: Array) -> Array:
        """(N, targets), float64."""
        return np.asarray((values - self.mean) / self.sd)


@dataclass(frozen=True)
class Dataset:
    """A source, read and split."""

    name: str
    train: Part
    val: Part | None
    test: Part
    classes: tuple[str, ...]
    """Class names; the label is the index. None of them where quantities are predicted."""
    scaling: Affine
    fingerprint: str
    """SHA-256 over the arrays as read, before the split."""
    columns: tuple[Column, ...] = ()
    """The features as the source names them, where it does."""
    encoding: Encoding | None = None
    """How missing values and categories of a table became numbers."""
    quantities: Quantities | None = None
    """What is predicted in place of classes."""
    notices: tuple[str, ...] = ()
    """What the user should know of the data."""
    varying: tuple[str, ...] = ()
    """The parts that change with `split_seed`: of train, val and test."""

    @property
    def shape(self) -> Shape:
        """The shape of one example: (features,) or (height, width, channels)."""
        return tuple(self.train.x.shape[1:])

    def part(self, name: str) -> Part | None:
        """`train`, `val` or `test`; None where the split has no such part."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]


class Batches:
    """Gathers and scales the rows of a part into one reused buffer."""

    def __init__(
        self,
        dataset: Dataset,
        part: Part,
        size: int,
        dtype: np.dtype | type = np.float32,
        *,
        windowed: bool = False,
    ) -> None:
        """`size`: the most rows that `take` will be asked for; `windowed`: they come in the order of `file_rows`."""
        self._x: Any = part.x
        if windowed and isinstance(part.x, FileRows):
            self._x = Window(part.x)
        self._labels = part.labels
        if dataset.quantities is not None:
            self._labels = dataset.quantities.standardized(part.labels).astype(dtype)
        self._scale = dataset.scaling.scale.astype(dtype)
        self._shift = dataset.scaling.shift.astype(dtype) if np.any(dataset.scaling.shift) else None
        self._buffer = np.empty((size, *dataset.shape), dtype)

    def take(self, rows: Array | slice) -> tuple[Array, Array]:
        """Return x (n, *shape) scaled, and labels (n,) or standardized quantities (n, targets).

        x stands until the next call.
        """
        raw = self._x[rows]
        x = np.multiply(raw, self._scale, out=self._buffer[: len(raw)])
        if self._shift is not None:
            x += self._shift
        return x, self._labels[rows]
