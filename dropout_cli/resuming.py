"""Going on with a run in its own folder: from its last checkpoint, to the bytes it would have had anyway; or further.

What is drawn depends on (seed, role, epoch) alone, so a resumed epoch is the epoch that was lost.
"""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from dropout_cli import config, environment, experiment, threads, training
from dropout_cli.checkpoint import LAST, Snapshot, identity, pack
from dropout_cli.config.schema import Experiment
from dropout_cli.data.dataset import Dataset
from dropout_cli.errors import RunFailed, UsageError
from dropout_cli.experiment import Watch
from dropout_cli.inheritance import inherit
from dropout_cli.preparation import Prepared, build, prepare
from dropout_cli.runs import RESOLVED, Run

MOST_COMPARED = 1_000
"""So many of the steps done are compared when a run is lengthened."""


def resume(
    run: Run, *, watch: Watch, figures: bool = True, epochs: int | None = None, change_schedule: bool = False
) -> dict[str, Any]:
    """Go on with the run to its end, and return the summary; see `reopened`."""
    with reopened(run, epochs=epochs, change_schedule=change_schedule) as prepared:
        return experiment.go_on(prepared, run, watch=watch, figures=figures)


@contextmanager
def reopened(run: Run, *, epochs: int | None = None, change_schedule: bool = False) -> Iterator[Prepared]:
    """Hold the run, and give its experiment as its last checkpoint left it, ready for `experiment.go_on`.

    `epochs`, more than the run has done, lengthens it, which a completed run needs; where its schedule or its
    variant would have made another run of that length from the start, only with `change_schedule`.
    Raises UsageError, ConfigError, DataError or RunFailed.
    """
    _must_go_on(run, epochs)  # before anything is written there, and once more when nobody else can change it
    with run.lock():
        _must_go_on(run, epochs)
        before = config.load(run.path / RESOLVED).experiment
        snapshot, notices = Snapshot.newest(run)
        after = before
        if epochs is not None:
            after = replace(before, training=replace(before.training, epochs=epochs))
        prepared = inherit(prepare(after), fresh=snapshot is None)
        if snapshot is not None:
            if snapshot.meta["config"] != identity(prepared.experiment):
                fact = f"{LAST} was saved under another config than {RESOLVED}"
                raise RunFailed(str(run.path), fact, "Bring the former file back, or train again.")
            snapshot.restore(prepared.learner, prepared.selection)
        if epochs is not None and (after != before or run.ended == "completed"):
            _lengthen(run, before, prepared, change_schedule)
        run.reopen()
        _cut_back(run, snapshot)
        if notices and snapshot is not None:
            run.write(LAST, pack(snapshot.arrays, snapshot.meta))
        _begin_patience_anew(run, prepared)
        with threads.limited(int(prepared.experiment.training.threads)):
            differences = _elsewhere(run)
            facts: dict[str, Any] = {"environment": differences} if differences else {}
            run.mark("running", **facts)
            yield replace(prepared, notices=(*prepared.notices, *notices, *differences))


def _must_go_on(run: Run, epochs: int | None) -> None:
    """Raise UsageError for a run that is at its end, or ended for good; RunFailed where its config was changed."""
    ended, place = run.ended, str(run.path)
    if ended == "failed":
        way_out = (
            "It would fail again in the same way: train anew with a lower training.optimizer.learning_rate, "
            "or with training.clip_norm"
        )
        raise UsageError(place, f"this run failed ({run.state().get('reason')})", way_out)
    if ended == "completed" and epochs is None:
        raise UsageError(place, "this run is completed", "`--epochs N` lengthens it.")
    run.read_unchanged(RESOLVED)


def _cut_back(run: Run, snapshot: Snapshot | None) -> None:
    """Take out of metrics.csv what came after the checkpoint. Raises RunFailed where the rest is not what it was."""
    history = run.table("metrics.csv")
    history.cut_back(snapshot.meta["epoch"] if snapshot else 0)
    if snapshot is not None and history.digest != snapshot.meta["metrics"]:
        fact = f"differs from what {LAST} says of it: it was changed or damaged"
        raise RunFailed(str(run.path / "metrics.csv"), fact, "Bring the former file back, or train again.")


def _lengthen(run: Run, before: Experiment, prepared: Prepared, change_schedule: bool) -> None:
    """Set another number of epochs, and mark the run. Raises UsageError where that would rewrite its past."""
    done, epochs = prepared.learner.epoch, prepared.experiment.training.epochs
    if epochs <= done:
        raise UsageError("--epochs", f"this run has {done} epochs already", f"Give more than {done}.")
    dependence = rewritten(before, prepared.experiment, prepared.dataset, prepared.learner.step)
    if dependence is not None and not change_schedule:
        way_out = (
            f"Train anew with training.epochs={epochs}, or give --change-schedule as well, which goes on from here "
            "and marks the run"
        )
        raise UsageError("--epochs", dependence, way_out)
    stopped_early = prepared.selection is not None and prepared.selection.exhausted
    mark = {
        "after_epoch": done,
        "epochs": epochs,
        "schedule_changed": dependence is not None,
        "patience_anew": stopped_early,
    }
    earlier = [one for one in run.state().get("lengthened", []) if one["after_epoch"] != done]
    resolved = config.to_yaml(prepared.experiment).encode()
    # A kill between these leaves a run that is as it was, or as it will be.
    run.allow_resolved(resolved, lengthened=[*earlier, mark])
    run.reopen()
    run.write(RESOLVED, resolved)


def _begin_patience_anew(run: Run, prepared: Prepared) -> None:
    """Where the run had stopped early before it was lengthened, and has not gone on since."""
    marks = run.state().get("lengthened", [])
    here = {"after_epoch": prepared.learner.epoch, "epochs": prepared.experiment.training.epochs, "patience_anew": True}
    if prepared.selection is not None and any(here.items() <= mark.items() for mark in marks):
        prepared.selection.waited = 0


def rewritten(before: Experiment, after: Experiment, dataset: Dataset, steps: int) -> str | None:
    """How the first `steps` steps of a run would have gone otherwise with the other number of epochs; None: not at all.

    Compared are the learning rate, each parameter's own share of it, and the columns of the layers at every step,
    dropout rates among them.
    """
    plans = [training.Plan.of(one, len(dataset.train)) for one in (before, after)]
    networks = [build(one, dataset) for one in (before, after)]
    was, would = before.training.epochs, after.training.epochs
    for name, parameter in networks[0].parameters().items():
        if parameter.lr_scale != networks[1].parameters()[name].lr_scale:
            return f"dropout: how fast {name} is learned depends on the number of epochs, {was} or {would}"
    for step in np.unique(np.linspace(0, steps - 1, min(steps, MOST_COMPARED)).astype(int)).tolist():
        lr = [
            one.training.schedule.factor(step, steps=plan.steps, steps_per_epoch=plan.steps_per_epoch)
            for one, plan in zip((before, after), plans, strict=True)
        ]
        if lr[0] != lr[1]:
            return f"training.schedule spreads the learning rate over {was} epochs, not {would}"
        for network in networks:
            network.at(step)
        ours, theirs = (network.columns() for network in networks)
        for name, value in ours.items():
            if value != theirs[name] and not math.isnan(value):
                return f"dropout: {name} moves over {was} epochs, not {would}"
    return None


def _elsewhere(run: Run) -> tuple[str, ...]:
    """What is not as it was when the run began: the bytes may then differ."""
    try:
        known = json.loads(run.read("environment.json"))
    except ValueError:
        return ("environment.json: is damaged, so that nothing is known of where this run began.",)
    return tuple(
        f"environment: {line}. The bytes may differ from those of an uninterrupted run."
        for line in environment.differences(known, environment.describe())
    )
