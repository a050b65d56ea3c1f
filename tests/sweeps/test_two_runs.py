"""Tests of two single runs by their predictions for the same examples."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest

from dropout_cli import statistics
from dropout_cli.core.types import Array
from dropout_cli.runs import Run
from dropout_cli.sweeps import collect, two_runs
from tests import small_run
from tests.commands import dropout

REGRESSION = ("dataset={name: diabetes}", "training.epochs=1")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two regressions, one on another split, and two classifications."""
    folder = tmp_path_factory.mktemp("two")
    asked = {
        "first": REGRESSION,
        "second": (*REGRESSION, "seed=1", "dropout.rate=0.6"),
        "elsewhere": (*REGRESSION, "dataset.split_seed=1"),
        "digits": ("training.epochs=1",),
        "wine": ("training.epochs=1", "dataset={name: wine}"),
    }
    return {name: str(small_run.train(folder, *overrides).path) for name, overrides in asked.items()}


def said(*paths: str) -> str:
    """Return the sentence about two runs."""
    found = two_runs.test_two_runs(collect.collect_runs(paths, Path())[0])
    assert found is not None
    return found


def stored(path: str) -> dict[str, Array]:
    """Return the arrays of predictions.npz."""
    with np.load(io.BytesIO(Run(Path(path)).read("predictions.npz"))) as arrays:
        return dict(arrays)


def changed(path: str, to: Path, **arrays: Array) -> str:
    """Return a copy of a run with different arrays."""
    shutil.copytree(path, to)
    np.savez(to / "predictions.npz", **(stored(path) | arrays))  # type: ignore[arg-type]
    return str(to)


def test_two_regressions_are_tested_by_a_paired_bootstrap_of_their_errors(runs: dict[str, str]) -> None:
    """The bootstrap is of RMSE, or of MAE if that is the metric."""
    made = [stored(runs[name]) for name in ("first", "second")]
    errors = [one["mean"].astype(np.float64) - one["labels"] for one in made]
    summaries = [Run(Path(runs[name])).summary()["test"] for name in ("first", "second")]
    for metric, losses in (("rmse", [one**2 for one in errors]), ("mae", [np.abs(one) for one in errors])):
        found = statistics.paired_bootstrap(*losses, take_root=metric == "rmse")
        low, high = found.interval
        asked = ("--metric", f"test.{metric}") if metric == "mae" else ()
        done = dropout("compare", runs["first"], runs["second"], *asked, cwd=Path(runs["first"]).parent)
        assert (done.returncode, done.stderr) == (0, "")
        told = " ".join(done.stdout.split())
        assert f"on the same {len(errors[0])} test examples: test.{metric} " in told
        assert (
            f"{summaries[0][metric]:.4g} compared with {summaries[1][metric]:.4g}, difference {found.difference:.3g} "
            in told
        )
        assert (
            f"(95 % interval {low:.3g} to {high:.3g}), p = {found.p:.2g}. This says nothing about other seeds." in told
        )


def test_errors_of_several_targets_are_averaged(runs: dict[str, str], tmp_path: Path) -> None:
    """The mean is over the RMSE of the targets, in their own units, as in a summary."""
    made, values = [], []
    for name in ("first", "second"):
        one = stored(runs[name])
        mean, labels = (np.hstack([one[key], 10 * one[key] ** 2]) for key in ("mean", "labels"))
        made.append(changed(runs[name], tmp_path / name, mean=mean, labels=labels))
        values.append(np.sqrt(((mean - labels) ** 2).mean(axis=0)).mean())
    assert f"test.rmse {values[0]:.4g} compared with {values[1]:.4g}, " in said(*made)


def test_the_order_of_rows_does_not_matter(runs: dict[str, str], tmp_path: Path) -> None:
    """Examples are paired by their row numbers."""
    turned = {name: array[::-1] for name, array in stored(runs["second"]).items()}
    assert said(runs["first"], changed(runs["second"], tmp_path / "r", **turned)) == said(runs["first"], runs["second"])


def test_what_cannot_be_tested_says_why(runs: dict[str, str], tmp_path: Path) -> None:
    """The message gives the reason: other rows, task, targets or data, or a damaged file."""
    first, digits = stored(runs["first"]), stored(runs["digits"])
    gone = tmp_path / "gone"
    shutil.copytree(runs["first"], gone)
    (gone / "predictions.npz").unlink()
    damaged = tmp_path / "damaged"
    shutil.copytree(runs["first"], damaged)
    (damaged / "predictions.npz").write_bytes(b"PK nothing")
    wide = {
        name: np.pad(digits[name], ((0, 0), (0, 1)), constant_values=absent)
        for name, absent in (("probabilities", 0), ("log_probabilities", -800))
    }
    few = {name: array[:4] for name, array in first.items()}
    short = [changed(runs["first"], tmp_path / name, **few) for name in ("four", "too")]
    pairs = [
        (*short, "the paired bootstrap needs 5 test examples, and there are 4"),
        (runs["first"], runs["elsewhere"], "their test parts contain different examples"),
        (runs["first"], runs["digits"], "one is a classification, the other a regression"),
        (runs["digits"], runs["wine"], "their test parts contain different examples"),
        (
            runs["digits"],
            changed(runs["digits"], tmp_path / "w", **wide),
            "they predict different numbers of classes (10 and 11)",
        ),
        (runs["first"], changed(runs["first"], tmp_path / "l", labels=first["labels"] + 1), "so the data differ"),
        (runs["first"], changed(runs["first"], tmp_path / "n", mean=first["mean"] * np.nan), "does not contain"),
        (runs["first"], changed(runs["first"], tmp_path / "s", mean=first["mean"][1:]), "does not contain"),
        (runs["first"], str(gone), "predictions.npz: is missing"),
        (runs["first"], str(damaged), "predictions.npz: "),
    ]
    for one, other, why in pairs:
        found = said(one, other)
        assert found.startswith("These two networks are not tested against each other: ")
        assert why in found and "\n" not in found
