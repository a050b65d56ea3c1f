"""Which metrics are shares, counts and means over examples, and the parts of the means."""

import numpy as np
import pytest

from dropout_cli import metrics
from dropout_cli.core import npz
from dropout_cli.core.registry import UnknownName
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.metrics import registry

N = 40
LABELS = stream(0, "test:labels").integers(0, 3, N)
LOGITS = stream(0, "test:logits").normal(0, 1, (N, 3)) + np.eye(3)[LABELS]
LOG_PROBABILITIES = LOGITS - np.log(np.exp(LOGITS).sum(axis=1, keepdims=True))
CLASSES = {"probabilities": np.exp(LOG_PROBABILITIES), "log_probabilities": LOG_PROBABILITIES}
TRUE = stream(0, "test:true").normal(3, 2, (N, 2))
NUMBERS = {
    "mean": TRUE + stream(0, "test:mean").normal(0, 1, (N, 2)),
    "sd": stream(0, "test:sd").uniform(0.5, 2, (N, 2)),
}


def test_the_metrics_that_are_shares_of_examples_are_named() -> None:
    """By name or by the key of a summary; those that are counts over a count are shares, too."""
    shares = {"accuracy", "error", "macro_f1", "balanced_accuracy", "roc_auc", "average_precision"}
    names = metrics.metric_labels()
    for prefix in ("", "test.", "val.monte_carlo."):
        assert {name for name in names if metrics.is_share(prefix + name)} == shares
        assert {name for name in names if metrics.is_count(prefix + name)} == {"accuracy", "error"}
    for test in (metrics.is_share, metrics.is_count):
        with pytest.raises(UnknownName, match="unknown metric 'loss'"):
            test("loss")


@pytest.mark.parametrize(
    ("prediction", "labels", "names"),
    [
        (CLASSES, LABELS, ["accuracy", "error", "nll", "brier"]),
        ({"probabilities": CLASSES["probabilities"]}, LABELS, ["accuracy", "error", "nll", "brier"]),
        (NUMBERS, TRUE, ["rmse", "mae", "nll"]),
        ({"mean": NUMBERS["mean"]}, TRUE, ["rmse", "mae"]),
    ],
    ids=["classes", "probabilities alone", "numbers", "means alone"],
)
def test_what_examples_contribute_has_the_metric_as_its_mean(
    prediction: dict[str, Array], labels: Array, names: list[str]
) -> None:
    """This holds for every metric that is such a mean; each is in float64, in the order of the examples."""
    found = metrics.contributions(prediction, labels)
    assert list(found) == names
    given = metrics.metric_input(prediction, labels)
    task = "regression" if "mean" in prediction else "classification"
    turned = metrics.contributions({name: each[::-1] for name, each in prediction.items()}, labels[::-1])
    for name, each in found.items():
        metric = metrics.find_metric(name, task)
        assert metric is not None and each.shape == (N,) and each.dtype == np.float64
        assert each.mean() == pytest.approx(metric.compute(given))
        assert turned[name] == pytest.approx(each[::-1])
    assert {one.name for one in registry.task_metrics(task) if one.per_example} == {*names, "nll"}


def test_the_rmse_moves_by_what_an_example_contributes() -> None:
    """To first order: with an example's weight raised by h, the RMSE is higher by h (contribution - RMSE)."""
    h, squares = 1e-6, (TRUE - NUMBERS["mean"]) ** 2
    each = metrics.contributions({"mean": NUMBERS["mean"]}, TRUE)["rmse"]
    for example in range(0, N, 7):
        weights = np.full(N, (1 - h) / N)
        weights[example] += h
        moved = np.sqrt(weights @ squares).mean() - np.sqrt(squares.mean(axis=0)).mean()
        assert moved / h == pytest.approx(each[example] - each.mean(), abs=1e-4)


def test_predictions_without_an_error_contribute_nothing() -> None:
    """No division by the RMSE of 0."""
    found = metrics.contributions({"mean": TRUE}, TRUE)
    assert not found["rmse"].any() and not found["mae"].any()


def test_the_stored_file_has_rows_counts_as_bool_and_the_rest_in_single_precision() -> None:
    """Under the names of the metrics."""
    rows = np.arange(100, 100 + N)
    stored = npz.read_npz(metrics.validation_bytes(CLASSES, LABELS, rows), metrics.VALIDATION_FILE)
    assert stored.pop("rows").tolist() == rows.tolist()
    assert {name: each.dtype.name for name, each in stored.items()} == {
        "accuracy": "bool",
        "error": "bool",
        "nll": "float32",
        "brier": "float32",
    }
    for name, each in metrics.contributions(CLASSES, LABELS).items():
        assert stored[name] == pytest.approx(each, rel=1e-6)
