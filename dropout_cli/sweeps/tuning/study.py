"""The state of a search: an Optuna study in an SQLite file, so that it can be continued.

A trial has ended when its state says so, which is stored last. A trial that was running when the search was killed
keeps its number and its settings, and its runs are resumed.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dropout_cli.config.validate import node_value
from dropout_cli.core.environment import install_command
from dropout_cli.core.errors import RunFailed, UsageError
from dropout_cli.metrics import larger_is_better
from dropout_cli.runs.atomic_io import os_errors
from dropout_cli.sweeps import plan
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.spec import Sweep
from dropout_cli.training.checkpoint import comparable_config

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial, Trial

STUDY = "study.db"
ASKED, SETTINGS, EPOCHS, SECONDS, FAILURE = "asked", "settings", "epochs", "seconds", "failure"
"""Attributes of a study (its identity), and of a trial: settings, cost of its runs, reason of its failure."""
CELLS, VALUES = "cells", "values"
"""Attributes of a trial: the ids of its runs, and the validation values of the complete ones by seed."""


@contextmanager
def open_study(sweep: Sweep, folder: SweepFolder) -> "Iterator[Study]":
    """Open or create the study in a folder for the duration of the block.

    Args:
        sweep: The specification of the search.
        folder: The folder, which is locked meanwhile.

    Raises:
        UsageError: Optuna is not installed, another process uses the folder, it has a different search, or the study is
            damaged.
        RunFailed: The study cannot be written.
    """
    try:
        import optuna
        from sqlalchemy import URL
    except ImportError:
        fact = "needs Optuna, which is not installed"
        raise UsageError("dropout tune", fact, f"Install it with {install_command('tune')}.") from None
    # Optuna would log every trial to stderr.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with folder.hold_lock(), os_errors(folder.path), _database_errors(folder.path / STUDY):
        storage = optuna.storages.RDBStorage(URL.create("sqlite", database=str(folder.path / STUDY)).render_as_string())
        try:
            study = optuna.create_study(
                storage=storage,
                study_name="tune",
                direction="maximize" if larger_is_better(sweep.metric) else "minimize",
                load_if_exists=True,
            )
            identity = _identity(sweep)
            if _comparable(study.user_attrs.setdefault(ASKED, identity)) != _comparable(identity):
                fact = "the folder contains a different search (config, data, keys, metric or number of seeds differ)"
                raise UsageError(str(folder.path), fact, "Choose another folder with --out.")
            study.set_user_attr(ASKED, identity)
            # `Proposals` chooses the parameters. This sampler only completes unfinished trials of an older version.
            study.sampler = optuna.samplers.RandomSampler(seed=0)
            yield study
        finally:
            storage.engine.dispose()


@contextmanager
def _database_errors(path: Path) -> Iterator[None]:
    """Turn errors of the database in the block into one line.

    Args:
        path: The file of the database.

    Raises:
        RunFailed: The disk is full, or the file cannot be opened or written.
        UsageError: The file is not a database, or lacks what a study has.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except (SQLAlchemyError, StorageInternalError) as error:
        # The error of SQLite itself is the reason; SQLAlchemy and Optuna wrap it, each with a text of several lines.
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, sqlite3.Error):
            cause = getattr(cause, "orig", None) or cause.__cause__
        reason = str(cause or error).partition("\n")[0]
        if isinstance(cause, sqlite3.OperationalError) and not reason.startswith("no such"):
            way_out = (
                "Free some space there." if "full" in reason else "Choose another folder or change its permissions."
            )
            raise RunFailed(str(path), f"cannot be written ({reason})", way_out) from None
        way_out = "Delete this file to search again, or choose another folder with --out."
        raise UsageError(str(path), f"is damaged ({reason})", way_out) from None


def _identity(sweep: Sweep) -> str:
    """Return the identity of a search as JSON."""
    # The number of trials is not a part of it, so that a search can be extended.
    found = plan.make_plan(replace(sweep, points=(sweep.axes.fixed,), seeds=(0,))).groups[0].config
    base = comparable_config(found)
    axes = {
        "grid": {key: [value for value, _ in values] for key, values in sweep.axes.grid.items()},
        "zip": [{setting.key: setting.value for setting in row} for row in sweep.axes.rows],
        "draw": {key: node_value(node) for key, node in sweep.axes.distributions.items()},
    }
    return json.dumps({"base": base, **axes, "metric": sweep.metric, "repeats": sweep.repeats}, sort_keys=True)


def _comparable(identity: str) -> dict[str, Any]:
    """Return an identity without keys at their defaults that studies of older versions lack."""
    found: dict[str, Any] = json.loads(identity)
    return found | {"base": comparable_config(found["base"])}


def resume_trial(study: "Study", known: Collection[int]) -> "Trial | None":
    """Return the first unfinished trial of a search that was killed; None if there is none.

    Args:
        study: The study.
        known: The numbers of the trials that run already.
    """
    from optuna.trial import Trial, TrialState

    for one in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if one.number not in known:
            # `study.ask` would make a new trial, with a new number.
            return Trial(study, one._trial_id)
    # Such a trial was stored, but not begun.
    return study.ask() if study.get_trials(deepcopy=False, states=(TrialState.WAITING,)) else None


def ended_trials(study: "Study") -> "list[FrozenTrial]":
    """Return the trials that have ended, by number."""
    # Older versions marked a trial as failed without a reason if the search was killed during it.
    return [
        trial
        for trial in study.get_trials(deepcopy=False)
        if trial.state.name in ("COMPLETE", "PRUNED") or (trial.state.name == "FAIL" and FAILURE in trial.user_attrs)
    ]
