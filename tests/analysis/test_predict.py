"""`dropout predict` on files of users."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dropout_cli.analysis import evaluate, predict
from dropout_cli.core import npz
from dropout_cli.core.errors import DataError
from dropout_cli.runs import Run
from dropout_cli.training import restore
from tests.commands import dropout
from tests.small_run import train


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table of 200 rows, numbers and words, some missing."""
    folder = tmp_path_factory.mktemp("predict")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(10, 2, 200).round(3), "color": rng.choice(["red", "blue"], 200)})
    frame["kind"] = np.where(frame["size"] + 2 * (frame["color"] == "red") > 11, "big", "small")
    frame.loc[::11, "size"] = np.nan
    frame.to_csv(folder / "t.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def run(home: Path) -> Run:
    """Trained on it."""
    source = f"dataset={{name: table, path: {home}/t.csv}}"
    return train(home, source, "training.epochs=10", "training.batch_size=16")


def predicted(run: Run, file: Path, **keys: Any) -> list[dict[str, str | float]]:
    """The rows of all blocks."""
    blocks = list(predict.predict_file(run, file, **keys))
    return [dict(zip(block.names, row, strict=True)) for block in blocks for row in block.rows]


def test_predictions_are_those_of_the_test_part(run: Run, home: Path) -> None:
    """They are the probabilities that training wrote, for the same rows."""
    stored = npz.read_npz(run.read("predictions.npz"), "p")
    rows = predicted(run, home / "t.csv")
    for row, probs in zip(stored["rows"].tolist(), stored["probabilities"], strict=True):
        said = [rows[row]["probability big"], rows[row]["probability small"]]
        np.testing.assert_allclose(said, probs, atol=1e-6)


def test_the_training_data_are_not_needed(run: Run, home: Path, tmp_path: Path) -> None:
    """Neither they nor the place of the run."""
    moved = tmp_path / "moved"
    shutil.copytree(run.path, moved)
    shutil.copy(home / "t.csv", tmp_path / "new.csv")
    hidden = home / "t.csv"
    hidden.rename(home / "away.csv")
    try:
        assert len(predicted(Run(moved), tmp_path / "new.csv")) == 200
    finally:
        (home / "away.csv").rename(hidden)


def test_columns_are_matched_by_name_and_come_back(run: Run, tmp_path: Path) -> None:
    """In another order, with others between, without the target; cells as they were written."""
    (tmp_path / "new.csv").write_text("note,color,size\nhello,red,012.50\n,blue,?\n")
    rows = predicted(run, tmp_path / "new.csv", passes=5)
    assert [row["note"] for row in rows] == ["hello", ""] and rows[0]["size"] == "012.50"
    assert rows[0]["predicted"] == "big" and 0 <= float(rows[0]["mutual_information"]) < 1


def test_strange_categories_are_told_and_missing_columns_refused(run: Run, tmp_path: Path) -> None:
    """An unknown word gives a notice; a missing column is an error that names it."""
    (tmp_path / "new.csv").write_text("color,size\ngreen,9\nred,9\n")
    blocks = list(predict.predict_file(run, tmp_path / "new.csv"))
    assert "'green'" in blocks[0].notices[0]
    (tmp_path / "new.csv").write_text("color,weight\ngreen,9\nred,9\n")
    with pytest.raises(DataError, match="no column 'size'"):
        list(predict.predict_file(run, tmp_path / "new.csv"))
    (tmp_path / "new.csv").write_text("color,size\nblue,9\nred,heavy\n")
    with pytest.raises(DataError, match="line 3"):
        list(predict.predict_file(run, tmp_path / "new.csv"))


def test_a_long_file_comes_in_blocks(run: Run, tmp_path: Path) -> None:
    """50,000 rows in three. Equal rows have equal predictions, but for rounding that depends on the place."""
    (tmp_path / "long.csv").write_text("color,size\n" + "red,9.5\nblue,13\n" * 25_000)
    blocks = list(predict.predict_file(run, tmp_path / "long.csv"))
    assert [len(block.rows) for block in blocks] == [20_000, 20_000, 10_000]
    rows = [row[2:] for block in blocks for row in block.rows]
    for start in (0, 1):
        assert {row[0] for row in rows[start::2]} == {rows[start][0]}
        probabilities = np.array([row[1:] for row in rows[start::2]], float)
        np.testing.assert_allclose(probabilities, np.broadcast_to(probabilities[0], probabilities.shape), rtol=1e-5)
    assert rows[0][0] != rows[1][0]


def test_arrays_are_predicted_too(tmp_path: Path) -> None:
    """Digits as a .npy of pictures, without channels."""
    run = train(tmp_path, "training.epochs=2")
    pictures = restore.load_model(run).dataset.test.x[..., 0]
    np.save(tmp_path / "new.npy", pictures)
    rows = predicted(run, tmp_path / "new.npy")
    stored = npz.read_npz(run.read("predictions.npz"), "p")["probabilities"]
    assert [row["predicted"] for row in rows] == [str(one) for one in stored.argmax(axis=1)]
    beyond = pictures.astype(np.float64)
    beyond[3, 0, 0] = 1e300
    np.save(tmp_path / "beyond.npy", beyond)
    with pytest.raises(DataError, match="row 3: has a value that is not a finite 32-bit number"):
        predicted(run, tmp_path / "beyond.npy")
    np.save(tmp_path / "wrong.npy", pictures[:, :3])
    with pytest.raises(DataError, match="3 x 8"):
        predicted(run, tmp_path / "wrong.npy")


def test_cells_with_types_come_back_as_json_and_csv(run: Run, tmp_path: Path) -> None:
    """Dates, integers, missing and infinite values of Parquet and Excel keep their type."""
    frame = pd.DataFrame({"size": [9.5, 13.0], "color": ["red", "blue"], "day": [pd.Timestamp("2024-01-02"), pd.NaT]})
    frame["exact"] = [1234567.25, np.inf]
    frame["single"] = np.array([0.1, np.nan], np.float32)
    frame["count"] = pd.array([2**60, None], dtype="Int64")
    frame.to_parquet(tmp_path / "t.parquet")
    frame["single"] = [0.1, np.nan]  # a workbook has double precision alone
    frame.assign(count=[3, 4]).to_excel(tmp_path / "t.xlsx", index=False)
    for file, counts in (("t.parquet", [2**60, None]), ("t.xlsx", [3, 4])):
        done = dropout("predict", str(run.path), file, "--json", cwd=tmp_path)
        assert done.returncode == 0 and "NaN" not in done.stdout and "Infinity" not in done.stdout, done.stderr
        one, two = json.loads(done.stdout)["predictions"]
        assert (one["day"], two["day"]) == ("2024-01-02 00:00:00", None)
        assert (one["exact"], one["single"], two["exact"], two["single"]) == (1234567.25, 0.1, "inf", None)
        assert [one["count"], two["count"]] == counts
        done = dropout("predict", str(run.path), file, cwd=tmp_path)
        assert f"2024-01-02 00:00:00,1234567.25,0.1,{counts[0]}," in done.stdout and "nan" not in done.stdout


def test_the_command_writes_csv_json_and_files(run: Run, home: Path, tmp_path: Path) -> None:
    """On stdout, as one JSON object, or whole into a file; an error leaves no file."""
    place = str(run.path)
    done = dropout("predict", place, str(home / "t.csv"), cwd=tmp_path)
    assert done.returncode == 0 and len(list(csv.DictReader(io.StringIO(done.stdout)))) == 200
    done = dropout("predict", place, str(home / "t.csv"), "--json", "--mc", "3", cwd=tmp_path)
    assert len(json.loads(done.stdout)["predictions"]) == 200
    done = dropout("predict", place, str(home / "t.csv"), "-o", "out.csv", cwd=tmp_path)
    assert done.stdout == "out.csv\n" and len((tmp_path / "out.csv").read_text().splitlines()) == 201
    (tmp_path / "bad.csv").write_text("color,size\nred,1\nred\n")
    done = dropout("predict", place, "bad.csv", "-o", "bad-out.csv", cwd=tmp_path)
    assert done.returncode == 3 and "line 3" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.csv", "out.csv"]


def test_changed_data_are_told_and_can_be_allowed(home: Path, tmp_path: Path) -> None:
    """A changed file ends `eval` with 3, unless changed data are allowed."""
    shutil.copy(home / "t.csv", tmp_path / "t.csv")
    source = f"dataset={{name: table, path: {tmp_path}/t.csv}}"
    run = train(tmp_path, source, "training.epochs=2", "training.batch_size=16")
    with (tmp_path / "t.csv").open("a") as file:
        file.write("99.5,green,small\n")
    done = dropout("eval", str(run.path), "--no-plots", cwd=tmp_path)
    assert done.returncode == 3 and "--allow-changed-data" in done.stderr
    done = dropout("eval", str(run.path), "--no-plots", "--allow-changed-data", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    fitted = restore.load_preprocessing(run)
    again = restore.load_model(run, allow_changed_data=True).dataset
    assert fitted is not None and np.array_equal(again.scaling.scale, fitted.scaling.scale)
    assert evaluate.evaluate_run(run, figures=False, allow_changed_data=True)["accuracy"] > 0


def test_a_row_means_the_same_whatever_rows_are_read_with_it(tmp_path: Path) -> None:
    """Decimal commas, codes with leading zeros, true and false are as in training."""
    flags = ["True", "False", "unknown"]
    lines = [f"{1 + n % 2},{234 + n};{['007', '010', 'x1'][n % 3]};{flags[n % 3]};{'pq'[n % 2]}\n" for n in range(60)]
    (tmp_path / "t.csv").write_text("v;code;flag;y\n" + "".join(lines))
    trained_on = train(
        tmp_path, f"dataset={{name: table, path: {tmp_path}/t.csv}}", "training.epochs=2", "training.batch_size=16"
    )
    whole = predicted(trained_on, tmp_path / "t.csv")
    for separator in (";", "|"):
        (tmp_path / "one.csv").write_text("v;code;flag\n1,234;007;True\n".replace(";", separator))
        blocks = list(predict.predict_file(trained_on, tmp_path / "one.csv"))
        assert blocks[0].notices == ()
        assert blocks[0].rows[0][4] == pytest.approx(whole[0]["probability p"], abs=1e-6)


def test_parquet_is_read_piece_by_piece_and_an_array_is_no_table(run: Run, tmp_path: Path) -> None:
    """30,000 rows come in two blocks; a run on a table refuses an array."""
    frame = pd.DataFrame({"size": np.linspace(5, 15, 30_000), "color": ["red", "blue", None] * 10_000})
    frame.to_parquet(tmp_path / "t.parquet")
    blocks = list(predict.predict_file(run, tmp_path / "t.parquet"))
    assert [len(block.rows) for block in blocks] == [20_000, 10_000]
    np.save(tmp_path / "x.npy", np.zeros((3, 3), np.float32))
    with pytest.raises(DataError, match="trained on a table"):
        list(predict.predict_file(run, tmp_path / "x.npy"))
    frame.iloc[:5].to_csv(tmp_path / "train_idx.csv", index=False)
    assert len(predicted(run, tmp_path / "train_idx.csv")) == 5
