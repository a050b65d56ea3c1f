"""The state of a search: an Optuna study in an SQLite file, so that it can be continued.

Trials that were running when the search was killed are tried first. Their runs are resumed.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from dropout_cli.config.validate import node_value
from dropout_cli.core.environment import install_command
from dropout_cli.core.errors import UsageError
from dropout_cli.metrics import larger_is_better
from dropout_cli.runs.atomic_io import os_errors
from dropout_cli.sweeps import plan
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.spec import Sweep
from dropout_cli.training.checkpoint import IGNORED_KEY

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

STUDY = "study.db"
ASKED, SETTINGS, EPOCHS, SECONDS, FAILURE = "asked", "settings", "epochs", "seconds", "failure"
"""Attributes of a study (its identity), and of a trial: settings, cost of its runs, reason of its failure."""
CELLS, VALUES = "cells", "values"
"""Attributes of a trial: the ids of its runs, and the validation values of the complete ones by seed."""
EARLIEST, BEST = 5, 100 / 3
"""A trial is pruned only after this number of comparable trials, and if it is not in this best percentage of them."""


@contextmanager
def open_study(sweep: Sweep, folder: SweepFolder) -> "Iterator[Study]":
    """Open or create the study in a folder for the duration of the block.

    Args:
        sweep: The specification of the search.
        folder: The folder, which is locked meanwhile.

    Raises:
        UsageError: Optuna is not installed, another process uses the folder, or it has a different search.
    """
    try:
        import optuna
        from sqlalchemy import URL
    except ImportError:
        fact = "needs Optuna, which is not installed"
        raise UsageError("dropout tune", fact, install_command("tune")) from None
    # Optuna would log every trial to stderr.
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with folder.hold_lock(), os_errors(folder.path):
        storage = optuna.storages.RDBStorage(URL.create("sqlite", database=str(folder.path / STUDY)).render_as_string())
        try:
            study = optuna.create_study(
                storage=storage,
                study_name="tune",
                direction="maximize" if larger_is_better(sweep.metric) else "minimize",
                load_if_exists=True,
            )
            identity = _identity(sweep)
            if study.user_attrs.setdefault(ASKED, identity) != identity:
                fact = "the folder contains a different search (config, data, keys, metric or number of seeds differ)"
                raise UsageError(str(folder.path), fact, "Choose another folder with --out.")
            study.set_user_attr(ASKED, identity)
            _try_again(study)
            # A continued search must not draw the same values again, so that the seed depends on the number of trials.
            known = len(study.get_trials(deepcopy=False))
            study.sampler = optuna.samplers.TPESampler(seed=known)
            study.pruner = optuna.pruners.PercentilePruner(BEST, n_startup_trials=EARLIEST)
            yield study
        finally:
            storage.engine.dispose()


def _identity(sweep: Sweep) -> str:
    """Return the identity of a search as JSON."""
    # The number of trials is not a part of it, so that a search can be extended.
    found = plan.make_plan(replace(sweep, points=(sweep.axes.fixed,), seeds=(0,))).groups[0].config
    base = {key: value for key, value in found.items() if key != IGNORED_KEY}
    if base["dataset"]["folds"] is None:  # studies of older versions have no folds
        base = base | {"dataset": {key: one for key, one in base["dataset"].items() if key not in ("folds", "fold")}}
    axes = {
        "grid": {key: [value for value, _ in values] for key, values in sweep.axes.grid.items()},
        "zip": [{setting.key: setting.value for setting in row} for row in sweep.axes.rows],
        "draw": {key: node_value(node) for key, node in sweep.axes.distributions.items()},
    }
    return json.dumps({"base": base, **axes, "metric": sweep.metric, "repeats": sweep.repeats}, sort_keys=True)


def _try_again(study: "Study") -> None:
    """Queue the trials that ran when the search was killed; they are tried first."""
    from optuna.trial import TrialState

    for one in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.enqueue_trial(one.params)
        study.tell(one.number, state=TrialState.FAIL)


def ended_trials(study: "Study") -> "list[FrozenTrial]":
    """Return the trials that have ended, in their order, without those of `_try_again`."""
    # `_try_again` marks a trial as failed without a reason.
    trials = study.get_trials(deepcopy=False)
    return [trial for trial in trials if trial.state.name in ("COMPLETE", "PRUNED") or FAILURE in trial.user_attrs]
