"""The best epoch: higher accuracy, then lower loss, then earlier; patience counts from the last real improvement."""

import json
import math
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_cli.training.early_stopping import BestEpoch


def feed(selection: BestEpoch, epochs: Iterable[tuple[float, float]], *, first: int = 1) -> list[bool]:
    """Hand over (accuracy, loss) of one epoch after another; return which of them were the best so far."""
    return [
        selection.update(epoch, {"val_accuracy": accuracy, "val_loss": loss})
        for epoch, (accuracy, loss) in enumerate(epochs, start=first)
    ]


def test_the_highest_accuracy_is_best() -> None:
    """Each new height is the best so far; the epoch that stands at the end is the highest."""
    selection = BestEpoch("val_accuracy")
    assert feed(selection, [(0.5, 1.0), (0.7, 2.0), (0.6, 0.1), (0.8, 3.0)]) == [True, True, False, True]
    assert feed(selection, [(0.75, 0.0)], first=5) == [False]
    assert (selection.best_epoch, selection.best_value, selection.best_loss) == (4, 0.8, 3.0)


def test_equal_accuracies_go_to_the_lower_loss_then_to_the_earlier_epoch() -> None:
    """Of four epochs at .8, the second wins by its loss, and a third with the same loss does not take over."""
    selection = BestEpoch("val_accuracy")
    assert feed(selection, [(0.8, 1.0), (0.8, 0.5), (0.8, 0.5), (0.8, 0.9)]) == [True, True, False, False]
    assert selection.best_epoch == 2


def test_a_monitored_loss_is_best_when_lowest() -> None:
    """With `val_loss` accuracy does not count, and equal losses go to the earlier epoch."""
    selection = BestEpoch("val_loss")
    assert feed(selection, [(0.1, 1.0), (0.9, 2.0), (0.2, 0.5), (0.99, 0.5)]) == [True, False, True, False]
    assert selection.best_epoch == 3


@pytest.mark.parametrize("monitor", ["val_accuracy", "val_loss"])
def test_nan_is_never_the_best(monitor: str) -> None:
    """An epoch whose numbers are NaN neither wins nor opens the door for a worse one after it."""
    selection = BestEpoch(monitor)
    assert feed(selection, [(0.5, 1.0), (math.nan, math.nan), (0.4, 1.1), (0.6, 0.9)]) == [True, False, False, True]
    assert selection.best_epoch == 4


def test_patience_runs_out_after_so_many_epochs_without_improvement() -> None:
    """With patience 2, two epochs in a row without a rise exhaust it, and not before; a rise starts the count anew."""
    selection = BestEpoch("val_accuracy", patience=2)
    exhausted = []
    for epoch, accuracy in enumerate([0.5, 0.5, 0.6, 0.55, 0.6], start=1):
        feed(selection, [(accuracy, 1.0)], first=epoch)
        exhausted.append(selection.exhausted)
    assert exhausted == [False, False, False, False, True]


def test_a_tie_won_by_its_loss_is_best_but_no_improvement() -> None:
    """A lower loss at the same accuracy is the best epoch, yet the monitored number did not rise: patience counts."""
    selection = BestEpoch("val_accuracy", patience=1)
    assert feed(selection, [(0.8, 1.0), (0.8, 0.5)]) == [True, True]
    assert selection.exhausted


def test_min_delta_is_measured_from_the_last_improvement_and_must_be_exceeded() -> None:
    """With .125, rises of .0625 and of exactly .125 do not count, though each epoch is the best so far."""
    selection = BestEpoch("val_accuracy", patience=3, min_delta=0.125)
    waited = []
    for epoch, accuracy in enumerate([0.5, 0.5625, 0.625, 0.6875], start=1):
        assert feed(selection, [(accuracy, 1.0)], first=epoch) == [True]
        waited.append(selection.waited)
    assert waited == [0, 1, 2, 0]


def test_without_patience_nothing_is_exhausted() -> None:
    """With `early_stopping: null` a thousand equal epochs do not end the run."""
    selection = BestEpoch("val_accuracy")
    feed(selection, [(0.5, 1.0)] * 1000)
    assert selection.waited == 999
    assert not selection.exhausted


epochs = st.tuples(st.sampled_from([0.5, 0.6, 0.7]), st.sampled_from([0.1, 0.2, 0.3]))
curves = st.lists(epochs, min_size=1, max_size=20)


@settings(deadline=None)
@given(curve=curves, monitor=st.sampled_from(["val_accuracy", "val_loss"]))
def test_the_best_epoch_is_the_first_maximum(curve: list[tuple[float, float]], monitor: str) -> None:
    """For every curve, the best epoch is the first that no other exceeds."""
    selection = BestEpoch(monitor)
    feed(selection, curve)
    keys = [(accuracy if monitor == "val_accuracy" else -loss, -loss) for accuracy, loss in curve]
    assert selection.best_epoch == keys.index(max(keys)) + 1


@settings(deadline=None)
@given(curve=curves, cut=st.integers(0, 20))
def test_a_selection_goes_on_from_its_state(curve: list[tuple[float, float]], cut: int) -> None:
    """Cut anywhere and continued by another with its state, by way of JSON, a selection ends as it would have."""
    straight, first, second = (BestEpoch("val_accuracy", patience=3, min_delta=0.05) for _ in range(3))
    feed(straight, curve)
    feed(first, curve[:cut])
    second.load_state(json.loads(json.dumps(first.state())))
    feed(second, curve[cut:], first=len(curve[:cut]) + 1)
    assert second == straight
    assert second.exhausted == straight.exhausted


def test_the_state_leaves_out_what_the_config_says() -> None:
    """Monitor, patience and min_delta come from the config of the run, not from its checkpoint."""
    state = BestEpoch("val_loss", patience=7, min_delta=0.1).state()
    assert set(state) == {"best_epoch", "best_value", "best_loss", "reference", "waited"}
