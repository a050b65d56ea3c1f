"""Weights of examples: read from a column or an array, checked, and scaled to mean 1 in the training part."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_cli.core.errors import ConfigError, DataError
from dropout_cli.core.types import Array
from dropout_cli.data import DATASETS, load_dataset, split_and_scale
from dropout_cli.data.example_weights import effective_examples, training_weights
from dropout_cli.data.loading import compute_fingerprint
from dropout_cli.data.readers import idx
from dropout_cli.data.sources.arrays import Arrays
from dropout_cli.data.sources.openml import OpenML
from dropout_cli.data.sources.table import TableSource
from tests.commands import dropout
from tests.data.sources import test_openml

COUNT = 40
GIVEN = np.arange(COUNT) % 5 / 2


def write_table(file: Path, weights: dict[int, str] | None = None, *, column: bool = True, rows: int = COUNT) -> str:
    """Write a table of two features, a column of weights in the middle of them, and a class."""
    cells = [f"{one:g}" for one in GIVEN]
    for row, text in (weights or {}).items():
        cells[row] = text
    lines = [f"{n * n}{f',{cells[n]}' * column},{n % 7},{'pq'[n % 2]}" for n in range(rows)]
    file.write_text("\n".join([f"a{',w' * column},b,kind", *lines]) + "\n")
    return str(file)


def table(folder: Path, **keys: Any) -> TableSource:
    """A table whose column w has weights."""
    return TableSource(**{"path": write_table(folder / "t.csv"), "weights": "w"} | keys)


def relative(weights: Array) -> Array:
    """Weights divided by their mean."""
    return np.asarray(weights / weights.mean())


def test_a_column_of_weights_is_no_feature(tmp_path: Path) -> None:
    """By name or by index; the other columns are the features, and only the training part has weights of mean 1."""
    for key in ("w", 1, -3):
        source = table(tmp_path, weights=key)
        examples, dataset = source.read(), load_dataset(source)
        assert [column.name for column in examples.columns] == ["a", "b"]
        assert examples.weights is not None and examples.weights.tolist() == GIVEN.tolist()
        assert dataset.train.weights is not None
        np.testing.assert_allclose(dataset.train.weights, relative(GIVEN[dataset.train.rows]), rtol=1e-14)
        assert dataset.train.weights.dtype == np.float64 and dataset.train.weights.mean() == pytest.approx(1)
        assert dataset.val is not None and dataset.val.weights is None and dataset.test.weights is None


BAD = {
    "text": ({6: "heavy"}, "line 8: the weight in column 'w' is 'heavy', which is not a number"),
    "missing": ({4: "", 9: "-1"}, "line 6: the weight in column 'w' is missing"),
    "negative": ({39: "-0.5"}, "line 41: the weight in column 'w' is -0.5"),
    "infinite": ({3: "1e400"}, "line 5: the weight in column 'w' is inf"),
    "a date": ({n: f"2024-01-{n % 28 + 1:02}" for n in range(COUNT)}, "line 2: the weight in column 'w' is '2024-01"),
    "nothing but gaps": (dict.fromkeys(range(COUNT), ""), "line 2: the weight in column 'w' is missing"),
    "nothing but zeros": (dict.fromkeys(range(COUNT), "0"), "dataset.weights: every weight of the training part is 0"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_weight_is_refused_with_its_line(tmp_path: Path, name: str) -> None:
    """One line with a way out, exit code 3, and no run folder."""
    cells, said = BAD[name]
    write_table(tmp_path / "t.csv", cells)
    (tmp_path / "c.yaml").write_text("dataset: {name: table, path: t.csv, weights: w}\n")
    before = sorted(tmp_path.iterdir())
    done = dropout("train", "c.yaml", "--quiet", cwd=tmp_path)
    assert done.returncode == 3 and done.stdout == "" and sorted(tmp_path.iterdir()) == before
    assert done.stderr.count("\n") == 1 and said in done.stderr and done.stderr.endswith(".\n")


def test_columns_that_cannot_have_weights_are_refused(tmp_path: Path) -> None:
    """One that the table lacks, and the one to predict."""
    with pytest.raises(
        DataError, match=r"has no column 'v' \(named in dataset.weights\). It has 'a', 'w', 'b', 'kind'"
    ):
        table(tmp_path, weights="v").read()
    for target in ({}, {"target": "kind"}):
        with pytest.raises(DataError, match=r"dataset.weights: 'kind' is the column to predict. Set dataset.target to"):
            table(tmp_path, weights="kind", **target).read()


def test_rows_that_are_left_out_need_no_weight(tmp_path: Path) -> None:
    """The weights stay with their rows, and the line of a wrong one is that of the file."""
    text = Path(write_table(tmp_path / "t.csv", {3: "", 20: "8"})).read_text().splitlines()
    text[4] = text[4].rpartition(",")[0] + ","
    (tmp_path / "t.csv").write_text("\n".join(text) + "\n")
    source = TableSource(path=str(tmp_path / "t.csv"), weights="w", drop_missing_target=True)
    examples = source.read()
    assert examples.weights is not None and examples.rows is not None
    assert examples.weights[examples.rows == 20] == 8 and np.array_equal(
        np.delete(GIVEN, [3, 20]), np.delete(examples.weights, 19)
    )
    (tmp_path / "t.csv").write_text("\n".join(text).replace(",8,", ",-8,") + "\n")
    with pytest.raises(DataError, match="line 22: the weight in column 'w' is -8"):
        source.read()


@pytest.mark.parametrize("column", [True, False])
def test_a_test_file_needs_no_weights(tmp_path: Path, column: bool) -> None:
    """Its column may be absent or hold anything, since only training uses weights."""
    other = write_table(tmp_path / "test.csv", {0: "none of your business", 1: "-4"}, column=column, rows=12)
    source = table(tmp_path, test_path=other)
    examples, dataset = source.read(), load_dataset(source)
    assert examples.weights is not None and len(dataset.test) == 12
    assert np.array_equal(examples.weights[:COUNT], GIVEN) and np.isnan(examples.weights[COUNT:]).all()
    plain = load_dataset(
        replace(
            source,
            path=write_table(tmp_path / "p.csv", column=False),
            weights=None,
            test_path=(write_table(tmp_path / "q.csv", column=False, rows=12)),
        )
    )
    assert np.array_equal(plain.train.x, dataset.train.x) and np.array_equal(plain.test.x, dataset.test.x)


def test_rows_of_other_parts_need_no_weights(tmp_path: Path) -> None:
    """A column with the parts says which rows are trained on; the others may have any cell."""
    lines = [f"{n},{n % 3 if n < 30 else 'unknown'},{'train' if n < 30 else 'test'},{'pq'[n % 2]}" for n in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["a,w,part,kind", *lines]))
    dataset = load_dataset(TableSource(path=str(tmp_path / "t.csv"), weights="w", split="part"))
    assert dataset.train.weights is not None
    np.testing.assert_allclose(dataset.train.weights, relative(dataset.train.rows % 3))


def test_decimal_commas_and_codes_of_missing_values_hold_for_weights(tmp_path: Path) -> None:
    """They are read as any column of numbers is."""
    lines = [f"{n};{n % 4},5;{'pq'[n % 2]}" for n in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["a;w;kind", *lines]))
    source = TableSource(path=str(tmp_path / "t.csv"), weights="w")
    examples = source.read()
    assert examples.weights is not None and examples.weights.tolist() == [n % 4 + 0.5 for n in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["a;w;kind", *lines, "4;-999;p"]))
    with pytest.raises(DataError, match="line 42: the weight in column 'w' is missing"):
        replace(source, missing=("-999",)).read()


def test_a_table_of_openml_has_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column is named as for a table."""
    test_openml.answers(tmp_path)
    monkeypatch.setenv("DROPOUT_DATA", str(tmp_path))
    examples = OpenML(id=7, weights="weight").read()
    assert [column.name for column in examples.columns] == ["color"]
    assert examples.weights is not None and examples.weights.tolist() == [n + 0.5 for n in range(40)]


def arrays(folder: Path, w: Array = GIVEN) -> Arrays:
    """Numbers in one .npz file, with an array `w`."""
    x, y = np.random.default_rng(0).normal(size=(COUNT, 3)), np.arange(COUNT) % 2
    np.savez(folder / "a.npz", x=x, y=y, w=w)
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    return Arrays(path=str(folder / "a.npz"), weights="w")


def test_weights_of_arrays_are_an_array_or_a_file(tmp_path: Path) -> None:
    """By name in an .npz file; as .npy or IDX file beside any of them, also for examples that stay in their files."""
    inside = arrays(tmp_path)
    np.save(tmp_path / "w.npy", GIVEN[:, np.newaxis])
    idx.write_idx(tmp_path / "w-idx1-ubyte.gz", GIVEN)
    pair: dict[str, Any] = {"path": str(tmp_path / "x.npy"), "labels": str(tmp_path / "y.npy")}
    files = [str(tmp_path / "w.npy"), str(tmp_path / "w-idx1-ubyte.gz")]
    sources = [inside, replace(inside, weights=files[0]), *(Arrays(**pair, weights=file) for file in files)]
    sources.append(Arrays(**pair, weights=files[0], memory=1e-7))
    for source in sources:
        dataset = load_dataset(source)
        assert dataset.train.weights is not None and dataset.shape == (3,)
        np.testing.assert_allclose(dataset.train.weights, relative(GIVEN[dataset.train.rows]))


def test_the_path_of_weights_starts_at_the_config_and_a_name_stays(tmp_path: Path) -> None:
    """As for other paths; what names an array is no path."""
    (tmp_path / "sub").mkdir()
    arrays(tmp_path / "sub")
    np.save(tmp_path / "sub/w.npy", GIVEN)
    for keys, stored in (
        ("path: x.npy, labels: y.npy, weights: w.npy", f"weights: {tmp_path}/sub/w.npy"),
        ("path: a.npz, weights: w", "weights: w\n"),
    ):
        (tmp_path / "sub/c.yaml").write_text(f"dataset: {{name: arrays, {keys}}}\ntraining: {{epochs: 1}}\n")
        done = dropout("train", "sub/c.yaml", "--quiet", "--no-plots", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert stored in (tmp_path / done.stdout.strip() / "resolved.yaml").read_text()


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        (GIVEN[:-1], r"a.npz, w: has 39 weights for 40 training examples. Give one weight for each example"),
        (np.ones((COUNT, 2)), r"a.npz, w: has the shape \(40, 2\) and the type float64. Weights must be numbers"),
        (np.full(COUNT, "1"), r"a.npz, w: has the shape \(40,\) and the type <U1"),
        (np.where(np.arange(COUNT) == 7, np.nan, 1), r"a.npz, w, row 7: the weight is missing"),
        (np.where(np.arange(COUNT) == 7, np.inf, 1), r"a.npz, w, row 7: the weight is inf"),
        (np.where(np.arange(COUNT) == 7, -1, 1), r"a.npz, w, row 7: the weight is -1"),
        (np.zeros(COUNT), r"dataset.weights: every weight of the training part is 0"),
    ],
)
def test_a_wrong_array_of_weights_is_refused(tmp_path: Path, weights: Array, said: str) -> None:
    """With the array and the row."""
    with pytest.raises(DataError, match=said):
        load_dataset(arrays(tmp_path, weights))


def test_a_name_that_cannot_be_an_array_is_refused(tmp_path: Path) -> None:
    """An unknown array is an error of the data; a name without an .npz file is one of the config."""
    with pytest.raises(DataError, match=r"has no array 'v' \(named in dataset.weights\). It has 'x', 'y', 'w'"):
        replace(arrays(tmp_path), weights="v").read()
    (tmp_path / "c.yaml").write_text("dataset: {name: arrays, path: x.npy, labels: y.npy, weights: w}\n")
    done = dropout("config", "check", "c.yaml", cwd=tmp_path)
    assert done.returncode == ConfigError.exit_code and done.stderr.count("\n") == 1
    assert "dataset.weights: 'w' is no .npy or IDX file, and only an .npz file has named arrays" in done.stderr


def test_parts_of_their_own_have_no_weights(tmp_path: Path) -> None:
    """Weights are those of x and y; examples of x_test cannot be moved to the training part."""
    x, y = np.random.default_rng(0).normal(size=(COUNT, 3)), np.arange(COUNT) % 2
    np.savez(tmp_path / "a.npz", x=x, y=y, x_test=x[:10] + 1, y_test=y[:10], w=GIVEN)
    source = Arrays(path=str(tmp_path / "a.npz"), weights="w")
    dataset = load_dataset(source)
    assert dataset.train.weights is not None and len(dataset.test) == 10
    np.testing.assert_allclose(dataset.train.weights, relative(GIVEN[dataset.train.rows]))
    with pytest.raises(DataError, match=r"has no weights for \d+ training examples.*Set dataset.test_fraction to null"):
        load_dataset(replace(source, test_fraction=0.3))


def test_the_fingerprint_covers_the_weights(tmp_path: Path) -> None:
    """Another weight is another fingerprint, and no weights leave it as it was."""
    source = table(tmp_path)
    examples = source.read()
    plain = TableSource(path=write_table(tmp_path / "p.csv", column=False)).read()
    assert compute_fingerprint(replace(examples, weights=None)) == compute_fingerprint(plain)
    changed = GIVEN + (np.arange(COUNT) == 3)
    prints = {compute_fingerprint(replace(examples, weights=one)) for one in (None, GIVEN, changed)}
    assert len(prints) == 3
    kept = replace(source, fingerprint=compute_fingerprint(examples))
    write_table(tmp_path / "t.csv", {3: "2.5"})
    with pytest.raises(DataError, match="the data have changed"):
        load_dataset(kept)


@given(st.lists(st.floats(0, allow_infinity=False, allow_nan=False), min_size=2, max_size=30))
def test_weights_are_relative(values: list[float]) -> None:
    """Of any size, their mean is 1 and their ratios stay; equal ones are as good as none."""
    weights = np.array(values)
    if not weights.any():
        with pytest.raises(DataError, match="every weight of the training part is 0"):
            training_weights(weights, np.arange(len(values)))
        return
    found = training_weights(weights, np.arange(len(values)))
    if found is None:
        assert len({*values}) == 1
        return
    assert np.isfinite(found).all() and found.mean() == pytest.approx(1)
    largest = int(weights.argmax())
    np.testing.assert_allclose(found / found[largest], weights / weights[largest], atol=1e-12)


def test_weights_on_any_scale_give_the_same_dataset() -> None:
    """Only ratios count, also with other examples in the training part."""
    source = DATASETS["iris"]()
    weights = 1.0 + np.arange(150) % 3
    one, other = (split_and_scale(source, replace(source.read(), weights=k * weights)) for k in (1, 1024))
    assert one.train.weights is not None and other.train.weights is not None
    assert np.array_equal(one.train.weights, other.train.weights)


def test_effective_examples_is_the_count_for_equal_weights() -> None:
    """Kish's formula: weights of 0 and 1 count the ones."""
    assert effective_examples(np.full(7, 0.3)) == pytest.approx(7)
    assert effective_examples(np.array([0, 1, 1, 0, 1])) == pytest.approx(3)


def test_check_with_data_shows_the_weights(tmp_path: Path) -> None:
    """Their range, and how many equal ones they are worth."""
    write_table(tmp_path / "t.csv")
    (tmp_path / "c.yaml").write_text("dataset: {name: table, path: t.csv, weights: w}\n")
    done = dropout("config", "check", "c.yaml", "--data", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = {line.strip().rpartition("  ")[0].strip(): line.rpartition("  ")[2] for line in done.stdout.splitlines()}
    weights = load_dataset(table(tmp_path)).train.weights
    assert weights is not None
    assert lines["weights"] == "0 to 2" and lines["effective train examples"] == f"{effective_examples(weights):.0f}"
