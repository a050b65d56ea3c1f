"""The files of a sweep: the plan before training; tables, notes and figures after it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dropout_cli.runs import json_bytes
from dropout_cli.sweeps import figures, stored_plan, tables
from dropout_cli.sweeps.folder import PLAN, SWEEP_FORMAT, SweepFolder
from dropout_cli.sweeps.folder_use import DESIGN
from dropout_cli.sweeps.notes import comparison_notes
from dropout_cli.sweeps.plan import Cell, SweepPlan
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.several_datasets import dataset_tables
from dropout_cli.sweeps.sweep_comparison import SweepComparison
from dropout_cli.sweeps.variance.design import VarianceDesign
from dropout_cli.training import result_changes


def write_plan(
    plan: SweepPlan,
    folder: SweepFolder,
    comparison: ComparisonSettings,
    change: Mapping[str, int] | None = None,
    design: VarianceDesign | None = None,
) -> None:
    """Write `plan.json`, which keeps the history of the plan that it replaces.

    Args:
        plan: The new plan.
        folder: The folder of the sweep.
        comparison: How the runs are compared.
        change: The entry of the history from `compare_with_stored`.
        design: The design of a study of the variance; None for a comparison of settings.
    """
    before = stored_plan.read_plan(folder)
    first = {"cells": len(plan.cells), "new": len(plan.cells), "kept": 0, "orphaned": 0}
    generations = [first] if before is None else [*before.generations, *([] if change is None else [change])]
    # A continued sweep keeps the version with which it began, so that later changes can be reported.
    version = result_changes.arithmetic_version() if before is None else before.arithmetic
    content: dict[str, Any] = {"format": SWEEP_FORMAT, "arithmetic": version}
    content |= {"metric": comparison.metric, "baseline": comparison.baseline, "margin": comparison.margin}
    content |= {"metrics": list(comparison.others)} if comparison.others else {}
    content |= {"test": comparison.test} if comparison.test != "t" else {}
    content |= {"until": asdict(comparison.until)} if comparison.until is not None else {}
    if before is not None and folder.has("results.csv"):
        # A metric that was chosen after a look at another one makes differences less certain; the notes say so.
        earlier = dict.fromkeys([*before.judged_by, before.metric, *before.metrics])
        judged_by = [metric for metric in earlier if metric not in comparison.metrics]
        content |= {"judged_by": judged_by} if judged_by else {}
    content |= {} if design is None else {DESIGN: asdict(design)}
    content |= {"splits": plan.splits, "keys": list(plan.keys), "generations": generations}
    content |= {"groups": [{"values": group.values, "config": group.config} for group in plan.groups]}
    folder.write(PLAN, json_bytes(content | {"cells": [_cell_entry(cell) for cell in plan.cells]}))


def _cell_entry(cell: Cell) -> dict[str, Any]:
    """Return the entry of a run in `plan.json`."""
    return {
        "id": cell.id,
        "group": cell.group,
        "seed": cell.replicate.seed,
        "split_seed": cell.replicate.split_seed,
        **({"fold": cell.replicate.fold} if cell.experiment.dataset.folds else {}),
        "fingerprint": cell.experiment.dataset.fingerprint,
    }


def write_results(records: Sequence[RunRecord], folder: SweepFolder, *, draw_figures: bool) -> SweepComparison:
    """Compare the runs by the stored plan, and write tables, notes and figures.

    Args:
        records: The complete runs.
        folder: The folder of the sweep.
        draw_figures: Whether to draw figures, which takes seconds.

    Raises:
        UsageError: The plan is damaged, or no group is the baseline.
    """
    plan = stored_plan.read_plan(folder)
    assert plan is not None
    evidence = plan.compare(records, stored_plan.read_failures(folder, plan))
    for name, data in tables.all_tables(records, plan.keys, evidence).items():
        folder.write(name, data)
    if evidence.over_datasets is not None:
        for name, data in dataset_tables(evidence.over_datasets):
            folder.write(name, data)
    folder.write("notes.txt", "".join(f"{line}\n" for line in comparison_notes(evidence)).encode())
    if draw_figures:
        for name, picture in figures.draw_sweep_figures(evidence, lambda record: folder.history(record.name)):
            folder.write(name, picture)
    return evidence
