"""Training of one run, from a prepared experiment to a complete run folder."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from dropout_cli import config
from dropout_cli.config.schema import Experiment
from dropout_cli.core import environment
from dropout_cli.core.errors import Diverged, Interrupted, RunFailed, StopRequest
from dropout_cli.core.shell_words import quote_word
from dropout_cli.data.preprocessing import PREPROCESSING_FILE as PREPROCESSING
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.runs import RESOLVED, CsvLog, Run, json_bytes
from dropout_cli.training import loop, result_changes
from dropout_cli.training.checkpoint import BEST, LAST, Saver, Snapshot, config_digest
from dropout_cli.training.results import finish_run
from dropout_cli.training.setup import PreparedExperiment, prepare, thread_limit
from dropout_cli.training.tensorboard_log import LiveTensorboard, require_tensorboard
from dropout_cli.training.warm_start import warm_start

TrainingWatch: TypeAlias = Callable[[loop.TrainingProgress | loop.EpochRecord], None]
"""Receives the progress of training and the record of each epoch."""


def prepare_run(experiment: Experiment) -> PreparedExperiment:
    """Validate an experiment and build everything that training needs.

    Errors surface here, before a run folder is created.

    Args:
        experiment: The experiment; values of `auto` are resolved.

    Raises:
        ConfigError: The config does not fit the data, or a run that it names.
        DataError: Data are missing or have changed.
        RunFailed: A run that the config names is damaged.
        UsageError: A package that the config needs is not installed.
    """
    if experiment.training.tensorboard:
        require_tensorboard("training.tensorboard")
    return warm_start(prepare(experiment))


def run_experiment(
    prepared: PreparedExperiment,
    run: Run,
    text: bytes | None,
    *,
    watch: TrainingWatch,
    figures: bool = True,
    yardsticks: Path | None = None,
) -> dict[str, Any]:
    """Train a prepared experiment in a new run folder, and return its summary.

    Args:
        prepared: The experiment; see `prepare_run`.
        run: The new folder.
        text: The user's config, stored byte for byte; None stores the resolved config instead.
        watch: Receives the progress of training and the record of each epoch.
        figures: True to draw figures.
        yardsticks: Folder in which the runs of a sweep share the scores of simple models; see
            `yardstick.measure_yardsticks`.

    Raises:
        Diverged: The loss is no longer a finite number.
        Interrupted: Training was interrupted; all finished epochs are saved.
        RunFailed: The folder cannot be written.
    """
    with run.lock(), thread_limit(prepared.experiment):
        resolved = config.to_yaml(prepared.experiment).encode()
        run.write("config.yaml", resolved if text is None else text)
        run.write("environment.json", json_bytes(environment.describe_environment()))
        run.write(RESOLVED, resolved)
        run.write(PREPROCESSING, Preprocessing.from_dataset(prepared.dataset).pack())
        facts: dict[str, Any] = {result_changes.STATE_KEY: result_changes.arithmetic_version()}
        run.record_status("running", resolved=[hashlib.sha256(resolved).hexdigest()], **facts)
        return continue_run(prepared, run, watch=watch, figures=figures, yardsticks=yardsticks)


def continue_run(
    prepared: PreparedExperiment,
    run: Run,
    *,
    watch: TrainingWatch,
    figures: bool = True,
    yardsticks: Path | None = None,
) -> dict[str, Any]:
    """Train a locked run from its current state to the end, and return its summary.

    Progress is saved even if training fails or is interrupted.

    Args:
        prepared: The experiment, with the learner in the state to continue from.
        run: The locked folder.
        watch: Receives the progress of training and the record of each epoch.
        figures: True to draw figures.
        yardsticks: See `run_experiment`.

    Raises:
        Diverged: The loss is no longer a finite number.
        Interrupted: Training was interrupted; all finished epochs are saved.
        RunFailed: The folder cannot be written.
    """
    settings, selection = prepared.experiment.training, prepared.selection
    save_seconds = 0.0 if settings.save_every == "every_epoch" else float(settings.save_every)
    best = Snapshot.read(run, BEST) if selection is not None and selection.best_epoch else None
    # A kill between the row of an epoch and its checkpoint leaves a row too many: the epoch is trained again.
    history = run.table("metrics.csv")
    history.truncate(prepared.learner.epoch)
    start = _snapshot(prepared, history, config_digest(prepared.experiment))
    saver = Saver(run, save_seconds, start, best)
    try:
        if settings.init_from is not None and not run.has_file(LAST):
            saver.save()  # the run that provides the initial weights may be deleted before this one is resumed
        # The loop itself raises Diverged for a loss that is not finite.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            _train(prepared, run, saver, history, watch)
        saver.save()
        return finish_run(prepared, run, saver.best, figures=figures, yardsticks=yardsticks)
    except Diverged as error:
        saver.save()
        run.append_log(str(error))
        run.record_status("failed", str(error))
        raise
    except RunFailed as error:
        raise _with_resume_command(error, run) from error
    except (StopRequest, KeyboardInterrupt) as stop:
        if run.final_status == "completed":  # stopped after the last file: there is nothing to resume
            raise
        saver.save()
        interrupted = Interrupted.from_stop(
            stop, str(run.path), _interruption_message(saver.last.meta["epoch"]), _resume_command(run)
        )
        run.append_log(str(interrupted))
        run.record_status("interrupted")
        raise interrupted from None


def _resume_command(run: Run) -> str:
    """Return the way out that names the command to continue the run."""
    return f"Continue with `dropout resume {quote_word(str(run.path))}`"


def _with_resume_command(error: RunFailed, run: Run) -> RunFailed:
    """Return the error with the resume command, if the run can be resumed."""
    place, fact, way_out = error.problems[0]
    return RunFailed(place, fact, f"{way_out} {_resume_command(run)}" if run.has_file(LAST) else way_out)


def _interruption_message(epoch: int) -> str:
    """Return the fact of an interruption after so many finished epochs."""
    return f"interrupted; saved after epoch {epoch}" if epoch else "interrupted in the first epoch"


def _snapshot(prepared: PreparedExperiment, history: CsvLog, digest: str) -> Snapshot:
    """Return a snapshot of the learner, with the digests of its config and history."""
    facts = {"config": digest, "metrics": history.digest}
    return Snapshot.take(prepared.learner, prepared.selection, **facts)


def _train(prepared: PreparedExperiment, run: Run, saver: Saver, history: CsvLog, watch: TrainingWatch) -> None:
    """Train until the last epoch or early stopping; record and save every epoch."""
    learner, selection = prepared.learner, prepared.selection
    # A run that had stopped early was then interrupted while it wrote its results.
    if selection is not None and selection.exhausted:
        return
    timings = run.table("timings.csv")
    timings.truncate(learner.epoch)
    live = LiveTensorboard(run) if prepared.experiment.training.tensorboard else None
    targets = prepared.distillation.targets if prepared.distillation else None
    for event in loop.train_epochs(learner, prepared.dataset, prepared.experiment, prepared.task, targets):
        if isinstance(event, loop.EpochRecord):
            history.append(event.metrics)
            is_best = selection is not None and selection.update(event.epoch, event.metrics)
            started = time.perf_counter()
            saver.update(_snapshot(prepared, history, saver.last.meta["config"]), is_best=is_best)
            seconds = {
                "train_seconds": event.train_seconds,
                "evaluate_seconds": event.evaluate_seconds,
                "save_seconds": time.perf_counter() - started,
            }
            timings.append({"epoch": event.epoch, "examples": event.examples} | seconds)
            if live is not None:
                live.add(event.metrics, event.epoch)
        watch(event)  # may raise a StopRequest, for example when the time budget is used up
        if selection is not None and selection.exhausted:
            return
