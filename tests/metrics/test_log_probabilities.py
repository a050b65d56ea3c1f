"""Scores from logits: logarithms in float64 keep what single-precision probabilities lose."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.analysis.evaluate import evaluate_monte_carlo, evaluate_run
from dropout_cli.analysis.verify import verify_run
from dropout_cli.core import npz
from dropout_cli.core.types import Array
from dropout_cli.metrics import monte_carlo as uncertainty
from dropout_cli.nn import losses
from dropout_cli.runs import MANIFEST, Run, manifest
from dropout_cli.tasks import Classification
from tests.small_run import train

TASK = Classification(("a", "b", "c"))


def scored(outputs: Array, labels: Array) -> "dict[str, float]":
    """The numbers of a summary."""
    return TASK.scores(TASK.predict(outputs), labels)


@pytest.fixture(scope="module")
def sure(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose logits lie hundreds apart, some of them wrongly."""
    overrides = ("training.optimizer.learning_rate=3", "architecture.hidden=[32]", "dropout.rate=0.1")
    return train(tmp_path_factory.mktemp("sure"), *overrides)


@pytest.mark.parametrize("gap", [1.0, 103.0, 105.0, 200.0, 708.0, 709.0, 5000.0, 1e30])
def test_the_loss_of_a_wrong_example_is_its_logit_gap_however_large(gap: float) -> None:
    """Single precision made 708.4 of everything beyond 104."""
    outputs = np.array([[gap, 0, -1e30]], np.float32)
    assert scored(outputs, np.array([1]))["nll"] == pytest.approx(gap + math.log1p(math.exp(-gap)), rel=1e-7)
    assert TASK.evaluate(outputs, np.array([1]))["loss"] == scored(outputs, np.array([1]))["nll"]


def test_examples_that_are_sure_keep_their_order() -> None:
    """Probabilities that are 1 in single precision are ties; the log-odds behind them are not."""
    gaps = np.array([20.0, 30.0, 40.0, 60.0, 90.0, 120.0], np.float32)
    outputs = np.stack([np.zeros(6), gaps], axis=1).astype(np.float32)
    found = Classification(("a", "b")).scores(Classification(("a", "b")).predict(outputs), np.array([0, 0, 0, 1, 1, 1]))
    assert found["roc_auc"] == 1.0 and found["average_precision"] == 1.0


def test_the_class_of_the_largest_logit_is_the_predicted_one() -> None:
    """Two logits that differ in their last bit are one probability, and still two numbers."""
    outputs = np.array([[1.0, np.nextafter(np.float32(1), np.float32(2)), -90.0]], np.float32)
    assert scored(outputs, np.array([1]))["accuracy"] == TASK.evaluate(outputs, np.array([1]))["accuracy"] == 1.0


def test_the_mean_of_passes_has_its_logarithm_where_it_is_nearly_zero() -> None:
    """ln of the mean of e^-800 and e^-900 is -800 - ln 2, and the geometric mean is e^-850."""
    passes = [np.array([[0.0, -800.0]]), np.array([[0.0, -900.0]])]
    together = uncertainty.aggregate_passes(passes)
    assert together.log_probabilities[0, 1] == pytest.approx(-800 - math.log(2))
    assert together.log_geometric_mean[0, 1] == pytest.approx(-850)
    np.testing.assert_allclose(np.exp(together.log_probabilities), together.probabilities)
    one = uncertainty.aggregate_passes(passes[:1])
    np.testing.assert_array_equal(one.log_probabilities, losses.log_softmax(passes[0]))


def test_nll_is_one_number_everywhere(sure: Run) -> None:
    """In the summary, the history, `eval`, `eval --mc` without noise, and from what is stored."""
    summary = sure.summary()
    last = sure.table("metrics.csv").columns()["val_loss"][-1]
    worst = float((sure.path / "mistakes.csv").read_text().splitlines()[1].rpartition(",")[2])
    assert worst > 110, "an example beyond the reach of single precision"
    assert summary["val"]["nll"] == last
    for split in ("val", "test"):
        expected = summary[split]["nll"]
        assert evaluate_run(sure, split=split, figures=False)["nll"] == expected
        noisy = evaluate_monte_carlo(sure, 2, thinned=0, split=split, figures=False)
        assert noisy["weight_scaling"]["nll"] == expected
    stored = npz.read_npz(sure.read("predictions.npz"), "predictions.npz")
    rows = np.arange(len(stored["labels"]))
    assert summary["test"]["nll"] == pytest.approx(-stored["log_probabilities"][rows, stored["labels"]].mean())
    assert stored["log_probabilities"].dtype == np.float64 and stored["probabilities"].dtype == np.float32


def test_a_monitored_number_is_that_of_the_summary(tmp_path: Path) -> None:
    """This includes regression without variances, where the likelihood uses the errors of the part."""
    changes = ("training.evaluate=last", "training.epochs=2")
    for dataset, name in (("digits", "nll"), ("digits", "brier"), ("diabetes", "nll"), ("diabetes", "mae")):
        run = train(
            tmp_path / f"{dataset}-{name}", f"dataset={{name: {dataset}}}", f"training.monitor=val_{name}", *changes
        )
        column = run.table("metrics.csv").columns()[f"val_{name}"]
        assert column[-1] == run.summary()["val"][name]


@pytest.mark.parametrize("change", ["another", "missing"])
def test_verify_computes_the_numbers_from_the_logarithms(change: str, sure: Run, tmp_path: Path) -> None:
    """One that was changed, or left out, is found, though the manifest was made to fit."""
    assert all(check.right for check in verify_run(sure))
    copy = Run(tmp_path / "copy")
    for path in sure.path.rglob("*"):
        if path.is_file() and "after" not in path.parts and path.name != ".lock":
            (copy.path / path.relative_to(sure.path)).parent.mkdir(parents=True, exist_ok=True)
            (copy.path / path.relative_to(sure.path)).write_bytes(path.read_bytes())
    stored = npz.read_npz(copy.read("predictions.npz"), "predictions.npz")
    if change == "missing":
        del stored["log_probabilities"]
    else:
        stored["log_probabilities"] = np.where(stored["log_probabilities"] < -300, -300, stored["log_probabilities"])
    (copy.path / "predictions.npz").write_bytes(npz.write_npz(**stored))
    (copy.path / MANIFEST).write_bytes(manifest.make_manifest(copy.path))
    wrong = [check for check in verify_run(copy) if not check.right]
    assert ("nll is" if change == "another" else "log_probabilities") in wrong[0].fact


def test_the_history_and_the_summary_of_an_older_run_may_differ_in_rounding() -> None:
    """A run that format 1 began has losses in single precision; what today's code writes is one number."""
    folder = Path(__file__).parents[1] / "formats"
    for number, same in ((1, False), (2, True)):
        run = Run(folder / str(number) / "averaged")
        last, nll = run.table("metrics.csv").columns()["val_loss"][-1], run.summary()["val"]["nll"]
        assert (last == nll) == same and last == pytest.approx(nll, rel=1e-6)
        assert json.loads((run.path / "state.json").read_text())["format"] == number
