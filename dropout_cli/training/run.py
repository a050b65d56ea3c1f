"""One run from a prepared experiment to a complete run folder."""

import hashlib
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from dropout_cli import config
from dropout_cli.config.schema import Experiment
from dropout_cli.core import environment
from dropout_cli.core.errors import Diverged, Interrupted, RunFailed, StopRequest
from dropout_cli.data.preprocessing import PREPROCESSING_FILE as PREPROCESSING
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.runs import RESOLVED, CsvLog, Run, json_bytes
from dropout_cli.training import arithmetic, loop
from dropout_cli.training.checkpoint import BEST, LAST, Saver, Snapshot, config_digest
from dropout_cli.training.results import finish_run
from dropout_cli.training.setup import Prepared, computing_with, prepare
from dropout_cli.training.warm_start import warm_start

TrainingWatch: TypeAlias = Callable[[loop.TrainingProgress | loop.EpochRecord], None]


def prepare_run(experiment: Experiment) -> Prepared:
    """Validate an experiment and allocate everything that its run needs, before a run folder is created.

    Raises:
        ConfigError: The config does not fit the data, or a run that it names.
        DataError: Data are missing or have changed.
        RunFailed: A run that the config names is damaged.
    """
    return warm_start(prepare(experiment))


def run_experiment(
    prepared: Prepared,
    run: Run,
    text: bytes | None,
    *,
    watch: TrainingWatch,
    figures: bool = True,
    yardsticks: Path | None = None,
) -> dict[str, Any]:
    """Train a prepared experiment in a new run folder, and return its summary.

    Args:
        prepared: The experiment, see `prepare_run`.
        run: The new folder.
        text: The user's config, stored byte for byte; None: the resolved config is stored in its place.
        watch: Receives the progress of training and the record of each epoch.
        figures: Whether to draw figures.
        yardsticks: Folder of shared numbers of simple models, see `yardstick.measured`.

    Raises:
        Diverged: The loss is not finite any more.
        Interrupted: Training was interrupted; what was reached is saved.
        RunFailed: The folder cannot be written.
    """
    with run.lock(), computing_with(prepared.experiment):
        resolved = config.to_yaml(prepared.experiment).encode()
        run.write("config.yaml", resolved if text is None else text)
        run.write("environment.json", json_bytes(environment.describe_environment()))
        run.write(RESOLVED, resolved)
        run.write(PREPROCESSING, Preprocessing.from_dataset(prepared.dataset).pack())
        began: dict[str, Any] = {arithmetic.NOTED: arithmetic.arithmetic_version()}
        run.record_status("running", resolved=[hashlib.sha256(resolved).hexdigest()], **began)
        return continue_run(prepared, run, watch=watch, figures=figures, yardsticks=yardsticks)


def continue_run(
    prepared: Prepared, run: Run, *, watch: TrainingWatch, figures: bool = True, yardsticks: Path | None = None
) -> dict[str, Any]:
    """Train a locked run from its current state to the end, and return its summary.

    Progress is saved even if training fails or is interrupted. Arguments and errors are those of `run_experiment`.
    """
    settings, selection = prepared.experiment.training, prepared.selection
    every = 0.0 if settings.save_every == "every_epoch" else float(settings.save_every)
    best = Snapshot.read(run, BEST) if selection is not None and selection.best_epoch else None
    history = run.table("metrics.csv")
    history.truncate(prepared.learner.epoch)
    start = _snapshot(prepared, history, config_digest(prepared.experiment))
    saver = Saver(run, every, start, best)
    try:
        if settings.init_from is not None and not run.has_file(LAST):
            saver.save()  # the run that it starts from may be gone when this one is resumed
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # a loss that is not finite is caught
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
        if run.final_status == "completed":
            raise
        saver.save()
        interrupted = Interrupted.from_stop(
            stop, str(run.path), _interruption(saver.last.meta["epoch"]), _resume_command(run)
        )
        run.append_log(str(interrupted))
        run.record_status("interrupted")
        raise interrupted from None


def _resume_command(run: Run) -> str:
    return f"Go on with `dropout resume {shlex.quote(str(run.path))}`"


def _with_resume_command(error: RunFailed, run: Run) -> RunFailed:
    """Return the error with the resume command, if the run can be resumed."""
    place, fact, way_out = error.problems[0]
    return RunFailed(place, fact, f"{way_out} {_resume_command(run)}" if run.has_file(LAST) else way_out)


def _interruption(epoch: int) -> str:
    return f"interrupted, and saved as it was after epoch {epoch}" if epoch else "interrupted in its first epoch"


def _snapshot(prepared: Prepared, history: CsvLog, config_identity: str) -> Snapshot:
    facts = {"config": config_identity, "metrics": history.digest}
    return Snapshot.take(prepared.learner, prepared.selection, **facts)


def _train(prepared: Prepared, run: Run, saver: Saver, history: CsvLog, watch: TrainingWatch) -> None:
    learner, selection = prepared.learner, prepared.selection
    if selection is not None and selection.exhausted:  # stopped early, and interrupted while writing the results
        return
    timings = run.table("timings.csv")
    timings.truncate(learner.epoch)
    targets = prepared.distillation.targets if prepared.distillation else None
    for event in loop.epochs(learner, prepared.dataset, prepared.experiment, prepared.task, targets):
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
        watch(event)
        if selection is not None and selection.exhausted:
            return
