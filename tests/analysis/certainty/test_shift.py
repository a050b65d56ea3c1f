"""Evaluation under shift, and the rotated picture."""

import json
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.analysis import evaluate
from dropout_cli.analysis.certainty.shift import study_shift
from dropout_cli.analysis.inspection import read_inspections, write_inspection
from dropout_cli.core.errors import UsageError
from dropout_cli.data.corruptions.kinds import PICTURE_SHIFTS
from dropout_cli.plots import as_svg
from dropout_cli.runs import Run
from dropout_cli.training import restore
from tests.small_run import train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A classification of digits."""
    return train(tmp_path_factory.mktemp("shift"), "dataset.scaling=standardize")


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A regression of a table."""
    return train(
        tmp_path_factory.mktemp("shift"), "dataset={name: diabetes}", "objective=squared_error", "training.epochs=3"
    )


@pytest.mark.parametrize("kind", PICTURE_SHIFTS)
def test_without_a_shift_the_numbers_are_those_of_the_plain_evaluation(run: Run, kind: str) -> None:
    """To the last byte: without noise those of `eval`, with passes those of `eval --mc`."""
    rows = study_shift(run, kind, passes=3).numbers["strengths"]
    plain = evaluate.evaluate_run(run, figures=False)
    noisy = evaluate.evaluate_monte_carlo(run, 3, thinned=0, figures=False)
    first = next(row for row in rows if row["prediction"] == "weight_scaling")
    passes = next(row for row in rows if row["prediction"] == "monte_carlo")
    for name in ("accuracy", "nll", "ece"):
        assert json.dumps(first[name]) == json.dumps(plain[name])
        assert json.dumps(passes[name]) == json.dumps(noisy["monte_carlo"][name])
    assert json.dumps(passes["mutual_information"]) == json.dumps(noisy["mutual_information"])
    # The logarithm of a mean and a sum of logarithms differ by rounding.
    assert passes["entropy"] == pytest.approx(noisy["predictive_entropy"], rel=1e-12)


def test_a_rotation_of_the_data_gives_the_numbers_of_rotated_data(run: Run, tmp_path: Path) -> None:
    """At 90 degrees the network sees exactly `np.rot90` of its test pictures, scaled as in training."""
    row = next(row for row in study_shift(run, "rotate").numbers["strengths"] if row["rotation_degrees"] == 90)
    trained = restore.load_model(run)
    test, scaling = trained.dataset.test, trained.dataset.scaling
    x = (np.rot90(test.x, axes=(1, 2)).astype(np.float32) * scaling.scale + scaling.shift).astype(np.float32)
    predicted = trained.learner.network.forward(np.ascontiguousarray(x)).argmax(axis=1)
    assert row["accuracy"] == np.mean(predicted == test.labels)


def test_without_noise_there_are_no_passes_and_a_notice(tmp_path: Path) -> None:
    """The mutual information is empty, and the figures are still drawn."""
    still = train(tmp_path, "dropout.rate=0")
    found = study_shift(still, "rotate", passes=5)
    assert found.numbers["mc"] is None and found.folder == "shift-rotate-test-last"
    assert all(row["mutual_information"] is None for row in found.numbers["strengths"])
    assert len(found.notices) == 1 and "drops nothing" in found.notices[0]
    plain = study_shift(still, "rotate")
    assert plain.notices[0].startswith("--shift: all passes are identical")
    assert set(found.contents(images=True)) >= {"shift.png", "rotated_digit.png"}
    single = found.figures[1].columns
    assert {cell for kind, cell in zip(single["kind"], single["pass"], strict=True) if kind != "pixel"} == {0}


def test_a_regression_has_errors_cover_and_spread(regression: Run) -> None:
    """Noise in the table raises the RMSE; at its end a row has no value left, and the spread is the same for all."""
    rows = study_shift(regression, "noise", passes=4).numbers["strengths"]
    plain = [row for row in rows if row["prediction"] == "weight_scaling"]
    assert plain[0]["rmse"] == evaluate.evaluate_run(regression, figures=False)["rmse"]
    assert plain[-1]["rmse"] > plain[0]["rmse"] and plain[-1]["coverage"] < plain[0]["coverage"]
    passes = [row for row in rows if row["prediction"] == "monte_carlo"]
    assert all(row["model_sd"] > 0 and row["sd"] > row["model_sd"] for row in passes)
    assert len(study_shift(regression, "missing", passes=4).figures) == 1


def test_the_figures_are_drawn_again_from_their_csv_files(run: Run) -> None:
    """Class names that are numbers stay texts; every figure gives SVG, the same bytes twice."""
    for kind in ("rotate", "contrast"):
        write_inspection(run, study_shift(run, kind, passes=2))
    stored = {one.folder: one for one in read_inspections(run)}
    rotated = stored["shift-rotate-test-last-mc2"]
    assert [figure.name for figure in rotated.figures] == ["shift", "rotated_digit"]
    shown = rotated.figures[1].columns
    assert all(name.startswith("class ") for name in shown["class"] if name is not None)
    for one in stored.values():
        for figure in one.figures:
            with as_svg():
                assert figure.draw() == figure.draw() and b"<svg" in figure.draw()[:500]


def test_the_picture_is_the_row_that_the_user_names(run: Run) -> None:
    """By default it is the first one of class 1; its probabilities of all classes that are drawn are passes' own."""
    test = restore.load_model(run).dataset.test
    first = int(test.rows[np.argmax(test.labels == 1)])
    assert f"row {first} of the test part" in study_shift(run, "rotate", passes=2).figures[1].shown
    other = int(test.rows[7])
    named = study_shift(run, "rotate", passes=2, example=other).figures[1]
    assert f"row {other} of the test part" in named.shown
    columns = named.columns
    pixels = [
        value
        for kind, degrees, value in zip(columns["kind"], columns["degrees"], columns["value"], strict=True)
        if kind == "pixel" and degrees == 0
    ]
    np.testing.assert_allclose(pixels, test.x[7].ravel() / 16, atol=5e-5)  # stored with four decimals
    outputs = [value for kind, value in zip(columns["kind"], columns["value"], strict=True) if kind == "softmax output"]
    assert min(outputs) >= 0 and max(outputs) <= 1
    absent = int(np.setdiff1d(np.arange(1797), test.rows)[0])
    with pytest.raises(UsageError, match=f"--example: the test part does not have row {absent}"):
        study_shift(run, "rotate", passes=2, example=absent)


def test_one_pass_has_no_spread(run: Run, regression: Run) -> None:
    """Its column is empty, and no sentence names a number that is rounding."""
    for one, kind, name, word in (
        (run, "contrast", "mutual_information", "mutual information"),
        (regression, "missing", "model_sd", "spread"),
    ):
        found = study_shift(one, kind, passes=1)
        assert found.title.endswith(", 1 pass")
        assert {row[name] for row in found.numbers["strengths"]} == {None} and not found.sentences
        assert [f"one pass has no {word}" in text for text in found.notices].count(True) == 1
        assert b"PNG" in found.figures[0].draw()[:8]


def test_a_single_picture_needs_a_rotation(run: Run, regression: Run) -> None:
    """Another shift, or a table, has no such figure."""
    for one, kind in ((run, "blur"), (regression, "noise")):
        with pytest.raises(UsageError, match="--example: needs --shift rotate"):
            study_shift(one, kind, example=0)
