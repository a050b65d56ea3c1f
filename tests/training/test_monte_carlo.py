"""`training.mc_passes` scores the mean of noisy passes at the end of training, as `eval --mc` does."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from dropout_cli import config
from dropout_cli.analysis import evaluate, headlines, predict, replay, verify
from dropout_cli.core import npz
from dropout_cli.core.dotted import value_at
from dropout_cli.core.errors import ConfigError
from dropout_cli.core.types import Array
from dropout_cli.runs import MANIFEST, Run, json_bytes, manifest
from dropout_cli.training import forward_passes, restore
from dropout_cli.training.checkpoint import comparable_config
from dropout_cli.training.monte_carlo import MONTE_CARLO_FILE
from tests.commands import dropout
from tests.small_run import ignore, train

DIABETES = ("dataset=diabetes", "dataset.scaling=standardize", "architecture={name: mlp, hidden: [16]}")
TASKS = {
    "classes": (),
    "squared_error": DIABETES,
    "gaussian_nll": (*DIABETES, "objective=gaussian_nll"),
    "given precision": (*DIABETES, "objective={name: squared_error, target_precision: 0.0004}"),
    "averaged weights": ("training.average.decay=0.9",),
    "best epoch": ("training.early_stopping.patience=1", "training.monitor=val_nll"),
    "training noise": ("architecture={name: mlp, hidden: [16], input_noise: 0.2}",),
}


@pytest.fixture(scope="module", params=TASKS)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of each kind, scored with 1, 3 and 8 passes."""
    folder = tmp_path_factory.mktemp("scored")
    return train(folder, *TASKS[request.param], "training.mc_passes=[8, 1, 3, 3]", "training.epochs=3")


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A classification, scored with 2 passes."""
    return train(tmp_path_factory.mktemp("classes"), "training.mc_passes=2", "training.epochs=1")


def copy(run: Run, folder: Path) -> Run:
    """A copy of a run that a test may change."""
    return Run(Path(shutil.copytree(run.path, folder / "run", symlinks=True)))


def wrong(run: Run) -> list[str]:
    """Return the failed checks as lines."""
    return [f"{check.what}: {check.fact}" for check in verify.verify_run(run) if not check.right]


def test_the_numbers_are_those_of_eval_to_the_last_bit(run: Run) -> None:
    """For every number of passes and both parts: T passes are the first T of a larger number."""
    scored = run.summary()["monte_carlo"]
    assert list(scored) == ["1", "3", "8"] and all(list(each) == ["val", "test"] for each in scored.values())
    for count, parts in scored.items():
        for part, scores in parts.items():
            found = evaluate.evaluate_monte_carlo(run, int(count), thinned=0, split=part, figures=False)
            mixture = {key: found[key] for key in ("nll_log_mean_exp",) if key in found}
            # As in the file: NumPy's numbers and Python's are the same there.
            assert scores == json.loads(json_bytes({**found["monte_carlo"], **mixture}))


def test_the_scores_have_the_names_of_the_test_part(run: Run) -> None:
    """A regression has the likelihood of the mixture of passes, too."""
    summary = run.summary()
    additional = {"nll_log_mean_exp"} if summary["task"] == "regression" else set()
    assert value_at(summary, "monte_carlo.8.test").keys() == summary["test"].keys() | additional
    assert summary["monte_carlo"]["8"]["test"]["nll"] != summary["test"]["nll"]


def test_verify_and_replay_accept_the_run(run: Run) -> None:
    """The numbers follow from the stored arrays, and a second training draws the same passes."""
    assert wrong(run) == []
    facts = {check.fact: check.right for check in replay.replay_run(run, watch=ignore)}
    assert facts["the Monte Carlo passes have the same numbers"] and all(facts.values())


@pytest.mark.parametrize(
    ("key", "fact"),
    [
        ("2.test.nll", "monte_carlo.2.test.nll is 9.0, but recomputed"),
        ("2.test.accuracy", "monte_carlo.2.test.accuracy is 9.0"),
        ("2.val.brier", "monte_carlo.2.val.brier is 9.0, but the mean of its contributions"),
    ],
)
def test_a_changed_number_is_found(key: str, fact: str, classes: Run, tmp_path: Path) -> None:
    """Also if the manifest was written again."""
    changed = copy(classes, tmp_path)
    summary = changed.summary()
    count, part, name = key.split(".")
    summary["monte_carlo"][count][part][name] = 9.0
    changed.write("summary.json", json_bytes(summary))
    changed.path_of(MANIFEST).write_bytes(manifest.make_manifest(changed.path))
    (line,) = wrong(changed)
    assert fact in line


def test_missing_numbers_are_found(classes: Run, tmp_path: Path) -> None:
    """A part, a number of passes, the whole entry, or the arrays."""
    removals: list[Callable[[dict[str, Any]], Any]] = [
        lambda scored: scored["monte_carlo"]["2"].pop("val"),
        lambda scored: scored["monte_carlo"].pop("2"),
        lambda scored: scored.pop("monte_carlo"),
    ]
    for number, remove in enumerate(removals):
        changed = copy(classes, tmp_path / str(number))
        summary = changed.summary()
        remove(summary)
        changed.write("summary.json", json_bytes(summary))
        changed.path_of(MANIFEST).write_bytes(manifest.make_manifest(changed.path))
        assert wrong(changed), number
    changed = copy(classes, tmp_path / "arrays")
    changed.path_of(MONTE_CARLO_FILE).unlink()
    changed.path_of(MANIFEST).write_bytes(manifest.make_manifest(changed.path))
    assert wrong(changed)


def test_a_network_without_noise_has_the_plain_numbers(tmp_path: Path) -> None:
    """So that `none` can stand beside other variants in a sweep; a warning says that the passes are identical."""
    run = train(tmp_path, "dropout=none", "training.mc_passes=[1, 4]", "training.epochs=1")
    summary = run.summary()
    (warning,) = summary["warnings"]
    assert warning == "training.mc_passes: all passes are identical, because the variant none has no noise."
    for count in "14":
        for part in ("val", "test"):
            scores, plain = summary["monte_carlo"][count][part], summary[part]
            numbers = {name: value for name, value in plain.items() if isinstance(value, float)}
            assert {name: scores[name] for name in numbers} == pytest.approx(numbers, rel=1e-5)
            assert scores["per_class"] == plain["per_class"] and scores.keys() == plain.keys()
    assert wrong(run) == []


def test_a_regression_without_noise_has_the_plain_errors(tmp_path: Path) -> None:
    """Its likelihoods are equal, too, because the same noise is estimated."""
    run = train(tmp_path, *DIABETES, "dropout=none", "training.mc_passes=3", "training.epochs=20")
    summary = run.summary()
    scores, plain = summary["monte_carlo"]["3"]["test"], summary["test"]
    assert scores["rmse"] == pytest.approx(plain["rmse"], rel=1e-6)
    assert scores["nll"] == pytest.approx(plain["nll"], rel=1e-3)
    assert scores["nll_log_mean_exp"] == pytest.approx(scores["nll"], rel=1e-3)


def given(folder: Path, *overrides: str) -> Run:
    """A regression with a given precision of the noise, without a validation part."""
    objective = "objective={name: squared_error, target_precision: 0.0004}"
    return train(folder, *DIABETES, objective, "dataset.val_fraction=0", "training.epochs=20", *overrides)


def test_a_given_precision_is_that_of_every_pass(tmp_path: Path) -> None:
    """Log-mean-exp is the mean of ln(1/T sum_t N(y; m_t, 1 / tau)) in the target's own unit; nothing is estimated."""
    run = given(tmp_path, "training.mc_passes=[2, 6]")
    summary = run.summary()
    assert summary["warnings"] == [] and "monte_carlo_noise" not in summary
    assert summary["noise_sd"] == [50.0] and list(summary["monte_carlo"]["6"]) == ["test"]
    trained = restore.load_model(run)
    for count in (2, 6):
        with trained.learner.averaged() as network:
            drawn = forward_passes.noisy_passes(
                network, trained.dataset, trained.dataset.test, seed=0, count=count, batch=1000
            )
            means = np.array([trained.task.predict(outputs)["mean"] for outputs in drawn])
        y: Array = trained.dataset.test.labels
        expected = -np.log(stats.norm(means, 50.0).pdf(y).mean(axis=0)).mean()
        scores = summary["monte_carlo"][str(count)]["test"]
        assert scores["nll_log_mean_exp"] == pytest.approx(expected, rel=1e-9)
        total = np.sqrt(means.var(axis=0) + 50.0**2)
        assert scores["nll"] == pytest.approx(-stats.norm(means.mean(axis=0), total).logpdf(y).mean(), rel=1e-9)
    assert summary["test"]["nll"] == pytest.approx(
        -stats.norm(npz.read_npz(run.read("predictions.npz"), "p")["mean"], 50.0).logpdf(y).mean()
    )


def test_a_given_precision_reaches_later_commands(tmp_path: Path) -> None:
    """`predict --mc` and `eval --calibration --mc` use it, and have nothing to warn about."""
    run = given(tmp_path)
    np.save(tmp_path / "x.npy", restore.load_model(run).dataset.test.x)
    (block,) = predict.predict_file(run, tmp_path / "x.npy", passes=3)
    assert block.notices == () and {row[block.names.index("noise_sd")] for row in block.rows} == {50.0}
    done = dropout("eval", str(run.path), "--calibration", "--mc", "3", "--no-plots", cwd=tmp_path)
    assert "too small" not in done.stderr and "mixture" in done.stdout


def test_training_does_not_depend_on_the_precision_nor_on_the_passes(tmp_path: Path) -> None:
    """The weights have the same bytes, and configs without the keys count as equal to those of older versions."""
    plain = train(tmp_path / "plain", *DIABETES, "dataset.val_fraction=0", "training.epochs=20")
    scored = given(tmp_path / "given", "training.mc_passes=3")
    arrays = [restore.load_model(each).learner.arrays() for each in (plain, scored)]
    assert all(np.array_equal(arrays[0][name], arrays[1][name]) for name in arrays[0])
    values = comparable_config(plain.summary()["config"])
    assert "mc_passes" not in values["training"] and "target_precision" not in values["objective"]
    assert "monte_carlo" not in plain.summary() and not plain.has_file(MONTE_CARLO_FILE)


def test_noise_estimated_on_the_training_part_gives_a_warning(tmp_path: Path) -> None:
    """It names both ways out."""
    run = train(tmp_path, *DIABETES, "dataset.val_fraction=0", "training.mc_passes=2", "training.epochs=1")
    (warning,) = run.summary()["warnings"]
    assert re.match(r"training\.mc_passes: .*too small.*objective\.target_precision", warning)


@pytest.mark.parametrize("value", ["0", "1001", "[]", "[5, 0]", "2.5"])
def test_impossible_numbers_of_passes_are_refused(value: str, tmp_path: Path) -> None:
    """From 1 to 1000, one or more."""
    file = tmp_path / "a.yaml"
    file.write_text("dataset: digits\n")
    with pytest.raises(ConfigError, match=r"training\.mc_passes"):
        config.load_config(file, [f"training.mc_passes={value}"])


def test_show_has_a_line_for_the_largest_number(tmp_path: Path, classes: Run) -> None:
    """Only for a run with passes."""
    done = dropout("show", str(classes.path), cwd=tmp_path)
    accuracy = classes.summary()["monte_carlo"]["2"]["test"]["accuracy"]
    assert f"test, mean of 2 noisy passes: accuracy {100 * accuracy:.1f} %" in done.stdout
    assert headlines.monte_carlo_line({}) is None and headlines.monte_carlo_line({"monte_carlo": 3}) is None


@pytest.mark.parametrize(
    ("overrides", "paths"),
    [
        (["dropout=concrete"], ["dropout.rates.hidden1", "dropout.rates.hidden2", "dropout.rates.output"]),
        (
            ["dropout=sparse_variational"],
            ["dropout.sparsity.hidden1", "dropout.sparsity.output", "dropout.sparsity.overall", "dropout.compression"],
        ),
    ],
)
def test_learned_values_have_dotted_paths(overrides: list[str], paths: list[str], tmp_path: Path) -> None:
    """Rates and sparsities of each layer are those of the last epoch in `metrics.csv`."""
    run = train(tmp_path, *overrides, "training.epochs=1", "training.mc_passes=2")
    history, summary = run.table("metrics.csv").columns(), run.summary()
    for path in paths:
        column = f"{path.rpartition('.')[2]}/dropout/{'rate' if 'rates' in path else 'sparsity'}"
        value = value_at(summary, path)
        assert value is not None and (column not in history or value == pytest.approx(history[column][-1]))
    assert wrong(run) == []
