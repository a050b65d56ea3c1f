"""More epochs than a run was planned for, where that does not rewrite its past."""

import math

import numpy as np

from dropout_cli import config
from dropout_cli.config.schema import Experiment
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted
from dropout_cli.data.dataset import Dataset
from dropout_cli.runs import RESOLVED, Run
from dropout_cli.training import loop
from dropout_cli.training.setup import Prepared, build_for

MOST_COMPARED = 1_000
"""So many of the steps done are compared."""


def extend_run(run: Run, before: Experiment, prepared: Prepared, change_schedule: bool) -> None:
    """Set another number of epochs, and mark the run. Raises UsageError where that would rewrite its past."""
    done, epochs = prepared.learner.epoch, prepared.experiment.training.epochs
    if epochs <= done:
        raise UsageError("--epochs", f"this run has {counted(done, 'epoch')} already", f"Give more than {done}.")
    dependence = schedule_difference(before, prepared.experiment, prepared.dataset, prepared.learner.step)
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
    run.register_resolved(resolved, lengthened=[*earlier, mark])
    run.reopen()
    run.write(RESOLVED, resolved)


def restart_patience(run: Run, prepared: Prepared) -> None:
    """Where the run had stopped early before it was lengthened, and has not gone on since."""
    marks = run.state().get("lengthened", [])
    here = {"after_epoch": prepared.learner.epoch, "epochs": prepared.experiment.training.epochs, "patience_anew": True}
    if prepared.selection is not None and any(here.items() <= mark.items() for mark in marks):
        prepared.selection.waited = 0


def schedule_difference(before: Experiment, after: Experiment, dataset: Dataset, steps: int) -> str | None:
    """How the first `steps` steps of a run would have gone otherwise with the other number of epochs; None: not at all.

    Compared are the learning rate, each parameter's own share of it, and the columns of the layers at every step,
    dropout rates among them.
    """
    plans = [loop.BatchPlan.from_experiment(one, len(dataset.train)) for one in (before, after)]
    networks = [build_for(one, dataset) for one in (before, after)]
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
            return f"training.schedule spreads the learning rate over {counted(was, 'epoch')}, not {would}"
        for network in networks:
            network.set_step(step)
        ours, theirs = (network.columns() for network in networks)
        for name, value in ours.items():
            if value != theirs[name] and not math.isnan(value):
                return f"dropout: {name} moves over {counted(was, 'epoch')}, not {would}"
    return None
