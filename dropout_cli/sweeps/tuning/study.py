"""Where a search is kept: a study of Optuna in an SQLite file, so that one that was killed goes on.

Trials that were running then are tried again, and come first; the cells that they trained are where they were.
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
"""Attributes of a study, and of a trial: its point, the cost of its runs, and the reason of a failure."""
CELLS, VALUES = "cells", "values"
"""Notes of a trial: its cells, and the validation numbers of the complete ones, seed by seed."""
EARLIEST, BEST = 5, 100 / 3
"""So many trials must have come as far, before one is pruned; then it has to be among so many per cent of them."""


@contextmanager
def open_study(sweep: Sweep, folder: SweepFolder) -> "Iterator[Study]":
    """The study in the folder, new or as it was left, for as long as the block lasts. Raises UsageError."""
    try:
        import optuna
        from sqlalchemy import URL
    except ImportError:
        fact = "needs Optuna, which is not installed"
        raise UsageError("dropout tune", fact, install_command("tune")) from None
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
            asked = _asked(sweep)
            if study.user_attrs.setdefault(ASKED, asked) != asked:
                fact = "another search is kept there: another config, other data, keys, metric or number of repeats"
                raise UsageError(str(folder.path), fact, "Name another folder with --out.")
            study.set_user_attr(ASKED, asked)
            _try_again(study)
            known = len(study.get_trials(deepcopy=False))  # else a search that goes on would draw what it drew before
            study.sampler = optuna.samplers.TPESampler(seed=known)
            study.pruner = optuna.pruners.PercentilePruner(BEST, n_startup_trials=EARLIEST)
            yield study
        finally:
            storage.engine.dispose()


def _asked(sweep: Sweep) -> str:
    """Return the identity of a search as JSON; the number of trials may change."""
    found = plan.make_plan(replace(sweep, points=(sweep.axes.fixed,), seeds=(0,))).groups[0].config
    base = {key: value for key, value in found.items() if key != IGNORED_KEY}
    if base["dataset"]["folds"] is None:  # searches of older versions did not know folds
        base = base | {"dataset": {key: one for key, one in base["dataset"].items() if key not in ("folds", "fold")}}
    axes = {
        "grid": {key: [value for value, _ in values] for key, values in sweep.axes.grid.items()},
        "zip": [{setting.key: setting.value for setting in row} for row in sweep.axes.rows],
        "draw": {key: node_value(node) for key, node in sweep.axes.distributions.items()},
    }
    return json.dumps({"base": base, **axes, "metric": sweep.metric, "repeats": sweep.repeats}, sort_keys=True)


def _try_again(study: "Study") -> None:
    """Trials that ran when the search was killed come first now; their cells are where they were."""
    from optuna.trial import TrialState

    for one in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.enqueue_trial(one.params)
        study.tell(one.number, state=TrialState.FAIL)


def ended_trials(study: "Study") -> "list[FrozenTrial]":
    """Trials that have ended by themselves, in their order; not those that `_try_again` gave up."""
    found = study.get_trials(deepcopy=False)
    return [one for one in found if one.state.name in ("COMPLETE", "PRUNED") or FAILURE in one.user_attrs]
