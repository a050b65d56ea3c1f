"""Runs and sweeps that somebody names, as records that can be compared."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from dropout_cli.core.errors import UsageError
from dropout_cli.runs import Run, find_run
from dropout_cli.sweeps import stored_plan
from dropout_cli.sweeps.folder import SweepFolder, is_sweep_folder
from dropout_cli.sweeps.records import RunRecord, differing_keys
from dropout_cli.sweeps.replicates import BY_SPLIT, Replicate
from dropout_cli.sweeps.sweep_comparison import DATASET

FINGERPRINT = "dataset.fingerprint"


def collect_runs(
    references: Sequence[str], root: Path, by: Sequence[str] = ()
) -> tuple[list[RunRecord], list[str], int]:
    """The complete runs among what is named, the keys that tell their groups apart, and how many are not complete.

    Each reference is a sweep's folder, or a run as `runs.find` takes it; a run that is named twice counts once. Raises
    UsageError where nothing is complete, or no run has a key of `by`.
    """
    found: dict[Path, RunRecord] = {}
    planned, unfinished = [], set[Path]()
    for reference in dict.fromkeys(references):
        if is_sweep_folder(reference):
            folder = SweepFolder(Path(reference))
            records, plan = stored_plan.read_runs(folder)
            planned.append(plan)
            named = {record.name for record in records}
            unfinished |= {folder.cell(cell.id).resolve() for cell in plan.cells if cell.id not in named}
            found |= {Path(record.path).resolve(): record for record in records}
            continue
        run = find_run(reference, root)
        if run.status == "completed":
            summary = run.summary()
            found.setdefault(
                run.path.resolve(), RunRecord.from_summary(str(run.path), {}, _replicate(run, summary), summary)
            )
        else:
            unfinished.add(run.path.resolve())
    if not found:
        raise UsageError("compare", "none of these runs is complete", "`dropout runs` lists what there is.")
    records = list(found.values())
    settings = [record.settings for record in records]
    known = {
        ".".join(parts[: n + 1])
        for one in settings
        for key in one
        for parts in [key.split(".")]
        for n in range(len(parts))
    }
    unknown = [key for key in by if key not in known]
    if unknown:
        raise UsageError("--by", f"no run has '{unknown[0]}'", "Keys are those of a config, such as dropout.rate.")
    asked: set[str] = set()
    if by:
        keys = list(dict.fromkeys(by))
    elif len(planned) == 1 and len(dict.fromkeys(references)) == 1:
        keys = [*planned[0].keys, *_beside_the_plan(records, planned[0].keys)]
        asked = {*planned[0].keys} & {*BY_SPLIT}
    else:
        keys = _differing(settings)
    grouped_by_keys = [
        replace(record, values={key: record.values[key] if key in asked else record.setting(key) for key in keys})
        for record in records
    ]
    return grouped_by_keys, keys, len(unfinished)


class EarlierLooks(TypedDict):
    """The earlier looks at a sweep."""

    looks: list[int]
    """How many runs there were at each earlier look at its tables."""
    judged_by: list[str]
    """The metrics by which its tables were written."""


def earlier_looks(references: Sequence[str]) -> EarlierLooks:
    """Return the earlier looks at a sweep, where it is all that is named. Raises UsageError where it is damaged."""
    only = references[0] if len(set(references)) == 1 and is_sweep_folder(references[0]) else None
    plan = None if only is None else stored_plan.read_plan(SweepFolder(Path(only)))
    if plan is None:
        return {"looks": [], "judged_by": []}
    return {"looks": plan.looks, "judged_by": [*plan.judged_by, plan.metric, *plan.metrics]}


def _beside_the_plan(records: Sequence[RunRecord], keys: Sequence[str]) -> list[str]:
    """Return the keys in which runs of one planned group differ although the plan has one value.

    What was resolved on different splits is what the plan has.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        groups.setdefault(json.dumps([record.values.get(key) for key in keys]), []).append(record.settings)
    known = {*keys, *BY_SPLIT}
    return list(dict.fromkeys(key for group in groups.values() for key in differing_keys(group) if key not in known))


def _replicate(run: Run, summary: dict[str, Any]) -> Replicate:
    """Return its seed and split. Raises UsageError."""
    try:
        dataset = summary["config"]["dataset"]
        return Replicate(int(summary["config"]["seed"]), int(dataset["split_seed"]), int(dataset.get("fold", 0)))
    except (LookupError, TypeError, ValueError):
        place = str(run.path / "summary.json")
        raise UsageError(place, "does not hold the config of a run", "The file is damaged.") from None


def _differing(settings: Sequence[dict[str, Any]]) -> list[str]:
    """The keys that tell groups apart."""
    found = differing_keys(settings)
    if FINGERPRINT in found:  # data of another name are other data: once is enough
        named = {(one[DATASET], one[FINGERPRINT]) for one in settings}
        if len(named) == len({name for name, _ in named}):
            found.remove(FINGERPRINT)
    return found
