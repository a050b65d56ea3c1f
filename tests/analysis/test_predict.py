"""`dropout predict`, `config check --data` and `config init --data` on files of users."""

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dropout_cli import config
from dropout_cli.analysis import evaluate, predict
from dropout_cli.config.starter import starter_config
from dropout_cli.core import npz
from dropout_cli.core.errors import DataError
from dropout_cli.runs import Run
from dropout_cli.training import restore
from dropout_cli.training.setup import prepare
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
    """50,000 rows in three, each row as if it had come alone."""
    (tmp_path / "long.csv").write_text("color,size\n" + "red,9.5\nblue,13\n" * 25_000)
    blocks = list(predict.predict_file(run, tmp_path / "long.csv"))
    assert [len(block.rows) for block in blocks] == [20_000, 20_000, 10_000]
    assert len({str(row[2:]) for block in blocks for row in block.rows}) == 2


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


def test_check_with_data_says_what_was_read(tmp_path: Path) -> None:
    """Kinds, missing values, parts, and what looks wrong; nothing is trained."""
    rows = [f"{n},{n % 7},1,{'ab'[n % 2]},{'' if n == 5 else n % 3},{'xy'[n % 2]}" for n in range(60)]
    (tmp_path / "t.csv").write_text("id,v,same,leak,w,y\n" + "\n".join([*rows, *rows]))
    (tmp_path / "c.yaml").write_text("dataset: {name: table, path: t.csv}\n")
    done = dropout("config", "check", "c.yaml", "--data", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for said in ("number", "category", "train examples", "c.yaml: the config is valid"):
        assert said in done.stdout
    for said in (
        "column 'same' has the same value",
        "column 'leak' determines the target",
        "also occur in the train part",
    ):
        assert said in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.yaml", "t.csv"]


@pytest.mark.parametrize("name", ["sonar", "pima-indians-diabetes", "wheat-seeds", "breast-cancer"])
def test_init_with_data_writes_a_config_that_trains(real_data: Path, tmp_path: Path, name: str) -> None:
    """A notice names the guessed target; the config is valid, and one epoch of it runs."""
    table = real_data / "tabular" / f"{name}.csv"
    done = dropout("config", "init", "c.yaml", "--data", str(table), cwd=tmp_path)
    assert done.returncode == 0 and "predicts '" in done.stderr, done.stderr
    done = dropout("train", "c.yaml", "training.epochs=1", "--no-plots", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_config_for_a_few_rows_trains_on_them(tmp_path: Path) -> None:
    """Eight of twelve rows are for training, and no batch has more."""
    (tmp_path / "t.csv").write_text("v,w,y\n" + "".join(f"{n % 5}.5,{n * n},{'pq'[n % 2]}\n" for n in range(12)))
    text, _ = starter_config(tmp_path / "t.csv")
    assert "batch_size: 8\n" in text
    (tmp_path / "c.yaml").write_text(text)
    prepared = prepare(config.load_config(tmp_path / "c.yaml").experiment)
    assert len(prepared.dataset.train) == 8 and prepared.notices == ()


def test_each_part_of_a_few_rows_has_every_class(tmp_path: Path) -> None:
    """Three classes in twelve rows: three rows to validate on, three to test on."""
    (tmp_path / "t.csv").write_text("v,y\n" + "".join(f"{n * n}.5,{'pqr'[n % 3]}\n" for n in range(12)))
    (tmp_path / "c.yaml").write_text(starter_config(tmp_path / "t.csv")[0])
    dataset = prepare(config.load_config(tmp_path / "c.yaml").experiment).dataset
    assert [len(dataset.train), len(dataset.val or ()), len(dataset.test)] == [6, 3, 3]


WINE = "alcohol,hue,region,grower,comment\n" + "".join(
    f"{12 + n % 7 / 10},{n % 9 / 10},{'nsw'[n % 3]},{'ABC'[n % 3]},Tastes of {n} things\n" for n in range(60)
)


@pytest.mark.parametrize(
    ("text", "target", "left_out"),
    [
        (WINE, "grower", "'comment' (a different value in nearly every row)"),
        ("v,w,y,note\n" + "".join(f"{n % 5}.5,{n * n},{'pq'[n % 2]},Note {n}\n" for n in range(12)), "y", "'note'"),
        ("v,class,y,o\n" + "".join(f"{n % 5}.5,word {n},{n % 3}.5,same\n" for n in range(12)), "y", "'class'"),
    ],
)
def test_what_no_row_shares_is_not_predicted(tmp_path: Path, text: str, target: str, left_out: str) -> None:
    """The last column with classes or numbers is the target, not texts or constants."""
    (tmp_path / "t.csv").write_text(text)
    written, said = starter_config(tmp_path / "t.csv")
    assert f'target: "{target}"' in written and f"predicts '{target}'" in said
    assert f"Columns left out: {left_out}" in said


def test_whole_numbers_of_a_few_rows_are_a_quantity(tmp_path: Path) -> None:
    """Twelve numbers in twelve rows are no twelve classes."""
    (tmp_path / "t.csv").write_text("v,y\n" + "".join(f"{n % 5}.5,{n * n}\n" for n in range(12)))
    written, said = starter_config(tmp_path / "t.csv")
    assert "regression" in said and "task: regression" in written


def test_the_target_can_be_named(tmp_path: Path) -> None:
    """Then nothing is guessed; a column that is not there is a line with the nearest one."""
    (tmp_path / "t.csv").write_text(WINE)
    done = dropout("config", "init", "c.yaml", "--data", "t.csv", "--target", "hue", cwd=tmp_path)
    assert done.returncode == 0 and "predicts 'hue', because you chose it with --target (regression)" in done.stderr
    done = dropout("config", "init", "d.yaml", "--data", "t.csv", "--target", "growr", cwd=tmp_path)
    assert done.returncode == 2 and "Did you mean 'grower'?" in done.stderr and len(done.stderr.splitlines()) == 1
    done = dropout("config", "init", "d.yaml", "--target", "hue", cwd=tmp_path)
    assert done.returncode == 2 and "--data" in done.stderr
    assert not (tmp_path / "d.yaml").exists()


def test_init_leaves_out_what_no_network_can_use(tmp_path: Path) -> None:
    """Dates, names and numbers of rows; and a config is not written for a file that is none."""
    rows = [f"{n},Person {n},2020-01-{n % 28 + 1:02},{n % 7 + 0.5},{n % 2}" for n in range(60)]
    (tmp_path / "t.csv").write_text("id,name,when,fare,survived\n" + "\n".join(rows))
    assert dropout("config", "init", "c.yaml", "--data", "t.csv", cwd=tmp_path).returncode == 0
    text = (tmp_path / "c.yaml").read_text()
    assert 'drop: ["id", "name", "when"]' in text and 'target: "survived"' in text
    assert dropout("config", "init", "d.yaml", "--data", "none.csv", cwd=tmp_path).returncode == 3
    assert not (tmp_path / "d.yaml").exists()


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
