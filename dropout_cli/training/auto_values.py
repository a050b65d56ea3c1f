"""Checks of an experiment against its data, and the resolution of every `auto`."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from dropout_cli import tasks
from dropout_cli.config.schema import Experiment, batch_norm_reason
from dropout_cli.core import environment
from dropout_cli.core.errors import ConfigError, InvalidField
from dropout_cli.core.text import counted
from dropout_cli.data.dataset import Dataset
from dropout_cli.nn.backend import threads
from dropout_cli.objectives import OBJECTIVES, Objective
from dropout_cli.objectives.cross_entropy import CrossEntropy
from dropout_cli.objectives.squared_error import SquaredError
from dropout_cli.variants.toolkit.penalty_scale import USUAL_PRECISION

SAVE_SECONDS = 5.0
"""Seconds between two saves with `save_every: auto`."""
DEFAULT_BATCH_SIZE = 64
"""The batch size of `batch_size: auto`, unless there are fewer training examples."""


def check_experiment(experiment: Experiment, dataset: Dataset, *, stored: bool = False) -> Experiment:
    """Return the experiment with every `auto` resolved, after checking it against the data.

    No network is allocated.

    Args:
        experiment: The experiment.
        dataset: The data.
        stored: True to accept what new runs are refused for, since older versions have trained with it.

    Raises:
        ConfigError: The experiment cannot be trained on these data.
    """
    training = replace(experiment.training, batch_size=_batch_size(experiment, dataset, stored=stored))
    experiment = replace(experiment, objective=_objective(experiment, dataset), training=training)
    if not stored and (refused := list(experiment.ineffective_settings())):
        raise ConfigError.from_problems(refused)
    _check_monitor(experiment, dataset)
    if dataset.val is None and (needed := list(experiment.settings_without_validation())):
        raise ConfigError.from_problems(needed)
    _check_shape(experiment, dataset)
    _check_memory(experiment, dataset)
    _check_precision(experiment)
    return resolve_auto_values(experiment, dataset)


def resolve_auto_values(experiment: Experiment, dataset: Dataset) -> Experiment:
    """Replace each `auto` that depends on data or machine, and add the data's fingerprint.

    Args:
        experiment: The experiment; its batch size and objective are resolved.
        dataset: The data.
    """
    settings = experiment.training
    task = tasks.task_of(experiment.objective, dataset)
    weights = experiment.architecture.largest_weights(dataset.shape, task.outputs)
    has_level = dataset.encoding is not None and dataset.encoding.has_missing_level
    return replace(
        experiment,
        dataset=replace(experiment.dataset.with_missing_level(has_level), fingerprint=dataset.fingerprint),
        training=replace(
            settings,
            threads=threads.suitable_threads(
                int(settings.batch_size) * weights, divided=experiment.architecture.has_maps
            )
            if settings.threads == "auto"
            else settings.threads,
            monitor=_monitor(experiment, dataset),
            evaluate=("best" if settings.early_stopping else "last")
            if settings.evaluate == "auto"
            else settings.evaluate,
            save_every=SAVE_SECONDS if settings.save_every == "auto" else settings.save_every,
        ),
    )


def batch_size_notice(experiment: Experiment, dataset: Dataset) -> Iterator[str]:
    """Yield a message if there are fewer training examples than the default batch size.

    Args:
        experiment: The experiment as configured.
        dataset: The data.
    """
    examples = len(dataset.train)
    if experiment.training.batch_size == "auto" and examples < DEFAULT_BATCH_SIZE:
        yield f"training.batch_size: set to {examples}, the number of training examples."


def _monitor(experiment: Experiment, dataset: Dataset) -> Any:
    """Return the monitored column; it stays `auto` without a validation part."""
    monitor = experiment.training.monitor
    return (
        f"val_{tasks.task_of(experiment.objective, dataset).headline_metric}"
        if monitor == "auto" and dataset.val
        else monitor
    )


def _objective(experiment: Experiment, dataset: Dataset) -> Objective:
    """Return the objective for the data, with class weights resolved.

    Raises:
        ConfigError: The objective is for another task.
    """
    objective = experiment.objective
    task = "classification" if dataset.targets is None else "regression"
    # The default of the config is cross-entropy; whether the data are a regression is known only after reading.
    if objective == CrossEntropy() and task == "regression":
        return SquaredError()
    if objective.task != task:
        name = OBJECTIVES.name_of(type(objective))
        suitable = ", ".join(other for other, cls in OBJECTIVES if cls.task == task)
        way_out = f"Use one of {suitable}" + (", or set dataset.task: regression." if task == "classification" else ".")
        raise ConfigError("objective", f"{name} is for {objective.task}, but the data are for {task}", way_out)
    if isinstance(objective, CrossEntropy):
        try:
            return objective.with_class_weights(dataset.train.labels, dataset.classes, dataset.train.weights)
        except InvalidField as error:
            raise ConfigError.from_problems(error.within("objective")) from None
    return objective


def _check_monitor(experiment: Experiment, dataset: Dataset) -> None:
    """Raise ConfigError if the task does not have the monitored metric."""
    task, monitor = tasks.task_of(experiment.objective, dataset), experiment.training.monitor
    known = ["auto", "val_loss", *(f"val_{name}" for name in task.monitors)]
    if monitor not in known:
        raise ConfigError("training.monitor", f"{monitor} is not a metric of a {task.name}", f"Use {', '.join(known)}.")


def _check_shape(experiment: Experiment, dataset: Dataset) -> None:
    """Raise ConfigError if the network does not fit the shape of the examples.

    For your own data the shape is known only after reading; for built-in datasets the config was checked before.
    """
    problems = list(experiment.incompatibilities(dataset.shape))
    if problems:
        raise ConfigError.from_problems(problems)


def _check_precision(experiment: Experiment) -> None:
    """Raise ConfigError for a precision of the noise that the loss does not use."""
    # Only a squared error needs a precision to be a likelihood; those of the other objectives have their own scale.
    is_unused = not experiment.objective.is_squared_error
    if is_unused and experiment.dropout.precision() not in (None, USUAL_PRECISION):
        fact = "is only used with objective: squared_error"
        raise ConfigError("dropout.noise_precision", fact, "Leave it out, or use that objective.")


def _batch_size(experiment: Experiment, dataset: Dataset, *, stored: bool) -> int:
    """Return the batch size; only `auto` is reduced to the number of training examples."""
    size, examples = experiment.training.batch_size, len(dataset.train)
    if size == "auto":
        if not stored and examples < experiment.architecture.smallest_batch:
            raise ConfigError("training.batch_size", f"auto is {batch_norm_reason(examples)}")
        return min(DEFAULT_BATCH_SIZE, examples)
    if size > examples:
        raise ConfigError(
            "training.batch_size",
            f"{size} is more than the {counted(examples, 'training example')}",
            "Make it smaller.",
        )
    return size


def _check_memory(experiment: Experiment, dataset: Dataset) -> None:
    """Raise ConfigError if the network does not fit into memory, before it is allocated."""
    outputs = tasks.task_of(experiment.objective, dataset).outputs
    weights = experiment.architecture.count_weights(dataset.shape, outputs)
    activations = experiment.architecture.count_activations(dataset.shape, outputs)
    batch = max(int(experiment.training.batch_size), experiment.training.evaluation_batch)
    # float32 arrays per weight: 4 in training (value, gradient, two moments); 3 each (value, moments) in the copies of
    # the last and the best epoch, and in one checkpoint as bytes.
    needed = 4 * (weights * (4 + 2 * 3 + 3) + batch * activations)
    available = environment.available_bytes()
    if available is not None and needed > available:
        raise ConfigError(
            "architecture",
            f"training {weights:,} weights needs about {needed / 1e9:,.1f} GB of memory, but only "
            f"{available / 1e9:,.1f} GB are free",
            "Make the layers or the batches smaller.",
        )
