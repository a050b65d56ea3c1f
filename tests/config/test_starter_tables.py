"""`config check --data` and `config init --data` on tables of users."""

from pathlib import Path

import numpy as np
import pytest

from dropout_cli import config
from dropout_cli.config.starter import starter_config
from dropout_cli.training.setup import prepare
from tests.commands import dropout


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
        "also occur in the training part",
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


def test_the_way_to_use_dates_works(tmp_path: Path) -> None:
    """The two settings of the message make numbers of the dates, and leave out the other columns."""
    rows = "".join(f"{n},2024-{1 + n % 12:02}-{1 + n % 28:02},{n % 5}.5,{'pq'[n % 2]}\n" for n in range(1000, 1090))
    (tmp_path / "t.csv").write_text("customer_id,day,v,y\n" + rows)
    _, said = starter_config(tmp_path / "t.csv")
    assert "To make numbers of dates: 'dataset.drop=[customer_id]' dataset.dates=expand." in said
    words = ("--target", "y", "dataset.drop=[customer_id]", "dataset.dates=expand")
    done = dropout("train", "t.csv", *words, "training.epochs=1", "--no-plots", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (stored,) = tmp_path.glob("runs/*/preprocessing.safetensors")
    assert b"day (weekday)" in stored.read_bytes()


def test_whole_numbers_of_a_few_rows_are_a_quantity(tmp_path: Path) -> None:
    """Twelve numbers in twelve rows are no twelve classes."""
    (tmp_path / "t.csv").write_text("v,y\n" + "".join(f"{n % 5}.5,{n * n}\n" for n in range(12)))
    written, said = starter_config(tmp_path / "t.csv")
    assert "regression" in said and "task: regression" in written


def test_the_target_can_be_named(tmp_path: Path) -> None:
    """Then nothing is guessed; a column that is not there is a line with the nearest one."""
    (tmp_path / "t.csv").write_text(WINE)
    done = dropout("config", "init", "c.yaml", "--data", "t.csv", "--target", "hue", cwd=tmp_path)
    assert done.returncode == 0 and "predicts 'hue', because you chose it with --target (regression; " in done.stderr
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


def test_a_second_file_is_the_test_part(tmp_path: Path) -> None:
    """`--test` names it; all of its rows are tested, and a file that does not fit is refused."""
    rows = [f"{n * 7 % 11}.5,{n % 3}.25,{'uv'[n % 2]}" for n in range(70)]
    (tmp_path / "train.csv").write_text("a,b,kind\n" + "\n".join(rows[:50]))
    (tmp_path / "test.csv").write_text("kind,b,a\n" + "\n".join(",".join(row.split(",")[::-1]) for row in rows[50:]))
    done = dropout("config", "init", "c.yaml", "--data", "train.csv", "--test", "test.csv", cwd=tmp_path)
    assert done.returncode == 0 and "test.csv: 20 rows to test on." in done.stderr
    assert "test_fraction" not in (tmp_path / "c.yaml").read_text()
    dataset = prepare(config.load_config(tmp_path / "c.yaml").experiment).dataset
    assert len(dataset.test) == 20 and dataset.val is not None and len(dataset.train) + len(dataset.val) == 50
    (tmp_path / "test.csv").write_text("a,kind\n1.5,u\n")
    done = dropout("config", "init", "d.yaml", "--data", "train.csv", "--test", "test.csv", cwd=tmp_path)
    assert done.returncode == 3 and "has no column 'b'" in done.stderr and not (tmp_path / "d.yaml").exists()
    np.savez(tmp_path / "a.npz", x=np.eye(3), y=np.arange(3))
    done = dropout("config", "init", "d.yaml", "--data", "a.npz", "--test", "test.csv", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "--test: works for tables" in done.stderr
    done = dropout("config", "init", "d.yaml", "--test", "test.csv", cwd=tmp_path)
    assert done.returncode == 2 and "--test: needs --data" in done.stderr


@pytest.mark.parametrize("name", ["weight", "sample_weight", "SampleWeights", "wt", "wgt", "fnlwgt", "case weight"])
def test_a_column_of_weights_is_named_and_stays_a_feature(tmp_path: Path, name: str) -> None:
    """One line names the key, and the config does not have it."""
    lines = [f"{n % 5},{n % 3 + 0.5},{'pq'[n % 2]}" for n in range(40)]
    (tmp_path / "t.csv").write_text("\n".join([f"v,{name},y", *lines]) + "\n")
    text, messages = starter_config(tmp_path / "t.csv")
    said = f"Column '{name}' is a feature. If it has weights of the rows, set dataset.weights: {name}."
    assert messages.splitlines().count(said) == 1 and "weights:" not in text
    (tmp_path / "c.yaml").write_text(text)
    loaded = config.load_config(tmp_path / "c.yaml", [f"dataset.weights={name}"]).experiment
    dataset = prepare(loaded).dataset
    assert [column.name for column in dataset.columns] == ["v"] and dataset.train.weights is not None


@pytest.mark.parametrize("cells", [["-1", "2"], ["", "2"], ["low", "high"], ["3", "3"]])
def test_what_cannot_be_weights_is_not_named(tmp_path: Path, cells: list[str]) -> None:
    """Negative, missing or equal numbers, and words; nor is another name, or the target."""
    lines = [f"{n % 5},{cells[n % 7 > 3]},{n % 3},{n % 11}.5" for n in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["v,weight,weightless,wt", *lines]) + "\n")
    assert "dataset.weights" not in starter_config(tmp_path / "t.csv")[1]
    both = (tmp_path / "t.csv").read_text().replace("v,weight,", "v,wgt,").replace(",wt\n", ",y\n")
    (tmp_path / "t.csv").write_text(both.replace("weightless", "wt"))
    said = "Column 'wt' is a feature. If it has weights of the rows, set dataset.weights: wt."
    assert said in starter_config(tmp_path / "t.csv")[1]
