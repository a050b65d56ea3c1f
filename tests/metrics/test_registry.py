"""The registry of metrics is the only place that states the direction of a metric; all other code uses it."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

import dropout_cli
from dropout_cli import metrics
from dropout_cli.core.registry import UnknownName
from dropout_cli.metrics import registry
from dropout_cli.metrics.monte_carlo import MonteCarlo
from dropout_cli.metrics.pass_noise import PassNoise
from dropout_cli.metrics.predictions import ClassPredictions, TargetPredictions
from dropout_cli.metrics.registry import Metric
from dropout_cli.report import run_report
from dropout_cli.runs import Run
from dropout_cli.sweeps import tables
from dropout_cli.sweeps.records import RunRecord
from dropout_cli.sweeps.replicates import Replicate
from tests.commands import dropout
from tests.small_run import train

PACKAGE = Path(dropout_cli.__file__).parent


@pytest.fixture(scope="module")
def monitored(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that chooses its best epoch by `mcc`."""
    folder = tmp_path_factory.mktemp("mcc")
    return train(folder, "training.monitor=val_mcc", "training.evaluate=best", "training.epochs=3")


@pytest.mark.parametrize("name", ["test.acuracy", "val_acuracy", "acuracy", "coverage", "seconds", ""])
def test_a_number_without_a_direction_is_an_error_not_lower_is_better(name: str) -> None:
    """A misspelled one is suggested; `coverage` is best in the middle."""
    with pytest.raises(UnknownName, match=r"unknown metric .* Choose from: accuracy, .*rmse") as raised:
        metrics.larger_is_better(name)
    assert ("Did you mean 'accuracy'?" in str(raised.value)) == name.endswith("acuracy")


@pytest.mark.parametrize("fact", [metrics.is_share, metrics.is_count, metrics.uses_labels_only])
def test_nothing_is_said_of_an_unknown_metric(fact: Callable[[str], bool]) -> None:
    """A misspelled name is an error, not a metric without the property; every registered one has an answer."""
    for name in ("test.acuracy", "acuracy", "seconds"):
        with pytest.raises(UnknownName, match=f"unknown metric '{name}'. .*Choose from: accuracy, "):
            fact(name)
    assert {fact(f"test.{name}") for name in metrics.metric_labels()} == {True, False}


def test_a_key_of_a_metric_has_a_part_and_a_name() -> None:
    """Of every metric that runs can be compared by; a bare name is its own name."""
    for key in metrics.METRICS:
        assert f"{metrics.metric_part(key)}.{metrics.metric_name(key)}" == key
        assert metrics.metric_part(key) in metrics.PARTS
        assert metrics.metric_name(metrics.metric_name(key)) == metrics.metric_name(key)


def test_the_loss_and_every_metric_have_a_direction_by_any_of_their_names() -> None:
    """The names are a key of the summary, a column of the history, and the name alone."""
    assert not metrics.larger_is_better("val_loss")
    for number in metrics.comparable_metrics():
        ways = {metrics.larger_is_better(name) for name in (number, f"test.{number}", f"val_{number}")}
        assert len(ways) == 1


@pytest.mark.parametrize("metric", registry.task_metrics("classification"), ids=lambda one: one.name)
def test_a_metric_of_classes_points_the_way_that_it_says(metric: metrics.Metric) -> None:
    """Predictions that are sure and right have a better number than the same ones turned round."""
    labels = np.array([0, 0, 0, 1, 1, 0, 1, 0])
    right = np.where(labels[:, None] == np.arange(2), 0.9, 0.1)
    good, bad = (metric.compute(metrics.ClassPredictions.of(p, labels, "ab", np.log(p))) for p in (right, 1 - right))
    assert good is not None and bad is not None
    assert metric.larger_is_better is None or ((good > bad) == metric.larger_is_better and good != bad)


@pytest.mark.parametrize("metric", registry.task_metrics("regression"), ids=lambda one: one.name)
def test_a_metric_of_numbers_points_the_way_that_it_says(metric: metrics.Metric) -> None:
    """Predictions that are near have a better number than those that are far off."""
    true = np.arange(12.0).reshape(6, 2)
    near, far = (metric.compute(metrics.TargetPredictions.of(true + off, np.ones((6, 2)), true)) for off in (0.1, 5.0))
    assert near is not None and far is not None and near != far
    assert metric.larger_is_better is None or (near > far) == metric.larger_is_better


def test_a_metric_is_named_in_its_own_file_alone() -> None:
    """`mcc` is one file; the summary, the monitors, tables and reports find it."""
    naming = [path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py") if "mcc" in path.read_text()]
    assert naming == ["metrics/formulas/mcc.py"]


def test_the_summary_has_the_metric_as_scikit_learn_computes_it(monitored: Run) -> None:
    """From the labels and the predicted classes of the test part."""
    with np.load(monitored.path / "predictions.npz") as stored:
        expected = matthews_corrcoef(stored["labels"], stored["probabilities"].argmax(axis=1))
    assert monitored.summary()["test"]["mcc"] == pytest.approx(expected)


def test_the_monitor_takes_the_metric_and_its_column_has_it(monitored: Run) -> None:
    """The best epoch is the one whose value is highest, and the summary repeats that value."""
    column, summary = monitored.table("metrics.csv").columns()["val_mcc"], monitored.summary()
    assert summary["monitor"] == "val_mcc"
    assert column.index(max(column)) + 1 == summary["best_epoch"]
    assert max(column) == summary["val"]["mcc"]


def test_schema_tables_and_reports_have_every_metric_of_the_registry(monitored: Run) -> None:
    """A new metric appears in completion, comparison and figures."""
    committed = json.loads((PACKAGE.parent / "configs/dropout.schema.json").read_text())
    assert f'"val_{metrics.comparable_metrics()[-1]}"' in json.dumps(committed) and '"val_mcc"' in json.dumps(committed)
    record = RunRecord.from_summary(str(monitored.path), {}, Replicate(0, 0), monitored.summary())
    written = tables.results_csv([record], [])
    for name in metrics.comparable_metrics("classification"):
        if monitored.summary()["test"][name] is not None:
            assert f"test.{name},".encode() in written
    assert b"Matthews" in run_report(monitored)


def test_every_command_that_takes_a_metric_suggests_the_nearest(monitored: Run, tmp_path: Path) -> None:
    """And takes the same ones."""
    for command in (["compare", str(monitored.path)], ["sweep", "digits", "dropout.rate=0,0.1", "--dry-run"]):
        done = dropout(*command, "--metric", "test.mc", cwd=tmp_path)
        assert done.returncode == 2
        assert "unknown metric 'test.mc'. Did you mean 'test.mcc'?" in done.stderr
    done = dropout("compare", str(monitored.path), "--metric", "test.mcc", "--format", "csv", cwd=tmp_path)
    assert done.returncode == 0 and "test.mcc" in done.stdout


def test_a_metric_cannot_be_registered_twice_or_both_ways() -> None:
    """One name of one task means one thing, and points one way in all tasks."""
    known = registry.task_metrics("classification")[0]
    with pytest.raises(ValueError, match="registered twice"):
        registry.register_metrics(known)
    with pytest.raises(ValueError, match="with another larger_is_better"):
        registry.register_metrics(metrics.Metric(known.name, "", not known.larger_is_better, "mean", lambda given: 0.0))


def test_the_few_numbers_of_each_task() -> None:
    """They stand where there is little room, in this order, and have words of their own."""
    assert metrics.displayed_metrics("classification") == ("accuracy", "nll", "brier", "ece", "ece_if_calibrated")
    assert metrics.displayed_metrics("regression") == ("rmse", "mae", "r2", "nll", "coverage")
    assert metrics.METRICS[0] == "train.accuracy"
    assert metrics.metric_labels() == {
        "accuracy": "accuracy",
        "error": "error",
        "nll": "negative log-likelihood",
        "brier": "Brier score",
        "ece": "calibration error (ECE)",
        "ece_if_calibrated": "ECE of a perfectly calibrated model",
        "macro_f1": "macro F1",
        "balanced_accuracy": "balanced accuracy",
        "roc_auc": "ROC AUC",
        "average_precision": "average precision",
        "mcc": "Matthews' correlation (MCC)",
        "rmse": "RMSE",
        "mae": "MAE",
        "r2": "R2",
        "coverage": "coverage of 95 % intervals",
    }


def test_a_metric_has_the_same_words_in_every_task() -> None:
    """One name, one label."""
    for task in ("classification", "regression"):
        assert all(one.label == metrics.metric_labels()[one.name] for one in registry.task_metrics(task))


@pytest.mark.parametrize(
    "kind", [Metric, ClassPredictions, TargetPredictions, PassNoise, MonteCarlo], ids=lambda kind: kind.__name__
)
def test_what_metrics_take_and_give_cannot_be_changed(kind: type) -> None:
    """Code that keeps one of these objects can rely on its values."""
    one: object = object.__new__(kind)
    for field in dataclasses.fields(kind):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, field.name, None)


def test_the_predicted_class_is_that_of_the_largest_logarithm() -> None:
    """Probabilities may tie at 1 or 0 in single precision; a folder of format 1 has them alone."""
    probabilities = np.array([[0.5, 0.5], [0.2, 0.8]])
    logarithms = np.array([[-0.7, -0.6], [-0.1, -0.2]])
    stored = {"probabilities": probabilities}
    assert metrics.predicted_classes(stored).tolist() == [0, 1]
    assert metrics.predicted_classes(stored | {"log_probabilities": logarithms}).tolist() == [1, 0]


def test_calibration_has_a_bin_for_every_fifteenth() -> None:
    """Gaps of opposite sign in the first two bins do not cancel: 20 classes, confidences of .06 and .12."""
    probabilities = np.full((2, 20), (1 - 0.06) / 19)
    probabilities[1] = (1 - 0.12) / 19
    probabilities[0, 0], probabilities[1, 0] = 0.06, 0.12
    found = metrics.score_classes(probabilities, np.array([0, 1]), [str(number) for number in range(20)])
    assert found["ece"] == pytest.approx((abs(1 - 0.06) + abs(0 - 0.12)) / 2)
