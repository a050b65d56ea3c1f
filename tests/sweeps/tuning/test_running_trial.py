"""A trial of a search while it runs."""

from dropout_cli.sweeps.tuning.running_trial import RunningTrial


def test_an_epoch_is_reported_once() -> None:
    """Also if the folder of the run is renamed while it is read, and its history looks empty for a moment."""
    import optuna

    trial = optuna.create_study().ask()
    running = RunningTrial(trial, [])
    assert [running.report(history) for history in ([0.1, 0.2], [], [0.1, 0.2, 0.3])] == [True, False, True]
    assert trial.study.trials[0].intermediate_values == {1: 0.1, 2: 0.2, 3: 0.3}
