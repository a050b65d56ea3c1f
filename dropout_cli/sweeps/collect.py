"""The complete runs of the runs and sweeps that a user names, as records to compare."""

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
from dropout_cli.sweeps.several_datasets import DATASET

FINGERPRINT = "dataset.fingerprint"


def collect_runs(
    references: Sequence[str], root: Path, by: Sequence[str] = ()
) -> tuple[list[RunRecord], list[str], int]:
    """Return the complete runs, the keys of their groups, and the number of other runs.

    Args:
        references: Sweep folders, or runs as `find_run` accepts them; a run that is named twice counts once.
        root: The folder of runs.
        by: The keys to group by; empty: the keys in which the runs differ.

    Returns:
        Complete runs, the keys that tell their groups apart, and the number of runs that are not complete.

    Raises:
        UsageError: No run is complete, no run has a key of `by`, or a folder is a study of the variance.
    """
    by_folder: dict[Path, RunRecord] = {}
    planned, unfinished = [], set[Path]()
    for reference in dict.fromkeys(references):
        if is_sweep_folder(reference):
            folder = SweepFolder(Path(reference))
            records, plan = stored_plan.read_runs(folder)
            if plan.design is not None:
                raise UsageError(f"{reference}: the runs", stored_plan.STUDY_FACT, stored_plan.STUDY_WAY_OUT)
            planned.append(plan)
            complete = {record.name for record in records}
            due = plan.due(records, stored_plan.read_failures(folder, plan))
            unfinished |= {folder.cell(id).resolve() for id in due if id not in complete}
            by_folder |= {Path(record.path).resolve(): record for record in records}
            continue
        run = find_run(reference, root)
        # The numbers of a run that is not complete would depend on when it stopped.
        if run.status == "completed":
            summary = run.summary()
            by_folder.setdefault(
                run.path.resolve(), RunRecord.from_summary(str(run.path), {}, _replicate(run, summary), summary)
            )
        else:
            unfinished.add(run.path.resolve())
    if not by_folder:
        raise UsageError("compare", "none of these runs is complete", "`dropout runs` lists all runs.")
    records = list(by_folder.values())
    settings = [record.settings for record in records]
    known = {
        ".".join(parts[: n + 1])
        for run_settings in settings
        for key in run_settings
        for parts in [key.split(".")]  # a key of a block groups by the whole block
        for n in range(len(parts))
    }
    unknown = [key for key in by if key not in known]
    if unknown:
        raise UsageError("--by", f"no run has '{unknown[0]}'", "Keys are those of a config, such as dropout.rate.")
    as_planned: set[str] = set()
    if by:
        keys = list(dict.fromkeys(by))
    elif len(planned) == 1 and len(dict.fromkeys(references)) == 1:
        keys = [*planned[0].keys, *_unplanned_keys(records, planned[0].keys)]
        # Their resolved values vary with the split; the plan has the swept ones.
        as_planned = {*planned[0].keys} & {*BY_SPLIT}
    else:
        keys = _keys_of_groups(settings)
    grouped_by_keys = [
        replace(record, values={key: record.values[key] if key in as_planned else record.setting(key) for key in keys})
        for record in records
    ]
    return grouped_by_keys, keys, len(unfinished)


class EarlierLooks(TypedDict):
    """Earlier looks at the results of a sweep: each one makes later differences less certain."""

    looks: list[int]
    """The number of runs at each earlier look."""
    judged_by: list[str]
    """The metrics by which the runs were compared."""


def earlier_looks(references: Sequence[str]) -> EarlierLooks:
    """Return the earlier looks at a sweep; none unless the references are a single sweep.

    Args:
        references: As in `collect_runs`.

    Raises:
        UsageError: The plan of the sweep is damaged.
    """
    only = references[0] if len(set(references)) == 1 and is_sweep_folder(references[0]) else None
    plan = None if only is None else stored_plan.read_plan(SweepFolder(Path(only)))
    if plan is None:
        return {"looks": [], "judged_by": []}
    return {"looks": plan.looks, "judged_by": [*plan.judged_by, plan.metric, *plan.metrics]}


def _unplanned_keys(records: Sequence[RunRecord], keys: Sequence[str]) -> list[str]:
    """Return the keys in which runs of one planned group differ.

    Keys whose values are computed from a split do not count.
    """
    # For example, a run was lengthened with `resume --epochs` after the sweep.
    groups: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        groups.setdefault(json.dumps([record.values.get(key) for key in keys]), []).append(record.settings)
    known = {*keys, *BY_SPLIT}
    return list(dict.fromkeys(key for group in groups.values() for key in differing_keys(group) if key not in known))


def _replicate(run: Run, summary: dict[str, Any]) -> Replicate:
    """Return the seed, split and fold of a run; raise UsageError if its summary is damaged."""
    try:
        dataset = summary["config"]["dataset"]
        return Replicate(int(summary["config"]["seed"]), int(dataset["split_seed"]), int(dataset.get("fold", 0)))
    except (LookupError, TypeError, ValueError):
        place = str(run.path / "summary.json")
        raise UsageError(place, "is damaged (it has no config of a run)", "Restore the file, or train again.") from None


def _keys_of_groups(settings: Sequence[dict[str, Any]]) -> list[str]:
    """Return the keys that tell groups apart."""
    keys = differing_keys(settings)
    if FINGERPRINT in keys:  # different names already tell the data apart
        named = {(values[DATASET], values[FINGERPRINT]) for values in settings}
        if len(named) == len({name for name, _ in named}):
            keys.remove(FINGERPRINT)
    return keys
