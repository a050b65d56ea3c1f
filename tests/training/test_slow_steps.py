"""A run says once that its steps have become slow."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from dropout_cli.cli.progress import ProgressDisplay
from dropout_cli.runs import Run
from dropout_cli.training.loop import EpochRecord, TrainingProgress
from dropout_cli.training.slow_steps import SlowSteps
from tests.interruptions import load


def long_epoch(ms: list[float], *, pause: float = 0.0) -> Iterator[tuple[TrainingProgress, float]]:
    """Yield progress with its time: ten steps at a time, each of so many milliseconds; one step more has a pause."""
    now, steps = 0.0, 0
    for place, each in enumerate(ms):
        now, steps = now + each / 100 + (pause if place == len(ms) // 2 else 0.0), steps + 10
        yield TrainingProgress(1, steps, 10 * len(ms)), now


def messages(events: Iterator[tuple[TrainingProgress, float]], threads: int = 2) -> list[str]:
    """Return all messages."""
    slow = SlowSteps(100, threads)
    return [text for event, now in events if (text := slow.observe(event, now)) is not None]


def test_slow_steps_are_said_once_with_the_key_to_set() -> None:
    """Three times as long as at first is slow, and a run says so once."""
    (text,) = messages(long_epoch([10.0] * 20 + [40.0] * 60))
    assert text == (
        "training.threads: a step now takes 40 ms, 4 times as long as at first. Other programs probably use the "
        "processor, which slows steps with 2 threads most. For new runs, set training.threads=1."
    )


def test_with_one_thread_no_key_helps() -> None:
    """The message names none."""
    (text,) = messages(long_epoch([10.0] * 20 + [40.0] * 60), threads=1)
    assert (
        text == "training.threads: a step now takes 40 ms, 4 times as long as at first. "
        "Other programs probably use the processor."
    )


@pytest.mark.parametrize("later", [10.0, 25.0, 1.0])
def test_steps_that_stay_below_three_times_say_nothing(later: float) -> None:
    """Some noise is usual."""
    assert messages(long_epoch([10.0] * 20 + [later] * 200)) == []


def test_a_pause_of_the_program_is_no_slow_step() -> None:
    """Stopped with Ctrl-Z for an hour, then continued: the steps before and after are as fast as ever."""
    assert messages(long_epoch([10.0] * 200, pause=3600)) == []


def test_short_epochs_are_compared_as_wholes() -> None:
    """They have no progress of their own, or a single one."""
    for single in (False, True):
        slow, found = SlowSteps(100, 2), []
        for epoch in range(1, 101):
            seconds = 0.15 if epoch < 20 else 0.6
            if single:
                found.append(slow.observe(TrainingProgress(epoch, 7, 10), 100 * epoch + 0.1))
            found.append(slow.observe(EpochRecord(epoch, {}, seconds, 9.0, 1000), 100 * epoch + seconds))
        (text,) = filter(None, found)
        assert "a step now takes 60 ms, 4 times as long" in text


def test_the_message_is_on_stderr_and_in_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also with --quiet, as every warning."""
    run = Run.create(tmp_path, "slow")
    experiment = load(tmp_path, ["training.batch_size=100"]).experiment
    row = {"train_loss": 1.0, "train_accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5}
    show = ProgressDisplay(quiet=True)
    with show.display(run, experiment):
        for epoch in range(1, 60):
            show(EpochRecord(epoch, row, 0.15 if epoch < 20 else 0.6, 0.0, 1000))
    (line,) = capsys.readouterr().err.splitlines()
    assert line == (
        "training.threads: a step now takes 60 ms, 4 times as long as at first. "
        "Other programs probably use the processor."
    )
    assert run.read("log.txt").decode().count(line) == 1
