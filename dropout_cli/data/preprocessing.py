"""Fitted preprocessing, stored in a run folder so that it can be applied to new data.

The file is safetensors, never a pickle: the scaling as arrays; names, categories and fill values as JSON in its
metadata.
"""

import json
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array, Shape
from dropout_cli.data.base import Column, DateFeature
from dropout_cli.data.dataset import AffineScaling, Dataset, Part, RegressionTargets
from dropout_cli.data.missing_and_categories import TableEncoding
from dropout_cli.data.readers.dates import CLOCK_PARTS, DAY_PARTS

PREPROCESSING_FILE = "preprocessing.safetensors"
METADATA_KEY = "dropout"
PREPROCESSING_FORMAT = 3
"""Format 2 has an offset, format 3 dates, features for missing values, or merged spellings.

The lowest format that suffices is written, so that older versions can read it.
"""
MAX_PREPROCESSING_HEADER = 1 << 24
MAX_FEATURES = 1 << 24


@dataclass(frozen=True)
class Preprocessing:
    """Everything between raw examples and the network's inputs and outputs."""

    shape: Shape
    """Shape of one example as the network takes it."""
    train_count: int
    """Number of training examples."""
    classes: tuple[str, ...]
    targets: RegressionTargets | None
    columns: tuple[Column, ...]
    """Columns of a table; empty for images and plain arrays."""
    encoding: TableEncoding | None
    scaling: AffineScaling
    pixel_bits: int = 8
    """Range of image files that the network takes: 8, 16 or 32, see `Examples`."""

    @classmethod
    def from_dataset(cls, dataset: Dataset) -> "Preprocessing":
        """Return the preprocessing that was fitted to a dataset."""
        return cls(
            dataset.shape,
            len(dataset.train),
            dataset.classes,
            dataset.targets,
            dataset.columns,
            dataset.encoding,
            dataset.scaling,
            dataset.pixel_bits,
        )

    def unlabeled_dataset(self, x: Array) -> Dataset:
        """Return a dataset whose train part are examples to predict, with labels of 0 that are never read.

        Args:
            x: (N, *shape) examples, not scaled; or `SparseRows`.
        """
        count = x.shape[0]
        labels = np.zeros((count, len(self.targets.names))) if self.targets else np.zeros(count, np.intp)
        part = Part(x, labels, np.arange(count))
        return Dataset("", part, None, part, self.classes, self.scaling, "", targets=self.targets)

    def pack(self) -> bytes:
        """Return the bytes of the file; equal values give equal bytes."""
        from safetensors.numpy import save

        metadata: dict[str, Any] = {
            "format": self._lowest_format(),
            "shape": list(self.shape),
            "examples": self.train_count,
            "classes": list(self.classes),
            "targets": list(self.targets.names) if self.targets else [],
            "columns": [column_metadata(column) for column in self.columns],
            "encoding": _encoding_metadata(self.encoding) if self.encoding else None,
        }
        # Only if it differs from 8, so that the bytes of all other files stay as they were.
        if self.pixel_bits != 8:
            metadata["pixel_bits"] = self.pixel_bits
        arrays: dict[str, Array] = {"scale": self.scaling.scale, "shift": self.scaling.shift}
        if self.scaling.offset is not None:
            arrays["offset"] = self.scaling.offset
        if self.targets is not None:
            arrays |= {"target_mean": self.targets.mean, "target_sd": self.targets.sd}
        # One metadata key only: safetensors writes several in random order, and equal values must give equal bytes.
        header_texts = {METADATA_KEY: json.dumps(metadata, sort_keys=True)}
        # safetensors writes arrays that are not C-contiguous wrongly, and without an error.
        return bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}, header_texts))

    def _lowest_format(self) -> int:
        marked = self.encoding is not None and (self.encoding.marks_missing or self.encoding.merges_spellings)
        if marked or any(column.date for column in self.columns):
            return PREPROCESSING_FORMAT
        return 1 if self.scaling.offset is None else 2

    @classmethod
    def unpack(cls, data: bytes, place: str) -> "Preprocessing":
        """Read the bytes that `pack` wrote.

        Args:
            data: the content of the file.
            place: the file's name, for messages.

        Raises:
            DataError: for any other bytes.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            # A safetensors file begins with the length of its JSON header as a 64-bit little-endian integer.
            end = 8 + int.from_bytes(data[:8], "little")
            # The bounds come first: a damaged length must not make JSON parse gigabytes.
            if not 8 < end <= min(len(data), MAX_PREPROCESSING_HEADER):
                raise ValueError("its header is incomplete or too long")
            metadata = json.loads(json.loads(data[8:end])["__metadata__"][METADATA_KEY])
            return cls._from_parts(metadata, load(bytes(data)))
        except (SafetensorError, AttributeError, ValueError, LookupError, TypeError, ArithmeticError) as error:
            raise DataError(place, f"is damaged ({error})", "Train again") from None
        except RecursionError:
            raise DataError(place, "is damaged (it is nested too deeply)", "Train again") from None

    @classmethod
    def _from_parts(cls, metadata: dict[str, Any], arrays: dict[str, Array]) -> "Preprocessing":
        """Return the object that metadata and arrays describe.

        Raises:
            ValueError: if they do not fit together.
        """
        if metadata["format"] not in range(1, PREPROCESSING_FORMAT + 1):
            raise ValueError(f"its format {str(metadata['format'])[:20]} is not known")
        shape = tuple(_check_count(item) for item in metadata["shape"])
        columns = tuple(map(column_from_metadata, metadata["columns"]))
        offset = _check_finite(arrays["offset"], np.float64) if "offset" in arrays else None
        scaling = AffineScaling(
            _check_finite(arrays["scale"], np.float32), _check_finite(arrays["shift"], np.float32), offset
        )
        targets = tuple(map(str, metadata["targets"]))
        regression_targets = encoding = None
        if targets:
            mean, sd = (_check_finite(arrays[name], np.float64) for name in ("target_mean", "target_sd"))
            regression_targets = RegressionTargets(targets, mean, sd)
            if not mean.shape == sd.shape == (len(targets),):
                raise ValueError("it does not have one mean per target")
        if metadata["encoding"] is not None:
            fill = tuple(float(item) for item in metadata["encoding"]["fill"])
            seen = tuple(tuple(int(place) for place in places) for places in metadata["encoding"]["seen"])
            marked = metadata["encoding"].get("marks_missing", [])
            if type(marked) is not list or any(type(flag) is not bool for flag in marked):
                raise ValueError("its marks of missing values are damaged")
            spellings = metadata["encoding"].get("merges_spellings") is True
            encoding = TableEncoding(columns, fill, seen, tuple(marked), spellings)
            for column, places in zip(columns, seen, strict=True):
                if any(not 0 <= place < len(column.categories or ()) for place in places):
                    raise ValueError(f"{column.name!r} has fewer categories than stated")
            if shape != (len(encoding.is_numeric),) or not all(map(math.isfinite, fill)) or len(fill) != len(columns):
                raise ValueError("its columns do not match its shape")
        if not (shape and len(shape) in (1, 3) and math.prod(shape) <= MAX_FEATURES):
            raise ValueError(f"{shape} is not a valid shape of an example")
        for item in (scaling.scale, scaling.shift, scaling.offset):
            if item is not None and item.shape not in ((1,), shape[-1:]):
                raise ValueError("its scaling does not match its shape")
        classes = tuple(map(str, metadata["classes"]))
        if bool(classes) == bool(targets):
            raise ValueError("it must predict either classes or numbers")
        bits = metadata.get("pixel_bits", 8)
        if bits not in (8, 16, 32):
            raise ValueError("its number of bits per pixel is not known")
        count = _check_count(metadata["examples"])
        return cls(shape, count, classes, regression_targets, columns, encoding, scaling, bits)


def _encoding_metadata(encoding: TableEncoding) -> dict[str, Any]:
    metadata: dict[str, Any] = {"fill": encoding.fill_values, "seen": encoding.seen_codes}
    # Keys of format 3 are left out if they are not used, so that other files keep their bytes.
    if encoding.marks_missing:
        metadata["marks_missing"] = encoding.marks_missing
    if encoding.merges_spellings:
        metadata["merges_spellings"] = True
    return metadata


def column_metadata(column: Column) -> dict[str, Any]:
    """Return a column as values for JSON."""
    metadata: dict[str, Any] = {"name": column.name, "categories": column.categories, "comma": column.decimal_comma}
    # Only where it is used, so that other files keep their bytes.
    return metadata if column.date is None else metadata | {"date": asdict(column.date)}


def column_from_metadata(metadata: dict[str, Any]) -> Column:
    """Return the column that `column_metadata` described.

    Raises:
        ValueError, LookupError, TypeError: for anything else.
    """
    words = metadata["categories"]
    date = metadata.get("date")
    if date is not None:
        date = DateFeature(str(date["column"]), str(date["part"]), date["day_first"] is True)
        if date.part not in (*DAY_PARTS, *CLOCK_PARTS):
            raise ValueError(f"{date.part!r:.20} is not a part of a date")
    return Column(
        str(metadata["name"]), None if words is None else tuple(map(str, words)), metadata.get("comma") is True, date
    )


def _check_count(value: Any) -> int:
    # type() rather than isinstance(), because True is an instance of int.
    if type(value) is not int or not 0 < value < 1 << 48:
        raise ValueError(f"{value!r:.20} is not a number of examples or features")
    return value


def _check_finite(array: Array, dtype: type) -> Array:
    if array.dtype != dtype or not np.isfinite(array).all():
        raise ValueError("its numbers are not finite")
    return array
