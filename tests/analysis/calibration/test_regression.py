"""`dropout eval --calibration` of regressions, and the same part of their reports."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from dropout_cli.analysis import inspection
from dropout_cli.analysis.calibration import regression as regression_calibration
from dropout_cli.analysis.calibration import targets as target_calibration
from dropout_cli.analysis.calibration.regression import inspect_regression_calibration
from dropout_cli.analysis.calibration.targets import TargetDistributions, study_target_calibration
from dropout_cli.analysis.calibration.widths import fewest_for_too_wide
from dropout_cli.analysis.inspection import Columns
from dropout_cli.core import npz
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.metrics import distribution_scores
from dropout_cli.report.run_report import run_report
from dropout_cli.runs import Run
from tests.commands import dropout
from tests.small_run import train

DIABETES = ("dataset=diabetes", "dataset.scaling=standardize", "architecture={name: mlp, hidden: [16]}")
TARGETS = ("7", "width")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A regression with one noise for all examples."""
    return train(tmp_path_factory.mktemp("diabetes"), *DIABETES, "training.epochs=10")


@pytest.fixture(scope="module")
def variances(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Two targets with predicted variances; the first one has a number as its name."""
    folder = tmp_path_factory.mktemp("two")
    rng = stream(0, "test:two targets")
    x = rng.normal(size=(300, 2))
    y = x + 0.3 * rng.normal(size=(300, 2))
    table = "\n".join(["a,b,7,width", *(",".join(f"{cell:.4f}" for cell in row) for row in np.hstack([x, y]))])
    (folder / "t.csv").write_text(f"{table}\n")
    source = f"dataset={{name: table, path: {folder}/t.csv, target: ['7', width], task: regression}}"
    return train(folder, source, "objective=gaussian_nll", "training.epochs=10", "training.batch_size=16")


def test_numbers_without_noise_are_those_of_the_stored_predictions(run: Run) -> None:
    """CRPS, interval score, sharpness and coverage follow from mean and sd of `predictions.npz`."""
    stored = npz.read_npz(run.read("predictions.npz"), "")
    (scored,) = inspect_regression_calibration(run).numbers["predictors"]["weight_scaling"]
    mean, sd, true = (stored[key][:, 0] for key in ("mean", "sd", "labels"))
    inside = np.abs(true - mean) <= stats.norm.ppf(0.975) * sd
    lower, upper = stats.norm(mean, sd).interval(0.95)
    interval = stats.binomtest(int(inside.sum()), len(true)).proportion_ci(method="wilson")
    assert scored["coverage"] == inside.mean() == run.summary()["test"]["coverage"]
    assert (scored["coverage_low"], scored["coverage_high"]) == pytest.approx(tuple(interval))
    assert scored["crps"] == pytest.approx(distribution_scores.normal_crps(mean, sd, true).mean(), rel=1e-5)
    expected = distribution_scores.interval_score(lower, upper, true).mean()
    assert scored["interval_score"] == pytest.approx(expected, rel=1e-5)
    assert scored["sharpness"] == pytest.approx(np.sqrt(np.mean(sd**2)), rel=1e-5)


def test_passes_give_a_normal_distribution_and_a_mixture(run: Run, tmp_path: Path) -> None:
    """Both have the mean of the passes, the normal one with the spread that `eval --mc` stores."""
    study = inspect_regression_calibration(run, passes=20)
    assert list(study.numbers["predictors"]) == ["weight_scaling", "monte_carlo", "monte_carlo_mixture"]
    assert study.numbers["mc"] == 20 and study.folder.endswith("-mc20")
    assert dropout("eval", str(run.path), "--mc", "20", "--thinned", "0", "--no-plots", cwd=tmp_path).returncode == 0
    (folder,) = run.path_of("after").glob("eval-*-mc20")
    stored = npz.read_npz((folder / "predictions.npz").read_bytes(), "")
    (scored,) = study.numbers["predictors"]["monte_carlo"]
    assert scored["sharpness"] == pytest.approx(np.sqrt(np.mean(stored["sd"] ** 2)))
    assert scored["coverage"] == json.loads((folder / "metrics.json").read_text())["monte_carlo"]["coverage"]


def test_a_run_with_several_targets_is_studied_for_each(variances: Run) -> None:
    """Numbers and figures name the targets; a name that is a number stays a text in the CSV files."""
    study = inspect_regression_calibration(variances, passes=5)
    for each in study.numbers["predictors"].values():
        assert [scored["target"] for scored in each] == list(TARGETS)
    inspection.write_inspection(variances, study)
    (read,) = inspection.read_inspections(variances)
    for figure in read.figures:
        assert list(dict.fromkeys(figure.columns["target"])) == ["target 7", "width"]
        assert figure.draw().startswith(b"\x89PNG")
    assert [row[0] for row in study.rows][:2] == ["no noise, 7", "no noise, width"] and len(study.rows) == 6


def test_a_mixture_of_predicted_variances_has_them_as_components(variances: Run) -> None:
    """The sharpness of mixture and normal distribution is equal: both have the total variance."""
    each = inspect_regression_calibration(variances, passes=5).numbers["predictors"]
    for normal, mixture in zip(each["monte_carlo"], each["monte_carlo_mixture"], strict=True):
        assert normal["sharpness"] == pytest.approx(mixture["sharpness"])
        assert normal["crps"] != mixture["crps"]


def normal_study(factor: float, examples: int = 4_000) -> tuple[dict[str, float], Columns, Columns, str]:
    """Scores, curve, histogram and verdict of normal distributions that are `factor` times too wide."""
    true = stream(0, "test:normal study").normal(size=(examples, 1))
    predicted = {"one": TargetDistributions("one", np.zeros((1, examples, 1)), np.full((1, examples, 1), factor))}
    study = study_target_calibration(predicted, true, ("y",), "test")
    (scored,) = study.numbers["predictors"]["one"]
    return scored, study.figures[0].columns, study.figures[1].columns, study.sentences[0]


def test_the_verdict_follows_the_wilson_interval() -> None:
    """Wrong widths are named; right ones are not, and their curve and PIT are in the range of calibrated models."""
    assert "too narrow" in normal_study(0.8)[3] and "too wide" in normal_study(1.3)[3]
    scored, curve, histogram, verdict = normal_study(1.0)
    assert "do not show" in verdict and scored["coverage_low"] < 0.95 < scored["coverage_high"]
    assert sum(histogram["share"]) == pytest.approx(1)

    def outside(columns: Columns, key: str) -> Array:
        values, low, high = (np.array(columns[name]) for name in (key, "low", "high"))
        return np.asarray((values < low) | (values > high))

    # P(more than 3 of 10 bars are outside) is .001; points of the curve depend on each other.
    assert outside(curve, "observed").mean() < 0.5 and outside(histogram, "share").sum() <= 3
    assert outside(normal_study(1.3)[1], "observed").mean() > 0.9
    assert outside(normal_study(1.3)[2], "share").mean() > 0.5


@pytest.mark.parametrize(("examples", "can"), [(72, False), (73, True)])
def test_few_examples_cannot_show_that_intervals_are_too_wide(examples: int, can: bool) -> None:
    """Below 73 examples, the Wilson interval of a coverage of 1 contains .95."""
    assert (stats.binomtest(examples, examples).proportion_ci(method="wilson").low > 0.95) == can
    assert fewest_for_too_wide(0.95) == 73
    verdict = normal_study(5.0, examples)[3]
    assert ("95 % intervals are too wide" in verdict) == can
    assert ("cannot show whether they are too wide; 73 or more can" in verdict) == (not can)


def test_the_whole_curve_is_tested_where_the_intervals_cannot_decide() -> None:
    """40 true values near the means of wide distributions: the curve is wrong, as the test of |2 PIT - 1| says."""
    true = stream(0, "test:normal study").normal(size=(40, 1))
    for factor, kind in ((3.0, "too wide"), (0.3, "too narrow"), (1.0, None)):
        predicted = {"one": TargetDistributions("one", np.zeros((1, 40, 1)), np.full((1, 40, 1), factor))}
        study = study_target_calibration(predicted, true, ("y",), "test")
        p_value = stats.kstest(np.abs(2 * stats.norm.cdf(true[:, 0] / factor) - 1), "uniform").pvalue
        assert (p_value < 0.05) == (kind is not None)
        said = f"on the whole, the distributions are {kind} (Kolmogorov-Smirnov test of the PIT, p "
        assert (said in study.sentences[0]) if kind else "on the whole" not in study.sentences[0]
        title = study.figures[0].finding
        assert (f"; on the whole, distributions are {kind} (p " in title) if kind else "on the whole" not in title


def test_a_curve_that_is_wrong_for_one_target_names_it() -> None:
    """With several predictors and targets, the title and the sentence say which ones are wrong."""
    true = stream(0, "test:normal study").normal(size=(200, 2))
    narrow = np.stack([np.full((1, 200), 0.3), np.full((1, 200), 1.0)], axis=2)
    means = np.zeros((1, 200, 2))
    predicted = {
        "a": TargetDistributions("no noise", means, np.ones((1, 200, 2))),
        "b": TargetDistributions("mixture", means, narrow),
    }
    study = study_target_calibration(predicted, true, ("x", "y"), "test")
    assert study.figures[0].finding.endswith("; on the whole, distributions are too narrow for x of mixture (p < 0.05)")
    assert study.sentences[0].startswith("No noise: ") and "on the whole" not in study.sentences[0]
    assert (
        "the distributions are too narrow for x (Kolmogorov-Smirnov test of the PIT, p < 0.0001)" in study.sentences[1]
    )


def test_held_out_examples_that_set_the_noise_are_named(run: Run, variances: Run) -> None:
    """The noise of the targets fits the validation part too well; predicted variances do not come from it."""
    assert regression_calibration.NOT_HELD_OUT in inspect_regression_calibration(run, split="val").notices
    assert not inspect_regression_calibration(run).notices
    assert not inspect_regression_calibration(variances, split="val").notices


def test_every_report_of_a_regression_has_its_calibration(run: Run) -> None:
    """It is computed from the stored test predictions: the numbers of the study, and two figures."""
    page = run_report(run).decode()
    (scored,) = inspect_regression_calibration(run).numbers["predictors"]["weight_scaling"]
    assert "95 % intervals contain" in page and "of the PIT values are in the two outer bins" in page
    assert f"{scored['crps']:.4g}" in page and "No noise: " in page


def test_a_report_without_standard_deviations_has_no_calibration() -> None:
    """There is no distribution to check."""
    stored = {"mean": np.zeros((3, 1)), "labels": np.zeros((3, 1))}
    assert regression_calibration.stored_regression_calibration(stored, ("y",)) is None


def test_the_command_prints_and_writes_the_study(run: Run, tmp_path: Path) -> None:
    """A table, sentences, and CSV files beside the figures; `--json` has the numbers."""
    done = dropout("eval", str(run.path), "--calibration", "--mc", "3", cwd=tmp_path)
    assert done.returncode == 0 and "Monte Carlo, mixture" in done.stdout and "95 % intervals contain" in done.stdout
    folder = run.path_of("after/calibration-test-last-mc3")
    assert {path.name for path in folder.iterdir()} >= {"calibration.csv", "calibration.png", "pit.csv", "pit.png"}
    rows = list(csv.DictReader((folder / "pit.csv").read_text().splitlines()))
    assert len(rows) == 3 * target_calibration.PIT_BINS
    numbers = json.loads(dropout("eval", str(run.path), "--calibration", "--no-plots", "--json", cwd=tmp_path).stdout)
    assert numbers["calibration-test-last"]["predictors"]["weight_scaling"][0]["target"] == "progression"


def test_one_example_is_enough() -> None:
    """A single test example gives numbers and figures."""
    one = {"mean": np.zeros((1, 1)), "sd": np.ones((1, 1)), "labels": np.ones((1, 1))}
    study = regression_calibration.stored_regression_calibration(one, ("y",))
    assert study is not None and "1 example does not show" in study.sentences[0]
    assert all(figure.draw() for figure in study.figures)
