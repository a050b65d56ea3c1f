"""Datasets and inherited arrays as bytes, for runs on other machines.

A parcel is a safetensors file as `checkpoint` packs it: arrays and JSON, with a SHA-256 over all of it that is checked
where it is opened.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.data import Examples
from dropout_cli.data.base import Column
from dropout_cli.data.readers.file_rows import FileRows
from dropout_cli.training.checkpoint import pack_checkpoint, unpack_checkpoint
from dropout_cli.training.setup import DistillationTargets
from dropout_cli.training.warm_start import InheritedArrays

WEIGHTS = "weights/"


def pack_examples(examples: Examples) -> bytes | None:
    """The examples as a parcel; None where they are too large to leave their file."""
    if isinstance(examples.x, FileRows):
        return None
    optional = {"assigned": examples.assigned_parts, "groups": examples.groups}
    arrays = {"x": examples.x, "labels": examples.labels} | {n: one for n, one in optional.items() if one is not None}
    meta = {
        "classes": examples.classes,
        "quantities": examples.target_names,
        "train_count": examples.train_count,
        "columns": [[one.name, one.categories] for one in examples.columns],
        "encoded": examples.needs_encoding,
        "digest": examples.digest,
        "notices": examples.notices,
    }
    return _packed(arrays, meta)


def unpack_examples(parcel: bytes) -> Examples:
    """The examples of a parcel. Raises RunFailed where it is damaged."""
    arrays, meta = unpack_checkpoint(parcel, "the parcel of examples")
    columns = tuple(Column(name, None if words is None else tuple(words)) for name, words in meta["columns"])
    return Examples(
        arrays["x"],
        arrays["labels"],
        classes=tuple(meta["classes"]),
        target_names=tuple(meta["quantities"]),
        train_count=meta["train_count"],
        columns=columns,
        assigned_parts=arrays.get("assigned"),
        groups=arrays.get("groups"),
        needs_encoding=meta["encoded"],
        digest=meta["digest"],
        notices=tuple(meta["notices"]),
    )


def pack_inherited(inherited: InheritedArrays) -> bytes | None:
    """Return the inherited arrays of a run as a parcel; None where it inherits nothing."""
    arrays = {f"{WEIGHTS}{name}": value for name, value in (inherited.weights or {}).items()}
    if inherited.distillation is not None:
        arrays |= {
            "targets": inherited.distillation.targets,
            "test_probs": inherited.distillation.test_probs,
        }
    fingerprint = inherited.distillation.fingerprint if inherited.distillation else None
    return _packed(arrays, {"fingerprint": fingerprint}) if arrays else None


def unpack_inherited(parcel: bytes) -> InheritedArrays:
    """Return the inherited arrays in a parcel. Raises RunFailed where it is damaged."""
    arrays, meta = unpack_checkpoint(parcel, "the parcel of what other runs left")
    weights = {name.removeprefix(WEIGHTS): one for name, one in arrays.items() if name.startswith(WEIGHTS)}
    distillation = (
        DistillationTargets(arrays["targets"], arrays["test_probs"], meta["fingerprint"])
        if meta["fingerprint"]
        else None
    )
    return InheritedArrays(weights or None, distillation)


def _packed(arrays: Mapping[str, Array], meta: Mapping[str, Any]) -> bytes:
    """Whole numbers travel as int64, which safetensors knows on every machine."""
    return bytes(
        pack_checkpoint({n: one.astype(np.int64) if one.dtype == np.intp else one for n, one in arrays.items()}, meta)
    )
