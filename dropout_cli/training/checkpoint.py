"""Checkpoints: a learner as safetensors bytes, with arrays and JSON, and no code.

safetensors writes several metadata keys in random order, and arrays that are not C-contiguous wrongly. Therefore a
checkpoint has one key with canonical JSON, and contiguous copies of all arrays. The key contains the SHA-256 of the
whole file, computed with zeros in place of the digest, so that a single wrong bit anywhere is noticed.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli import config
from dropout_cli.config.schema import Experiment
from dropout_cli.core.errors import RunFailed, UsageError
from dropout_cli.core.shell_words import quote_word
from dropout_cli.core.types import Array
from dropout_cli.runs import FORMAT, RESOLVED, Run
from dropout_cli.runs.safe_read import require_known_format
from dropout_cli.training.early_stopping import BestEpoch
from dropout_cli.training.state import Learner
from dropout_cli.variants.toolkit.penalty_scale import USUAL_PRECISION

METADATA_KEY = "dropout"
LAST, PREVIOUS, BEST = (f"checkpoints/{name}.safetensors" for name in ("last", "last.previous", "best"))
NO_DIGEST = "0" * 64
MAX_HEADER_BYTES = 1 << 22
"""4 MB: a name, shape and place for each of 30,000 arrays."""
METADATA_TYPES = {"format": int, "epoch": int, "step": int, "selection": dict | None, "config": str, "metrics": str}


def pack_checkpoint(arrays: Mapping[str, Array], meta: Mapping[str, Any]) -> bytearray:
    """Return the bytes of a checkpoint; equal arguments give equal bytes."""
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(value) for name, value in sorted(arrays.items())}
    text = json.dumps({**meta, "sha256": NO_DIGEST}, sort_keys=True, separators=(",", ":"))
    data = bytearray(save(contiguous, {METADATA_KEY: text}))
    place = data.index(_stated(NO_DIGEST))
    data[place : place + len(_stated(NO_DIGEST))] = _stated(hashlib.sha256(data).hexdigest())
    return data


def _stated(digest: str) -> bytes:
    """Return the bytes of a digest in the header, where JSON is a text within JSON."""
    return json.dumps(f'"sha256":"{digest}"')[1:-1].encode()


def unpack_checkpoint(data: bytes, place: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return arrays and metadata of a checkpoint.

    Args:
        data: The bytes of the file.
        place: Its name, for messages.

    Raises:
        RunFailed: The bytes are damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        meta = _meta(data)
        arrays = load(bytes(data))
    except (SafetensorError, AttributeError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise RunFailed(
            place, f"the checkpoint is damaged ({error})", "Train again, or use the other checkpoint (best or last)."
        ) from None
    return arrays, meta


def _meta(data: bytes) -> dict[str, Any]:
    """Return the metadata; damaged bytes raise errors that `unpack_checkpoint` catches."""
    end = 8 + int.from_bytes(data[:8], "little")
    if not 8 < end <= min(len(data), MAX_HEADER_BYTES):
        raise ValueError("its header is incomplete or too long")
    header = data[8:end]
    meta = json.loads(json.loads(header)["__metadata__"][METADATA_KEY])
    digest = hashlib.sha256(data[:8])
    stated = meta.pop("sha256")
    digest.update(header.replace(_stated(stated), _stated(NO_DIGEST), 1))
    digest.update(memoryview(data)[end:])
    if digest.hexdigest() != stated:
        raise ValueError("its checksum does not match")
    return dict(meta)


DEFAULTS_OF_NEW_KEYS: dict[tuple[str, str], Any] = {
    ("dataset", "folds"): None,
    ("dataset", "fold"): 0,
    ("dataset", "encoding"): "auto",
    ("dataset", "dates"): "refuse",
    ("dataset", "header_line"): None,
    ("dataset", "extra_rows"): "leave_out",
    ("dataset", "sheet"): None,
    ("dataset", "decimal"): "auto",
    ("dataset", "channels"): None,
    ("dataset", "not_missing"): [],
    ("dataset", "missing_categories"): "most_frequent",
    ("dataset", "missing_indicator"): False,
    ("dataset", "drop_missing_target"): False,
    ("dataset", "min_class_rows"): None,
    ("dataset", "rare_classes"): "drop",
    ("dataset", "normalize_labels"): False,
    ("dataset", "weights"): None,
    ("dataset", "val_last"): None,
    ("dataset", "train_examples"): None,
    ("objective", "class_weights"): None,
    ("objective", "teacher_noise"): "dropout",
    ("dropout", "noise_precision"): USUAL_PRECISION,
    ("objective", "target_precision"): None,
    ("training", "tensorboard"): False,
    ("training", "mc_passes"): None,
    ("streams", "init"): None,
    ("streams", "order"): None,
    ("streams", "noise"): None,
    ("streams", "augment"): None,
}
"""Keys that configs of older versions lack, with the values that have the same effect as their absence."""


IGNORED_KEY = "yardstick"
"""A key that decides nothing of the network; configs of older versions lack it."""


def comparable_config(values: dict[str, Any]) -> dict[str, Any]:
    """Return a config without IGNORED_KEY and without new keys at their defaults.

    Args:
        values: An experiment as a mapping. Its copy lacks the keys of DEFAULTS_OF_NEW_KEYS that have the value there,
            and a block that has no other keys.
    """
    kept = {
        key: dict(inner) if isinstance(inner, dict) else inner for key, inner in values.items() if key != IGNORED_KEY
    }
    for (block, key), value in DEFAULTS_OF_NEW_KEYS.items():
        if key in kept.get(block, {}) and kept[block][key] == value:
            del kept[block][key]
            if not kept[block]:
                del kept[block]
    return kept


def config_digest(experiment: Experiment) -> str:
    """Return the SHA-256, in hex, of all keys that decide what is computed.

    The number of epochs, the times of saving and a file for TensorBoard do not count.
    """
    values = comparable_config(config.to_dict(experiment))
    for key in ("epochs", "save_every", "tensorboard"):
        values["training"].pop(key, None)
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@dataclass(frozen=True)
class Snapshot:
    """A learner after some epoch, and which epoch was the best until then."""

    arrays: dict[str, Array]
    meta: dict[str, Any]

    @classmethod
    def take(cls, learner: Learner, selection: BestEpoch | None, **facts: str) -> "Snapshot":
        """Copy everything that training changes.

        Args:
            learner: The learner.
            selection: The best epoch so far.
            **facts: Further metadata of the checkpoint.
        """
        meta = {"format": FORMAT, "epoch": learner.epoch, "step": learner.step}
        return cls(learner.snapshot(), meta | {"selection": selection.state() if selection else None} | facts)

    @classmethod
    def read(cls, run: Run, file: str) -> "Snapshot":
        """Read LAST, PREVIOUS or BEST from a run folder. Raises RunFailed or UsageError."""
        place = str(run.path / file)
        if (
            file == LAST and not run.has_file(LAST) and run.final_status == "completed"
        ):  # as cells come back from other machines
            again = f"`dropout train {quote_word(str(run.path / RESOLVED))}` writes the same bytes again"
            raise UsageError(place, "is only on the machine that trained the run", again)
        arrays, meta = unpack_checkpoint(run.read_unchanged(file), place)
        if not all(isinstance(meta.get(name), kind) for name, kind in METADATA_TYPES.items()):
            raise RunFailed(
                place, "is not a checkpoint of a run", "Train again, or use the other checkpoint (best or last)."
            )
        require_known_format(meta["format"], place, FORMAT)
        return cls(arrays, meta)

    @classmethod
    def newest(cls, run: Run) -> tuple["Snapshot | None", list[str]]:
        """Return the last readable snapshot, or None, and a message about an unreadable one."""
        try:
            if run.has_file(LAST) or not run.has_file(PREVIOUS):
                return (cls.read(run, LAST) if run.has_file(LAST) or run.final_status == "completed" else None), []
            message = f"{run.path / LAST}: is missing."
        except (RunFailed, UsageError) as error:
            if not run.has_file(PREVIOUS):
                raise
            message = str(error.problems[0]._replace(way_out=""))
        snapshot = cls.read(run, PREVIOUS)
        return snapshot, [f"{message} Continuing from the previous one, of epoch {snapshot.meta['epoch']}."]

    def restore(self, learner: Learner, selection: BestEpoch | None = None) -> None:
        """Put everything back. Raises RunFailed where it does not fit the learner."""
        try:
            learner.restore(self.arrays, epoch=self.meta["epoch"], step=self.meta["step"])
            if selection is not None:
                selection.load_state(self.meta["selection"])
        except (KeyError, TypeError, ValueError) as error:
            fact = f"does not fit the network of this run ({error})"
            raise RunFailed(
                "the checkpoint", fact, "Train again, or use the other checkpoint (best or last)."
            ) from None


class Saver:
    """Writes the newest and the best snapshot when they are due.

    The results of a run do not depend on when it saves.
    """

    def __init__(self, run: Run, every: float, start: Snapshot, best: Snapshot | None = None) -> None:
        """Begin with the snapshots that are already written.

        Args:
            run: The run folder.
            every: Seconds between two saves; 0 saves after every epoch.
            start: The content of LAST, if there is one.
            best: The content of BEST, if there is one.
        """
        self._run, self._every = run, every
        self.last, self.best = start, best
        self._written: dict[str, Snapshot | None] = {LAST: start if run.has_file(LAST) else None, BEST: best}
        self._saved_at = time.monotonic()

    def update(self, snapshot: Snapshot, *, is_best: bool) -> None:
        """Take in the snapshot of a finished epoch, and write if it is time."""
        self.last = snapshot
        if is_best:
            self.best = snapshot
        if time.monotonic() - self._saved_at >= self._every:
            self.save()

    def save(self) -> None:
        """Write new snapshots; the best first, so that the best named in `last` exists."""
        if self.best is not None and self._written[BEST] is not self.best:
            self._run.write(BEST, pack_checkpoint(self.best.arrays, self.best.meta))
            self._written[BEST] = self.best
        if self._written[LAST] is not self.last:
            self._run.write(LAST, pack_checkpoint(self.last.arrays, self.last.meta), former=PREVIOUS)
            self._written[LAST] = self.last
        self._saved_at = time.monotonic()
