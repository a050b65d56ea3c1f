"""`import dropout_cli as dropout`: training, runs and predictions as Python objects."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import dropout_cli as dropout
from dropout_cli.core.errors import ConfigError, DataError, UsageError
from tests.commands import dropout as command

CONFIG: dict[str, Any] = {
    "dataset": {"name": "iris"},
    "architecture": {"name": "mlp", "hidden": [8]},
    "dropout": {"variant": "inverted", "rate": 0.2},
    "training": {"epochs": 3, "batch_size": 16},
}
TABLE = pd.DataFrame(
    {
        "size": np.linspace(0, 1, 40),
        "color": ["red", "blue"] * 20,
        "kind": ["small"] * 20 + ["large"] * 20,
    }
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> dropout.TrainedRun:
    """Return a run on iris."""
    return dropout.train(CONFIG, runs_dir=tmp_path_factory.mktemp("runs"), progress=False)


@pytest.fixture(scope="module")
def table_run(tmp_path_factory: pytest.TempPathFactory) -> dropout.TrainedRun:
    """Return a run on a table with words."""
    folder = tmp_path_factory.mktemp("table")
    TABLE.to_csv(folder / "things.csv", index=False)
    return dropout.train(
        folder / "things.csv", {"training.epochs": 3}, target="kind", runs_dir=folder / "runs", progress=False
    )


def test_the_import_is_light() -> None:
    """Names are listed for completion, and NumPy comes with the first use of one."""
    code = "import sys, dropout_cli as d; print('train' in dir(d), {'numpy', 'pandas', 'sklearn'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True set()\n"
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        getattr(dropout, "trian")  # noqa: B009


def test_a_mapping_trains_the_same_bytes_as_the_command(tmp_path: Path, run: dropout.TrainedRun) -> None:
    """The config as a file on the command line, with the same seed."""
    (tmp_path / "c.yaml").write_text(json.dumps(CONFIG))
    done = command("train", "c.yaml", "--quiet", cwd=tmp_path)
    path = tmp_path / done.stdout.strip()
    for name in ("metrics.csv", "predictions.npz", "confusion_matrix.csv", "resolved.yaml"):
        assert (path / name).read_bytes() == (run.path / name).read_bytes()


def test_a_mapping_may_have_values_of_numpy_and_paths(tmp_path: Path) -> None:
    """They are written as plain values; another object is an error that names it."""
    rated = CONFIG | {"dropout": {"variant": "inverted", "rate": np.float64(0.5)}, "seed": np.int64(3)}
    found = dropout.train(rated, runs_dir=tmp_path / "runs", progress=False, figures=False).summary["config"]
    assert (found["dropout"]["rate"], found["seed"]) == (0.5, 3)
    with pytest.raises(TypeError, match="has no form in YAML"):
        dropout.train(CONFIG | {"seed": object()}, runs_dir=tmp_path / "others", progress=False)
    assert not (tmp_path / "others").exists()


def test_overrides_have_the_values_of_python(tmp_path: Path) -> None:
    """Also numbers of NumPy, tuples, None and paths; an unknown key is an error, and nothing is left behind."""
    overrides = {"dropout.rate": np.float64(0.5), "architecture.hidden": (4, 2), "training.clip_norm": None}
    small = dropout.train(CONFIG, overrides, runs_dir=tmp_path / "runs", progress=False)
    config = small.summary["config"]
    assert config["dropout"]["rate"] == 0.5 and config["architecture"]["hidden"] == [4, 2]
    with pytest.raises(ConfigError, match="rte"):
        dropout.train(CONFIG, {"dropout.rte": 0.5}, runs_dir=tmp_path / "others", progress=False)
    with pytest.raises(TypeError, match="has no form in YAML"):
        dropout.train(CONFIG, {"dropout.rate": object()}, runs_dir=tmp_path / "others", progress=False)
    assert not (tmp_path / "others").exists()


def test_tables_of_a_run_have_the_numbers_of_its_files(run: dropout.TrainedRun) -> None:
    """A row per epoch, and a row per test example, whose accuracy is that of the summary."""
    assert list(run.history.index) == [1, 2, 3] and run.history["val_loss"].notna().all()
    predictions = run.predictions
    right = (predictions["true"] == predictions["predicted"]).mean()
    assert right == pytest.approx(run.summary["test"]["accuracy"])
    probabilities = predictions.filter(like="probability ")
    assert probabilities.shape[1] == 3 and np.allclose(probabilities.sum(axis=1), 1)
    assert predictions.index.is_unique and predictions.index.name == "row"


def test_a_regression_has_true_and_predicted_values(tmp_path: Path) -> None:
    """In the units of the target."""
    config = {**CONFIG, "dataset": {"name": "diabetes"}}
    predictions = dropout.train(config, runs_dir=tmp_path, progress=False).predictions
    assert list(predictions.columns[:2]) == ["true", "predicted"] and predictions["true"].max() > 200


def test_figures_are_pictures_for_a_page(run: dropout.TrainedRun, tmp_path: Path) -> None:
    """Any figure of the run by its name; another name lists them."""
    assert run.figure("curves").svg.startswith("<svg")
    saved = run.figure("confusion_matrix").save(tmp_path / "c.svg")
    assert "<svg" in saved.read_text()
    with pytest.raises(UsageError, match=r"c\.png: a figure is saved as SVG\. Write c\.svg"):
        run.figure("curves").save(tmp_path / "c.png")
    assert not (tmp_path / "c.png").exists()
    with pytest.raises(KeyError, match="confusion_matrix, curves"):
        run.figure("curve")
    assert "<svg" in run._repr_html_() and "accuracy" in run._repr_html_()
    assert "report.html" in str(run.report()) and run.report().is_file()


def test_predictions_in_memory_are_those_of_the_command(table_run: dropout.TrainedRun, tmp_path: Path) -> None:
    """A DataFrame, a CSV file and the command give the same numbers; the index of the frame stays."""
    new = TABLE.drop(columns="kind").iloc[::3]
    new.to_csv(tmp_path / "new.csv", index=False)
    done = command("predict", str(table_run.path), "new.csv", "-o", "out.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    stored = pd.read_csv(tmp_path / "out.csv").drop(columns=["size", "color"])
    for given in (new, tmp_path / "new.csv"):
        found = table_run.predict(given)
        assert list(found["predicted"]) == list(stored["predicted"])
        assert np.allclose(found.iloc[:, 1:], stored.iloc[:, 1:])
    assert list(table_run.predict(new).index) == list(new.index)


def test_monte_carlo_passes_have_uncertainties(run: dropout.TrainedRun) -> None:
    """Arrays have the shape of the examples; other shapes and numbers of passes are errors."""
    from sklearn.datasets import load_iris

    x = load_iris().data
    plain, sampled = run.predict(x), run.predict(x, mc=20)
    assert len(plain) == len(sampled) == 150
    assert (sampled["mutual_information"] >= -1e-9).all() and "mutual_information" not in plain
    with pytest.raises(DataError, match="X: its examples have the shape 3"):
        run.predict(x[:, :3])
    with pytest.raises(ValueError, match="mc must be at least 1"):
        run.predict(x, mc=0)


def test_a_frame_without_a_column_names_it(table_run: dropout.TrainedRun, tmp_path: Path) -> None:
    """An error has the place X, as one about a frame for a run on pictures has."""
    with pytest.raises(DataError, match="X: has no column 'color'"):
        table_run.predict(TABLE[["size"]])
    pictures = dropout.train("digits", {"training.epochs": 1}, runs_dir=tmp_path, figures=False, progress=False)
    with pytest.raises(DataError, match="X: is a table, but this run was trained on arrays"):
        pictures.predict(TABLE)


def test_runs_are_found_and_listed(run: dropout.TrainedRun) -> None:
    """By path, by a unique beginning of the name, or as the latest one."""
    runs_dir = run.path.parent
    for reference in (run.path, run.name[:12], "latest"):
        assert dropout.load_run(reference, runs_dir=runs_dir).path.name == run.name
    listed = dropout.list_runs(runs_dir=runs_dir)
    assert list(listed["name"]) == [run.name] and listed["test.accuracy"][0] == run.summary["test"]["accuracy"]
    with pytest.raises(UsageError, match="no such run"):
        dropout.load_run("nothing", runs_dir=runs_dir)
    assert dropout.list_runs(runs_dir=runs_dir / "none").empty


def test_variants_are_listed_with_their_papers() -> None:
    """A row per variant; the index is the name in a config."""
    listed = dropout.list_variants()
    assert {"inverted", "concrete"} <= {*listed.index} and str(listed.loc["concrete", "paper"]).startswith("Gal")
