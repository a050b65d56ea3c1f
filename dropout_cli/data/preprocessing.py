"""What was fitted to the training examples, kept in a run folder so that it can be applied to others: no pickle.

A safetensors file: the scaling as arrays, and names, categories and fill values as JSON in its metadata.
"""

import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array, Shape
from dropout_cli.data.base import Column
from dropout_cli.data.dataset import Affine, Dataset, Quantities
from dropout_cli.data.encoding import Encoding

FILE = "preprocessing.safetensors"
KEY = "dropout"
FORMAT = 1
MOST_HEADER = 1 << 24
MOST_FEATURES = 1 << 24


@dataclass(frozen=True)
class Fitted:
    """All that stands between examples as a person has them and the network's inputs and outputs."""

    shape: Shape
    """Of an example as the network takes it."""
    examples: int
    """How many trained it."""
    classes: tuple[str, ...]
    quantities: Quantities | None
    columns: tuple[Column, ...]
    """Of the table; empty for pictures and plain arrays."""
    encoding: Encoding | None
    scaling: Affine

    @classmethod
    def to(cls, dataset: Dataset) -> "Fitted":
        """What was fitted to that dataset."""
        return cls(
            dataset.shape,
            len(dataset.train),
            dataset.classes,
            dataset.quantities,
            dataset.columns,
            dataset.encoding,
            dataset.scaling,
        )

    def pack(self) -> bytes:
        """The bytes of the file; equal values give equal bytes."""
        from safetensors.numpy import save

        known: dict[str, Any] = {
            "format": FORMAT,
            "shape": list(self.shape),
            "examples": self.examples,
            "classes": list(self.classes),
            "targets": list(self.quantities.names) if self.quantities else [],
            "columns": [{"name": one.name, "categories": one.categories, "comma": one.comma} for one in self.columns],
            "encoding": {"fill": self.encoding.fill, "seen": self.encoding.seen} if self.encoding else None,
        }
        arrays: dict[str, Array] = {"scale": self.scaling.scale, "shift": self.scaling.shift}
        if self.quantities is not None:
            arrays |= {"target_mean": self.quantities.mean, "target_sd": self.quantities.sd}
        texts = {KEY: json.dumps(known, sort_keys=True)}
        return bytes(save({name: np.ascontiguousarray(one) for name, one in arrays.items()}, texts))

    @classmethod
    def unpack(cls, data: bytes, place: str) -> "Fitted":
        """Read what `pack` wrote. Raises DataError for anything else."""
        from safetensors import SafetensorError
        from safetensors.numpy import load

        try:
            end = 8 + int.from_bytes(data[:8], "little")
            if not 8 < end <= min(len(data), MOST_HEADER):
                raise ValueError("its header is cut off, or longer than any")
            known = json.loads(json.loads(data[8:end])["__metadata__"][KEY])
            return cls._of(known, load(bytes(data)))
        except (SafetensorError, AttributeError, ValueError, LookupError, TypeError, ArithmeticError) as error:
            raise DataError(place, f"is damaged ({error})", "Train again") from None
        except RecursionError:
            raise DataError(place, "is damaged (it is nested too deeply)", "Train again") from None

    @classmethod
    def _of(cls, known: dict[str, Any], arrays: dict[str, Array]) -> "Fitted":
        shape = tuple(_count(one) for one in known["shape"])
        columns = tuple(map(_column, known["columns"]))
        scaling = Affine(_finite(arrays["scale"], np.float32), _finite(arrays["shift"], np.float32))
        targets = tuple(map(str, known["targets"]))
        quantities = encoding = None
        if targets:
            mean, sd = (_finite(arrays[name], np.float64) for name in ("target_mean", "target_sd"))
            quantities = Quantities(targets, mean, sd)
            if not mean.shape == sd.shape == (len(targets),):
                raise ValueError("its targets have not one mean each")
        if known["encoding"] is not None:
            fill = tuple(float(one) for one in known["encoding"]["fill"])
            seen = tuple(tuple(int(place) for place in places) for places in known["encoding"]["seen"])
            encoding = Encoding(columns, fill, seen)
            for column, places in zip(columns, seen, strict=True):
                if any(not 0 <= place < len(column.categories or ()) for place in places):
                    raise ValueError(f"{column.name!r} has not so many categories")
            if shape != (len(encoding.numeric),) or not all(map(math.isfinite, fill)) or len(fill) != len(columns):
                raise ValueError("its columns do not fit its shape")
        if not (shape and len(shape) in (1, 3) and math.prod(shape) <= MOST_FEATURES):
            raise ValueError(f"{shape} is no shape of an example")
        for one in (scaling.scale, scaling.shift):
            if one.shape not in ((1,), shape[-1:]):
                raise ValueError("its scaling does not fit its shape")
        classes = tuple(map(str, known["classes"]))
        if bool(classes) == bool(targets):
            raise ValueError("it predicts classes and quantities, or neither")
        return cls(shape, _count(known["examples"]), classes, quantities, columns, encoding, scaling)


def _column(known: dict[str, Any]) -> Column:
    words = known["categories"]
    return Column(str(known["name"]), None if words is None else tuple(map(str, words)), known.get("comma") is True)


def _count(value: Any) -> int:
    if type(value) is not int or not 0 < value < 1 << 48:
        raise ValueError(f"{value!r:.20} is no number of examples or features")
    return value


def _finite(array: Array, dtype: type) -> Array:
    if array.dtype != dtype or not np.isfinite(array).all():
        raise ValueError("its numbers are not finite")
    return array
