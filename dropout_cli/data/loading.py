"""From a source to a dataset: read, check, split, fit the scaling."""

import hashlib
import json
from dataclasses import replace
from typing import cast

import numpy as np

from dropout_cli.core.errors import DataError
from dropout_cli.core.types import Array
from dropout_cli.data import encoding as encode
from dropout_cli.data.base import DATASETS, Examples, Source
from dropout_cli.data.dataset import Dataset, Part, Quantities
from dropout_cli.data.encoding import Encoding
from dropout_cli.data.preprocessing import Fitted
from dropout_cli.data.readers.memory_mapped import FileRows
from dropout_cli.data.scaling import fit
from dropout_cli.data.splits import split


def load(source: Source, fitted: Fitted | None = None) -> Dataset:
    """Read `source`, check it against its fingerprint, split it and fit encoding and scaling on the train part.

    `fitted`: take those that were fitted before instead; what the data do not share with them is refused.

    Raises DataError where data are missing, damaged, not those of the fingerprint, or cannot be split.
    """
    return arranged(source, source.read(), fitted)


def arranged(source: Source, examples: Examples, fitted: Fitted | None = None, *, known: str | None = None) -> Dataset:
    """Do the same with examples that were read before; `known`: their fingerprint, where it was computed before."""
    name = DATASETS.name_of(type(source))
    found = known or fingerprint(examples)
    if source.fingerprint not in (None, found):
        fact = f"the data have {found[:12]}..., but {source.fingerprint[:12]}... is asked for: they are not the same"
        way_out = "Bring the former data back, or set it to null (`dropout eval --allow-changed-data` does)"
        raise DataError("dataset.fingerprint", fact, way_out)
    if fitted is not None:
        examples = _as_fitted(examples, fitted)
    rows = split(examples, source)
    encoding = fitted.encoding if fitted else None
    if examples.encoded and encoding is None:
        encoding = encode.fit(examples.x[rows.train], examples.columns)
    train = _part(examples, rows.train, encoding)
    scaled = encoding.numeric if encoding else None
    return Dataset(
        name=name,
        train=train,
        val=None if rows.val is None else _part(examples, rows.val, encoding),
        test=_part(examples, rows.test, encoding),
        classes=examples.classes,
        scaling=fitted.scaling if fitted else fit(train.x, source.scaling, scaled),
        fingerprint=found,
        columns=examples.columns,
        encoding=encoding,
        quantities=_quantities(examples, train, fitted),
        notices=examples.notices,
        varying=source.varying(examples),
    )


class Loader:
    """Loads sources one after another; those that differ only in `split_seed` and `fold` share what was read."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._last: tuple[Source, Examples, str] | None = None

    def load(self, source: Source) -> Dataset:
        """Do what `load` does."""
        undivided = replace(source, split_seed=0, fold=0)
        if self._last is not None and self._last[0] == undivided:
            return arranged(source, self._last[1], known=self._last[2])
        self._last = None  # so that two are never in memory at once
        examples = source.read()
        dataset = arranged(source, examples)
        self._last = undivided, examples, dataset.fingerprint
        return dataset


def fingerprint(examples: Examples) -> str:
    """SHA-256, in hex, over shapes, dtypes and bytes of the examples and labels; the same on every machine."""
    digest = hashlib.sha256()
    labels = examples.labels if examples.quantities else examples.labels.astype(np.int64, copy=False)
    if examples.digest is not None:
        digest.update(examples.digest.encode())
    for array in (labels,) if isinstance(examples.x, FileRows) else (examples.x, labels):
        fixed = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        digest.update(f"{fixed.shape} {fixed.dtype.str}\n".encode())
        digest.update(fixed.reshape(-1).view(np.uint8).data)
    if examples.encoded:  # then the numbers alone do not say what they mean
        meaning = [examples.classes, examples.quantities, [[one.name, one.categories] for one in examples.columns]]
        digest.update(json.dumps(meaning).encode())
    for given in (examples.assigned, examples.groups):
        if given is not None:
            digest.update(given.astype(np.int64).tobytes())
    return digest.hexdigest()


def _as_fitted(examples: Examples, fitted: Fitted) -> Examples:
    """The examples with the labels and the columns that a network was trained for. Raises DataError."""
    names = tuple(one.name for one in fitted.columns)
    if examples.encoded and names != tuple(one.name for one in examples.columns):
        raise DataError(
            "dataset", f"has other columns than {', '.join(names[:10])}", "Give the data their columns back"
        )
    if bool(examples.quantities) != (fitted.quantities is not None):
        raise DataError("dataset", "has targets of another kind than in training", "Give the data their target back")
    x, labels = examples.x, examples.labels
    if not examples.quantities:
        places = {name: place for place, name in enumerate(fitted.classes)}
        unknown = [name for name in examples.classes if name not in places]
        if unknown:
            fact = f"has the class '{unknown[0]}', which was not there in training"
            raise DataError("dataset", fact, "Remove its rows, or train again")
        labels = np.array([places[name] for name in examples.classes], np.intp)[labels]
    if fitted.encoding is not None:
        x = examples.x.copy()
        for place, (mine, theirs) in enumerate(zip(examples.columns, fitted.columns, strict=True)):
            if (mine.categories is None) != (theirs.categories is None):
                raise DataError("dataset", f"column '{mine.name}' is of another kind than in training", "Correct it")
            if mine.categories is not None and theirs.categories is not None:
                codes = {word: float(code) for code, word in enumerate(theirs.categories)}
                table = np.array([codes.get(word, encode.UNKNOWN) for word in mine.categories], np.float32)
                there = ~np.isnan(x[:, place])
                x[there, place] = table[x[there, place].astype(np.intp)]
    return replace(examples, x=x, labels=labels, classes=fitted.classes, columns=fitted.columns)


def _quantities(examples: Examples, train: Part, fitted: Fitted | None) -> Quantities | None:
    """How the targets are standardized."""
    if not examples.quantities or fitted is not None:
        return fitted.quantities if fitted else None
    sd = train.labels.std(axis=0)
    return Quantities(examples.quantities, train.labels.mean(axis=0), np.where(sd > 0, sd, 1.0))


def _part(examples: Examples, rows: Array, encoding: Encoding | None) -> Part:
    if isinstance(examples.x, FileRows):
        return Part(cast("Array", examples.x.subset(rows)), _fixed(examples.labels[rows]), _fixed(rows))
    x = examples.x[rows]
    made = np.ascontiguousarray(encoding.apply(x) if encoding else x)
    return Part(_fixed(made), _fixed(examples.labels[rows]), _fixed(rows))


def _fixed(array: Array) -> Array:
    """The same, which nobody can change."""
    array.setflags(write=False)
    return array
