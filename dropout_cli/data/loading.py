"""From a source to a dataset: read, check, split, fit the scaling."""

import hashlib

import numpy as np

from dropout_cli.arrays import Array
from dropout_cli.data.dataset import Dataset, Part
from dropout_cli.data.scaling import fit
from dropout_cli.data.source import DATASETS, Examples, Source
from dropout_cli.data.splits import split
from dropout_cli.errors import DataError


def load(source: Source) -> Dataset:
    """Read `source`, check it against its fingerprint, split it and fit the scaling on the train part.

    Raises DataError where data are missing, damaged, not those of the fingerprint, or cannot be split.
    """
    name = DATASETS.name_of(type(source))
    examples = source.read()
    found = fingerprint(examples)
    if source.fingerprint not in (None, found):
        fact = f"the data have {found[:12]}..., but {source.fingerprint[:12]}... is asked for: they are not the same"
        raise DataError("dataset.fingerprint", fact, "Bring the former data back, or set it to null to accept these")
    rows = split(examples, source)
    train = _part(examples, rows.train)
    return Dataset(
        name=name,
        train=train,
        val=None if rows.val is None else _part(examples, rows.val),
        test=_part(examples, rows.test),
        classes=examples.classes,
        scaling=fit(train.x, source.scaling),
        fingerprint=found,
        notices=examples.notices,
    )


def fingerprint(examples: Examples) -> str:
    """SHA-256, in hex, over shapes, dtypes and bytes of the examples and labels; the same on every machine."""
    digest = hashlib.sha256()
    for array in (examples.x, examples.labels.astype(np.int64, copy=False)):
        fixed = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        digest.update(f"{fixed.shape} {fixed.dtype.str}\n".encode())
        digest.update(fixed.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def _part(examples: Examples, rows: Array) -> Part:
    part = Part(np.ascontiguousarray(examples.x[rows]), examples.labels[rows], rows)
    for array in (part.x, part.labels, part.rows):
        array.setflags(write=False)
    return part
