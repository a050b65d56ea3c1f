"""A whole run: its folder, its bytes, and how it ends."""

import csv
import hashlib
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropout_cli import config, runs
from dropout_cli.core.errors import Diverged, Interrupted, RunFailed, StopRequest, UsageError
from dropout_cli.runs import Run
from dropout_cli.training import checkpoint, resume
from dropout_cli.training.loop import EpochRecord, TrainingProgress
from dropout_cli.training.run import TrainingWatch, run_experiment
from dropout_cli.training.setup import prepare

DIGITS = """
dataset: {name: digits}
architecture: {name: mlp, hidden: [16]}
dropout: {variant: inverted, rate: 0.3}
training: {epochs: 3, batch_size: 64, optimizer: {name: adam, learning_rate: 3e-3}, save_every: every_epoch}
"""

COMPARED = ("metrics.csv", "predictions.npz", "confusion_matrix.csv", "mistakes.csv", "checkpoints/last.safetensors")


def ignore(event: TrainingProgress | EpochRecord) -> None:
    """Watch nothing."""


def train(folder: Path, *overrides: str, watch: TrainingWatch = ignore, figures: bool = False) -> Run:
    """Train the small digits config with some changes; return the run."""
    file = folder / "small.yaml"
    file.write_text(DIGITS)
    loaded = config.load_config(file, overrides)
    prepared = prepare(loaded.experiment)
    run = Run.create(folder / "runs", "small")
    run_experiment(prepared, run, loaded.text, watch=watch, figures=figures)
    return run


def digests(run: Run) -> dict[str, str]:
    """SHA-256 of the files that must be equal in equal runs."""
    return {name: hashlib.sha256(run.read(name)).hexdigest() for name in COMPARED}


def test_a_run_folder_holds_exactly_the_files_of_the_design(tmp_path: Path) -> None:
    """Names are a contract: other tools rely on them."""
    run = train(tmp_path, figures=True)
    found = {path.relative_to(run.path).as_posix() for path in run.path.rglob("*") if path.is_file()}
    assert found == {
        "config.yaml",
        "resolved.yaml",
        "preprocessing.safetensors",
        "environment.json",
        "metrics.csv",
        "timings.csv",
        "summary.json",
        "predictions.npz",
        "validation.npz",
        "yardstick.npz",
        "confusion_matrix.csv",
        "confusion_matrix.png",
        "curves.png",
        "mistakes.csv",
        "mistakes.png",
        "state.json",
        "log.txt",
        ".lock",
        "checkpoints/last.safetensors",
        "checkpoints/last.previous.safetensors",
        "checkpoints/best.safetensors",
        "MANIFEST.sha256",
    }
    assert run.status == "completed"


def test_the_manifest_is_what_sha256sum_checks(tmp_path: Path) -> None:
    """Each line but the last is a digest, two spaces and a path inside the folder; every result file is in it."""
    run = train(tmp_path)
    *lines, seal = run.read("MANIFEST.sha256").decode().splitlines()
    assert seal.startswith("# ")  # a comment for sha256sum
    listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    assert set(COMPARED) < set(listed)
    for name, digest in listed.items():
        assert hashlib.sha256(run.read(name)).hexdigest() == digest


def test_metrics_have_the_columns_of_the_design_and_a_row_per_epoch(tmp_path: Path) -> None:
    """Gaps are what their names say: loss_gap = val - train, accuracy_gap = train - val."""
    rows = list(csv.DictReader(train(tmp_path).read("metrics.csv").decode().splitlines()))
    assert list(rows[0]) == [
        "epoch",
        "learning_rate",
        "train_objective",
        "train_loss",
        "train_accuracy",
        "val_loss",
        "val_accuracy",
        "loss_gap",
        "accuracy_gap",
        "hidden1/dropout/rate",
        "hidden1/dropout/realized_rate",
    ]
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    for row in rows:
        value = {name: float(cell) for name, cell in row.items()}
        assert value["loss_gap"] == pytest.approx(value["val_loss"] - value["train_loss"])
        assert value["accuracy_gap"] == pytest.approx(value["train_accuracy"] - value["val_accuracy"])
        assert value["train_objective"] > value["train_loss"]  # noise makes the task harder
        assert value["hidden1/dropout/rate"] == 0.3
        assert value["hidden1/dropout/realized_rate"] == pytest.approx(0.3, abs=0.1)


def test_the_summary_says_what_the_predictions_say(tmp_path: Path) -> None:
    """Accuracy and negative log-likelihood of the test part follow from predictions.npz."""
    run = train(tmp_path)
    summary = run.summary()
    with np.load(run.path / "predictions.npz", allow_pickle=False) as stored:
        labels, probs = stored["labels"], stored["probabilities"].astype(np.float64)
    assert summary["test"]["accuracy"] == np.mean(probs.argmax(axis=1) == labels)
    assert summary["test"]["nll"] == pytest.approx(-np.log(probs[np.arange(len(labels)), labels]).mean(), rel=1e-6)
    assert summary["parameters"] == 64 * 16 + 16 + 16 * 10 + 10
    assert summary["epochs"] == 3 and summary["checkpoint"] == "last" and summary["monitor"] == "val_accuracy"
    assert summary["config"]["dropout"]["rate"] == 0.3
    assert summary["peak_bytes"] > 10_000_000 and summary["examples_per_second"] > 0


def test_the_same_config_and_seed_give_the_same_bytes(tmp_path: Path) -> None:
    """Metrics, predictions, matrix and weights; another seed gives others."""
    first, second, other = train(tmp_path), train(tmp_path), train(tmp_path, "seed=1")
    assert digests(first) == digests(second)
    assert all(digests(first)[name] != digests(other)[name] for name in ("metrics.csv", "checkpoints/last.safetensors"))


def test_how_often_the_state_is_saved_changes_nothing(tmp_path: Path) -> None:
    """`save_every` is about safety alone."""
    rare = train(tmp_path, "training.save_every=1000")
    assert digests(rare) == digests(train(tmp_path))
    assert not (rare.path / "checkpoints/last.previous.safetensors").exists()


def test_resolved_yaml_trains_to_the_same_bytes(tmp_path: Path) -> None:
    """It stands on its own: every value filled in, every `auto` resolved, the fingerprint of the data in it."""
    run = train(tmp_path, "training.early_stopping={patience: 2}")
    loaded = config.load_config(run.path / "resolved.yaml")
    assert loaded.experiment.training.evaluate == "best"
    assert loaded.experiment.training.threads == 1
    assert len(loaded.experiment.dataset.fingerprint or "") == 64
    again = Run.create(tmp_path / "again", "again")
    run_experiment(prepare(loaded.experiment), again, loaded.text, watch=ignore, figures=False)
    assert digests(again) == digests(run)


@pytest.mark.parametrize("variant", ["none", "gaussian", "standard"])
def test_runs_that_differ_in_their_variant_start_alike(tmp_path: Path, variant: str) -> None:
    """Split, batch order and the first bytes of every shared parameter are those of `inverted`: paired comparison."""
    file = tmp_path / "small.yaml"
    file.write_text(DIGITS)
    one = prepare(config.load_config(file).experiment)
    other = prepare(config.load_config(file, [f"dropout={{variant: {variant}}}"]).experiment)
    for part in ("train", "val", "test"):
        ours, theirs = one.dataset.part(part), other.dataset.part(part)
        assert ours is not None and theirs is not None
        assert np.array_equal(ours.rows, theirs.rows)
    theirs_by_name = other.learner.network.parameters()
    assert theirs_by_name.keys() == one.learner.network.parameters().keys()
    for name, parameter in one.learner.network.parameters().items():
        assert parameter.value.tobytes() == theirs_by_name[name].value.tobytes(), name


class Stopper:
    """Watches a run and asks it to stop after some epoch."""

    def __init__(self, epoch: int) -> None:
        """`epoch`: the one after which to stop."""
        self.epoch = epoch

    def __call__(self, event: TrainingProgress | EpochRecord) -> None:
        """Raise when the epoch has come."""
        if isinstance(event, EpochRecord) and event.epoch == self.epoch:
            raise StopRequest(130)


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["training.optimizer={name: sgd, momentum: 0.9, nesterov: true}", "training.max_norm=2"],
        ["architecture.batch_norm=true", "training.average={decay: 0.9}", "training.early_stopping={patience: 3}"],
        ["training.steps_per_epoch=7", "training.schedule=cosine", "dropout.rate_schedule={name: linear}"],
        ["dropout={variant: standard}", "training.optimizer=rmsprop", "architecture.hidden_noise=0.1"],
    ],
)
def test_an_interrupted_run_resumes_to_the_same_bytes(tmp_path: Path, overrides: list[str]) -> None:
    """Two epochs, an interruption, and two more equal four in one go."""
    whole = train(tmp_path, "training.epochs=4", *overrides)
    with pytest.raises(Interrupted) as caught:
        train(tmp_path, "training.epochs=4", *overrides, watch=Stopper(2))
    assert caught.value.exit_code == 130
    (run,) = [run for run in runs.all_runs(tmp_path / "runs") if run.status == "interrupted"]
    resume.resume_run(run, watch=ignore, figures=False)
    assert run.status == "completed"
    assert digests(run) == digests(whole)
    assert len(run.state()["sessions"]) == 2


def test_a_finished_run_is_not_resumed(tmp_path: Path) -> None:
    """There is nothing to go on with."""
    run = train(tmp_path)
    with pytest.raises(UsageError, match="this run is complete"):
        resume.resume_run(run, watch=ignore)


def test_a_diverging_run_fails_and_keeps_its_last_good_state(tmp_path: Path) -> None:
    """Status `failed`, the step named, the checkpoint of the epoch before whole and finite."""
    with pytest.raises(Diverged, match=r"epoch \d+, step \d+: training diverged: the training \w+ became (nan|inf)"):
        train(tmp_path, "training.optimizer={name: sgd, learning_rate: 1e30}", "architecture.activation=identity")
    (run,) = runs.all_runs(tmp_path / "runs")
    assert run.status == "failed" and "step" in run.state()["reason"]
    arrays, meta = checkpoint.unpack_checkpoint(run.read("checkpoints/last.safetensors"), "last")
    assert meta["epoch"] == 0
    assert all(np.isfinite(value).all() for value in arrays.values())


def test_best_is_evaluated_when_early_stopping_is_on(tmp_path: Path) -> None:
    """The summary's val accuracy is the best row's, and training ends before the last epoch."""
    run = train(tmp_path, "training.early_stopping={patience: 2, min_delta: 0.05}", "training.epochs=50")
    summary = run.summary()
    rows = list(csv.DictReader(run.read("metrics.csv").decode().splitlines()))
    assert summary["checkpoint"] == "best" and summary["stopped_early"] and summary["epochs"] == len(rows) < 50
    best = rows[summary["best_epoch"] - 1]
    assert summary["val"]["accuracy"] == pytest.approx(float(best["val_accuracy"]), abs=1e-12)
    assert float(best["val_accuracy"]) == max(float(row["val_accuracy"]) for row in rows)


def test_averaged_weights_are_the_ones_that_count(tmp_path: Path) -> None:
    """With an average on, the numbers differ from those of the weights themselves; both sets are stored."""
    run = train(tmp_path, "training.average={decay: 0.99}")
    arrays, _ = checkpoint.unpack_checkpoint(run.read("checkpoints/last.safetensors"), "last")
    assert not np.array_equal(arrays["average/parameters/output/W"], arrays["parameters/output/W"])
    plain = train(tmp_path)
    assert np.array_equal(
        arrays["parameters/output/W"],
        checkpoint.unpack_checkpoint(plain.read("checkpoints/last.safetensors"), "last")[0]["parameters/output/W"],
    )
    assert run.summary()["test"]["nll"] != plain.summary()["test"]["nll"]


def test_without_a_validation_part_the_cells_are_empty(tmp_path: Path) -> None:
    """No invented numbers: nothing in the CSV, null in the summary."""
    run = train(tmp_path, "dataset.val_fraction=0")
    rows = list(csv.DictReader(run.read("metrics.csv").decode().splitlines()))
    assert {row["val_loss"] + row["accuracy_gap"] for row in rows} == {""}
    summary = run.summary()
    assert summary["val"] is None and summary["best_epoch"] is None and summary["monitor"] is None


def test_progress_never_touches_results(tmp_path: Path) -> None:
    """Training yields signs of life besides the records; only the records are counted from 1 to the last epoch."""
    seen: list[Any] = []
    train(tmp_path, watch=seen.append)
    assert [event.epoch for event in seen if isinstance(event, EpochRecord)] == [1, 2, 3]
    assert all(math.isfinite(event.train_seconds) for event in seen if isinstance(event, EpochRecord))


def test_a_folder_removed_in_the_middle_is_not_made_anew(tmp_path: Path) -> None:
    """The run fails with one clear error; no half of a folder comes back."""

    def remove(event: TrainingProgress | EpochRecord) -> None:
        if isinstance(event, EpochRecord) and event.epoch == 1:
            shutil.rmtree(tmp_path / "runs")

    with pytest.raises(RunFailed, match="cannot be written"):
        train(tmp_path, watch=remove)
    assert not (tmp_path / "runs").exists()


def test_a_run_that_stopped_early_is_not_trained_on_when_resumed(tmp_path: Path) -> None:
    """Interrupted by its last epoch's own event, it goes straight on to its results, with the same bytes."""
    settings = ("training.early_stopping={patience: 2, min_delta: 0.05}", "training.epochs=50")
    whole = train(tmp_path, *settings)
    with pytest.raises(Interrupted):
        train(tmp_path, *settings, watch=Stopper(whole.summary()["epochs"]))
    (run,) = [run for run in runs.all_runs(tmp_path / "runs") if run.status == "interrupted"]
    resume.resume_run(run, watch=ignore, figures=False)
    assert digests(run) == digests(whole)
