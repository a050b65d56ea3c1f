"""A learner as bytes and back, in safetensors: arrays and JSON, nothing that could be executed.

Safetensors writes several metadata keys in random order, and arrays that are not C-contiguous
wrongly: hence one key with canonical JSON, and contiguous copies of everything.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_cli.arrays import Array
from dropout_cli.errors import RunFailed
from dropout_cli.learner import Learner
from dropout_cli.runs import FORMAT, Run
from dropout_cli.selection import Selection

KEY = "dropout"
LAST, PREVIOUS, BEST = (f"checkpoints/{name}.safetensors" for name in ("last", "last.previous", "best"))


def pack(arrays: Mapping[str, Array], meta: Mapping[str, Any]) -> bytes:
    """Return the bytes of a checkpoint; equal arguments give equal bytes."""
    from safetensors.numpy import save

    contiguous = {name: np.ascontiguousarray(value) for name, value in sorted(arrays.items())}
    return bytes(save(contiguous, {KEY: json.dumps(meta, sort_keys=True, separators=(",", ":"))}))


def unpack(data: bytes, place: str) -> tuple[dict[str, Array], dict[str, Any]]:
    """Return arrays and meta of a checkpoint. Raises RunFailed, naming `place`, where it is damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(data)
        length = int.from_bytes(data[:8], "little")
        meta = json.loads(json.loads(data[8 : 8 + length])["__metadata__"][KEY])
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise RunFailed(place, f"the checkpoint is damaged ({error})", "Train again, or use another.") from None
    return arrays, meta


@dataclass(frozen=True)
class Snapshot:
    """A learner after some epoch, and which epoch was the best until then."""

    arrays: dict[str, Array]
    meta: dict[str, Any]

    @classmethod
    def take(cls, learner: Learner, selection: Selection | None) -> "Snapshot":
        """Copy everything that training changes."""
        meta = {"format": FORMAT, "epoch": learner.epoch, "step": learner.step}
        return cls(learner.snapshot(), meta | {"selection": selection.state() if selection else None})

    @classmethod
    def read(cls, run: Run, file: str) -> "Snapshot":
        """Read LAST or BEST from a run folder. Raises RunFailed or UsageError."""
        return cls(*unpack(run.read_unchanged(file), str(run.path / file)))

    def restore(self, learner: Learner, selection: Selection | None = None) -> None:
        """Put everything back."""
        learner.restore(self.arrays, epoch=self.meta["epoch"], step=self.meta["step"])
        if selection is not None:
            selection.load_state(self.meta["selection"])


class Saver:
    """Writes the newest and the best snapshot when they are due; what is computed never depends on when."""

    def __init__(self, run: Run, every: float, start: Snapshot, best: Snapshot | None = None) -> None:
        """`every`: the seconds that must have passed since the last save; 0 saves after every epoch."""
        self._run, self._every = run, every
        self.last, self.best = start, best
        self._written: dict[str, Snapshot | None] = {LAST: None, BEST: best}
        self._saved_at = time.monotonic()

    def update(self, snapshot: Snapshot, *, is_best: bool) -> None:
        """Take in the snapshot of a finished epoch, and write if it is time."""
        self.last = snapshot
        if is_best:
            self.best = snapshot
        if time.monotonic() - self._saved_at >= self._every:
            self.save()

    def save(self) -> None:
        """Write what is new: the best first, so that `last` never speaks of a best that is not there."""
        if self.best is not None and self._written[BEST] is not self.best:
            self._run.write(BEST, pack(self.best.arrays, self.best.meta))
        if self._written[LAST] is not self.last:
            self._run.move(LAST, PREVIOUS)
            self._run.write(LAST, pack(self.last.arrays, self.last.meta))
        self._written = {LAST: self.last, BEST: self.best}
        self._saved_at = time.monotonic()
