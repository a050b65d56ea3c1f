"""From a config to something that can train. Everything that can be wrong is found here, before a folder is made."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from dropout_cli import config, data, tasks
from dropout_cli.architectures import BuildContext
from dropout_cli.config.schema import Experiment, batch_norm_reason
from dropout_cli.core import environment
from dropout_cli.core.errors import ConfigError, InvalidField
from dropout_cli.core.text import counted
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Dataset
from dropout_cli.data.overview import DatasetOverview, dataset_overview
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.nn.backend import threads
from dropout_cli.nn.layers.network import Network
from dropout_cli.nn.optim.update import Regularization
from dropout_cli.nn.summary import summarize_network
from dropout_cli.objectives import OBJECTIVES, Objective
from dropout_cli.objectives.cross_entropy import CrossEntropy
from dropout_cli.objectives.squared_error import SquaredError
from dropout_cli.tasks import Task
from dropout_cli.training import loop
from dropout_cli.training.early_stopping import BestEpoch
from dropout_cli.training.noise_checks import check_noise, scaling_warnings
from dropout_cli.training.state import Learner
from dropout_cli.variants.toolkit.penalty_scale import USUAL_PRECISION

SAVE_SECONDS = 5.0
"""What `save_every: auto` means."""
USUAL_BATCH = 64
"""What `batch_size: auto` means, where there are so many training examples."""


@dataclass(frozen=True)
class DistillationTargets:
    """Soft targets and test probabilities, computed by finished runs."""

    targets: Array
    """(training examples, classes) float32: softened probabilities."""
    test_probs: Array
    """(test examples, classes): plain probabilities."""
    fingerprint: str
    """SHA-256 over the teachers' weights."""


@dataclass(frozen=True)
class Prepared:
    """An experiment that is ready to train: every `auto` resolved, everything allocated."""

    experiment: Experiment
    dataset: Dataset
    learner: Learner
    task: Task
    selection: BestEpoch | None
    """None without a validation part."""
    distillation: DistillationTargets | None = None
    """From the teachers, if the objective is distillation."""
    notices: tuple[str, ...] = ()
    """What the user should know before training starts."""


def prepare(experiment: Experiment) -> Prepared:
    """Read the data and build the network. Raises ConfigError or DataError."""
    return prepare_with(data.load_dataset(experiment.dataset), experiment)


def prepare_with(dataset: Dataset, experiment: Experiment, *, stored: bool = False) -> Prepared:
    """Do the same for a dataset that was read already; `stored`: the run has been trained, and only predicts now."""
    notices = (*dataset.notices, *_cut(experiment, dataset), *scaling_warnings(experiment))
    experiment = check_experiment(experiment, dataset, stored=stored)
    learner = make_learner(experiment, build_for(experiment, dataset))
    if not stored:
        check_noise(experiment, learner.network, loop.BatchPlan.from_experiment(experiment, len(dataset.train)).steps)
    task = tasks.task_of(experiment.objective, dataset)
    return Prepared(experiment, dataset, learner, task, _selection(experiment, dataset), notices=notices)


def make_learner(experiment: Experiment, network: Network) -> Learner:
    """The network with its optimizer."""
    settings = experiment.training
    regularization = Regularization(
        l1=settings.l1,
        l2=settings.l2,
        weight_decay=settings.weight_decay or settings.optimizer.decoupled_decay,
        max_norm=settings.max_norm,
        clip_norm=settings.clip_norm,
    )
    average_decay = settings.average.decay if settings.average else None
    return Learner(network, settings.optimizer, regularization, average_decay)


def check_experiment(experiment: Experiment, dataset: Dataset, *, stored: bool = False) -> Experiment:
    """The experiment, resolved; nothing is allocated. Raises ConfigError where it cannot be trained on these data.

    `stored`: it was trained before, so that what no run would begin with any more is let pass.
    """
    training = replace(experiment.training, batch_size=_batch_size(experiment, dataset, stored=stored))
    experiment = replace(experiment, objective=_objective(experiment, dataset), training=training)
    if not stored and (refused := list(experiment.ineffective_settings())):
        raise ConfigError.from_problems(refused)
    _check_monitor(experiment, dataset)
    _check_shape(experiment, dataset)
    _check_memory(experiment, dataset)
    _check_precision(experiment)
    return resolve(experiment, dataset)


def build_for(experiment: Experiment, dataset: Dataset) -> Network:
    """Return the experiment's network, with its initial weights, in float32."""
    return build_network(experiment, Preprocessing.from_dataset(dataset))


def build_network(experiment: Experiment, fitted: Preprocessing) -> Network:
    """The same, for data of which no more is known than what was fitted to them."""
    plan = loop.BatchPlan.from_experiment(experiment, fitted.train_count)
    context = BuildContext(
        shape=fitted.shape,
        outputs=tasks.task_of(experiment.objective, fitted).outputs,
        examples=fitted.train_count,
        steps=plan.steps,
        steps_per_epoch=plan.steps_per_epoch,
        seed=experiment.seed,
        learning_rate=experiment.training.optimizer.learning_rate,
        normalized=experiment.training.optimizer.normalized,
        targets=len(fitted.targets.names) if fitted.targets else 1,
        squared=experiment.objective.is_squared_error,
    )
    return experiment.architecture.build(experiment.dropout, context)


def resolve(experiment: Experiment, dataset: Dataset) -> Experiment:
    """Replace every `auto` that depends on data or machine, and put the fingerprint in."""
    settings = experiment.training
    task = tasks.task_of(experiment.objective, dataset)
    weights = experiment.architecture.largest_weights(dataset.shape, task.outputs)
    return replace(
        experiment,
        dataset=replace(experiment.dataset, fingerprint=dataset.fingerprint),
        training=replace(
            settings,
            threads=threads.suitable_threads(int(settings.batch_size) * weights)
            if settings.threads == "auto"
            else settings.threads,
            monitor=_monitor(experiment, dataset),
            evaluate=("best" if settings.early_stopping else "last")
            if settings.evaluate == "auto"
            else settings.evaluate,
            save_every=SAVE_SECONDS if settings.save_every == "auto" else settings.save_every,
        ),
    )


def _monitor(experiment: Experiment, dataset: Dataset) -> Any:
    asked = experiment.training.monitor
    return (
        f"val_{tasks.task_of(experiment.objective, dataset).headline_metric}"
        if asked == "auto" and dataset.val
        else asked
    )


def computing_with(experiment: Experiment) -> AbstractContextManager[None]:
    """Compute with the experiment's threads for as long as the block lasts; it must be resolved."""
    return threads.limit_threads(int(experiment.training.threads), divided=experiment.architecture.has_maps)


def run_label(experiment: Experiment) -> str:
    """What a run is, for its folder's name: `digits-mlp-inverted-r0.5-s0`."""
    blocks = config.to_dict(experiment)
    parts = [blocks["dataset"]["name"], blocks["architecture"]["name"], blocks["dropout"]["variant"]]
    rate = blocks["dropout"].get("rate")
    if rate is not None:
        parts.append("r" + "+".join(f"{one:g}" for one in (rate if isinstance(rate, list) else [rate])))
    schedule, objective = blocks["dropout"].get("rate_schedule"), blocks["objective"]["name"]
    if schedule is not None and schedule["name"] != "constant":
        parts.append(schedule["name"])
    if objective not in ("cross_entropy", "squared_error"):
        parts.append(objective)
    return "-".join([*parts, f"s{experiment.seed}"])


def _selection(experiment: Experiment, dataset: Dataset) -> BestEpoch | None:
    if dataset.val is None:
        return None
    settings, stopping = experiment.training, experiment.training.early_stopping
    if stopping is None:
        return BestEpoch(settings.monitor)
    return BestEpoch(settings.monitor, patience=stopping.patience, min_delta=stopping.min_delta)


def _objective(experiment: Experiment, dataset: Dataset) -> Objective:
    """What training minimizes: of quantities, where nothing else was said, squared error."""
    objective = experiment.objective
    wanted = "classes" if dataset.targets is None else "quantities"
    if objective == CrossEntropy() and wanted == "quantities":
        return SquaredError()
    if objective.predicts != wanted:
        name = OBJECTIVES.name_of(type(objective))
        able = ", ".join(other for other, cls in OBJECTIVES if cls.predicts == wanted)
        way_out = f"Use one of {able}" + (", or set dataset.task: regression." if wanted == "classes" else ".")
        raise ConfigError("objective", f"{name} predicts {objective.predicts}, and the data have {wanted}", way_out)
    if isinstance(objective, CrossEntropy):
        try:
            return objective.with_class_weights(dataset.train.labels, dataset.classes)
        except InvalidField as error:
            raise ConfigError.from_problems(error.within("objective")) from None
    return objective


def _check_monitor(experiment: Experiment, dataset: Dataset) -> None:
    task, monitor = tasks.task_of(experiment.objective, dataset), experiment.training.monitor
    known = ["auto", "val_loss", *(f"val_{name}" for name in task.monitors)]
    if monitor not in known:
        raise ConfigError("training.monitor", f"{monitor} is no number of a {task.name}", f"Use {', '.join(known)}.")


def _check_shape(experiment: Experiment, dataset: Dataset) -> None:
    """What the config could not tell of data that the user brings."""
    misfits = list(experiment.incompatibilities(dataset.shape))
    if misfits:
        raise ConfigError.from_problems(misfits)


def _check_precision(experiment: Experiment) -> None:
    """Raise ConfigError for a precision of the noise that the loss does not use."""
    objective = experiment.objective
    if not objective.is_squared_error and experiment.dropout.precision() not in (None, USUAL_PRECISION):
        name = OBJECTIVES.name_of(type(objective))
        fact = f"is of no use with {name}, whose likelihood has no precision to state"
        raise ConfigError("dropout.noise_precision", fact, "Leave it out, or use objective: squared_error.")


def _batch_size(experiment: Experiment, dataset: Dataset, *, stored: bool) -> int:
    """Examples per step; one that the user wrote is never changed."""
    size, examples = experiment.training.batch_size, len(dataset.train)
    if size == "auto":
        if not stored and examples < experiment.architecture.smallest_batch:
            fact = f"auto is {batch_norm_reason(examples)}"
            raise ConfigError("training.batch_size", fact)
        return min(USUAL_BATCH, examples)
    if size > examples:
        raise ConfigError(
            "training.batch_size",
            f"{size} is more than the {counted(examples, 'training example')}",
            "Make it smaller.",
        )
    return size


def _cut(experiment: Experiment, dataset: Dataset) -> Iterator[str]:
    """A line where the usual batch is more than there is to train on."""
    few = len(dataset.train)
    if experiment.training.batch_size == "auto" and few < USUAL_BATCH:
        yield f"training.batch_size: {few}, all training examples at once, since there are fewer than {USUAL_BATCH}."


def _check_memory(experiment: Experiment, dataset: Dataset) -> None:
    """Refuse a network that cannot fit, before anything of it is allocated."""
    outputs = tasks.task_of(experiment.objective, dataset).outputs
    weights = experiment.architecture.count_weights(dataset.shape, outputs)
    activations = experiment.architecture.count_activations(dataset.shape, outputs)
    batch = max(int(experiment.training.batch_size), experiment.training.evaluation_batch)
    # Value, gradient and two moments; copies of the last and the best epoch; one checkpoint as bytes.
    needed = 4 * (weights * (4 + 2 * 3 + 3) + batch * activations)
    available = environment.available_bytes()
    if available is not None and needed > available:
        raise ConfigError(
            "architecture",
            f"{weights:,} weights need about {needed / 1e9:,.1f} GB to train, {available / 1e9:,.1f} GB are free",
            "Make the layers or the batches smaller.",
        )


def model_table(experiment: Experiment) -> list[tuple[str, str, str, int, str]]:
    """The network that the experiment would train, a row per layer; its data are read for their shape."""
    dataset = data.load_dataset(experiment.dataset)
    experiment = check_experiment(experiment, dataset)
    lines = summarize_network(build_for(experiment, dataset), dataset.shape)
    rows = [
        (line.path, line.kind, "x".join(map(str, line.shape)), line.parameters, "noise" if line.noisy else "")
        for line in lines
    ]
    return [*rows, ("total", "", "", sum(line.parameters for line in lines), "")]


def checked_overview(experiment: Experiment) -> DatasetOverview:
    """What was read of the experiment's data; it is checked that they can be trained on. Raises as `prepare` does."""
    examples = experiment.dataset.read()
    dataset = data.split_and_scale(experiment.dataset, examples)
    check_experiment(experiment, dataset)
    found = dataset_overview(examples, dataset)
    return replace(found, warnings=(*found.warnings, *_cut(experiment, dataset)))
