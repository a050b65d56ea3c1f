"""A trained network, read back from its run folder."""

from dataclasses import dataclass, replace
from typing import Any

from dropout_cli import data, tasks
from dropout_cli.config.schema import Experiment
from dropout_cli.config.stored import load_run_config
from dropout_cli.core.errors import RunFailed
from dropout_cli.data.dataset import Dataset
from dropout_cli.data.preprocessing import PREPROCESSING_FILE as FITTED
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.metrics.pass_noise import PassNoise
from dropout_cli.runs import RESOLVED, Run
from dropout_cli.tasks import Regression, Task
from dropout_cli.training import pass_noise
from dropout_cli.training.checkpoint import BEST, LAST, Snapshot
from dropout_cli.training.setup import build_network, make_learner, prepare_with_dataset
from dropout_cli.training.state import Learner

CHECKPOINT_FILES = {"best": BEST, "last": LAST}
"""The file of each checkpoint in a run folder."""


@dataclass(frozen=True)
class LoadedModel:
    """A trained network with its experiment and its data."""

    experiment: Experiment
    dataset: Dataset
    learner: Learner
    """With the checkpoint's weights."""
    task: Task
    checkpoint: str
    """`best` or `last`."""


def load_model(run: Run, checkpoint: str | None = None, *, allow_changed_data: bool = False) -> LoadedModel:
    """Load the data and the weights of a run.

    Args:
        run: The run.
        checkpoint: `best` or `last`; None: the one that the summary names, or else the last.
        allow_changed_data: Whether other data are accepted; the stored preprocessing is applied to them.

    Raises:
        UsageError: The run was changed, or is of a newer format.
        DataError: Data are missing or have changed.
        RunFailed: A file of the run is damaged.
    """
    run.read_unchanged(RESOLVED)
    name = checkpoint or evaluated_checkpoint(run)
    experiment = load_run_config(run)
    if allow_changed_data:
        experiment = replace(experiment, dataset=replace(experiment.dataset, fingerprint=None))
    fitted = load_preprocessing(run)
    prepared = prepare_with_dataset(data.load_dataset(experiment.dataset, fitted), experiment, stored=True)
    Snapshot.read(run, CHECKPOINT_FILES[name]).restore(prepared.learner)
    return LoadedModel(prepared.experiment, prepared.dataset, prepared.learner, prepared.task, name)


def load_preprocessing(run: Run) -> Preprocessing | None:
    """Return the stored preprocessing; None for a run of a version that kept none."""
    return Preprocessing.unpack(run.read_unchanged(FITTED), str(run.path / FITTED)) if run.has_file(FITTED) else None


@dataclass(frozen=True)
class LoadedWithoutData:
    """A trained network with its experiment and preprocessing, without its data."""

    experiment: Experiment
    fitted: Preprocessing
    learner: Learner
    task: Task


def load_without_data(run: Run, checkpoint: str | None = None) -> LoadedWithoutData:
    """Load the weights and the preprocessing of a run, without its data.

    Args:
        run: The run.
        checkpoint: `best` or `last`; None: the evaluated one, as in `load_model`. The task knows the error of a
            regression only with the evaluated one.

    Raises:
        UsageError: The run was changed, or is of a newer format.
        RunFailed: A file of the run is damaged.
    """
    run.read_unchanged(RESOLVED)
    experiment = load_run_config(run)
    fitted = load_preprocessing(run) or Preprocessing.from_dataset(data.load_dataset(experiment.dataset))
    learner = make_learner(experiment, build_network(experiment, fitted))
    evaluated = evaluated_checkpoint(run)
    Snapshot.read(run, CHECKPOINT_FILES[checkpoint or evaluated]).restore(learner)
    task = tasks.task_of(experiment.objective, fitted)
    is_known = run.final_status == "completed" and checkpoint in (None, evaluated)
    if isinstance(task, Regression) and is_known:
        task = _with_noise(task, run)
    return LoadedWithoutData(experiment, fitted, learner, task)


def _with_noise(task: Regression, run: Run) -> Regression:
    known = run.summary().get("noise_sd")
    if known is None:
        return task
    beside = run.summary().get(pass_noise.SUMMARY_KEY, {})
    kinds = beside if isinstance(beside, dict) else {"": beside}
    if not all(_is_pass_noise(one, len(task.targets.names)) for one in kinds.values()):
        raise RunFailed(
            str(run.path / "summary.json"), "is damaged (invalid target noise)", "Restore the file, or train again."
        )
    if not (isinstance(known, list) and len(known) == len(task.targets.names)):
        raise RunFailed(
            str(run.path / "summary.json"), "is damaged (no noise for each target)", "Restore the file, or train again."
        )
    if not all(isinstance(one, float) and 0 < one < float("inf") for one in known):
        raise RunFailed(
            str(run.path / "summary.json"),
            "is damaged (a noise is not a positive number)",
            "Restore the file, or train again.",
        )
    return replace(task, noise_sd=tuple(known))


def load_pass_noise(run: Run, training_noise: bool) -> PassNoise | None:
    """Return the stored target noise for Monte Carlo passes; None if there is none.

    Args:
        run: The run.
        training_noise: True for passes that draw all noise of the training, False for the dropout alone.
    """
    kinds = run.summary().get(pass_noise.SUMMARY_KEY, {}) if run.final_status == "completed" else {}
    known = kinds.get("all") if training_noise and "all" in kinds else kinds.get("dropout")
    if known is None:
        return None
    return PassNoise(known["passes"], *(tuple(known[key]) for key in ("noise_sd", "model_sd", "rmse")))


def _is_pass_noise(found: Any, targets: int) -> bool:
    """Return True if an entry of a summary has the fields of `PassNoise`."""
    if not (isinstance(found, dict) and found.keys() >= {"passes", "noise_sd", "model_sd", "rmse"}):
        return False
    lists = [found[key] for key in ("noise_sd", "model_sd", "rmse")]
    right = all(isinstance(one, list) and len(one) == targets for one in lists)
    numbers = right and all(isinstance(one, float) and 0 <= one < float("inf") for each in lists for one in each)
    return numbers and type(found["passes"]) is int and found["passes"] > 0


def evaluated_checkpoint(run: Run) -> str:
    """Return the checkpoint that the summary names; the last one without a summary."""
    if run.final_status != "completed":
        return "last"
    run.read_unchanged("summary.json")
    name = run.summary().get("checkpoint")
    if not (isinstance(name, str) and name in CHECKPOINT_FILES):
        raise RunFailed(str(run.path / "summary.json"), "names no checkpoint", "Give --checkpoint last or best.")
    return name
