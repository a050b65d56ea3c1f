"""Going on with a run: what is refused, what is noticed, and what comes out."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dropout_cli import runs
from dropout_cli.core.errors import Diverged, DropoutError, Interrupted, RunFailed, StopRequest, UsageError
from dropout_cli.runs import Run
from dropout_cli.training import checkpoint, resume
from dropout_cli.training.checkpoint import BEST, LAST, PREVIOUS
from dropout_cli.training.loop import EpochRecord, TrainingProgress
from tests.small_run import ignore, train

EVERY = "training.save_every=every_epoch"
SETTINGS = ("training.epochs=4", EVERY)
COMPARED = ("metrics.csv", "predictions.npz", "confusion_matrix.csv", "mistakes.csv", LAST, BEST)


def stop_after(epoch: int) -> Callable[[TrainingProgress | EpochRecord], None]:
    """A watch that asks the run to stop once that epoch is over."""

    def watch(event: TrainingProgress | EpochRecord) -> None:
        if isinstance(event, EpochRecord) and event.epoch == epoch:
            raise StopRequest(130)

    return watch


def interrupted(folder: Path, epoch: int, *overrides: str) -> Run:
    """A run that was asked to stop after that epoch."""
    with pytest.raises(Interrupted) as caught:
        train(folder, *overrides, watch=stop_after(epoch))
    return Run(Path(caught.value.problems[0].place))


def same_bytes(one: Run, other: Run) -> bool:
    """Whether everything that may not vary is the same in both."""
    return all(one.read(name) == other.read(name) for name in COMPARED)


def test_the_way_on_is_printed(tmp_path: Path) -> None:
    """The message of an interruption ends with the command that goes on."""
    with pytest.raises(Interrupted, match=r"after epoch 2\. Continue with `dropout resume .*/runs/") as caught:
        train(tmp_path, *SETTINGS, watch=stop_after(2))
    assert caught.value.exit_code == 130


def test_a_run_killed_before_its_first_save_starts_anew(tmp_path: Path) -> None:
    """Without a checkpoint the state is the one before the first step."""
    whole = train(tmp_path / "whole", *SETTINGS)
    run = interrupted(tmp_path, 1, *SETTINGS)
    for file in (LAST, PREVIOUS, BEST):
        run.path_of(file).unlink(missing_ok=True)
    resume.resume_run(run, watch=ignore, figures=False)
    assert run.status == "completed" and same_bytes(run, whole)


def test_a_damaged_checkpoint_is_replaced_by_the_one_before_with_a_warning(tmp_path: Path) -> None:
    """Said aloud, and the bytes are right in the end; the damaged one never counts."""
    whole = train(tmp_path / "whole", *SETTINGS)
    run = interrupted(tmp_path, 3, *SETTINGS)
    data = bytearray(run.read(LAST))
    data[-1] ^= 1
    run.path_of(LAST).write_bytes(data)
    with resume.reopen_run(run) as prepared:
        (notice,) = prepared.notices
        assert "checksum" in notice and "Continuing from the previous one, of epoch 2." in notice
        assert prepared.learner.epoch == 2
    checkpoint.Snapshot.read(run, LAST)  # mended before anything could overwrite the good one
    resume.resume_run(run, watch=ignore, figures=False)
    assert same_bytes(run, whole)


def test_both_checkpoints_damaged_is_an_error(tmp_path: Path) -> None:
    """Nothing is made up."""
    run = interrupted(tmp_path, 3, *SETTINGS)
    for file in (LAST, PREVIOUS):
        run.path_of(file).write_bytes(run.read(file)[:-1])
    with pytest.raises(RunFailed, match="damaged"):
        resume.resume_run(run, watch=ignore)
    assert run.status == "interrupted"


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("resolved.yaml", b"rate: 0.3", b"rate: 0.4", "resolved.yaml: does not match state.json"),
        ("resolved.yaml", b"epochs: 4", b"epochs: 5", "resolved.yaml: does not match state.json"),
        ("metrics.csv", b"\n1,", b"\n1,1", "metrics.csv: does not match checkpoints/last.safetensors"),
        ("state.json", b"{", b"[", "it is not JSON"),
    ],
)
def test_what_was_changed_in_between_is_refused(
    file: str, old: bytes, new: bytes, message: str, tmp_path: Path
) -> None:
    """One line, and the run stands as it stood."""
    run = interrupted(tmp_path, 2, *SETTINGS)
    data = run.read(file)
    assert old in data
    run.path_of(file).write_bytes(data.replace(old, new, 1))
    with pytest.raises(DropoutError, match=message):
        resume.resume_run(run, watch=ignore)


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    """It is whole, and fits the network, but was saved under another seed."""
    run, other = (interrupted(tmp_path / seed, 2, *SETTINGS, f"seed={seed}") for seed in "01")
    run.path_of(LAST).write_bytes(other.read(LAST))
    with pytest.raises(RunFailed, match=r"does not belong to resolved.yaml"):
        resume.resume_run(run, watch=ignore)


def test_a_completed_run_needs_more_epochs_and_a_failed_one_a_new_start(tmp_path: Path) -> None:
    """Both are refused with what would help."""
    with pytest.raises(UsageError, match=r"this run is complete\. Use `--epochs N`"):
        resume.resume_run(train(tmp_path), watch=ignore)
    with pytest.raises(Diverged):
        train(tmp_path, "training.optimizer={name: sgd, learning_rate: 1e30}", "architecture.activation=identity")
    (failed,) = [run for run in runs.all_runs(tmp_path / "runs") if run.status == "failed"]
    for epochs in (None, 9):
        with pytest.raises(UsageError, match=r"this run failed \(epoch .*lower training\.optimizer\.learning_rate"):
            resume.resume_run(failed, watch=ignore, epochs=epochs)


def test_a_lengthened_run_is_a_longer_run(tmp_path: Path) -> None:
    """Where nothing depends on the length, two epochs and two more are four, byte for byte; the run is marked."""
    whole, run = train(tmp_path / "whole", *SETTINGS), train(tmp_path)
    summary = resume.resume_run(run, watch=ignore, figures=False, epochs=4)
    assert same_bytes(run, whole) and run.status == "completed"
    mark = {"after_epoch": 2, "epochs": 4, "schedule_changed": False, "patience_anew": False}
    assert summary["lengthened"] == [mark] and whole.summary()["lengthened"] == []
    with pytest.raises(UsageError, match="this run already has 4 epochs"):
        resume.resume_run(run, watch=ignore, epochs=4)
    assert run.status == "completed"


def test_an_interrupted_run_can_be_lengthened_too(tmp_path: Path) -> None:
    """Another goal, the same way."""
    run = interrupted(tmp_path, 1, "training.epochs=3", EVERY)
    resume.resume_run(run, watch=ignore, figures=False, epochs=4)
    assert same_bytes(run, train(tmp_path / "whole", *SETTINGS))


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("training.schedule=cosine", "training.schedule was planned for 2 epochs, not 4"),
        ("dropout.rate_schedule=linear", "hidden1/dropout/rate was planned for 2 epochs, not 4"),
        ("dropout={variant: concrete}", "how fast hidden1/.* is learned depends on the number of epochs"),
    ],
)
def test_what_depends_on_the_length_is_refused_unless_asked_for(override: str, reason: str, tmp_path: Path) -> None:
    """`change_schedule` goes on from there, and the summary says so."""
    run = train(tmp_path, override, "training.steps_per_epoch=4")
    with pytest.raises(UsageError, match=reason):
        resume.resume_run(run, watch=ignore, epochs=4)
    assert run.status == "completed"
    summary = resume.resume_run(run, watch=ignore, figures=False, epochs=4, change_schedule=True)
    assert summary["epochs"] == 4 and summary["lengthened"][0]["schedule_changed"]


def test_a_schedule_that_does_not_depend_on_the_length_is_no_obstacle(tmp_path: Path) -> None:
    """A curriculum with its gamma written down goes the same way whatever comes after."""
    fixed = "dropout.rate_schedule={name: curriculum, gamma: 0.01}"
    run = train(tmp_path, fixed)
    resume.resume_run(run, watch=ignore, figures=False, epochs=4)
    assert same_bytes(run, train(tmp_path / "whole", *SETTINGS, fixed))


def test_a_run_that_stopped_early_waits_anew_when_lengthened(tmp_path: Path) -> None:
    """It trains at least `patience` epochs more, and is marked; without more epochs there is nothing to do."""
    stopping = ("training.early_stopping={patience: 2, min_delta: 0.9}", "training.epochs=20")
    run = train(tmp_path, *stopping)
    before = run.summary()["epochs"]
    assert before < 20
    summary = resume.resume_run(run, watch=ignore, figures=False, epochs=before + 5)
    assert summary["epochs"] == before + 2
    assert summary["lengthened"][0]["patience_anew"] and summary["stopped_early"]


def test_the_patience_begun_anew_survives_a_kill(tmp_path: Path) -> None:
    """Stopped again before anything of the new epochs was saved, the run still knows that it was lengthened."""
    run = train(tmp_path, "training.early_stopping={patience: 2, min_delta: 0.9}", "training.epochs=20")
    before = run.summary()["epochs"]
    with resume.reopen_run(run, epochs=before + 5):
        pass
    assert run.status == "crashed"
    assert resume.resume_run(run, watch=ignore, figures=False)["epochs"] == before + 2


def test_another_environment_is_named(tmp_path: Path) -> None:
    """A changed package version is named in a notice and in state.json."""
    run = interrupted(tmp_path, 2, *SETTINGS)
    known = json.loads(run.read("environment.json"))
    known["packages"]["numpy"] = "1.0"
    run.write("environment.json", json.dumps(known).encode())
    with resume.reopen_run(run) as prepared:
        (notice,) = prepared.notices
    assert notice.startswith(f"environment: packages.numpy was 1.0 and is now {np.__version__}.")
    assert run.state()["environment"] == [notice]


def test_a_run_that_somebody_works_on_is_refused(tmp_path: Path) -> None:
    """Two cannot go on with the same run."""
    run = interrupted(tmp_path, 2, *SETTINGS)
    with run.lock(), pytest.raises(UsageError, match="another process is working on this run"):
        resume.resume_run(run, watch=ignore)
    assert run.status == "interrupted"


def test_weights_to_start_from_are_saved_before_the_first_epoch(tmp_path: Path) -> None:
    """So a run resumes even when the run that it started from is gone."""
    source = train(tmp_path / "source")
    begun = ("training.epochs=4", f"training.init_from={source.path}")
    whole = train(tmp_path / "whole", *begun)
    run = interrupted(tmp_path, 1, *begun, "training.save_every=1000")
    for file in (LAST, BEST):
        run.path_of(file).unlink(missing_ok=True)
    run.path_of(PREVIOUS).replace(run.path_of(LAST))
    assert checkpoint.Snapshot.read(run, LAST).meta["epoch"] == 0
    source.path.rename(tmp_path / "gone")
    resume.resume_run(run, watch=ignore, figures=False)
    assert same_bytes(run, whole)
