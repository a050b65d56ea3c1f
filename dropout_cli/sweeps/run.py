"""A sweep from its plan to its evidence: the line through this package."""

import shlex
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeAlias

from dropout_cli import config
from dropout_cli.core import environment
from dropout_cli.core.errors import DataError, Interrupted, Stop, UsageError
from dropout_cli.core.text import counted
from dropout_cli.runs import Run, as_json, summary
from dropout_cli.sweeps import figures, load, tables
from dropout_cli.sweeps.baselines import baselines
from dropout_cli.sweeps.evidence import Evidence
from dropout_cli.sweeps.folder import PLAN, SWEEP_FORMAT, Folder
from dropout_cli.sweeps.notes import notes
from dropout_cli.sweeps.permutation import TestName
from dropout_cli.sweeps.plan import Cell, Plan
from dropout_cli.sweeps.records import Record
from dropout_cli.sweeps.replicates import SAME
from dropout_cli.sweeps.workers import dask_client, local
from dropout_cli.training import arithmetic

OnError: TypeAlias = Literal["continue", "stop"]


@dataclass(frozen=True)
class Progress:
    """How far it has come."""

    done: int
    failed: int
    cells: int
    last: local.Outcome | None = None


@dataclass(frozen=True)
class Report:
    """What a sweep ends with."""

    evidence: Evidence
    failures: Mapping[str, str]
    """Cell -> why it failed."""
    missing: int
    """Cells that were never trained, because an error stopped the sweep."""


Watch: TypeAlias = Callable[[Progress], None]
Train: TypeAlias = Callable[[Folder, Sequence[Cell]], Generator[local.Outcome, None, None]]


def conduct(
    plan: Plan,
    folder: Folder,
    text: bytes,
    *,
    metric: str,
    baseline: Mapping[str, Any] | None,
    margin: float | None,
    others: Sequence[str] = (),
    test: TestName = "t",
    watch: Watch,
    notice: Callable[[str], None],
    jobs: int | None = None,
    scheduler: str | None = None,
    on_error: OnError = "continue",
    retry_failed: bool = False,
    draw: bool = True,
    file: str = "sweep.yaml",
    replacing: bool = False,
) -> Report:
    """Train what is missing, and say what all runs say together; `text` is the sweep as a `file`.

    Cells are trained here, `jobs` at a time, or by the workers of the Dask scheduler at the address `scheduler`. A
    plan that keeps nothing of the one in the folder takes its place only when `replacing`.

    Raises UsageError when another process works on the sweep, another sweep is kept there, or the baseline is none of
    the groups, DataError where data have changed, RunFailed where the folder cannot be written, Interrupted. The same
    again goes on.
    """
    baselines([group.values for group in plan.groups], plan.keys, baseline)
    with folder.lock():
        facts: dict[str, Any] = {"metric": metric, "baseline": baseline, "margin": margin}
        facts |= ({"metrics": list(others)} if others else {}) | ({"test": test} if test != "t" else {})
        change = changes(plan, folder, replacing=replacing)
        for line in (
            *told_of_layout(plan, folder),
            *told(change, folder),
            *_rewritten(folder),
            *_computed_otherwise(plan, folder),
        ):
            notice(line)
        _freeze(plan, folder, facts, change)
        folder.write(file, text)
        try:
            if scheduler is None:
                train = partial(local.train, jobs=jobs or environment.cores())
            else:
                train = partial(dask_client.train, address=scheduler, notice=notice)
            failures = _train(plan, folder, train, on_error, retry_failed, watch)
        except (Stop, KeyboardInterrupt) as stop:
            done = sum(folder.is_complete(cell.id) for cell in plan.cells)
            verb = "is" if len(plan.cells) == 1 else "are"
            fact = f"interrupted, {done} of {counted(len(plan.cells), 'run')} {verb} complete"
            raise Interrupted.by(stop, str(folder.path), fact, "The same command goes on") from None
        complete = [cell for cell in plan.cells if folder.is_complete(cell.id)]
        missing = len(plan.cells) - len(complete) - len(failures)
        records = [_record(plan, cell, folder) for cell in complete]
        evidence = conclude(records, folder, draw=draw)
        return Report(evidence, failures, missing)


def _train(
    plan: Plan, folder: Folder, train: Train, on_error: OnError, retry_failed: bool, watch: Watch
) -> dict[str, str]:
    """Train every cell that is neither complete nor known to fail; return the failures, old and new."""
    if retry_failed:
        for cell in plan.cells:
            if folder.failure(cell.id) is not None:
                folder.forget_failure(cell.id)
                if folder.has_diverged(cell.id):  # it would not go on from there
                    folder.discard(cell.id)
    failures = {cell.id: reason for cell in plan.cells if (reason := folder.failure(cell.id)) is not None}
    wanted = [cell for cell in plan.cells if cell.id not in failures and not folder.is_complete(cell.id)]
    done = len(plan.cells) - len(wanted) - len(failures)
    watch(Progress(done, len(failures), len(plan.cells)))
    if on_error == "stop" and failures:
        return failures
    with closing(train(folder, wanted)) as outcomes:
        for outcome in outcomes:
            if outcome.failure is None:
                done += 1
            else:
                failures[outcome.cell.id] = outcome.failure
                folder.fail(outcome.cell.id, outcome.failure, alone(folder, outcome.cell))
            watch(Progress(done, len(failures), len(plan.cells), outcome))
            if on_error == "stop" and failures:
                break
    return failures


def alone(folder: Folder, cell: Cell) -> str:
    """The command that trains one cell by itself."""
    folder.write(f"failed/{cell.id}.yaml", config.to_yaml(cell.experiment).encode())
    return f"dropout train {shlex.quote(str(folder.path / 'failed' / f'{cell.id}.yaml'))}"


def changes(plan: Plan, folder: Folder, *, replacing: bool = False) -> dict[str, int] | None:
    """What is new, kept and orphaned where another plan stands in the folder; None where it is this one, or none.

    A cell that is complete counts as kept, whichever plan trained it. Raises DataError where data have changed, and
    UsageError where nothing is kept of a sweep that has complete cells, unless `replacing` it is what is wanted.
    """
    stands = load.plan(folder)
    if stands is None:
        return None
    before = {one.id: one.fingerprint for one in stands.cells}
    for cell in plan.cells:
        if before.get(cell.id) not in (None, cell.experiment.dataset.fingerprint):
            fact = "the data are not those that this sweep began with"
            raise DataError(str(folder.path), fact, "Bring the former data back, or name another folder with --out.")
    ids = {cell.id for cell in plan.cells}
    orphaned = len(before.keys() - ids)
    if not (orphaned or ids - before.keys()):
        return None
    new = sum(id not in before and not folder.has_manifest(id) for id in ids)
    if new == len(ids) and not replacing and any(map(folder.has_manifest, before)):
        fact = f"another sweep is kept there, and none of its runs ({len(before)}) is in this one"
        raise UsageError(str(folder.path), fact, "Name another folder with --out.")
    looked = {"looked": 1} if folder.has("results.csv") else {}
    return {"cells": len(ids), "new": new, "kept": len(ids) - new, "orphaned": orphaned} | looked


def told(change: Mapping[str, int] | None, folder: Folder) -> Iterator[str]:
    """A sentence, where there is a change."""
    if change is not None:
        counts = f"{counted(change['new'], 'new run')}, {change['kept']} kept, {change['orphaned']} not in it any more"
        yield f"{folder.path}: the sweep has changed: {counts}."


def told_of_layout(plan: Plan, folder: Folder, *inner: Folder) -> Iterator[str]:
    """Yield a sentence where the layout is not the usual one; of a new sweep, what its runs and data do not allow.

    A sweep is new where none of the folders holds one.
    """
    if all(load.plan(one) is None for one in (folder, *inner)):
        yield from plan.reasons
    elif plan.goes_on:
        its = "one split for all runs" if plan.splits == SAME else counted(int(plan.splits), "split")
        way_out = "--splits each with another --out gives every run its own"
        yield f"{folder.path}: goes on with {its}, as it began; {way_out}."


def _rewritten(folder: Folder) -> Iterator[str]:
    """Yield a sentence where the tables in the folder were written by the rules of an older format."""
    before = load.plan(folder)
    if before is not None and before.format < SWEEP_FORMAT and folder.has("results.csv"):
        fact = f"its tables are of format {before.format}, and are written anew by those of {SWEEP_FORMAT}"
        yield f"{folder.path}: {fact}."


def _computed_otherwise(plan: Plan, folder: Folder) -> Iterator[str]:
    """A sentence, where complete cells would be computed otherwise now; those to come are no pairs for them."""
    before = load.plan(folder)
    if before is None or before.arithmetic >= arithmetic.version():
        return
    reasons: dict[str, int] = {}
    for cell in plan.cells:
        if folder.is_complete(cell.id):
            run, train = Run(folder.cell(cell.id)), folder.summary(cell.id)["train"]
            targets = len(train.get("per_target", [None]))
            noted = arithmetic.noted_by(run)
            for reason in arithmetic.since(noted, cell.experiment, summary.examples(train), targets=targets):
                reasons[reason] = reasons.get(reason, 0) + 1
    for reason, number in reasons.items():
        yield (
            f"{folder.path}: trained by an older version: {counted(number, 'complete run')}. Since then "
            f"{reason}. Name another folder with --out to train all runs alike."
        )


def _freeze(plan: Plan, folder: Folder, facts: Mapping[str, Any], change: Mapping[str, int] | None) -> None:
    """Write the plan; where another one stands there, add what changes to its history."""
    before = load.plan(folder)
    first = {"cells": len(plan.cells), "new": len(plan.cells), "kept": 0, "orphaned": 0}
    generations = [first] if before is None else [*before.generations, *([] if change is None else [change])]
    cells = [
        {
            "id": cell.id,
            "group": cell.group,
            "seed": cell.replicate.seed,
            "split_seed": cell.replicate.split_seed,
            **({"fold": cell.replicate.fold} if cell.experiment.dataset.folds else {}),
            "fingerprint": cell.experiment.dataset.fingerprint,
        }
        for cell in plan.cells
    ]
    if before is not None and folder.has("results.csv"):
        now = {facts["metric"], *facts.get("metrics", [])}
        looked = dict.fromkeys([*before.judged_by, before.metric, *before.metrics])
        former = [one for one in looked if one not in now]
        facts = {**facts, **({"judged_by": former} if former else {})}
    groups = [{"values": group.values, "config": group.config} for group in plan.groups]
    version = arithmetic.version() if before is None else before.arithmetic
    content = {"format": SWEEP_FORMAT, "arithmetic": version, **facts, "splits": plan.splits, "keys": list(plan.keys)}
    content["generations"] = generations
    folder.write(PLAN, as_json(content | {"groups": groups, "cells": cells}))


def _record(plan: Plan, cell: Cell, folder: Folder) -> Record:
    return Record.of(str(folder.cell(cell.id)), plan.groups[cell.group].values, cell.replicate, folder.summary(cell.id))


def conclude(records: Sequence[Record], folder: Folder, *, draw: bool) -> Evidence:
    """Weigh the records as the folder's plan says, and write tables, notes and figures."""
    plan = load.plan(folder)
    assert plan is not None
    evidence = plan.weigh(records)
    for name, data in tables.all_tables(records, plan.keys, evidence).items():
        folder.write(name, data)
    folder.write("notes.txt", "".join(f"{line}\n" for line in notes(evidence)).encode())
    if draw:
        for name, picture in figures.draw(evidence, lambda record: folder.history(record.name)):
            folder.write(name, picture)
    return evidence
