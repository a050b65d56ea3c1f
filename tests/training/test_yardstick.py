"""The simple models beside a network: scikit-learn's numbers on the same rows, the same in every run of a split."""

import json
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss, root_mean_squared_error
from sklearn.preprocessing import StandardScaler

from dropout_cli import config, runs
from dropout_cli.core.errors import Interrupted, StopRequest
from dropout_cli.core.types import Array
from dropout_cli.data.dataset import AffineScaling, BatchReader, Dataset, Part
from dropout_cli.nn.backend.threads import limit_threads
from dropout_cli.runs import Run
from dropout_cli.training import linear_models, resume, yardstick, yardstick_cost
from dropout_cli.training.loop import EpochRecord, TrainingProgress
from dropout_cli.training.setup import PreparedExperiment, prepare
from dropout_cli.training.yardstick_cost import affordable_model, logistic_seconds
from tests.small_run import CONFIG, ignore, train

COMPARED = ("metrics.csv", "predictions.npz", "confusion_matrix.csv", "mistakes.csv", "checkpoints/last.safetensors")


def prepared(folder: Path, *overrides: str) -> PreparedExperiment:
    """The small digits config with some changes, ready to train."""
    (folder / "small.yaml").write_text(CONFIG)
    return prepare(config.load_config(folder / "small.yaml", overrides).experiment)


def table(folder: Path, targets: int = 1) -> str:
    """An override: a regression on a table with missing values, a column of words and so many targets."""
    rng = np.random.default_rng(3)
    rows = [",".join(["a", "b", "word", *(f"y{t}" for t in range(targets))])]
    for n, (a, b) in enumerate(rng.normal(size=(120, 2))):
        word = ("red", "green", "blue")[n % 3]
        ys = [f"{10 + a * (t + 1) - 2 * b + 3 * (word == 'red') + rng.normal():.4f}" for t in range(targets)]
        rows.append(",".join(["" if n % 17 == 0 else f"{a:.4f}", f"{b:.4f}", word, *ys]))
    (folder / "t.csv").write_text("\n".join(rows) + "\n")
    names = "y0" if targets == 1 else f"[{', '.join(f'y{t}' for t in range(targets))}]"
    return f"dataset={{name: table, path: {folder}/t.csv, task: regression, target: {names}}}"


def inputs(dataset: Dataset, part: Part) -> Array:
    """All examples of a part as the network takes them, flattened."""
    x, _ = BatchReader(dataset, part, len(part)).take(np.arange(len(part)))
    return x.reshape(len(part), -1).copy()


RIDGE = 400
"""Steps beside which ridge regression is cheap and logistic regression is not, where there is no least time."""


def measured(given: PreparedExperiment, steps: int = 100_000) -> dict[str, Any]:
    """The numbers beside a run of so many steps."""
    found = yardstick.measure_yardsticks(given, steps)
    assert found is not None
    return found.numbers


@pytest.mark.parametrize("dataset", ["digits", "breast_cancer", "moons"])
def test_the_dummy_of_classes_is_scikit_learns(tmp_path: Path, dataset: str) -> None:
    """The largest class, with the frequencies of the training examples as probabilities."""
    given = prepared(tmp_path, f"dataset.name={dataset}")
    data = given.dataset
    dummy = DummyClassifier(strategy="prior").fit(data.train.x, data.train.labels)
    found = measured(given)["dummy"]
    for name in ("val", "test"):
        part = data.part(name)
        assert part is not None
        probs = dummy.predict_proba(part.x)
        assert found[name]["accuracy"] == accuracy_score(part.labels, dummy.predict(part.x))
        assert found[name]["nll"] == pytest.approx(log_loss(part.labels, probs), rel=1e-12)
        brier = brier_score_loss(part.labels, probs, scale_by_half=False, labels=range(len(data.classes)))
        assert found[name]["brier"] == pytest.approx(brier, rel=1e-12)
        assert found[name]["balanced_accuracy"] == pytest.approx(1 / len(data.classes))


@pytest.mark.parametrize("targets", [1, 3])
def test_the_dummy_of_quantities_is_scikit_learns(tmp_path: Path, targets: int) -> None:
    """The mean of the training examples; its standard deviation is its error on the validation part."""
    given = prepared(tmp_path, table(tmp_path, targets))
    train, val, test = given.dataset.train, given.dataset.val, given.dataset.test
    assert val is not None
    mean = DummyRegressor().fit(train.x, train.labels).predict(test.x).reshape(len(test), -1)
    found = measured(given)["dummy"]["test"]
    assert found["rmse"] == pytest.approx(root_mean_squared_error(test.labels, mean))
    sd = np.sqrt(((val.labels - mean[0]) ** 2).mean(axis=0))
    nll = np.mean(np.log(sd) + ((test.labels - mean) / sd) ** 2 / 2 + np.log(2 * np.pi) / 2)
    assert found["nll"] == pytest.approx(nll)


@pytest.mark.parametrize(
    ("dataset", "is_table"), [("digits", False), ("breast_cancer", True), ("iris", True), ("moons", True)]
)
def test_logistic_regression_is_scikit_learns_on_the_same_rows(tmp_path: Path, dataset: str, is_table: bool) -> None:
    """On the inputs of the network; features of tables are standardized on them, pixels are not."""
    given = prepared(tmp_path, f"dataset.name={dataset}", "training.batch_size=16")
    data = given.dataset
    x, test = inputs(data, data.train), inputs(data, data.test)
    if is_table:
        scaler = StandardScaler().fit(x.astype(np.float64))
        x, test = scaler.transform(x).astype(np.float32), scaler.transform(test)
    model = LogisticRegression(max_iter=linear_models.MAX_ITERATIONS).fit(x, data.train.labels)
    found = measured(given)["linear"]
    assert (found["kind"], found["rows"]) == ("logistic", len(data.train))
    assert found["test"]["accuracy"] == accuracy_score(data.test.labels, model.predict(test))
    assert found["test"]["nll"] == pytest.approx(log_loss(data.test.labels, model.predict_proba(test)), rel=1e-4)


def test_ridge_on_classes_is_scikit_learns_and_has_no_probabilities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The least squares fit of indicators ranks the classes as RidgeClassifier does."""
    monkeypatch.setattr(yardstick_cost, "MIN_SECONDS", 0.0)
    for name in ("digits", "breast_cancer"):
        given = prepared(tmp_path, f"dataset.name={name}")
        data = given.dataset
        x, test = inputs(data, data.train).astype(np.float64), inputs(data, data.test).astype(np.float64)
        if name != "digits":
            scaler = StandardScaler().fit(x)
            x, test = scaler.transform(x), scaler.transform(test)
        predicted = RidgeClassifier(alpha=1.0).fit(x, data.train.labels).predict(test)
        found = measured(given, RIDGE)["linear"]
        assert found["kind"] == "ridge"
        assert found["test"]["accuracy"] == accuracy_score(data.test.labels, predicted)
        assert not {"nll", "brier", "ece"} & found["test"].keys()


@pytest.mark.parametrize("targets", [1, 3])
@pytest.mark.parametrize("objective", ["squared_error", "gaussian_nll"])
def test_ridge_on_quantities_is_scikit_learns_on_the_same_rows(tmp_path: Path, targets: int, objective: str) -> None:
    """Missing values filled in and words encoded as for the network; all inputs standardized, alpha = 1."""
    given = prepared(tmp_path, table(tmp_path, targets), f"objective={objective}")
    data = given.dataset
    scaler = StandardScaler().fit(inputs(data, data.train).astype(np.float64))
    x, test = scaler.transform(inputs(data, data.train)), scaler.transform(inputs(data, data.test))
    assert data.targets is not None
    model = Ridge(alpha=1.0).fit(x, data.targets.standardize(data.train.labels))
    predicted = model.predict(test).reshape(len(test), -1) * data.targets.sd + data.targets.mean
    found = measured(given)
    assert found["linear"]["kind"] == "ridge"
    assert found["linear"]["test"]["rmse"] == pytest.approx(root_mean_squared_error(data.test.labels, predicted))
    assert found["linear"]["test"].keys() == found["dummy"]["test"].keys() == {"rmse", "mae", "r2", "nll"}


def test_a_draw_keeps_every_class_and_its_share(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of more rows than may be, each class has its share to within one, and at least one; each row is there once."""
    data = prepared(tmp_path).dataset
    labels = data.train.labels.copy()
    labels[labels == 3] = 4
    labels[np.flatnonzero(labels == 4)[0]] = 3  # a class with a single example
    data = replace(data, train=replace(data.train, labels=labels))
    monkeypatch.setattr(yardstick, "MAX_ROWS", 200)
    rows = yardstick.draw_training_rows(data, 0)
    assert len(np.unique(rows)) == len(rows) and 195 <= len(rows) <= 200 and (np.diff(rows) > 0).all()
    counts = np.bincount(labels[rows], minlength=10)
    assert counts[3] == 1
    assert (np.abs(counts - 200 * np.bincount(labels, minlength=10) / len(labels)) <= 2).all()
    assert np.array_equal(rows, yardstick.draw_training_rows(data, 0)) and not np.array_equal(
        rows, yardstick.draw_training_rows(data, 1)
    )


def test_rows_are_few_where_examples_are_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Memory has a bound, whatever the size of a picture."""
    data = prepared(tmp_path).dataset
    monkeypatch.setattr(yardstick, "MAX_VALUES", 64 * 100)
    assert len(yardstick.draw_training_rows(data, 0)) <= 100
    quantities = prepared(tmp_path, "dataset.name=diabetes").dataset
    monkeypatch.setattr(yardstick, "MAX_VALUES", 10 * 50)
    assert len(yardstick.draw_training_rows(quantities, 0)) == 50


def test_a_class_without_training_examples_has_a_finite_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest probability there is stands for 0, as everywhere; with one class alone there is no linear model."""
    given = prepared(tmp_path)
    data = given.dataset
    labels = np.where(data.train.labels == 7, 1, data.train.labels)
    without = replace(given, dataset=replace(data, train=replace(data.train, labels=labels)))
    monkeypatch.setattr(yardstick_cost, "MIN_SECONDS", 0.0)
    found, by_ridge = measured(without), measured(without, RIDGE)
    assert (found["linear"]["kind"], by_ridge["linear"]["kind"]) == ("logistic", "ridge")
    assert json.dumps([found, by_ridge], allow_nan=False)
    share = float(np.mean(data.test.labels == 7))
    assert found["dummy"]["test"]["nll"] == pytest.approx(share * linear_models.MAX_LOGIT_GAP, rel=0.05)
    assert 0 < share < found["linear"]["test"]["error"] and np.isfinite(found["linear"]["test"]["nll"])
    alone = replace(given, dataset=replace(data, train=replace(data.train, labels=np.zeros_like(labels))))
    assert measured(alone)["linear"] is None


def test_iterations_that_end_early_warn_nobody(tmp_path: Path) -> None:
    """Pixels from 0 to 16 keep L-BFGS busy for longer than it has."""
    given = prepared(tmp_path, "dataset.scaling=none")
    with pytest.warns(Warning, match="failed to converge"):
        LogisticRegression(max_iter=linear_models.MAX_ITERATIONS).fit(
            inputs(given.dataset, given.dataset.train), given.dataset.train.labels
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert measured(given)["linear"]["test"]["accuracy"] > 0.9


def pictures(given: PreparedExperiment, train: int) -> PreparedExperiment:
    """The same with pictures of 28x28 in which the class brightens some pixels; so large that two threads share."""
    rng = np.random.default_rng(0)

    def part(count: int) -> Part:
        labels = rng.integers(0, 10, count)
        x = rng.integers(0, 200, (count, 28, 28, 1)) + 5 * (np.arange(28) == labels[:, None])[:, :, None, None]
        return Part(x.astype(np.uint8), labels, np.arange(count))

    scaling = AffineScaling(np.full(1, 1 / 255, np.float32), np.zeros(1, np.float32))
    dataset = replace(given.dataset, scaling=scaling, train=part(train), val=part(200), test=part(300))
    return replace(given, dataset=dataset)


def test_numbers_do_not_depend_on_threads(tmp_path: Path) -> None:
    """Nor on the seed of the run, or on how long it is, where that buys the same kind of model."""
    found = []
    for threads, seed in ((1, 0), (2, 5)):
        with limit_threads(threads):
            found.append(measured(pictures(prepared(tmp_path, f"seed={seed}"), 3_000), 10**6 * threads))
    assert found[0]["linear"]["kind"] == "logistic"
    assert json.dumps(found[0]) == json.dumps(found[1])


def test_the_kind_follows_from_sizes_alone(tmp_path: Path) -> None:
    """Logistic regression beside a long run, ridge where that would take too long, neither beside a moment."""
    given = prepared(tmp_path)
    assert affordable_model(given, 1_168, 1) == "logistic"  # within what it may always take
    wide = replace(given.dataset, train=replace(given.dataset.train, x=np.zeros((5_000, 28, 28, 1), np.uint8)))
    beside = replace(given, dataset=wide)
    kinds = [affordable_model(beside, 5_000, steps) for steps in (1, 30_000, 10**6)]
    assert kinds == [None, "ridge", "logistic"]
    assert affordable_model(prepared(tmp_path, "dataset.name=diabetes"), 300, 10**6) == "ridge"
    assert logistic_seconds(5_000, 784, 10) > 2 * logistic_seconds(2_000, 784, 10)


def test_a_summary_has_the_numbers_and_none_leaves_them_out(tmp_path: Path) -> None:
    """All else has the same bytes with and without them."""
    plain, without = train(tmp_path / "a"), train(tmp_path / "b", "yardstick=none")
    assert plain.summary()["yardstick"]["linear"]["rows"] == 1168 and without.summary()["yardstick"] is None
    assert all(plain.read(name) == without.read(name) for name in COMPARED)
    assert "yardstick: none" in without.read("resolved.yaml").decode()


@pytest.mark.parametrize("after", [1, 2])
def test_an_interrupted_run_resumes_to_the_same_numbers(tmp_path: Path, after: int) -> None:
    """They follow from the config and the data alone."""

    def stop(event: TrainingProgress | EpochRecord) -> None:
        if isinstance(event, EpochRecord) and event.epoch == after:
            raise StopRequest(130)

    whole = train(tmp_path / "whole")
    with pytest.raises(Interrupted):
        train(tmp_path / "parts", watch=stop)
    (run,) = runs.all_runs(tmp_path / "parts/runs")
    assert not run.has_file("summary.json")
    resume.resume_run(run, watch=ignore, figures=False)
    assert block(run) == block(whole)


def block(run: Run) -> str:
    """The part of the summary, as text."""
    return json.dumps(run.summary()["yardstick"])


def shared(given: PreparedExperiment, folder: Path) -> dict[str, Any]:
    """The numbers beside a run that shares them in a folder."""
    found = yardstick.measure_yardsticks(given, 100_000, folder)
    assert found is not None
    return found.numbers


def test_runs_with_one_split_share_what_was_fitted(tmp_path: Path) -> None:
    """Two files per split, data and kind; a run that takes its numbers from there has those of a run alone."""
    folder = tmp_path / "shared"
    first, second = prepared(tmp_path), prepared(tmp_path, "seed=1", "architecture.hidden=[4]", "dropout.rate=0.1")
    alone = json.dumps(measured(first))
    assert json.dumps(shared(first, folder)) == alone
    (file,) = folder.glob("*.json")
    written = file.stat().st_mtime_ns
    assert json.dumps(shared(second, folder)) == alone
    assert file.stat().st_mtime_ns == written
    other = prepared(tmp_path, "dataset.split_seed=1")
    assert json.dumps(shared(other, folder)) == json.dumps(measured(other)) != alone
    assert len(list(folder.glob("*.json"))) == 2
    yardstick.measure_yardsticks(prepared(tmp_path, "dataset.scaling=standardize"), 100_000, folder)
    assert len(list(folder.glob("*.json"))) == 3
