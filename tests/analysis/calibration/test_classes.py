"""Studies of calibration and temperature."""

import json
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.analysis import evaluate, predict
from dropout_cli.analysis.calibration import study as calibration
from dropout_cli.analysis.calibration import temperature, temperature_store
from dropout_cli.analysis.inspection import read_inspections, write_inspection
from dropout_cli.core.errors import UsageError
from dropout_cli.report.run_report import run_report
from dropout_cli.runs import Run
from tests.small_run import train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run with temperatures for both predictors."""
    run = train(tmp_path_factory.mktemp("calibration"))
    write_inspection(run, temperature.inspect_temperature(run, passes=5))
    return run


@pytest.fixture
def fresh(tmp_path: Path) -> Run:
    """A finished run without studies."""
    return train(tmp_path)


def test_the_numbers_are_those_of_the_evaluation(run: Run) -> None:
    """ECE, NLL and Brier score of both predictors are the same numbers as in `eval --mc`."""
    found = calibration.inspect_calibration(run, passes=5).numbers["predictors"]
    plain = evaluate.evaluate_monte_carlo(run, 5, thinned=0, figures=False)
    for label, name in (("no noise", "weight_scaling"), ("Monte Carlo", "monte_carlo")):
        for key in ("ece", "ece_if_calibrated", "nll", "brier"):
            assert found[label][key] == pytest.approx(plain[name][key], rel=1e-12)


def test_a_stored_temperature_adds_a_predictor(run: Run) -> None:
    """Its NLL is that after the fit, and the figure has a panel for each; without passes only the one without noise."""
    study = calibration.inspect_calibration(run, split="val", passes=5)
    labels = list(study.numbers["predictors"])
    stored = temperature_store.find_temperatures(run, "last")
    assert labels[0::2] == ["no noise", "Monte Carlo"] and all("temperature" in label for label in labels[1::2])
    for label, kind in zip(labels[1::2], ("weight_scaling", "monte_carlo"), strict=True):
        after = stored[kind].entry["parts"]["val"]["after"]
        assert study.numbers["predictors"][label]["nll"] == pytest.approx(after["nll"], rel=1e-9)
    assert list(dict.fromkeys(study.figures[0].columns["predictor"])) == labels
    assert study.notices == [calibration.FITTED_HERE]
    assert len(calibration.inspect_calibration(run).numbers["predictors"]) == 2


def test_the_temperature_is_the_best_of_its_predictor(run: Run) -> None:
    """The NLL of the validation part falls for both, and each has its own."""
    stored = temperature_store.find_temperatures(run, "last")
    for one in stored.values():
        part = one.entry["parts"]["val"]
        assert part["after"]["nll"] < part["before"]["nll"]
    assert stored["weight_scaling"].temperature != stored["monte_carlo"].temperature
    assert (stored["weight_scaling"].passes, stored["monte_carlo"].passes) == (None, 5)


def test_fitting_one_predictor_keeps_the_other(fresh: Run) -> None:
    """All noise of the training is a predictor of its own."""
    write_inspection(fresh, temperature.inspect_temperature(fresh, passes=3))
    write_inspection(fresh, temperature.inspect_temperature(fresh, passes=2, all_noise=True))
    before = temperature_store.stored_temperatures(fresh)
    write_inspection(fresh, temperature.inspect_temperature(fresh))
    assert temperature_store.stored_temperatures(fresh) == before
    assert list(before) == ["weight_scaling", "monte_carlo", "monte_carlo_all_noise"]
    assert len({one[0] for one in read_inspections(fresh)[0].rows}) == 3


def test_temperatures_of_other_weights_are_not_used(fresh: Run) -> None:
    """Neither by a study nor by a prediction, and a new fit drops them."""
    write_inspection(fresh, temperature.inspect_temperature(fresh, checkpoint="best", passes=2))
    path = fresh.path / "after/temperature/results.json"
    path.write_bytes(path.read_bytes().replace(b'"weights": "', b'"weights": "0'))
    assert len(calibration.inspect_calibration(fresh, passes=2).numbers["predictors"]) == 2
    with pytest.raises(UsageError, match="other weights"):
        temperature_store.require_temperature(fresh, "weight_scaling")
    assert list(temperature.inspect_temperature(fresh).numbers["predictors"]) == ["weight_scaling"]


@pytest.mark.parametrize("value", ["NaN", "0.0", "-1.0", "1e9", '"2"', "null"])
def test_a_damaged_temperature_is_refused(fresh: Run, value: str) -> None:
    """One that is not a number between the bounds; the message names the file."""
    write_inspection(fresh, temperature.inspect_temperature(fresh))
    path = fresh.path / "after/temperature/results.json"
    found = json.loads(path.read_bytes())
    found["results"]["predictors"]["weight_scaling"]["temperature"] = "HERE"
    path.write_text(json.dumps(found).replace('"HERE"', value))
    with pytest.raises(UsageError, match=r"temperature/results\.json: is damaged"):
        temperature_store.require_temperature(fresh, "weight_scaling")


def test_predictions_use_the_temperature_of_their_predictor(run: Run, tmp_path: Path) -> None:
    """The probabilities are p^(1/T), normalized; labels and uncertainties of the passes stay."""
    x = np.random.default_rng(0).uniform(0, 16, (6, 8, 8, 1)).astype(np.float32)
    stored = temperature_store.find_temperatures(run, "last")
    for passes, kind in ((None, "weight_scaling"), (5, "monte_carlo")):
        (plain,), (tempered,) = (
            list(predict.predict_data(run, x, passes=passes, temperature=asked)) for asked in (False, True)
        )
        assert plain.names == tempered.names and tempered.notices == ()
        places = [place for place, name in enumerate(plain.names) if name.startswith("probability")]
        before, after = (np.array([[row[place] for place in places] for row in one.rows]) for one in (plain, tempered))
        expected = before ** (1 / stored[kind].temperature)
        assert after == pytest.approx(expected / expected.sum(axis=1, keepdims=True), rel=1e-4)
        others = [place for place in range(len(plain.names)) if place not in places]
        assert [[row[i] for i in others] for row in plain.rows] == [[row[i] for i in others] for row in tempered.rows]
    (other,) = predict.predict_data(run, x, passes=3, temperature=True)
    assert "mean of 5 passes" in other.notices[0]


def test_an_nll_that_rounds_to_the_same_text_stays(run: Run) -> None:
    """A fall in the fifth digit is no fall for a reader; a larger one has both ends."""
    entry = dict(temperature_store.find_temperatures(run, "last")["weight_scaling"].entry)
    entry["parts"] = {
        "val": {"before": {"nll": 0.107312}, "after": {"nll": 0.107308}},
        "test": {"before": {"nll": 0.2}, "after": {"nll": 0.1}},
    }
    text = temperature.temperature_effect("weight_scaling", entry)
    assert "The NLL of the validation part stays at 0.1073; the NLL of the test part falls from 0.2 to 0.1." in text


def test_a_run_of_which_all_validation_examples_are_right_keeps_temperature_1(tmp_path: Path) -> None:
    """Its sentence says that there is no best temperature; predictions with it are those without."""
    (tmp_path / "t.csv").write_text("x,kind\n" + "".join(f"{i},{'ab'[i > 0]}\n" for i in range(-60, 61) if abs(i) > 15))
    run = train(
        tmp_path,
        f"dataset={{name: table, path: {tmp_path / 't.csv'}, val_fraction: 0.2}}",
        "dropout.rate=0",
        "training.epochs=60",
        "training.batch_size=16",
    )
    study = temperature.inspect_temperature(run)
    assert "there is no best temperature" in study.sentences[0]
    write_inspection(run, study)
    shown = calibration.inspect_calibration(run)
    assert list(shown.numbers["predictors"]) == ["no noise"]
    assert shown.notices == [calibration.KEPT.format("no noise")]
    x = np.array([[1.0], [-3.0]], np.float32)
    given = tmp_path / "new.csv"
    given.write_text("x\n" + "".join(f"{value}\n" for value in x[:, 0]))
    first, second = (list(predict.predict_file(run, given, temperature=asked)) for asked in (False, True))
    assert first == second
    assert "no larger than chance" in calibration.inspect_calibration(run).sentences[0]


def test_every_report_of_a_classification_has_a_reliability_diagram(run: Run) -> None:
    """It says how the ECE compares with that of a perfectly calibrated model, from the stored predictions alone."""
    page = run_report(run).decode()
    assert "gray: where 95 % of perfectly calibrated models are" in page
    assert "that a perfectly calibrated model has by chance" in page


def test_a_study_is_the_same_in_bytes_when_it_is_made_again(run: Run) -> None:
    """Also its figure; the report draws the figure again from the CSV file."""
    study = calibration.inspect_calibration(run, passes=5)
    first = study.contents(images=True)
    assert first == calibration.inspect_calibration(run, passes=5).contents(images=True)
    write_inspection(run, study)
    (again,) = (one for one in read_inspections(run) if one.folder == study.folder)
    assert again.figures[0].draw() == first["reliability.png"]
    assert first["measures.csv"].startswith(b"number,no noise,") and b"debiased_squared_ece," in first["measures.csv"]
