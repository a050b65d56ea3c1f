"""`dropout predict --conformal`: intervals and sets of classes from the validation part."""

import csv
import json
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dropout_cli.analysis.calibration.conformal import check_conformal_coverage
from dropout_cli.analysis.output_format import join_classes
from dropout_cli.analysis.predict import predict_data, predict_file
from dropout_cli.core.errors import DataError, UsageError
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.runs import Run
from dropout_cli.training import restore
from tests.commands import dropout
from tests.small_run import train

DIABETES = ("dataset=diabetes", "dataset.scaling=standardize", "architecture={name: mlp, hidden: [16]}")
SHORT = ("training.epochs=5", "training.batch_size=16")
WORDS = ("a|b", "c\\", "d")
"""Names of classes with the separator of sets and with its escape character."""


@pytest.fixture(scope="module")
def regression(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One target and one noise for all examples."""
    return train(tmp_path_factory.mktemp("diabetes"), *DIABETES, "training.epochs=10")


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Digits."""
    return train(tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table of 200 rows: two numbers, two targets and a class."""
    folder = tmp_path_factory.mktemp("tables")
    x = stream(0, "test:conformal table").normal(size=(200, 5))
    y = x[:, :2] + 0.5 * x[:, 2:4]
    words = np.array(WORDS)[np.digitize(y[:, 0] + x[:, 4], (-0.5, 0.5))]
    lines = [
        f"{a:.4f},{b:.4f},{c:.4f},{d:.4f},{word}"
        for (a, b), (c, d), word in zip(x[:, :2].tolist(), y.tolist(), words.tolist(), strict=True)
    ]
    (folder / "t.csv").write_text("\n".join(["x1,x2,width,height,kind", *lines]) + "\n")
    return folder


@pytest.fixture(scope="module")
def variances(home: Path) -> Run:
    """Two targets with predicted variances."""
    source = f"dataset={{name: table, path: {home}/t.csv, target: [width, height], drop: [kind], task: regression}}"
    return train(home / "two", source, "objective=gaussian_nll", *SHORT)


@pytest.fixture(scope="module")
def words(home: Path) -> Run:
    """Classes of a table."""
    source = f"dataset={{name: table, path: {home}/t.csv, target: kind, drop: [width, height]}}"
    return train(home / "words", source, *SHORT)


def columns(run: Run | Sequence[Run], x: Any, **keys: Any) -> dict[str, list[Any]]:
    """The predicted columns of all blocks, and the notices."""
    blocks = list(predict_data(run, x, **keys))
    names = blocks[0].names[blocks[0].file_columns :]
    rows = [row[block.file_columns :] for block in blocks for row in block.rows]
    found = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    return found | {"notices": [text for block in blocks for text in block.notices]}


def table(x: Array) -> pd.DataFrame:
    """The features of the table."""
    return pd.DataFrame(np.asarray(x), columns=["x1", "x2"])


def rank(n: int, coverage: float) -> int:
    """The number of validation examples within the threshold."""
    return math.ceil((n + 1) * coverage - 1e-9)


@pytest.mark.parametrize("passes", [None, 7])
def test_a_threshold_is_reached_by_k_validation_examples(regression: Run, passes: int | None) -> None:
    """Predicting the validation part itself, k of n true values are inside their intervals."""
    val = restore.load_model(regression).dataset.val
    assert val is not None
    found = columns(regression, val.x, conformal=0.9, passes=passes)
    # The score of the threshold is an end of its interval, which rounding may move by a digit.
    slack = 1e-6 * np.abs(val.labels[:, 0])
    inside = (np.array(found["lower"]) <= val.labels[:, 0] + slack) & (
        val.labels[:, 0] - slack <= np.array(found["upper"])
    )
    assert inside.sum() == rank(len(val), 0.9)


@pytest.mark.parametrize("passes", [None, 5])
def test_a_set_threshold_is_reached_by_k_validation_examples(classes: Run, passes: int | None) -> None:
    """Of the validation examples, k have their class in their set; other batches move no more than one."""
    trained = restore.load_model(classes)
    val = trained.dataset.val
    assert val is not None
    found = columns(classes, np.asarray(val.x), conformal=0.8, passes=passes)
    names = [trained.dataset.classes[label] for label in val.labels]
    held = sum(name in chosen for name, chosen in zip(names, found["prediction set"], strict=True))
    assert abs(held - rank(len(val), 0.8)) <= 1
    assert found["set size"] == [len(one) for one in found["prediction set"]]
    assert all(
        not one or one[0] == label for one, label in zip(found["prediction set"], found["predicted"], strict=True)
    )


@pytest.mark.parametrize("passes", [None, 5])
def test_each_target_has_its_own_threshold(variances: Run, home: Path, passes: int | None) -> None:
    """With predicted variances, wide predictions have wide intervals, and k true values of each target are inside."""
    val = restore.load_model(variances).dataset.val
    assert val is not None
    found = columns(variances, table(val.x), conformal=0.9, passes=passes)
    for t, name in enumerate(("width", "height")):
        lower, upper, sd = (np.array(found[f"{key} {name}"]) for key in ("lower", "upper", "sd"))
        inside = (lower <= val.labels[:, t] + 1e-6) & (val.labels[:, t] - 1e-6 <= upper)
        assert inside.sum() == rank(len(val), 0.9)
        np.testing.assert_allclose((upper - lower) / sd, (upper - lower)[0] / sd[0])


def without_stored_scores(run: Run, folder: Path) -> Run:
    """A copy of a run of a version that stored no validation scores."""
    shutil.copytree(run.path, folder)
    (folder / "validation.npz").unlink()
    return Run(folder)


def test_stored_scores_and_the_data_give_the_same_result(regression: Run, classes: Run, tmp_path: Path) -> None:
    """`validation.npz` replaces the validation examples of one run without passes."""
    x = restore.load_model(regression).dataset.test.x
    old = columns(without_stored_scores(regression, tmp_path / "a"), x, conformal=0.95)
    np.testing.assert_allclose(columns(regression, x, conformal=0.95)["lower"], old["lower"], rtol=1e-5)
    x = np.asarray(restore.load_model(classes).dataset.test.x)
    old = columns(without_stored_scores(classes, tmp_path / "b"), x, conformal=0.95)
    new = columns(classes, x, conformal=0.95)
    assert sum(one != other for one, other in zip(new["prediction set"], old["prediction set"], strict=True)) <= 1


def test_the_data_are_needed_only_for_passes(words: Run, home: Path) -> None:
    """Without passes the sets come from the run folder; with passes a missing file is named, with a way out."""
    rows = list(csv.DictReader((home / "t.csv").read_text().splitlines()))[:3]
    (home / "new.csv").write_text("x1,x2\n" + "".join(f"{row['x1']},{row['x2']}\n" for row in rows))
    (home / "t.csv").rename(home / "away.csv")
    try:
        (block,) = predict_file(words, home / "new.csv", conformal=0.9)
        assert len(block.rows) == 3 and "prediction set" in block.names
        with pytest.raises(DataError, match=r"--conformal needs the validation examples.*leave out --conformal"):
            list(predict_file(words, home / "new.csv", conformal=0.9, passes=2))
    finally:
        (home / "away.csv").rename(home / "t.csv")


def test_too_few_validation_examples_are_named(words: Run, regression: Run) -> None:
    """An infinite threshold gives all classes and infinite intervals, and one line says so."""
    found = columns(words, table(restore.load_model(words).dataset.test.x), conformal=0.999)
    assert set(found["set size"]) == {3}
    assert any("has 30 examples, too few" in text and "999" in text for text in found["notices"])
    found = columns(regression, restore.load_model(regression).dataset.test.x, conformal=0.999)
    assert set(found["lower"]) == {-math.inf} and set(found["upper"]) == {math.inf}
    assert sum("too few" in text for text in found["notices"]) == 1


def test_a_selection_by_validation_is_named(tmp_path: Path, regression: Run) -> None:
    """Then the coverage is approximate; without one there is no notice."""
    stopped = train(tmp_path, *DIABETES, "training.early_stopping={patience: 2}", "training.epochs=3")
    x = restore.load_model(stopped).dataset.test.x
    assert any("approximate" in text for text in columns(stopped, x, conformal=0.9)["notices"])
    assert columns(regression, x, conformal=0.9)["notices"] == []


def test_runs_of_one_split_are_averaged_and_others_refused(tmp_path: Path, regression: Run) -> None:
    """The averaged prediction of the validation part gives the scores, if no run was trained on it."""
    second = train(tmp_path / "seed", *DIABETES, "training.epochs=10", "seed=1")
    val = restore.load_model(regression).dataset.val
    assert val is not None
    found = columns([regression, second], val.x, conformal=0.9)
    slack = 1e-6 * np.abs(val.labels[:, 0])
    inside = (
        np.abs(np.array(found["predicted"]) - val.labels[:, 0])
        <= np.array(found["upper"]) - np.array(found["predicted"]) + slack
    )
    assert inside.sum() == rank(len(val), 0.9)
    other = train(tmp_path / "split", *DIABETES, "training.epochs=1", "dataset.split_seed=1")
    with pytest.raises(UsageError, match="no example is held out from all of them"):
        columns([regression, other], val.x, conformal=0.9)


@pytest.mark.parametrize("passes", [(), ("--mc", "2")])
def test_a_run_without_a_validation_part_is_refused(tmp_path: Path, passes: Sequence[str]) -> None:
    """The command says what is missing in one line, and writes nothing."""
    run = train(tmp_path, *DIABETES, "dataset.val_fraction=0", "training.epochs=1")
    np.save(tmp_path / "x.npy", restore.load_model(run).dataset.test.x)
    arguments = ("predict", str(run.path), "x.npy", "-o", "out.csv", "--conformal", ".9", *passes)
    done = dropout(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and not (tmp_path / "out.csv").exists()
    assert "no validation part" in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("coverage", [0.0, 1.0, 95.0, -1.0, math.nan])
def test_a_coverage_is_between_0_and_1(coverage: float) -> None:
    """Anything else is refused by name."""
    with pytest.raises(UsageError, match="must be above 0 and below 1"):
        check_conformal_coverage(coverage)


def split_classes(text: str) -> list[str]:
    r"""Read a set of classes as the documentation says: `\` makes the next character a part of the name."""
    names, escaped = [""], False
    for letter in text:
        if letter == "|" and not escaped:
            names.append("")
        elif letter == "\\" and not escaped:
            escaped = True
            continue
        else:
            names[-1] += letter
        escaped = False
    return names


def test_sets_are_read_back_from_csv_and_json(words: Run, home: Path, tmp_path: Path) -> None:
    """Class names may contain the separator and its escape; JSON has lists."""
    shutil.copy(home / "t.csv", tmp_path / "t.csv")
    arguments = ("predict", str(words.path), "t.csv", "--conformal", ".95")
    rows = list(csv.DictReader(dropout(*arguments, cwd=tmp_path).stdout.splitlines()))
    found = json.loads(dropout(*arguments, "--json", cwd=tmp_path).stdout)["predictions"]
    assert any(one["set size"] > 1 for one in found)
    for row, one in zip(rows, found, strict=True):
        assert one["set size"] == int(row["set size"]) == len(one["prediction set"])
        if one["prediction set"]:
            assert split_classes(row["prediction set"]) == one["prediction set"]
    assert join_classes(WORDS) == r"a\|b|c\\|d"
