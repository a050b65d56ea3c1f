"""The id of a planned run: a hash of its config, so that the same run is found again."""

import hashlib
import json
from collections.abc import Collection
from typing import Any

from dropout_cli import config
from dropout_cli.config.declarations import block_keys
from dropout_cli.config.schema import Experiment
from dropout_cli.sweeps.replicates import SEED
from dropout_cli.training.auto_values import DEFAULT_BATCH_SIZE

CELL_FORMAT = 1
"""A part of every cell's name. It never changes: another value would rename the runs of every existing sweep."""
USUAL = {"training.batch_size": DEFAULT_BATCH_SIZE}
"""Key -> the usual value of its default `auto`. A run with this value has the same name as one with the default."""
MACHINE = ("training.threads", "dataset.fingerprint", "yardstick")
"""Keys that do not change the result of a run, and so not its name."""


def identify_run(experiment: Experiment, swept: Collection[str]) -> str:
    """Return the id of a run: 12 hex digits of a hash of all values that are not the default."""
    # Defaults are left out, so that a new key of a later version does not rename existing runs.
    facts = {"format": CELL_FORMAT, "config": _differing(experiment, "", swept), SEED: experiment.seed}
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _differing(block: Any, path: str, swept: Collection[str]) -> dict[str, Any]:
    """Return the keys whose values are not the default; a block keeps its name.

    Args:
        block: A block of the config.
        path: Its dotted key; empty: the whole config.
        swept: The swept keys.
    """
    found: dict[str, Any] = {}
    for name, key in block_keys(type(block)).items():
        inner, value = f"{path}.{name}" if path else name, getattr(block, name)
        # Paths depend on the machine, so that they do not count; a swept path does, because it distinguishes runs.
        if (
            value in (key.default(), USUAL.get(inner, key.default()))
            or inner in MACHINE
            or (key.is_path(value) and inner not in swept)
        ):
            continue
        if key.registry is not None and not isinstance(value, str | None):
            found[name] = {key.registry.tag: key.registry.name_of(type(value)), **_differing(value, inner, swept)}
        elif key.block is not None and not isinstance(value, str | None):
            found[name] = _differing(value, inner, swept)
        else:
            found[name] = config.to_plain(value)
    return found
