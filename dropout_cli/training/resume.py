"""Going on with a run in its own folder: from its last checkpoint, to the bytes it would have had anyway.

What is drawn depends on (seed, role, epoch) alone, so a resumed epoch is the epoch that was lost.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from dropout_cli import config
from dropout_cli.core import environment
from dropout_cli.core.errors import RunFailed, UsageError
from dropout_cli.runs import RESOLVED, Run
from dropout_cli.training import arithmetic, extend
from dropout_cli.training.checkpoint import LAST, Snapshot, config_digest, pack_checkpoint
from dropout_cli.training.run import TrainingWatch, continue_run
from dropout_cli.training.setup import Prepared, computing_with, prepare
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
    """Go on with the run to its end, and return the summary; see `reopened`, and `run_experiment` for `yardsticks`."""
    with reopen_run(run, epochs=epochs, change_schedule=change_schedule) as prepared:
        return continue_run(prepared, run, watch=watch, figures=figures, yardsticks=yardsticks)


@contextmanager
def reopen_run(run: Run, *, epochs: int | None = None, change_schedule: bool = False) -> Iterator[Prepared]:
    """Lock the run, and give its experiment as its last checkpoint left it, ready for `continue_run`.

    `epochs`, more than the run has done, lengthens it, which a completed run needs; where its schedule or its
    variant would have made another run of that length from the start, only with `change_schedule`.
    Raises Outdated where this version computes otherwise than the one that began it, UsageError, ConfigError, DataError
    or RunFailed.
    """
    _must_go_on(run, epochs)  # before anything is written there, and once more when nobody else can change it
    with run.lock():
        _must_go_on(run, epochs)
        before = config.load_config(run.path / RESOLVED, is_stored=True).experiment
        snapshot, notices = Snapshot.newest(run)
        after = before
        if epochs is not None:
            after = replace(before, training=replace(before.training, epochs=epochs))
        prepared = warm_start(prepare(after), fresh=snapshot is None)
        if snapshot is not None:
            arithmetic.refuse_changed_arithmetic(run, prepared)
            if snapshot.meta["config"] != config_digest(prepared.experiment):
                fact = f"{LAST} was saved under another config than {RESOLVED}"
                raise RunFailed(str(run.path), fact, "Bring the former file back, or train again.")
            snapshot.restore(prepared.learner, prepared.selection)
        if epochs is not None and (after != before or run.final_status == "completed"):
            extend.extend_run(run, before, prepared, change_schedule)
        run.reopen()
        _cut_back(run, snapshot)
        if notices and snapshot is not None:
            run.write(LAST, pack_checkpoint(snapshot.arrays, snapshot.meta))
        extend.restart_patience(run, prepared)
        with computing_with(prepared.experiment):
            differences = _elsewhere(run)
            facts: dict[str, Any] = {"environment": differences} if differences else {}
            if snapshot is None:  # it begins anew
                facts[arithmetic.NOTED] = arithmetic.arithmetic_version()
            run.record_status("running", **facts)
            yield replace(prepared, notices=(*prepared.notices, *notices, *differences))


def _must_go_on(run: Run, epochs: int | None) -> None:
    """Raise UsageError for a run that is at its end, or ended for good; RunFailed where its config was changed."""
    ended, place = run.final_status, str(run.path)
    if ended == "failed":
        way_out = (
            "It would fail again in the same way: train anew with a lower training.optimizer.learning_rate, "
            "or with training.clip_norm"
        )
        raise UsageError(place, f"this run failed ({run.state().get('reason')})", way_out)
    if ended == "completed" and epochs is None:
        raise UsageError(place, "this run is completed", "`--epochs N` lengthens it.")
    run.read_unchanged(RESOLVED)


def _cut_back(run: Run, snapshot: Snapshot | None) -> None:
    """Take out of metrics.csv what came after the checkpoint. Raises RunFailed where the rest is not what it was."""
    history = run.table("metrics.csv")
    history.truncate(snapshot.meta["epoch"] if snapshot else 0)
    if snapshot is not None and history.digest != snapshot.meta["metrics"]:
        fact = f"differs from what {LAST} says of it: it was changed or damaged"
        raise RunFailed(str(run.path / "metrics.csv"), fact, "Bring the former file back, or train again.")


def _elsewhere(run: Run) -> tuple[str, ...]:
    """Return messages about changes of the environment since the run began: the bytes may differ."""
    try:
        known = json.loads(run.read("environment.json"))
    except ValueError:
        return ("environment.json: is damaged, so that nothing is known of where this run began.",)
    return tuple(
        f"environment: {line}. The bytes may differ from those of an uninterrupted run."
        for line in environment.environment_differences(known, environment.describe_environment())
    )
