"""Datasets and inherited arrays as bytes, for runs on other machines.

The bytes are a safetensors file in the format of `checkpoint`: arrays and JSON metadata, with a SHA-256 of the content
that is checked when it is unpacked.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dropout_cli.core.types import Array
from dropout_cli.data import Examples
from dropout_cli.data.preprocessing import column_from_metadata, column_metadata
from dropout_cli.data.readers.file_rows import FileRows
from dropout_cli.training.checkpoint import pack_checkpoint, unpack_checkpoint
from dropout_cli.training.setup import DistillationTargets
from dropout_cli.training.warm_start import InheritedArrays

WEIGHTS = "weights/"


def pack_examples(examples: Examples) -> bytes | None:
    """Return the examples as bytes; None if they are read from a file row by row."""
    # Such a file can be larger than the memory. The worker reads it from the path in the config.
    if isinstance(examples.x, FileRows):
        return None
    optional = {
        "assigned": examples.assigned_parts,
        "groups": examples.groups,
        "rows": examples.rows,
        "weights": examples.weights,
    }
    arrays = {"x": examples.x, "labels": examples.labels} | {
        name: array for name, array in optional.items() if array is not None
    }
    meta = {
        "classes": examples.classes,
        "quantities": examples.target_names,
        "train_count": examples.train_count,
        "columns": [*map(column_metadata, examples.columns)],
        "encoded": examples.needs_encoding,
        "digest": examples.digest,
        "notices": examples.notices,
        "read_as": examples.read_as,
        "pixel_bits": examples.pixel_bits,
    }
    return _packed(arrays, meta)


def unpack_examples(data: bytes) -> Examples:
    """Return the examples that `pack_examples` packed.

    Raises:
        RunFailed: The data are damaged.
    """
    arrays, meta = unpack_checkpoint(data, "the transferred examples")
    return Examples(
        arrays["x"],
        arrays["labels"],
        classes=tuple(meta["classes"]),
        target_names=tuple(meta["quantities"]),
        train_count=meta["train_count"],
        columns=tuple(map(column_from_metadata, meta["columns"])),
        assigned_parts=arrays.get("assigned"),
        groups=arrays.get("groups"),
        weights=arrays.get("weights"),
        needs_encoding=meta["encoded"],
        digest=meta["digest"],
        notices=tuple(meta["notices"]),
        read_as=meta["read_as"],
        pixel_bits=meta["pixel_bits"],
        rows=arrays.get("rows"),
    )


def pack_inherited(inherited: InheritedArrays) -> bytes | None:
    """Return the inherited arrays of a run as bytes; None if it inherits nothing."""
    arrays = {f"{WEIGHTS}{name}": value for name, value in (inherited.weights or {}).items()}
    if inherited.distillation is not None:
        arrays |= {
            "targets": inherited.distillation.targets,
            "test_probs": inherited.distillation.test_probs,
        }
    fingerprint = inherited.distillation.fingerprint if inherited.distillation else None
    return _packed(arrays, {"fingerprint": fingerprint}) if arrays else None


def unpack_inherited(data: bytes) -> InheritedArrays:
    """Return the inherited arrays that `pack_inherited` packed.

    Raises:
        RunFailed: The data are damaged.
    """
    arrays, meta = unpack_checkpoint(data, "the transferred weights and targets")
    weights = {name.removeprefix(WEIGHTS): array for name, array in arrays.items() if name.startswith(WEIGHTS)}
    distillation = (
        DistillationTargets(arrays["targets"], arrays["test_probs"], meta["fingerprint"])
        if meta["fingerprint"]
        else None
    )
    return InheritedArrays(weights or None, distillation)


def _packed(arrays: Mapping[str, Array], meta: Mapping[str, Any]) -> bytes:
    # The size of intp depends on the platform, and safetensors has no name for it.
    portable = {name: array.astype(np.int64) if array.dtype == np.intp else array for name, array in arrays.items()}
    return bytes(pack_checkpoint(portable, meta))
