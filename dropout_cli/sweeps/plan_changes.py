"""The difference between a new plan and the stored one, as counts and as messages."""

from collections.abc import Iterator, Mapping

from dropout_cli.core.errors import DataError, UsageError
from dropout_cli.core.text import counted
from dropout_cli.runs import Run, summary
from dropout_cli.sweeps import stored_plan
from dropout_cli.sweeps.folder import SWEEP_FORMAT, SweepFolder
from dropout_cli.sweeps.plan import SweepPlan
from dropout_cli.sweeps.replicates import SAME
from dropout_cli.training import result_changes


def compare_with_stored(plan: SweepPlan, folder: SweepFolder, *, may_replace: bool = False) -> dict[str, int] | None:
    """Count new, kept and orphaned runs against the stored plan.

    A complete run counts as kept, no matter which plan it was trained for.

    Args:
        plan: The plan to compare.
        folder: The folder, which may store a different plan.
        may_replace: Whether a plan that keeps no run of the stored one is allowed.

    Returns:
        An entry of the history in `plan.json`; None if no plan is stored, or the same one.

    Raises:
        DataError: The data have changed.
        UsageError: The stored plan has complete runs, and this plan keeps none of them.
    """
    stored = stored_plan.read_plan(folder)
    if stored is None:
        return None
    before = {one.id: one.fingerprint for one in stored.cells}
    for cell in plan.cells:
        # Runs on different data are not comparable.
        if before.get(cell.id) not in (None, cell.experiment.dataset.fingerprint):
            fact = "the data have changed since this sweep began"
            raise DataError(str(folder.path), fact, "Restore the original data, or choose another folder with --out.")
    ids = {cell.id for cell in plan.cells}
    orphaned = len(before.keys() - ids)
    if not (orphaned or ids - before.keys()):
        return None
    new = sum(id not in before and not folder.has_manifest(id) for id in ids)
    if new == len(ids) and not may_replace and any(map(folder.has_manifest, before)):
        fact = f"the folder contains a different sweep; none of its {counted(len(before), 'run')} belongs to this one"
        raise UsageError(str(folder.path), fact, "Choose another folder with --out.")
    # If tables exist, the user may have decided on the change after seeing them.
    looked = {"looked": 1} if folder.has("results.csv") else {}
    return {"cells": len(ids), "new": new, "kept": len(ids) - new, "orphaned": orphaned} | looked


def plan_messages(plan: SweepPlan, folder: SweepFolder, change: Mapping[str, int] | None) -> Iterator[str]:
    """Yield all messages for the user before a sweep starts."""
    yield from layout_messages(plan, folder)
    yield from change_messages(plan, folder, change)
    yield from _format_messages(folder)
    yield from _arithmetic_messages(plan, folder)


def change_messages(plan: SweepPlan, folder: SweepFolder, change: Mapping[str, int] | None) -> Iterator[str]:
    """Yield a message if the plan has changed; see `compare_with_stored`."""
    if change is not None:
        # A kept run may have been planned only, or have failed.
        trained = sum(folder.has_manifest(cell.id) for cell in plan.cells)
        missing = change["kept"] - trained
        kept = f"{change['kept']} kept" + (f" ({trained} trained, {missing} not trained yet)" if missing else "")
        counts = f"{counted(change['new'], 'new run')}, {kept}, {change['orphaned']} no longer used"
        yield f"{folder.path}: the sweep has changed: {counts}."


def layout_messages(plan: SweepPlan, folder: SweepFolder, *inner: SweepFolder) -> Iterator[str]:
    """Yield messages about an unusual layout of splits.

    For a new sweep they give the reasons. A sweep is new if none of the folders stores a plan.
    """
    if all(stored_plan.read_plan(one) is None for one in (folder, *inner)):
        yield from plan.reasons
    elif plan.goes_on:
        its = "one split for all runs" if plan.splits == SAME else counted(int(plan.splits), "split")
        way_out = "For a split per run, use --splits each and another --out"
        yield f"{folder.path}: continues with {its}, as it began. {way_out}."


def _format_messages(folder: SweepFolder) -> Iterator[str]:
    """Yield a message if the tables in the folder have an older format."""
    before = stored_plan.read_plan(folder)
    if before is not None and before.format < SWEEP_FORMAT and folder.has("results.csv"):
        fact = f"its tables have the old format {before.format} and are rewritten in format {SWEEP_FORMAT}"
        yield f"{folder.path}: {fact}."


def _arithmetic_messages(plan: SweepPlan, folder: SweepFolder) -> Iterator[str]:
    """Yield a message for each change of arithmetic since complete runs were trained."""
    # A difference between such a run and a new run with the same seed is not only due to their settings.
    before = stored_plan.read_plan(folder)
    if before is None or before.arithmetic >= result_changes.arithmetic_version():
        return
    reasons: dict[str, int] = {}
    for cell in plan.cells:
        if folder.is_complete(cell.id):
            run, train = Run(folder.cell(cell.id)), folder.summary(cell.id)["train"]
            targets = len(train.get("per_target", [None]))
            noted = result_changes.stored_version(run)
            for reason in result_changes.changes_since(
                noted, cell.experiment, summary.count_examples(train), targets=targets
            ):
                reasons[reason] = reasons.get(reason, 0) + 1
    for reason, number in reasons.items():
        yield (
            f"{folder.path}: an older version trained {counted(number, 'complete run')}. Since then, {reason}. "
            "To train all runs with the same version, choose another folder with --out."
        )
