"""`dropout.sweep` and `dropout.load_sweep`: tables, answer and predictions of a sweep in Python."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dropout_cli as dropout
from dropout_cli.core.errors import UsageError

SCRIPT = """\
import dropout_cli as dropout

config = {"dataset": "iris", "dropout": {"variant": "inverted"}, "training": {"epochs": 2}}
found = dropout.sweep(config, {"dropout.rate": [0, 0.5]}, seeds=3, splits="same", out="found", progress=False)
print("the script ran to its end")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a sweep that a script without a main guard has trained."""
    folder = tmp_path_factory.mktemp("script")
    (folder / "script.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "script.py"], cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "the script ran to its end\n"  # its runs do not run it again
    return folder / "found"


def test_tables_are_those_of_the_folder(folder: Path) -> None:
    """Runs, settings and comparisons as in the CSV files."""
    found = dropout.load_sweep(folder)
    for table, file in ((found.results, "results"), (found.summary, "summary"), (found.comparisons, "comparisons")):
        pd.testing.assert_frame_equal(table, pd.read_csv(folder / f"{file}.csv"))
    assert len(found.runs) == 6 and not found.failures
    assert found.runs[0].summary["config"]["dataset"]["name"] == "iris"


def test_the_answer_is_the_headline_of_the_report(folder: Path) -> None:
    """A notebook shows it with the table of settings."""
    found = dropout.load_sweep(folder)
    assert "The best setting on the validation part is" in found.answer and found.notes
    shown = found._repr_html_()
    assert "<table" in shown and "rate 0.5" in shown
    assert found.answer in repr(found)
    assert "<svg" in found.figure("metric").svg
    assert found.report().is_file()


def test_the_runs_of_a_setting_predict_together(folder: Path) -> None:
    """The mean of their probabilities; without a setting, the best one on the validation part."""
    found, x = dropout.load_sweep(folder), np.full((2, 4), 3.0)
    together = found.predict(x, setting={"dropout.rate": 0.5}).filter(like="probability ")
    alone = [run.predict(x) for run in found.runs if run.summary["config"]["dropout"].get("rate") == 0.5]
    assert len(alone) == 3
    mean = np.mean([each.filter(like="probability ").to_numpy() for each in alone], axis=0)
    assert np.allclose(together.to_numpy(), mean, atol=1e-6)
    with pytest.raises(UsageError, match=r"no complete run has dropout.rate=0.7"):
        found.predict(x, setting={"dropout.rate": 0.7})


def test_the_same_call_continues_a_sweep(folder: Path) -> None:
    """Complete runs are kept, and a further seed is added."""
    config = {"dataset": "iris", "dropout": {"variant": "inverted"}, "training": {"epochs": 2}}
    before = {run.path: run.summary["seconds"] for run in dropout.load_sweep(folder).runs}
    more = dropout.sweep(
        config, {"dropout.rate": [0, 0.5]}, seeds=[0, 1, 2, 5], splits="same", out=folder, jobs=1, progress=False
    )
    after = {run.path: run.summary["seconds"] for run in more.runs}
    assert len(after) == 8 and before.items() <= after.items()


def test_a_list_of_one_seed_is_not_a_number_of_seeds(tmp_path: Path) -> None:
    """Seed 0 alone is a list, too."""
    config = {"dataset": "iris", "dropout": {"variant": "inverted"}, "training": {"epochs": 1}}
    for seed in (0, 3):
        found = dropout.sweep(config, {"dropout.rate": [0]}, seeds=[seed], out=tmp_path / str(seed), progress=False)
        assert {*found.results["seed"]} == {seed}


def test_a_text_is_no_list_of_metrics(tmp_path: Path) -> None:
    """Its letters would be the metrics."""
    with pytest.raises(TypeError, match=r"metrics must be a list, got 'test.nll'. Write \['test.nll'\]"):
        dropout.sweep("digits", {"dropout.rate": [0]}, metrics="test.nll", out=tmp_path / "sweep", progress=False)
    assert not (tmp_path / "sweep").exists()


def test_another_folder_is_no_sweep(tmp_path: Path) -> None:
    """The error names it."""
    with pytest.raises(UsageError, match="is not the folder of a sweep"):
        dropout.load_sweep(tmp_path)
