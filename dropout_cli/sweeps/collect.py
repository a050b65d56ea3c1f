"""Runs and sweeps that somebody names, as records that can be compared."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dropout_cli import statistics
from dropout_cli.config import flatten
from dropout_cli.core import npz
from dropout_cli.core.errors import UsageError
from dropout_cli.core.types import Array
from dropout_cli.metrics import predicted
from dropout_cli.runs import Run, find
from dropout_cli.sweeps import load
from dropout_cli.sweeps.comparison import DATASET, Record
from dropout_cli.sweeps.folder import Folder, is_sweep
from dropout_cli.sweeps.plan import REPLICATES

UNTOLD = {*REPLICATES, "training.threads", "training.save_every", "training.evaluation_batch", "objective.fingerprint"}
"""Keys that make no group of their own."""
FINGERPRINT = "dataset.fingerprint"


def gather(references: Sequence[str], root: Path, by: Sequence[str] = ()) -> tuple[list[Record], list[str], int]:
    """The complete runs among what is named, the keys that tell their groups apart, and how many are not complete.

    Each reference is a sweep's folder, or a run as `runs.find` takes it. Raises UsageError where nothing is complete,
    or no run has a key of `by`.
    """
    found, planned, left_out = [], [], 0
    for reference in dict.fromkeys(references):
        if is_sweep(reference):
            records, plan = load.read(Folder(Path(reference)))
            planned.append(plan.keys)
            left_out += len(plan.cells) - len(records)
            found += records
            continue
        run = find(reference, root)
        if run.status == "completed":
            summary = run.summary()
            found.append(Record.of(str(run.path), {}, _pair(run, summary), summary))
        else:
            left_out += 1
    if not found:
        raise UsageError("compare", "none of these runs is complete", "`dropout runs` lists what there is.")
    values = [dict(flatten(record.summary["config"])) for record in found]
    unknown = [key for key in by if all(key not in one for one in values)]
    if unknown:
        raise UsageError("--by", f"no run has '{unknown[0]}'", "Keys are those of a config, such as dropout.rate.")
    if by:
        keys = list(by)
    elif len(planned) == 1 and len(references) == 1:
        keys = planned[0]
    else:
        keys = _differing(values)
    told = [
        Record(record.path, {key: one.get(key) for key in keys}, record.pair, record.summary)
        for record, one in zip(found, values, strict=True)
    ]
    return told, keys, left_out


def _pair(run: Run, summary: dict[str, Any]) -> tuple[int, int]:
    """Seed and split seed. Raises UsageError."""
    try:
        return int(summary["config"]["seed"]), int(summary["config"]["dataset"]["split_seed"])
    except (LookupError, TypeError, ValueError):
        place = str(run.path / "summary.json")
        raise UsageError(place, "does not hold the config of a run", "The file is damaged.") from None


def _differing(values: Sequence[dict[str, Any]]) -> list[str]:
    """The keys with at least two values, not counting runs that have no such key."""
    found = [
        key
        for key in dict.fromkeys(key for one in values for key in one)
        if key not in UNTOLD and len({json.dumps(one[key]) for one in values if key in one}) > 1
    ]
    if FINGERPRINT in found:  # data of another name are other data: once is enough
        named = {(one[DATASET], one[FINGERPRINT]) for one in values}
        if len(named) == len({name for name, _ in named}):
            found.remove(FINGERPRINT)
    return found


def mcnemar(records: Sequence[Record]) -> str | None:
    """A sentence on two single runs, from their predictions; None where they are not two on the same examples."""
    if len(records) != 2:
        return None
    try:
        (labels, first), (others, second) = (_right(Run(Path(record.path))) for record in records)
    except (UsageError, LookupError):
        return None
    if not np.array_equal(labels, others):
        return None
    found = statistics.mcnemar(first, second)
    return (
        f"McNemar's exact test of these two networks: only the first has {found.only_first} of {labels.shape[1]} test "
        f"examples right, only the second {found.only_second}, p = {found.p:.2g}. It says nothing of other seeds."
    )


def _right(run: Run) -> tuple[Array, Array]:
    """Row numbers with their labels, and which of them the run has right."""
    made = npz.read(run.read("predictions.npz"), str(run.path / "predictions.npz"))
    labels = made["labels"]
    return np.stack([made["rows"], labels]), predicted(made) == labels
