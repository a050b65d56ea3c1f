"""Runs with weights of examples: training, resuming, replaying, predicting, and the simple models beside them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from dropout_cli import config, data
from dropout_cli.analysis import replay, verify
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import BatchReader
from dropout_cli.runs import Run
from dropout_cli.sweeps.workers import dask_task, serialization
from dropout_cli.training import yardstick
from dropout_cli.training.checkpoint import LAST, Snapshot
from dropout_cli.training.loop import EpochRecord, train_epochs
from dropout_cli.training.setup import PreparedExperiment, prepare, prepare_with_dataset
from tests.commands import dropout
from tests.small_run import ignore, train

COMPARED = ("metrics.csv", "predictions.npz", "validation.npz", "yardstick.npz")
COUNT = 120


def write_table(folder: Path, *, weights: bool = True) -> Path:
    """Write a regression with a class-like feature; a weight of 0 marks each row with a wrong target."""
    rng = np.random.default_rng(3)
    lines = ["a,b," + "w," * weights + "y"]
    for n, (a, b) in enumerate(rng.normal(size=(COUNT, 2))):
        y = a - b + (50 if n % 4 == 0 else 0)
        lines.append(f"{a:.4f},{b:.4f},{f'{0 if n % 4 == 0 else 1 + n % 3},' * weights}{y:.4f}")
    file = folder / ("t.csv" if weights else "plain.csv")
    file.write_text("\n".join(lines) + "\n")
    return file


def overrides(folder: Path, *more: str, weights: bool = True) -> list[str]:
    """The small config on this table."""
    key = ", weights: w" * weights
    path = write_table(folder, weights=weights)
    return [f"dataset={{name: table, path: {path}, target: y{key}}}", "training.batch_size=16", *more]


def assert_same_bytes(one: Run, other: Run) -> None:
    """Two runs have the same numbers, and the same state at their end."""
    for file in COMPARED:
        assert one.read(file) == other.read(file), file
    ours, theirs = (Snapshot.read(run, LAST).arrays for run in (one, other))
    assert {name: array.tobytes() for name, array in ours.items()} == {
        name: array.tobytes() for name, array in theirs.items()
    }


def weigh(prepared: PreparedExperiment, weights: Array | None) -> list[EpochRecord]:
    """Train with weights of the training part; return the epochs."""
    dataset = replace(prepared.dataset, train=replace(prepared.dataset.train, weights=weights))
    again = prepare_with_dataset(dataset, prepared.experiment)
    events = train_epochs(again.learner, dataset, again.experiment, again.task)
    return [event for event in events if isinstance(event, EpochRecord)]


def loaded(folder: Path, *words: str) -> PreparedExperiment:
    """The small config, ready to train."""
    (folder / "c.yaml").write_text(
        "architecture: {name: mlp, hidden: [8]}\ndropout: {variant: inverted, rate: 0.2}\ntraining: {epochs: 2}\n"
    )
    return prepare(config.load_config(folder / "c.yaml", words).experiment)


@pytest.mark.parametrize("objective", ["squared_error", "gaussian_nll"])
def test_training_follows_the_weights(tmp_path: Path, objective: str) -> None:
    """Rows of weight 0 have targets that are off by 50: with the weights, the network does not learn these."""
    prepared = loaded(
        tmp_path,
        *overrides(
            tmp_path,
            f"objective={objective}",
            "training.epochs=60",
            "training.optimizer={name: adam, learning_rate: 1e-2}",
        ),
    )
    rows, labels = prepared.dataset.train.rows, prepared.dataset.train.labels[:, 0]
    assert prepared.dataset.train.weights is not None
    weighed, plain = (weigh(prepared, one)[-1].metrics for one in (prepared.dataset.train.weights, None))
    # Scores are not weighted: the rows of weight 0 count in train_rmse as all others do.
    wrong = np.mean(rows % 4 == 0)
    assert weighed["train_rmse"] > 0.9 * 50 * np.sqrt(wrong) > plain["train_rmse"]
    assert np.ptp(labels[rows % 4 != 0]) < 10


def test_the_objective_is_weighted_and_the_losses_are_not(tmp_path: Path) -> None:
    """Where the network cannot learn, train_objective is sum w l / N, and train_loss the mean of l."""
    words = ("training.optimizer={name: sgd, learning_rate: 1e-30}", "training.batch_size=69", "dropout=none")
    prepared = loaded(tmp_path, *overrides(tmp_path, *words, "dataset.val_fraction=0.225"))
    dataset, weights = prepared.dataset, prepared.dataset.train.weights
    assert weights is not None and dataset.targets is not None and len(dataset.train) == 69
    x, targets = BatchReader(dataset, dataset.train, 69).take(slice(None))
    errors = (prepared.learner.network.forward(x) - targets)[:, 0].astype(np.float64) ** 2
    metrics = weigh(prepared, weights)[0].metrics
    assert metrics["train_objective"] == pytest.approx((weights * errors).mean(), rel=1e-5)
    rmse = float(dataset.targets.sd[0]) * np.sqrt(errors.mean())
    assert metrics["train_rmse"] == pytest.approx(rmse, rel=1e-5)
    assert metrics["train_rmse"] != pytest.approx(
        float(dataset.targets.sd[0]) * np.sqrt((weights * errors).mean()), rel=0.1
    )


@pytest.mark.parametrize("objective", ["cross_entropy", "rdrop", "multi_sample"])
def test_equal_weights_leave_the_bytes_of_a_run(tmp_path: Path, objective: str) -> None:
    """A column of equal numbers gives the files of a run without the key."""
    for name, column in (("t", "0.3,"), ("plain", "")):
        lines = [f"{n % 7},{n * n % 31},{column}{'pq'[n % 5 > 2]}" for n in range(COUNT)]
        (tmp_path / f"{name}.csv").write_text("\n".join(["a,b," + "w," * bool(column) + "kind", *lines]) + "\n")
    runs = [
        train(folder, f"dataset={{name: table, path: {tmp_path}/{name}.csv{key}}}", f"objective={objective}")
        for folder, name, key in ((tmp_path / "one", "t", ", weights: w"), (tmp_path / "two", "plain", ""))
    ]
    assert_same_bytes(*runs)


def test_a_run_with_weights_is_resumed_and_replayed_to_the_same_bytes(tmp_path: Path) -> None:
    """Two epochs and two more are four; verify --replay trains it again; show and eval read it."""
    whole = train(tmp_path / "whole", *overrides(tmp_path, "training.epochs=4"))
    parts = train(tmp_path / "parts", *overrides(tmp_path, "training.epochs=2"))
    done = dropout("resume", str(parts.path), "--epochs", "4", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert_same_bytes(whole, Run(parts.path))
    assert all(check.right for check in verify.verify_run(whole))
    assert all(check.right for check in replay.replay_run(whole, watch=ignore))
    for command in (("show",), ("eval",), ("verify", "--replay", "--quiet")):
        done = dropout(command[0], str(whole.path), *command[1:], cwd=tmp_path)
        assert done.returncode == 0, done.stderr


def test_predictions_need_no_weights(tmp_path: Path) -> None:
    """A file without the column gives the same rows as one with it."""
    run = train(tmp_path, *overrides(tmp_path))
    outputs = []
    for file in (write_table(tmp_path), write_table(tmp_path, weights=False)):
        done = dropout("predict", str(run.path), str(file), "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        outputs.append([row["predicted"] for row in json.loads(done.stdout)["predictions"]])
    assert outputs[0] == outputs[1] and len(outputs[0]) == COUNT


def test_changed_weights_are_changed_data(tmp_path: Path) -> None:
    """A run is not resumed with other weights."""
    run = train(tmp_path, *overrides(tmp_path))
    file = tmp_path / "t.csv"
    file.write_text(file.read_text().replace(",3,", ",2,", 1))
    done = dropout("resume", str(run.path), "--epochs", "3", "--quiet", cwd=tmp_path)
    assert done.returncode == 3 and "the data have changed" in done.stderr, done.stderr


def test_weights_reach_a_worker_without_the_file(tmp_path: Path) -> None:
    """A Dask worker gets the examples as bytes, and computes those of this machine."""
    run = train(tmp_path, *overrides(tmp_path))
    experiment = config.load_config(run.path / "resolved.yaml").experiment
    packed = serialization.pack_examples(experiment.dataset.read())
    assert packed is not None
    folder = tmp_path / "worker"
    folder.mkdir()
    (folder / dask_task.WANTED).write_text(config.to_yaml(experiment))
    (folder / dask_task.EXAMPLES).write_bytes(packed)
    (tmp_path / "t.csv").unlink()
    dask_task._train(folder)
    assert (folder / dask_task.ARCHIVE).stat().st_size > 0
    back = data.split_and_scale(experiment.dataset, serialization.unpack_examples(packed))
    assert back.train.weights is not None and back.train.weights[back.train.rows % 4 == 0].max() == 0


def test_a_sweep_compares_runs_with_weights(tmp_path: Path) -> None:
    """Each run has the weights of its own training part, split by split, and the sweep verifies."""
    write_table(tmp_path)
    (tmp_path / "c.yaml").write_text(
        "dataset: {name: table, path: t.csv, target: y, weights: w}\narchitecture: {name: mlp, hidden: [8]}\n"
        "dropout: {variant: inverted, rate: 0.2}\ntraining: {epochs: 2}\n"
    )
    words = ("c.yaml", "dropout.rate=0,0.2", "dataset.split_seed=0,1", "--seeds", "1", "--quiet", "--no-plots")
    done = dropout("sweep", *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    cells = sorted((tmp_path / "runs/sweep-c/cells").iterdir())
    assert len(cells) == 4
    done = dropout("verify", "runs/sweep-c", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = dropout("verify", str(cells[0]), "--replay", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_linear_model_is_fitted_with_the_weights(tmp_path: Path) -> None:
    """scikit-learn's numbers with sample_weight; the constant prediction stays without."""
    prepared = loaded(tmp_path, *overrides(tmp_path))
    dataset, weights = prepared.dataset, prepared.dataset.train.weights
    assert weights is not None and dataset.targets is not None
    x, test = (BatchReader(dataset, part, len(part)).take(slice(None))[0] for part in (dataset.train, dataset.test))
    scaler = StandardScaler().fit(x)
    fitted = Ridge().fit(scaler.transform(x), dataset.train.labels, sample_weight=weights)
    found = yardstick.measure_yardsticks(prepared, 100_000)
    assert found is not None
    np.testing.assert_allclose(
        found.predicted["linear"], fitted.predict(scaler.transform(test)).reshape(-1, 1), rtol=1e-4
    )
    assert np.unique(found.predicted["dummy"]) == pytest.approx([dataset.train.labels.mean()])


def test_the_linear_model_of_classes_is_fitted_with_the_weights(tmp_path: Path) -> None:
    """Logistic regression with sample_weight."""
    experiment = loaded(tmp_path, "dataset=breast_cancer").experiment
    examples = experiment.dataset.read()
    weights = np.where(examples.labels == 0, 30.0, 1.0)
    source = replace(experiment.dataset, fingerprint=None)
    dataset = data.split_and_scale(source, replace(examples, weights=weights))
    prepared = prepare_with_dataset(dataset, replace(experiment, dataset=source))
    found = yardstick.measure_yardsticks(prepared, 100_000)
    x, test = (BatchReader(dataset, part, len(part)).take(slice(None))[0] for part in (dataset.train, dataset.test))
    scaler = StandardScaler().fit(x)
    fitted = LogisticRegression().fit(scaler.transform(x), dataset.train.labels, sample_weight=dataset.train.weights)
    plain = LogisticRegression().fit(scaler.transform(x), dataset.train.labels)
    assert found is not None
    expected, unweighted = (one.predict(scaler.transform(test)) for one in (fitted, plain))
    assert np.array_equal(found.predicted["linear"], expected) and not np.array_equal(expected, unweighted)
