"""`dropout eval --selective`: risk against coverage of finished runs."""

import json
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.analysis import evaluate
from dropout_cli.analysis.certainty.selective import MAX_CURVE_ROWS, rank_by_confidence
from dropout_cli.analysis.inspection import read_inspections, write_inspection
from dropout_cli.core.errors import UsageError
from dropout_cli.metrics.selective import RiskCoverage
from dropout_cli.runs import Run
from tests.commands import dropout
from tests.small_run import train

DIABETES = ("dataset={name: diabetes, scaling: standardize}", "architecture.hidden=[8]", "dropout.rate=0.2")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished classifier, which no test changes but for its after/."""
    return train(tmp_path_factory.mktemp("selective"))


def test_the_rankings_of_a_classifier_follow_from_its_predictions(run: Run) -> None:
    """Four of them with passes, and each has the loss of its own prediction."""
    numbers = rank_by_confidence(run, passes=4, risk=0.02).numbers
    evaluate.evaluate_monte_carlo(run, 4, thinned=0, figures=False)
    with np.load(run.path / "after/eval-test-last-mc4/predictions.npz", allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    labels, combined = arrays["labels"], arrays["probabilities"]
    wrong = combined.argmax(axis=1) != labels
    expected = {
        ("monte_carlo", "maximum_probability"): RiskCoverage.of(combined.max(axis=1), wrong),
        ("monte_carlo", "entropy"): RiskCoverage.of(-arrays["predictive_entropy"], wrong),
        ("monte_carlo", "mutual_information"): RiskCoverage.of(-arrays["mutual_information"], wrong),
    }
    found = {(row["prediction"], row["confidence"]): row for row in numbers["rankings"]}
    assert list(found) == [("weight_scaling", "maximum_probability"), *expected]
    for key, curve in expected.items():
        assert found[key]["aurc"] == pytest.approx(curve.aurc, rel=1e-9)
        assert found[key]["augrc"] == pytest.approx(curve.augrc, rel=1e-9)
        assert found[key]["coverage"] == curve.coverage_at(0.02)
        assert found[key]["risk_of_all"] == wrong.mean()
    plain = found["weight_scaling", "maximum_probability"]
    assert plain["risk_of_all"] == np.mean(arrays["weight_scaling"].argmax(axis=1) != labels)


def test_the_threshold_selects_the_coverage(run: Run) -> None:
    """The share of examples at least as confident has the risk that is printed, in float64."""
    (row,) = rank_by_confidence(run, risk=0.05).numbers["rankings"]
    evaluate.evaluate_run(run, figures=False)
    with np.load(run.path / "after/eval-test-last/predictions.npz", allow_pickle=False) as stored:
        logs, labels = stored["log_probabilities"], stored["labels"]
    chosen = np.exp(logs.max(axis=1)) >= row["threshold"]
    assert chosen.mean() == row["coverage"] and 0 < row["coverage"] < 1
    assert np.mean(logs.argmax(axis=1)[chosen] != labels[chosen]) == row["risk_at_coverage"] <= 0.05


def test_the_accepted_risk_of_a_classifier_is_one_percent_unless_it_is_given(run: Run) -> None:
    """At a risk of 1 everything is answered; at 0 the first mistake ends it."""
    assert rank_by_confidence(run).numbers["risk"] == 0.01
    everything, nothing = (rank_by_confidence(run, risk=risk) for risk in (1.0, 0.0))
    assert everything.numbers["rankings"][0]["coverage"] == 1
    assert everything.figures[0].finding.startswith("All examples together have an error of at most 100 %")
    assert nothing.numbers["rankings"][0]["risk_at_coverage"] in (0, None)


def test_the_curve_in_the_file_is_short_and_whole(run: Run) -> None:
    """At most 1,000 rows for all rankings, each from its first point to a coverage of 1, drawn again as it was."""
    found = rank_by_confidence(run, passes=3)
    folder = write_inspection(run, found)
    columns = found.figures[0].columns
    rankings, coverage = np.array(columns["ranking"]), np.array(columns["coverage"])
    assert len(rankings) <= MAX_CURVE_ROWS
    for ranking in np.unique(rankings):
        own = coverage[rankings == ranking]
        assert own[0] == pytest.approx(1 / 359, rel=0.1) or len(own) < 359
        assert own[-1] == 1 and (np.diff(own) > 0).all()
    (again,) = (read for read in read_inspections(run) if read.folder == folder.name)
    assert again.figures[0].draw() == (folder / "risk_coverage.png").read_bytes()


def test_a_regression_without_variances_needs_passes(tmp_path: Path) -> None:
    """One line and no folder; with passes, the most confident half of the risk is the default."""
    run = train(tmp_path, *DIABETES)
    done = dropout("eval", str(run.path), "--selective", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == "" and len(done.stderr.splitlines()) == 1
    assert "--selective: the standard deviation of this regression is the same" in done.stderr
    assert "Add --mc T" in done.stderr and not (run.path / "after").exists()
    numbers = rank_by_confidence(run, passes=5).numbers
    (row,) = numbers["rankings"]
    assert (row["prediction"], row["confidence"]) == ("monte_carlo", "sd")
    assert numbers["risk"] == row["risk_of_all"] / 2 and numbers["loss"] == "mean squared error"


def test_a_regression_with_variances_is_ranked_by_them(tmp_path: Path) -> None:
    """The loss is the squared error in the target's own unit; passes add two rankings."""
    run = train(tmp_path, *DIABETES, "objective=gaussian_nll")
    (row,) = rank_by_confidence(run, risk=1e9).numbers["rankings"]
    evaluate.evaluate_run(run, figures=False)
    with np.load(run.path / "after/eval-test-last/predictions.npz", allow_pickle=False) as stored:
        losses = (stored["labels"] - stored["mean"])[:, 0] ** 2
        curve = RiskCoverage.of(-stored["sd"][:, 0], losses)
    assert row["aurc"] == pytest.approx(curve.aurc, rel=1e-12) and row["coverage"] == 1
    assert row["risk_of_all"] == pytest.approx(losses.mean(), rel=1e-12)
    both = rank_by_confidence(run, passes=3).numbers["rankings"]
    named = [(one["prediction"], one["confidence"]) for one in both]
    assert named == [("weight_scaling", "sd"), ("monte_carlo", "sd"), ("monte_carlo", "model_sd")]


def test_several_targets_are_ranked_in_units_of_their_spread(tmp_path: Path) -> None:
    """A target in smaller units does not decide the order."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "two.npz", x=rng.normal(size=(80, 4)), y=rng.normal(size=(80, 2)) * [1, 1000])
    data = f"dataset={{name: arrays, path: {tmp_path}/two.npz, task: regression}}"
    run = train(tmp_path, data, "architecture.hidden=[8]", "training.batch_size=16", "objective=gaussian_nll")
    numbers = rank_by_confidence(run).numbers
    assert numbers["loss"] == "mean squared standardized error"
    assert numbers["rankings"][0]["risk_of_all"] < 20


def test_passes_without_noise_are_left_out(tmp_path: Path) -> None:
    """At rate 0 a notice says why, and the prediction without noise is ranked."""
    run = train(tmp_path, "dropout.rate=0")
    found = rank_by_confidence(run, passes=3)
    assert len(found.numbers["rankings"]) == 1 and found.folder == "selective-test-last"
    assert "all passes are identical" in found.notices[0]


def test_one_pass_has_no_mutual_information_to_rank_by(run: Run, tmp_path: Path) -> None:
    """Its value is rounding: the ranking is left out with one notice; so is the spread of a regression."""
    found = rank_by_confidence(run, passes=1)
    assert [row["confidence"] for row in found.numbers["rankings"]] == ["maximum_probability"] * 2 + ["entropy"]
    assert found.notices == ["--mc 1: one pass has no mutual information, so it is left out. Use at least 2 passes."]
    varies = rank_by_confidence(train(tmp_path, *DIABETES, "objective=gaussian_nll"), passes=1)
    assert [row["confidence"] for row in varies.numbers["rankings"]] == ["sd", "sd"]
    assert [text for text in varies.notices if "one pass has no spread" in text] != []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--selective", "--risk", "5"], "--risk: is a share of mistakes, from 0 to 1, got 5. For 5 %, use .05."),
        (["--selective", "--risk", "-1"], "--risk: must be a number of at least 0, got -1"),
        (["--selective", "--risk", "nan"], "--risk: must be a number of at least 0, got nan"),
        (["--risk", ".1"], "--risk: needs --selective"),
        (["--selective", "--mc-noise", "all"], "--mc-noise: needs --mc"),
    ],
)
def test_wrong_options_are_one_line(run: Run, arguments: list[str], expected: str) -> None:
    """Exit code 2, nothing on stdout."""
    done = dropout("eval", str(run.path), *arguments, cwd=run.path)
    assert done.returncode == 2 and done.stdout == "" and expected in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_two_studies_run_one_after_the_other(run: Run) -> None:
    """Both folders are printed, and one JSON object holds the numbers of both."""
    words = ("eval", str(run.path), "--selective", "--mc-curve", "2", "--no-plots")
    done = dropout(*words, cwd=run.path)
    assert done.returncode == 0
    assert [name in done.stdout for name in ("after/mc-curve-test-last-2", "after/selective-test-last")] == [True, True]
    printed = json.loads(dropout(*words, "--json", cwd=run.path).stdout)
    assert set(printed) == {"run", "mc-curve-test-last-2", "selective-test-last"}


def test_a_part_that_is_missing_is_named(tmp_path: Path) -> None:
    """A run without validation has no val part to rank."""
    run = train(tmp_path, "dataset.val_fraction=0")
    with pytest.raises(UsageError, match="has no val part"):
        rank_by_confidence(run, split="val")
