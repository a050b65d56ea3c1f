"""Continue a run in its own folder, from its last checkpoint.

Random draws depend on (seed, role, epoch) alone, so the result has the same bytes as that of an uninterrupted run.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from dropout_cli.config.stored import load_run_config
from dropout_cli.core import environment
from dropout_cli.core.errors import RunFailed, UsageError
from dropout_cli.runs import RESOLVED, Run, safe_read
from dropout_cli.runs.timings import TIMINGS, read_timings
from dropout_cli.training import extend, result_changes
from dropout_cli.training.checkpoint import LAST, Snapshot, config_digest, pack_checkpoint
from dropout_cli.training.run import TrainingWatch, continue_run
from dropout_cli.training.setup import PreparedExperiment, prepare, thread_limit
from dropout_cli.training.warm_start import warm_start


def resume_run(
    run: Run,
    *,
    watch: TrainingWatch,
    figures: bool = True,
    epochs: int | None = None,
    change_schedule: bool = False,
    yardsticks: Path | None = None,
) -> dict[str, Any]:
    """Continue a run to its end, and return the summary.

    Args:
        run: The run.
        watch: Receives the progress of training and the record of each epoch.
        figures: True to draw figures.
        epochs: See `reopen_run`.
        change_schedule: See `reopen_run`.
        yardsticks: See `run_experiment`.

    Raises:
        DropoutError: As `reopen_run` and `continue_run`.
    """
    with reopen_run(run, epochs=epochs, change_schedule=change_schedule) as prepared:
        return continue_run(prepared, run, watch=watch, figures=figures, yardsticks=yardsticks)


@contextmanager
def reopen_run(run: Run, *, epochs: int | None = None, change_schedule: bool = False) -> Iterator[PreparedExperiment]:
    """Lock a run, and yield its experiment as of its last checkpoint.

    The result is ready for `continue_run`.

    Args:
        run: The run.
        epochs: The new number of epochs, more than the run has done; a completed run needs it.
        change_schedule: True to allow it even if the schedule or the variant depends on the number of epochs, so that
            the first epochs would have differed.

    Raises:
        IncompatibleVersion: This version of the package computes differently from the one that started the run.
        UsageError: The run cannot be continued, or not with this number of epochs.
        ConfigError: A run that the config names does not fit.
        DataError: Data are missing or have changed.
        RunFailed: A file of the run is damaged.
    """
    # Checked before the lock file is written, and again when no other process can change the run.
    _check_resumable(run, epochs)
    with run.lock():
        _check_resumable(run, epochs)
        before = load_run_config(run)
        snapshot, notices = Snapshot.newest(run)
        after = before
        if epochs is not None:
            after = replace(before, training=replace(before.training, epochs=epochs))
        prepared = warm_start(prepare(after), fresh=snapshot is None)
        if snapshot is not None:
            result_changes.refuse_changed_arithmetic(run, prepared)
            if snapshot.meta["config"] != config_digest(prepared.experiment):
                fact = f"{LAST} does not belong to {RESOLVED}, which was changed"
                raise RunFailed(str(run.path), fact, "Restore the original file, or train again.")
            snapshot.restore(prepared.learner, prepared.selection)
        if epochs is not None and (after != before or run.final_status == "completed"):
            extend.extend_run(run, before, prepared, change_schedule)
        run.reopen()
        _truncate_history(run, snapshot)
        # The last checkpoint was unreadable: the previous one takes its place.
        if notices and snapshot is not None:
            run.write(LAST, pack_checkpoint(snapshot.arrays, snapshot.meta))
        extend.restart_patience(run, prepared)
        with thread_limit(prepared.experiment):
            differences = _environment_messages(run)
            facts: dict[str, Any] = {"environment": differences} if differences else {}
            if snapshot is None:  # the run starts again from epoch 1, so with the arithmetic of this version
                facts[result_changes.STATE_KEY] = result_changes.arithmetic_version()
            run.record_status("running", **facts)
            yield replace(prepared, notices=(*prepared.notices, *notices, *differences))


def _check_resumable(run: Run, epochs: int | None) -> None:
    """Raise an error if a run cannot be resumed.

    Raises:
        UsageError: The run is complete or has failed, or its folder contains a link or a named pipe.
        RunFailed: Its config was changed, or its `timings.csv` is damaged.
    """
    safe_read.require_regular_files(run.path)  # the manifest at the end of training reads every file
    status, place = run.final_status, str(run.path)
    if status == "failed":
        # Draws depend on the seed and the epoch alone: the same config diverges again at the same step.
        way_out = "Train again with a lower training.optimizer.learning_rate, or set training.clip_norm."
        raise UsageError(place, f"this run failed ({run.state().get('reason')}), and would fail again", way_out)
    if status == "completed" and epochs is None:
        raise UsageError(place, "this run is complete", "Use `--epochs N` to train it for longer.")
    run.read_unchanged(RESOLVED)
    if run.has_file(TIMINGS):
        read_timings(run)  # the summary has their sum: an error after training would come too late


def _truncate_history(run: Run, snapshot: Snapshot | None) -> None:
    """Remove the rows of metrics.csv after the checkpoint.

    Raises:
        RunFailed: The remaining rows are not those that the checkpoint was saved with.
    """
    history = run.table("metrics.csv")
    history.truncate(snapshot.meta["epoch"] if snapshot else 0)
    if snapshot is not None and history.digest != snapshot.meta["metrics"]:
        fact = f"does not match {LAST}: it was changed or damaged"
        raise RunFailed(str(run.path / "metrics.csv"), fact, "Restore the original file, or train again.")


def _environment_messages(run: Run) -> tuple[str, ...]:
    """Return messages about changes of the environment since the run started."""
    try:
        stored = json.loads(run.read("environment.json"))
    except (ValueError, RecursionError):
        stored = None
    if not isinstance(stored, dict):
        return ("environment.json: is damaged, so the environment of the first session is unknown.",)
    # Another NumPy, BLAS or CPU rounds differently in the last bits.
    return tuple(
        f"environment: {line}. Results may differ slightly from those of an uninterrupted run."
        for line in environment.environment_differences(stored, environment.describe_environment())
    )
