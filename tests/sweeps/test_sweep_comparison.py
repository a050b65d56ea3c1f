"""The choice on validation, and its selection bias."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.core import npz
from dropout_cli.runs import MANIFEST, manifest
from dropout_cli.statistics import selection_bias as choice
from dropout_cli.sweeps import stored_plan
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.settings import ComparisonSettings
from dropout_cli.sweeps.sweep_comparison import compare_runs
from tests import small_run
from tests.commands import TINY, dropout


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three rates at three seeds of one split."""
    folder = tmp_path_factory.mktemp("choice")
    (folder / "tiny.yaml").write_text(TINY)
    asked = ("sweep", "tiny.yaml", "dropout.rate=0,0.3,0.6", "dataset.split_seed=0", "--seeds", "3", "--no-plots")
    done = dropout(*asked, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "runs" / "sweep-tiny"


def test_on_a_shared_validation_part_the_optimism_rests_on_its_examples(swept: Path) -> None:
    """One seed and a fifth of the examples are left out at a time."""
    records, plan = stored_plan.read_runs(SweepFolder(swept))
    found = compare_runs(records, plan.keys, ComparisonSettings()).chosen
    assert found is not None and not found.is_lower_bound
    scores = np.array(
        [
            [npz.read_npz((Path(one.path) / "validation.npz").read_bytes(), "")["accuracy"] for one in group.runs]
            for group in compare_runs(records, plan.keys, ComparisonSettings()).groups
        ]
    )
    assert found.optimism == choice.optimism_crossed(scores.astype(float))
    assert "a fifth of the validation examples" in (swept / "notes.txt").read_text()


def test_without_stored_examples_the_optimism_is_said_to_be_too_small(swept: Path) -> None:
    """Without stored scores, as in old runs, the notes call the estimate too small."""
    records, plan = stored_plan.read_runs(SweepFolder(swept))
    kept = {}
    for record in records:
        path = Path(record.path) / "validation.npz"
        kept[path] = path.read_bytes()
        path.unlink()
    found = compare_runs(records, plan.keys, ComparisonSettings()).chosen
    for path, data in kept.items():
        path.write_bytes(data)
    assert found is not None and found.is_lower_bound


def test_what_validation_examples_contribute_adds_up_to_the_summary(tmp_path: Path) -> None:
    """`verify` compares the means of the scores with the summary, and reports a changed one."""
    run = small_run.train(tmp_path, "training.epochs=1").path
    summary = json.loads((run / "summary.json").read_text())
    stored = npz.read_npz((run / "validation.npz").read_bytes(), "")
    assert {"rows", "accuracy", "error", "nll", "brier"} == set(stored)
    for name in ("accuracy", "error", "nll", "brier"):
        assert stored[name].mean() == pytest.approx(summary["val"][name], rel=1e-5)
    done = dropout("verify", str(run), cwd=tmp_path)
    assert done.returncode == 0 and "its means match the validation metrics" in done.stdout
    stored["accuracy"] = ~stored["accuracy"]
    (run / "validation.npz").write_bytes(npz.write_npz(**stored))
    (run / MANIFEST).write_bytes(manifest.make_manifest(run))
    assert "its means do not match the validation metrics" in dropout("verify", str(run), cwd=tmp_path).stdout


def test_the_answer_of_every_task_is_written(tmp_path: Path) -> None:
    """The default metric of a regression is test.rmse, with intervals for new data."""
    (tmp_path / "c.yaml").write_text(
        "dataset: {name: diabetes, scaling: standardize}\n"
        "architecture: {name: mlp, hidden: [8]}\ndropout: {variant: inverted, rate: 0.1}\ntraining: {epochs: 2}\n"
    )
    asked = ("sweep", "c.yaml", "dropout.rate=0,0.5", "dataset.split_seed=0", "--seeds", "3", "--no-plots")
    assert dropout(*asked, cwd=tmp_path).returncode == 0
    (row,) = csv.DictReader((tmp_path / "runs/sweep-c/comparisons.csv").read_text().splitlines())
    assert (row["metric"], row["layout"]) == ("test.rmse", "seeds")
    assert float(row["new_low"]) <= float(row["low"]) < float(row["high"]) <= float(row["new_high"])
