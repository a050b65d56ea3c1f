"""Two single runs, tested by what they predict for the same examples."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

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
    """The sentence about two runs."""
    found = two_runs.tested(collect.gather(paths, Path())[0])
    assert found is not None
    return found


def stored(path: str) -> dict[str, Array]:
    """The arrays of predictions.npz."""
    with np.load(io.BytesIO(Run(Path(path)).read("predictions.npz"))) as arrays:
        return dict(arrays)


def changed(path: str, to: Path, **arrays: Array) -> str:
    """A copy of a run with other arrays."""
    shutil.copytree(path, to)
    np.savez(to / "predictions.npz", **(stored(path) | arrays))  # type: ignore[arg-type]
    return str(to)


def test_two_regressions_are_tested_by_their_absolute_errors(runs: dict[str, str]) -> None:
    """By Wilcoxon's signed-rank test over the same test rows, as SciPy has it; the command exits with 0."""
    first, second = stored(runs["first"]), stored(runs["second"])
    errors = [np.abs(one["mean"] - one["labels"])[:, 0] for one in (first, second)]
    p = stats.wilcoxon(errors[0], errors[1]).pvalue
    nearer = int(np.sum(errors[0] < errors[1]))
    found = said(runs["first"], runs["second"])
    assert f"the first is nearer at {nearer} of {len(errors[0])} test examples" in found
    assert f"p = {p:.2g}" in found
    done = dropout("compare", runs["first"], runs["second"], cwd=Path(runs["first"]).parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert "absolute errors" in done.stdout


def test_the_order_of_rows_does_not_matter(runs: dict[str, str], tmp_path: Path) -> None:
    """Examples are paired by their row numbers."""
    turned = {name: array[::-1] for name, array in stored(runs["second"]).items()}
    assert said(runs["first"], changed(runs["second"], tmp_path / "r", **turned)) == said(runs["first"], runs["second"])


def test_what_cannot_be_tested_says_why(runs: dict[str, str], tmp_path: Path) -> None:
    """Other rows, another task, other classes or targets, other data, no predictions, damaged ones."""
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
    pairs = [
        (runs["first"], runs["elsewhere"], "their test parts are different examples"),
        (runs["first"], runs["digits"], "one is a classification, the other a regression"),
        (runs["digits"], runs["wine"], "their test parts are different examples"),
        (runs["digits"], changed(runs["digits"], tmp_path / "w", **wide), "they predict 10 and 11 classes"),
        (runs["first"], changed(runs["first"], tmp_path / "l", labels=first["labels"] + 1), "these are other data"),
        (runs["first"], changed(runs["first"], tmp_path / "n", mean=first["mean"] * np.nan), "does not hold"),
        (runs["first"], changed(runs["first"], tmp_path / "s", mean=first["mean"][1:]), "does not hold"),
        (runs["first"], str(gone), "predictions.npz: is missing"),
        (runs["first"], str(damaged), "predictions.npz: "),
    ]
    for one, other, why in pairs:
        found = said(one, other)
        assert found.startswith("These two networks are not tested against each other: ")
        assert why in found and "\n" not in found
