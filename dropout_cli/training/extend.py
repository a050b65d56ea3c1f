"""Extension of a run to more epochs, unless its first epochs would have differed."""

import math

import numpy as np

from dropout_cli import config
from dropout_cli.config.schema import Experiment
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import counted
from dropout_cli.data.dataset import Dataset
from dropout_cli.runs import RESOLVED, Run
from dropout_cli.training.batch_order import BatchPlan
from dropout_cli.training.setup import PreparedExperiment, build_for_dataset

MAX_COMPARED_STEPS = 1_000
"""The most steps, evenly spread over those done, at which the two schedules are compared."""


def extend_run(run: Run, before: Experiment, prepared: PreparedExperiment, change_schedule: bool) -> None:
    """Set a new number of epochs, and mark the run as extended.

    Args:
        run: The locked run.
        before: The experiment as the run was configured.
        prepared: The experiment with the new number of epochs, in the state of the last checkpoint.
        change_schedule: True to extend even if the first epochs would have differed.

    Raises:
        UsageError: The run has that many epochs already, or its first epochs would have differed.
    """
    done, epochs = prepared.learner.epoch, prepared.experiment.training.epochs
    if epochs <= done:
        raise UsageError("--epochs", f"this run already has {counted(done, 'epoch')}", f"Give more than {done}.")
    difference = schedule_difference(before, prepared.experiment, prepared.dataset, prepared.learner.step)
    if difference is not None and not change_schedule:
        way_out = (
            f"Train again with training.epochs={epochs}, or add --change-schedule to continue anyway "
            "(the run is then marked)."
        )
        raise UsageError("--epochs", difference, way_out)
    stopped_early = prepared.selection is not None and prepared.selection.exhausted
    mark = {
        "after_epoch": done,
        "epochs": epochs,
        "schedule_changed": difference is not None,
        "patience_anew": stopped_early,
    }
    # An extension that was not trained yet is replaced, if the user changes the number of epochs again.
    earlier = [mark for mark in run.state().get("lengthened", []) if mark["after_epoch"] != done]
    resolved = config.to_yaml(prepared.experiment).encode()
    # In this order a kill leaves either the old run or the extended one: state.json accepts both configs by then.
    run.register_resolved(resolved, lengthened=[*earlier, mark])
    run.reopen()
    run.write(RESOLVED, resolved)


def restart_patience(run: Run, prepared: PreparedExperiment) -> None:
    """Reset the patience of a run that had stopped early and has not continued since.

    Args:
        run: The locked run.
        prepared: The experiment in the state of the last checkpoint; its selection is changed.
    """
    # Otherwise the exhausted patience of the checkpoint would end the run again at once.
    marks = run.state().get("lengthened", [])
    current = {
        "after_epoch": prepared.learner.epoch,
        "epochs": prepared.experiment.training.epochs,
        "patience_anew": True,
    }
    if prepared.selection is not None and any(current.items() <= mark.items() for mark in marks):
        prepared.selection.waited = 0


def schedule_difference(before: Experiment, after: Experiment, dataset: Dataset, steps: int) -> str | None:
    """Return how the first steps depend on the number of epochs; None if they do not.

    It compares the learning rate, each parameter's factor of it, and the columns of the layers, such as dropout rates.

    Args:
        before: The experiment as the run was configured.
        after: The same experiment with another number of epochs.
        dataset: The data.
        steps: The number of first steps, those that the run has done.
    """
    experiments = (before, after)
    plans = [BatchPlan.from_experiment(experiment, len(dataset.train)) for experiment in experiments]
    networks = [build_for_dataset(experiment, dataset) for experiment in experiments]
    old, new = before.training.epochs, after.training.epochs
    for name, parameter in networks[0].parameters().items():
        if parameter.lr_scale != networks[1].parameters()[name].lr_scale:
            return f"dropout: how fast {name} is learned depends on the number of epochs (now {new} instead of {old})"
    for step in np.unique(np.linspace(0, steps - 1, min(steps, MAX_COMPARED_STEPS)).astype(int)).tolist():
        factors = [
            experiment.training.schedule.factor(step, steps=plan.steps, steps_per_epoch=plan.steps_per_epoch)
            for experiment, plan in zip(experiments, plans, strict=True)
        ]
        if factors[0] != factors[1]:
            return f"training.schedule was planned for {counted(old, 'epoch')}, not {new}"
        for network in networks:
            network.set_step(step)
        columns, new_columns = (network.columns() for network in networks)
        for name, value in columns.items():
            # NaN: a column without a value at this step, equal in both.
            if value != new_columns[name] and not math.isnan(value):
                return f"dropout: {name} was planned for {counted(old, 'epoch')}, not {new}"
    return None
