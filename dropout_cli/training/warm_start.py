"""Arrays from other runs: soft targets of teachers, and initial weights."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dropout_cli.config.schema import Experiment
from dropout_cli.core.errors import ConfigError, DataError
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import Dataset
from dropout_cli.objectives.distillation import Distillation
from dropout_cli.runs import Run, safe_read
from dropout_cli.training import forward_passes, restore
from dropout_cli.training.restore import LoadedModel
from dropout_cli.training.setup import DistillationTargets, PreparedExperiment, thread_limit
from dropout_cli.training.state import Learner

TEACHER, INIT_FROM = "objective.teacher", "training.init_from"


@dataclass(frozen=True)
class InheritedArrays:
    """Everything inherited from other runs, already loaded."""

    weights: dict[str, Array] | None = None
    """Name -> initial value of weights and normalization state; None where the run starts from none."""
    distillation: DistillationTargets | None = None


def warm_start(prepared: PreparedExperiment, *, fresh: bool = True) -> PreparedExperiment:
    """Load and attach everything that an experiment inherits from other runs.

    Args:
        prepared: The experiment.
        fresh: Whether the run begins, and so takes its initial weights from another run.

    Raises:
        ConfigError: A run that the config names does not fit.
        DataError: A teacher has changed.
    """
    return attach_inherited(prepared, load_inherited(prepared.experiment, prepared.dataset, fresh=fresh))


def load_inherited(experiment: Experiment, dataset: Dataset, *, fresh: bool = True) -> InheritedArrays:
    """Load the arrays from the runs that the experiment names; see `warm_start`."""
    source, objective = experiment.training.init_from, experiment.objective
    weights = _weights(source) if fresh and source is not None else None
    distillation = _teacher_targets(objective, dataset, experiment) if isinstance(objective, Distillation) else None
    return InheritedArrays(weights, distillation)


def attach_inherited(prepared: PreparedExperiment, inherited: InheritedArrays) -> PreparedExperiment:
    """Attach inherited weights and targets to the experiment; see `warm_start`."""
    experiment, source = prepared.experiment, prepared.experiment.training.init_from
    if inherited.weights is not None and source is not None:
        messages = _start_from(source, inherited.weights, prepared.learner)
        prepared = replace(prepared, notices=(*prepared.notices, *messages))
    if inherited.distillation is not None and isinstance(experiment.objective, Distillation):
        expected = experiment.objective.fingerprint
        if expected is not None and expected != inherited.distillation.fingerprint:
            fact = "the weights of the teachers have changed since the config was written"
            raise DataError(TEACHER, fact, "To use them anyway, set objective.fingerprint=null.")
        taught = replace(experiment.objective, fingerprint=inherited.distillation.fingerprint)
        prepared = replace(
            prepared,
            experiment=replace(experiment, objective=taught),
            distillation=inherited.distillation,
        )
    return prepared


def _completed(folder: str, key: str) -> Run:
    run = Run(Path(folder))
    if not safe_read.file_exists(run.path / "state.json"):
        raise ConfigError(key, f"{folder} is not a run folder", "Give the folder of a run.")
    run.require_known_format()
    if run.status != "completed":
        raise ConfigError(key, f"{folder} is not complete (status: {run.status})", "Give a complete run.")
    return run


def _teacher_targets(objective: Distillation, dataset: Dataset, experiment: Experiment) -> DistillationTargets:
    """Compute the soft targets of the training part and the probabilities of the test part."""
    digest = hashlib.sha256()
    teachers = []
    for folder in objective.teachers:
        run = _completed(folder, TEACHER)
        teacher = restore.load_model(run)
        _require_same_data(teacher.dataset, dataset, folder)
        digest.update(run.read_unchanged(restore.CHECKPOINT_FILES[teacher.checkpoint]))
        teachers.append(teacher)
    if objective.teacher_passes and not any(_draws(teacher, objective) for teacher in teachers):
        fact = f"cannot be {objective.teacher_passes}, because no teacher has noise and all passes would be the same"
        raise ConfigError("objective.teacher_passes", fact, "Set it to 0, or give a teacher with dropout.")
    with thread_limit(experiment):
        targets = objective.soften(_logits(teachers, "train", objective))
        probs = replace(objective, temperature=1.0).soften(_logits(teachers, "test", objective))
    return DistillationTargets(targets.astype(np.float32), probs, digest.hexdigest())


def _draws(teacher: LoadedModel, objective: Distillation) -> bool:
    """Return True if the passes of a teacher differ from each other."""
    with teacher.learner.averaged() as network:
        all_noise, seed = objective.teacher_noise == "all", teacher.experiment.seed
        return forward_passes.draws_noise(
            network, teacher.dataset, teacher.dataset.train, seed=seed, training_noise=all_noise
        )


def _require_same_data(its: Dataset, ours: Dataset, folder: str) -> None:
    """Raise ConfigError unless teacher and student share data and split."""
    same = its.fingerprint == ours.fingerprint and its.classes == ours.classes
    if not (same and np.array_equal(its.train.rows, ours.train.rows) and np.array_equal(its.test.rows, ours.test.rows)):
        fact = f"{folder} was trained on other data, or on another split of them"
        raise ConfigError(TEACHER, fact, "Give teacher and student the same dataset block.")


def _logits(teachers: list[LoadedModel], part: str, objective: Distillation) -> Iterator[Array]:
    """Yield the logits of each teacher, or of each of its Monte Carlo passes."""
    for teacher in teachers:
        examples, settings = teacher.dataset.part(part), teacher.experiment.training
        assert examples is not None
        with teacher.learner.averaged() as network:
            if objective.teacher_passes:
                yield from forward_passes.noisy_passes(
                    network,
                    teacher.dataset,
                    examples,
                    seed=teacher.experiment.seed,
                    count=objective.teacher_passes,
                    batch=settings.evaluation_batch,
                    training_noise=objective.teacher_noise == "all",
                )
            else:
                yield forward_passes.outputs(network, teacher.dataset, examples, batch=settings.evaluation_batch)


def teacher_scores(distillation: DistillationTargets, predicted: Array, labels: Array) -> dict[str, float]:
    """Return the teachers' test accuracy, and their agreement with the student."""
    teacher = distillation.test_probs.argmax(axis=1)
    return {"accuracy": float((teacher == labels).mean()), "agreement": float((teacher == predicted).mean())}


def _weights(folder: str) -> dict[str, Array]:
    """Return the weights of the checkpoint that counts, with its normalization state."""
    with restore.load_model(_completed(folder, INIT_FROM)).learner.averaged() as network:
        found = {name: one.value for name, one in network.parameters().items()} | network.state()
        return {name: value.copy() for name, value in found.items()}


def _start_from(folder: str, theirs: dict[str, Array], learner: Learner) -> tuple[str, ...]:
    """Copy the weights whose names and shapes match; return messages about what was taken."""
    taken = learner.load_weights(theirs)
    ours = learner.network.parameters().keys() | learner.network.state().keys()
    if not taken:
        fact = f"{folder} has no weights of the same name and shape"
        raise ConfigError(INIT_FROM, fact, "`dropout config show CONFIG --model` shows names and shapes.")
    messages = [f"{INIT_FROM}: taken from {Path(folder).name}: {', '.join(taken)}."]
    if left := sorted(ours - set(taken)):
        messages.append(
            f"{INIT_FROM}: not found with this name and shape, so initialized at random: {', '.join(left)}."
        )
    if unused := sorted(theirs.keys() - set(taken)):
        messages.append(f"{INIT_FROM}: found, but not used: {', '.join(unused)}.")
    return tuple(messages)
