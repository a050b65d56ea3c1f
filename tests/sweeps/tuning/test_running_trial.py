"""A trial of a search while it runs."""

import math
import warnings

import pytest

from dropout_cli.sweeps.tuning.running_trial import RunningTrial


def test_an_epoch_is_reported_once() -> None:
    """Also if the folder of the run is renamed while it is read, and its history looks empty for a moment."""
    import optuna

    trial = optuna.create_study().ask()
    running = RunningTrial(trial, [])
    histories: tuple[list[float], ...] = ([0.1, 0.2], [], [0.1, 0.2, 0.3])
    assert [len(list(running.new_epochs(one, larger=True))) for one in histories] == [2, 0, 1]
    assert trial.study.trials[0].intermediate_values == {1: 0.1, 2: 0.2, 3: 0.3}


@pytest.mark.parametrize(("larger", "best"), [(True, [math.nan, 0.3, 0.3, 0.4]), (False, [math.nan, 0.3, 0.2, 0.2])])
def test_an_epoch_comes_with_the_best_value_up_to_it(larger: bool, best: list[float]) -> None:
    """Later epochs that are in the folder already do not count, and a value that is no number never does."""
    import optuna

    running = RunningTrial(optuna.create_study().ask(), [])
    found = list(running.new_epochs([math.nan, 0.3, 0.2, 0.4], larger=larger))
    assert [epoch for epoch, _ in found] == [1, 2, 3, 4]
    assert [value for _, value in found] == pytest.approx(best, nan_ok=True)


def test_an_epoch_that_a_killed_search_has_stored_is_decided_again() -> None:
    """It is yielded, but not stored a second time, which Optuna warns of."""
    import optuna

    trial = optuna.create_study().ask()
    trial.report(0.1, 1)
    running = RunningTrial(trial, [], stored=frozenset(trial.study.trials[0].intermediate_values))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [epoch for epoch, _ in running.new_epochs([0.1, 0.2], larger=True)] == [1, 2]
    assert trial.study.trials[0].intermediate_values == {1: 0.1, 2: 0.2}
