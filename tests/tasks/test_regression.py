"""Regression: losses, numbers, noise, Monte Carlo, and a run from the data to its files."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as sklearn_metrics

from dropout_cli import metrics
from dropout_cli.analysis import evaluate, predict, verify
from dropout_cli.core import npz
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import RegressionTargets
from dropout_cli.nn import losses
from dropout_cli.runs import Run
from dropout_cli.tasks import Regression
from dropout_cli.training import restore
from dropout_cli.variants import VARIANTS
from tests.commands import dropout
from tests.small_run import suited, train

DIABETES = ("dataset=diabetes", "dataset.scaling=standardize", "architecture={name: mlp, hidden: [16]}")


def drawn(*shape: int) -> Array:
    """Standard normal numbers."""
    return stream(0, "test:regression").standard_normal(shape)


def test_the_gaussian_loss_is_scipys_likelihood() -> None:
    """Mean over examples and targets of -ln N(y; m, softplus(s) + 1e-6)."""
    outputs, targets = drawn(7, 4), drawn(7, 2)
    sd = np.sqrt(np.log1p(np.exp(outputs[:, 2:])) + 1e-6)
    expected = -stats.norm(outputs[:, :2], sd).logpdf(targets).mean()
    assert losses.gaussian_loss(outputs, targets)[0] == pytest.approx(expected, rel=1e-12)


def test_losses_survive_extreme_outputs() -> None:
    """No overflow where the variance is tiny or huge."""
    outputs = np.array([[0.0, -1e4], [0.0, 1e4], [1e3, -800.0]])
    loss, doutputs = losses.gaussian_loss(outputs, np.zeros((3, 1)))
    assert np.isfinite(loss) and np.isfinite(doutputs).all()


def test_numbers_are_those_of_scikit_learn_and_scipy() -> None:
    """RMSE, MAE and R2, means over the targets; the likelihood; the share within 1.96 sd."""
    true, mean, sd = drawn(50, 2) * 3, drawn(50, 2), np.abs(drawn(50, 2)) + 0.1
    found = metrics.score_targets(mean, sd, true, ("a", "b"))
    assert found["rmse"] == pytest.approx(sklearn_metrics.root_mean_squared_error(true, mean))
    assert found["mae"] == pytest.approx(sklearn_metrics.mean_absolute_error(true, mean))
    assert found["r2"] == pytest.approx(sklearn_metrics.r2_score(true, mean))
    assert found["nll"] == pytest.approx(-stats.norm(mean, sd).logpdf(true).mean())
    assert found["coverage"] == pytest.approx((np.abs(true - mean) < 1.959963984540054 * sd).mean())
    assert [row["target"] for row in found["per_target"]] == ["a", "b"]


def test_a_constant_target_has_no_r2() -> None:
    """It would be a division by zero, so R2 is None."""
    assert metrics.score_targets(drawn(5, 1), None, np.ones((5, 1)), ("a",))["r2"] is None


@pytest.mark.parametrize("heteroscedastic", [False, True])
def test_passes_combine_by_the_law_of_total_variance(heteroscedastic: bool) -> None:
    """Mean of the means; variance = mean of variances + variance of means, in the target's own units."""
    task = Regression(RegressionTargets(("a",), np.array([10.0]), np.array([4.0])), heteroscedastic, (3.0,))
    passes = [drawn(6, task.outputs) + place for place in range(5)]
    said = [task.predict(one) for one in passes]
    means, variances = np.array([one["mean"] for one in said]), np.array([one["sd"] for one in said]) ** 2
    combined = task.combine_passes(iter(passes))
    np.testing.assert_allclose(combined.predictions["monte_carlo"]["mean"], means.mean(axis=0))
    np.testing.assert_allclose(combined.uncertainties["model_sd"], means.std(axis=0))
    expected = np.sqrt(variances.mean(axis=0) + means.var(axis=0))
    np.testing.assert_allclose(combined.predictions["monte_carlo"]["sd"], expected)


def test_calibration_is_the_error_on_what_was_held_out() -> None:
    """The standard deviation of a network without variances: its root mean squared error, per target."""
    task = Regression(RegressionTargets(("a", "b"), np.zeros(2), np.array([1.0, 2.0])), False)
    outputs, labels = drawn(40, 2), drawn(40, 2)
    found = task.fit_error(outputs, labels).noise_sd
    assert found == pytest.approx(np.sqrt(((labels - outputs * [1, 2]) ** 2).mean(axis=0)).tolist())


@pytest.fixture(scope="module", params=["squared_error", "gaussian_nll"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished regression."""
    name = request.param
    return train(tmp_path_factory.mktemp(name), *DIABETES, f"objective={name}", "training.epochs=30")


def test_a_run_says_it_in_the_targets_own_units(run: Run) -> None:
    """Better than the mean; sensible intervals; the monitor is the error; residuals beside what was true."""
    summary = run.summary()
    assert summary["task"] == "regression" and summary["monitor"] == "val_rmse"
    assert 40 < summary["test"]["rmse"] < 70 and 0.8 < summary["test"]["coverage"] <= 1
    header, first = run.read("residuals.csv").decode().splitlines()[:2]
    assert header == "row,target,true,predicted,sd,residual" and "progression" in first
    assert list(run.table("metrics.csv").columns())[3:9] == [
        "train_loss",
        "train_rmse",
        "val_loss",
        "val_rmse",
        "loss_gap",
        "rmse_gap",
    ]


def test_verify_and_eval_agree_with_the_run(run: Run) -> None:
    """Numbers follow from the predictions; evaluated again, they are equal to the last bit."""
    assert all(check.right for check in verify.verify_run(run))
    again = evaluate.evaluate_run(run, figures=False)
    assert {key: again[key] for key in metrics.comparable_metrics() if key in again} == {
        key: run.summary()["test"][key] for key in metrics.comparable_metrics() if key in again
    }


def test_monte_carlo_says_where_the_uncertainty_is_from(run: Run) -> None:
    """Noise of the data and of the network, both above zero where there is dropout."""
    found = evaluate.evaluate_monte_carlo(run, 10, thinned=2, figures=True)
    assert found["model_sd"] > 0 and found["noise_sd"] > 0 and found["thinned"]["mean"]["rmse"] > 0
    assert (run.path / "after/eval-test-last-mc10/residuals.png").stat().st_size > 1000


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A regression whose passes spread about as much as they err."""
    folder = tmp_path_factory.mktemp("wide")
    return train(folder, *DIABETES, "dropout={variant: inverted, rate: 0.5, input_rate: 0.2}", "training.epochs=30")


def test_noise_and_spread_of_the_passes_are_together_as_wide_as_the_errors(wide: Run) -> None:
    """On the validation part, with as many passes as the noise was estimated with: the likeliest total variance.

    Its derivative by the noise is 0: the sum of (e^2 / total - 1) / total over the examples.
    """
    evaluate.evaluate_monte_carlo(wide, 50, split="val", thinned=0, figures=False)
    found = npz.read_npz(wide.read("after/eval-val-last-mc50/predictions.npz"), "p")
    total, squares = found["sd"] ** 2, (found["labels"] - found["mean"]) ** 2
    np.testing.assert_allclose(total, found["model_sd"] ** 2 + found["noise_sd"] ** 2)
    assert found["model_sd"].mean() > 0.3 * found["noise_sd"].mean()
    assert abs(np.sum((squares / total - 1) / total) / np.sum(1 / total)) < 1e-3


def test_both_likelihoods_of_the_passes_are_given(wide: Run) -> None:
    """The Gaussian one and log-mean-exp, each under its own name; the second is that of the passes themselves."""
    said = evaluate.evaluate_monte_carlo(wide, 20, thinned=0, figures=False)
    assert said["nll_gaussian"] == said["monte_carlo"]["nll"]
    assert np.isfinite(said["nll_log_mean_exp"]) and said["nll_log_mean_exp"] != said["nll_gaussian"]
    done = dropout("eval", str(wide.path), "--mc", "20", "--thinned", "0", "--no-plots", cwd=wide.path.parent)
    assert "nll_gaussian" in done.stdout and "nll_log_mean_exp" in done.stdout, done.stderr


def test_predict_has_the_noise_of_eval(wide: Run, tmp_path: Path) -> None:
    """The run stores the noise for a number of passes, so no data are needed. An old run without it gives a notice."""
    evaluate.evaluate_monte_carlo(wide, 10, thinned=0, figures=False)
    found = npz.read_npz(wide.read("after/eval-test-last-mc10/predictions.npz"), "p")
    x = restore.load_model(wide).dataset.test.x
    np.save(tmp_path / "x.npy", x)
    (block,) = predict.predict_file(wide, tmp_path / "x.npy", passes=10)
    rows = [dict(zip(block.names, row, strict=True)) for row in block.rows]
    np.testing.assert_allclose([row["noise_sd"] for row in rows], found["noise_sd"][:, 0], rtol=1e-9)
    spread = np.sqrt(np.mean([row["model_sd"] ** 2 for row in rows]) / np.mean(found["model_sd"] ** 2))
    assert 0.7 < spread < 1.4 and block.notices == ()
    total = [np.hypot(row["model_sd"], row["noise_sd"]) for row in rows]
    np.testing.assert_allclose([row["sd"] for row in rows], total, rtol=1e-9)

    old = Run(tmp_path / "old")
    shutil.copytree(wide.path, old.path)
    summary = json.loads(old.read("summary.json"))
    del summary["monte_carlo_noise"]
    with old.lock():
        old.reopen()
        old.write("summary.json", json.dumps(summary).encode())
        old.record_status("completed")
        old.write_manifest()
    (block,) = predict.predict_file(old, tmp_path / "x.npy", passes=2)
    assert len(block.notices) == 1 and "sd is therefore too large" in block.notices[0]


def test_the_errors_of_the_training_are_called_too_small(tmp_path: Path) -> None:
    """Without a validation part there is nothing else to estimate the noise from."""
    run = train(tmp_path, *DIABETES, "dataset.val_fraction=0", "training.epochs=2")
    (said,) = evaluate.evaluate_monte_carlo(run, 2, thinned=0, figures=False)["notices"]
    assert "without a validation part" in said


@pytest.mark.parametrize("name", VARIANTS.names())
def test_every_variant_learns_a_regression(tmp_path: Path, name: str) -> None:
    """One epoch each, in a network in which it can act; those that need pictures are left to their own tests."""
    variant = VARIANTS[name]
    if variant.supports in ("maps", "blocks"):
        x = drawn(60, 8, 8).astype(np.float32)
        np.savez(tmp_path / "a.npz", x=x, y=x.mean(axis=(1, 2)))
        dataset = f"dataset={{name: arrays, path: {tmp_path}/a.npz}}"
    else:
        dataset = "dataset=diabetes"
    run = train(tmp_path, dataset, *suited(name), "training.epochs=1", "training.batch_size=16")
    assert np.isfinite(run.summary()["test"]["rmse"])


def test_several_targets_are_learned_together(tmp_path: Path) -> None:
    """A row of `per_target` each, and a mean of them all."""
    x = drawn(200, 3).astype(np.float32)
    np.savez(tmp_path / "a.npz", x=x, y=np.stack([x[:, 0], 100 * x[:, 1] + 5], axis=1))
    source = f"dataset={{name: arrays, path: {tmp_path}/a.npz}}"
    run = train(tmp_path, source, "dropout=none", "training.epochs=60", "training.batch_size=16")
    rows = run.summary()["test"]["per_target"]
    assert [row["target"] for row in rows] == ["y0", "y1"] and min(row["r2"] for row in rows) > 0.9


def test_class_weights_are_resolved_and_help_the_rare_class(tmp_path: Path) -> None:
    """`balanced` becomes numbers in resolved.yaml: training examples / (classes x examples of the class)."""
    x = drawn(300, 2).astype(np.float32)
    y = (x[:, 0] + 0.8 * drawn(301)[1:] > 1.4).astype(int)
    np.savez(tmp_path / "a.npz", x=x, y=y)
    source = f"dataset={{name: arrays, path: {tmp_path}/a.npz}}"
    recalls = []
    for number, weights in enumerate(("null", "balanced")):
        run = train(
            tmp_path / str(number),
            source,
            f"objective.class_weights={weights}",
            "training.monitor=val_balanced_accuracy",
            "training.epochs=15",
            "training.batch_size=16",
        )
        summary = run.summary()
        recalls.append(summary["test"]["per_class"][1]["recall"])
        assert "val_balanced_accuracy" in run.table("metrics.csv").columns()
    counts = [one["support"] for one in summary["train"]["per_class"]]
    expected = [sum(counts) / (2 * count) for count in counts]
    assert summary["config"]["objective"]["class_weights"] == pytest.approx(expected)
    assert recalls[1] > recalls[0]
    assert json.loads(run.read("summary.json"))["test"]["roc_auc"] > 0.5
