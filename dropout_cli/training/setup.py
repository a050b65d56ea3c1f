"""Setup of a run: read the data, check the config against them, and build the network.

Every error of a config or of its data surfaces here, before a run folder is created.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

import numpy as np

from dropout_cli import config, data, tasks
from dropout_cli.architectures import BuildContext
from dropout_cli.config.schema import Experiment
from dropout_cli.core.types import Array, DType
from dropout_cli.data.dataset import Dataset
from dropout_cli.data.overview import DatasetOverview, dataset_overview
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.nn.backend import threads
from dropout_cli.nn.layers.network import Network
from dropout_cli.nn.optim.update import Regularization
from dropout_cli.tasks import Task
from dropout_cli.training.auto_values import batch_size_notice, check_experiment
from dropout_cli.training.batch_order import BatchPlan
from dropout_cli.training.early_stopping import BestEpoch
from dropout_cli.training.noise_checks import check_noise, scaling_warnings
from dropout_cli.training.state import Learner

FLOAT32 = np.dtype(np.float32)
"""The dtype of the networks of runs."""


@dataclass(frozen=True)
class DistillationTargets:
    """Soft targets and test probabilities computed by the teacher runs."""

    targets: Array
    """(training examples, classes) float32: probabilities at the temperature of the objective."""
    test_probs: Array
    """(test examples, classes): probabilities at temperature 1."""
    fingerprint: str
    """SHA-256 over the teachers' weights."""


@dataclass(frozen=True)
class PreparedExperiment:
    """An experiment that is ready to train, with its data and its network."""

    experiment: Experiment
    """The experiment; every `auto` is resolved."""
    dataset: Dataset
    learner: Learner
    """The network and its optimizer, with initial weights."""
    task: Task
    selection: BestEpoch | None
    """Finds the best epoch; None without a validation part."""
    distillation: DistillationTargets | None = None
    """Computed by the teachers, if the objective is distillation."""
    notices: tuple[str, ...] = ()
    """Messages that the user should read before training starts."""


def prepare(experiment: Experiment) -> PreparedExperiment:
    """Read the data of an experiment, check it and build its network.

    Args:
        experiment: The experiment.

    Raises:
        ConfigError: The config does not fit the data.
        DataError: Data are missing or have changed.
    """
    return prepare_with_dataset(data.load_dataset(experiment.dataset), experiment)


def prepare_with_dataset(dataset: Dataset, experiment: Experiment, *, stored: bool = False) -> PreparedExperiment:
    """Check an experiment against a dataset that is already read, and build its network.

    Args:
        dataset: The data.
        experiment: The experiment.
        stored: True if the experiment was trained before and now only predicts. It then skips the checks that only
            concern new runs.

    Raises:
        ConfigError: The config does not fit the data.
    """
    notices = (*dataset.notices, *batch_size_notice(experiment, dataset), *scaling_warnings(experiment))
    experiment = check_experiment(experiment, dataset, stored=stored)
    learner = make_learner(experiment, build_for_dataset(experiment, dataset))
    if not stored:
        check_noise(experiment, learner.network, BatchPlan.from_experiment(experiment, len(dataset.train)).steps)
    task = tasks.task_of(experiment.objective, dataset)
    return PreparedExperiment(experiment, dataset, learner, task, _selection(experiment, dataset), notices=notices)


def make_learner(experiment: Experiment, network: Network) -> Learner:
    """Return a learner for a network, with optimizer and regularization.

    Args:
        experiment: The experiment.
        network: The network.
    """
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


def build_for_dataset(experiment: Experiment, dataset: Dataset) -> Network:
    """Return the network of an experiment, in float32 with its initial weights.

    Args:
        experiment: The resolved experiment.
        dataset: The data.
    """
    return build_network(experiment, Preprocessing.from_dataset(dataset))


def build_network(experiment: Experiment, fitted: Preprocessing, dtype: DType = FLOAT32) -> Network:
    """Return the network of an experiment from the preprocessing alone, without the data.

    Args:
        experiment: The resolved experiment.
        fitted: The preprocessing that was fitted to the train part.
        dtype: The dtype of the weights.
    """
    # Some variants depend on the number of training examples or steps.
    plan = BatchPlan.from_experiment(experiment, fitted.train_count)
    context = BuildContext(
        shape=fitted.shape,
        outputs=tasks.task_of(experiment.objective, fitted).outputs,
        examples=fitted.train_count,
        steps=plan.steps,
        steps_per_epoch=plan.steps_per_epoch,
        seed=experiment.seed,
        init_seed=experiment.stream_seed("init"),
        learning_rate=experiment.training.optimizer.learning_rate,
        normalized=experiment.training.optimizer.normalized,
        targets=len(fitted.targets.names) if fitted.targets else 1,
        squared=experiment.objective.is_squared_error,
        dtype=dtype,
    )
    return experiment.architecture.build(experiment.dropout, context)


def thread_limit(experiment: Experiment) -> AbstractContextManager[None]:
    """Return a context manager that limits computation to the threads of an experiment.

    Args:
        experiment: The resolved experiment.
    """
    return threads.limit_threads(int(experiment.training.threads), divided=experiment.architecture.has_maps)


def run_label(experiment: Experiment) -> str:
    """Return the label of a run for its folder, such as `digits-mlp-inverted-r0.5-s0`.

    Args:
        experiment: The experiment.
    """
    blocks = config.to_dict(experiment)
    parts = [blocks["dataset"]["name"], blocks["architecture"]["name"], blocks["dropout"]["variant"]]
    rate = blocks["dropout"].get("rate")
    if rate is not None:
        rates = rate if isinstance(rate, list) else [rate]
        parts.append("r" + "+".join(f"{value:g}" for value in rates))
    schedule, objective = blocks["dropout"].get("rate_schedule"), blocks["objective"]["name"]
    # Defaults are omitted, so that most names stay short.
    if schedule is not None and schedule["name"] != "constant":
        parts.append(schedule["name"])
    if objective not in ("cross_entropy", "squared_error"):
        parts.append(objective)
    return "-".join([*parts, f"s{experiment.seed}"])


def _selection(experiment: Experiment, dataset: Dataset) -> BestEpoch | None:
    """Return the tracker of the best epoch; None without a validation part."""
    if dataset.val is None:
        return None
    settings, stopping = experiment.training, experiment.training.early_stopping
    if stopping is None:
        return BestEpoch(settings.monitor)
    return BestEpoch(settings.monitor, patience=stopping.patience, min_delta=stopping.min_delta)


def check_data(experiment: Experiment) -> DatasetOverview:
    """Read and check the data of an experiment, and return an overview of them.

    Args:
        experiment: The experiment.

    Raises:
        ConfigError: The config does not fit the data.
        DataError: Data are missing or have changed.
    """
    examples = experiment.dataset.read()
    dataset = data.split_and_scale(experiment.dataset, examples)
    check_experiment(experiment, dataset)
    overview = dataset_overview(examples, dataset)
    return replace(overview, warnings=(*overview.warnings, *batch_size_notice(experiment, dataset)))
