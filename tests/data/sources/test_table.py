"""Tables as people have them: how they are written, what their columns are, what is refused and where."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from dropout_cli.core.errors import DataError
from dropout_cli.data import BatchReader, load_dataset
from dropout_cli.data.base import Examples
from dropout_cli.data.dataset import Dataset
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.data.sources.table import TableSource

ROWS = [["5.1", "red", "1", "a"], ["4.9", "blue", "0", "b"], ["6.0", "red", "1", "a"], ["5.5", "", "0", "b"]]
HEADER = ["length", "color", "old", "kind"]


def table(path: Path, text: str, **keys: Any) -> Examples:
    """Return the dataset that is read from a text."""
    path.write_text(text)
    return TableSource(path=str(path), **keys).read()


def text_of(separator: str, *, header: bool = True, quote: str = "", pad: str = "") -> str:
    """The rows, written so."""
    rows = [HEADER, *ROWS] if header else ROWS
    return "".join(separator.join(f"{pad}{quote}{cell}{quote}{pad}" for cell in row) + "\n" for row in rows)


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize(("quote", "pad"), [("", ""), ('"', ""), ("'", ""), ("", " "), ("'", " ")])
def test_the_same_rows_are_read_however_they_are_written(
    tmp_path: Path, separator: str, header: bool, quote: str, pad: str
) -> None:
    """Separator, header, quotation marks and padding are found out."""
    pad = "" if separator == "\t" else pad
    found = table(tmp_path / "t.csv", text_of(separator, header=header, quote=quote, pad=pad))
    names = [column.name for column in found.columns]
    assert names == (HEADER[:3] if header else ["column 0", "column 1", "column 2"])
    assert [column.categories for column in found.columns] == [None, ("blue", "red"), None]
    np.testing.assert_allclose(found.x[:, 0], [5.1, 4.9, 6.0, 5.5], rtol=1e-6)
    np.testing.assert_array_equal(found.x[:, 1], [1, 0, 1, np.nan])
    assert found.classes == ("a", "b") and found.labels.tolist() == [0, 1, 0, 1]


def test_white_space_divides_too(tmp_path: Path) -> None:
    """Any amount of it, at the ends of lines as well."""
    found = table(tmp_path / "t.txt", " 1.5   2 x \n 2.5   3 y\n\n 3.5 4   x\n")
    np.testing.assert_array_equal(found.x, [[1.5, 2], [2.5, 3], [3.5, 4]])


def test_gzip_excel_and_parquet_say_the_same_as_text(tmp_path: Path) -> None:
    """One table in four kinds of files."""
    text = table(tmp_path / "t.csv", text_of(","))
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    frame = pd.read_csv(tmp_path / "t.csv")
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv.gz", "t.xlsx", "t.parquet"):
        other = TableSource(path=str(tmp_path / name)).read()
        np.testing.assert_array_equal(other.x, text.x)
        assert (other.classes, other.columns) == (text.classes, text.columns)
        assert np.array_equal(other.labels, text.labels)


def test_comma_decimals_and_another_encoding_are_understood(tmp_path: Path) -> None:
    """Spreadsheets in Europe write such files."""
    (tmp_path / "t.csv").write_bytes("größe;art\n1,5;süß\n2;herb\n3,25;süß\n4;herb\n".encode("cp1252"))
    found = TableSource(path=str(tmp_path / "t.csv")).read()
    np.testing.assert_array_equal(found.x[:, 0], [1.5, 2, 3.25, 4])
    assert (found.columns[0].name, found.classes) == ("größe", ("herb", "süß"))


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1,234.50", "12.5", "1,000,000"], [1234.5, 12.5, 1e6]),
        (["1.234,50", "12,5", "7"], [1234.5, 12.5, 7]),
        (["0,125", "1,234", "3,1"], [0.125, 1.234, 3.1]),
        (["45%", "7 %", "0.5%"], [45, 7, 0.5]),
        (["$3", "$1,200.00", "$5"], [3, 1200, 5]),
        (["TRUE", "False", "true"], [1, 0, 1]),
        (["'5'", ' "6" ', "7"], [5, 6, 7]),
    ],
)
def test_numbers_are_understood_as_people_write_them(tmp_path: Path, cells: list[str], numbers: list[float]) -> None:
    """Thousands, decimal commas, percent and currency signs, true and false."""
    text = "v|y\n" + "".join(f"{cell}|{'ab'[n % 2]}\n" for n, cell in enumerate(cells))
    np.testing.assert_allclose(table(tmp_path / "t.csv", text).x[:, 0], numbers, rtol=1e-6)


def test_comments_trailing_separators_and_quoted_names_are_no_trouble(tmp_path: Path) -> None:
    """Lines with # at the top are left out, and lines keep their numbers; an empty last column goes."""
    found = table(tmp_path / "t.csv", "# made by\n# a machine\na,b,y,\n1,2,x,\n3,4,z,\n")
    assert [column.name for column in found.columns] == ["a", "b"] and found.classes == ("x", "z")
    with pytest.raises(DataError, match="line 5"):
        table(tmp_path / "t.csv", "# made by\n# a machine\na,b,y\n1,2,x\n3,4\n")
    found = table(tmp_path / "t.csv", '"a b" "y"\n1 "x x"\n2 "z z"\n')
    assert found.columns[0].name == "a b" and found.classes == ("x x", "z z")


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (["3", "1", "2", "3", "1", "2"], "auto", ("1", "2", "3")),
        (["-1", "1", "-1", "1", "1", "1"], "auto", ("-1", "1")),
        (["True", "False", "True", "False", "True", "True"], "auto", ("False", "True")),
        (["1.5", "2.5", "1.5", "3", "1", "2"], "auto", ()),
        (["1.5", "2.5", "1.5", "2.5", "1.5", "2.5"], "classification", ("1.5", "2.5")),
        (["3", "1", "2", "3", "1", "2"], "regression", ()),
        ([str(one) for one in range(30)], "auto", ()),
    ],
)
def test_the_target_tells_the_task(tmp_path: Path, values: list[str], task: Any, classes: tuple[str, ...]) -> None:
    """Words and few integers are classes, fractions and many numbers are regression targets; `task` overrides this."""
    text = "x,y\n" + "".join(f"{place % 3},{value}\n" for place, value in enumerate(values))
    found = table(tmp_path / "t.csv", text, task=task)
    assert found.classes == classes and bool(found.target_names) == (not classes)
    if found.target_names:
        np.testing.assert_allclose(found.labels[:, 0], [float(value) for value in values])


def test_targets_are_named_by_name_place_or_last(tmp_path: Path) -> None:
    """The same column in three ways; several of them for a regression with several."""
    text = text_of(",")
    for target in ("kind", 3, -1, "last"):
        assert table(tmp_path / "t.csv", text, target=target).classes == ("a", "b")
    assert table(tmp_path / "t.csv", text, target=("length", "old")).target_names == ("length", "old")


def test_numbers_can_be_names(tmp_path: Path) -> None:
    """`categorical` makes words of numbers; whole ones have no point."""
    found = table(tmp_path / "t.csv", "zip,y\n8001,a\n,b\n8002,a\n8001,b\n", categorical=("zip",))
    assert found.columns[0].categories == ("8001", "8002")


def many(tmp_path: Path, **keys: Any) -> Dataset:
    """Eighty rows with missing values and three categories, loaded."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "a": rng.normal(size=80),
            "b": rng.integers(0, 100, 80).astype(float),
            "c": rng.choice(["x", "y", "z"], 80),
            "patient": np.arange(80) // 4,
            "kind": rng.choice(["no", "yes"], 80),
        }
    )
    frame.loc[::7, "a"] = np.nan
    frame.loc[::9, "c"] = np.nan
    frame.to_csv(tmp_path / "many.csv", index=False)
    return load_dataset(TableSource(path=str(tmp_path / "many.csv"), **keys))


def test_preprocessing_is_that_of_scikit_learn_fitted_on_train_alone(tmp_path: Path) -> None:
    """Imputed, one-hot encoded and standardized by a pipeline of scikit-learn: the same numbers."""
    dataset = many(tmp_path, drop=("patient",))
    frame = pd.read_csv(tmp_path / "many.csv")
    numbers, words = ["a", "b"], ["c"]
    pipeline = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            (
                "words",
                make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(sparse_output=False)),
                words,
            ),
        ]
    ).fit(frame.iloc[dataset.train.rows])
    for part in (dataset.train, dataset.val, dataset.test):
        assert part is not None
        x, _ = BatchReader(dataset, part, len(part)).take(slice(None))
        np.testing.assert_allclose(x, pipeline.transform(frame.iloc[part.rows]), atol=2e-6)


def test_what_was_fitted_survives_its_file(tmp_path: Path) -> None:
    """`unpack(pack())` is the same, to the byte; applied to the data it gives the same parts."""
    dataset = many(tmp_path)
    packed = Preprocessing.from_dataset(dataset).pack()
    again = Preprocessing.unpack(packed, "p")
    assert again.pack() == packed and b"pickle" not in packed
    other = load_dataset(TableSource(path=str(tmp_path / "many.csv")), again)
    np.testing.assert_array_equal(other.test.x, dataset.test.x)
    np.testing.assert_array_equal(other.scaling.scale, dataset.scaling.scale)


def test_groups_stay_on_one_side(tmp_path: Path) -> None:
    """No patient is in two parts, and the column is not learned from."""
    dataset = many(tmp_path, group="patient")
    patient = np.arange(80) // 4
    assert dataset.val is not None
    sides = [set(patient[part.rows]) for part in (dataset.train, dataset.val, dataset.test)]
    assert not (sides[0] & sides[1] or sides[0] & sides[2] or sides[1] & sides[2])
    assert "patient" not in [column.name for column in dataset.columns]


def test_a_split_column_rows_and_a_file_of_its_own_give_the_test_part(tmp_path: Path) -> None:
    """Each names the rows to test on."""
    text = "x,part,y\n" + "".join(f"{n},{('train', 'val', 'test')[n % 3]},{'ab'[n % 2]}\n" for n in range(30))
    (tmp_path / "t.csv").write_text(text)
    by_column = load_dataset(TableSource(path=str(tmp_path / "t.csv"), split="part"))
    assert by_column.test.rows.tolist() == list(range(2, 30, 3))
    assert by_column.val is not None and by_column.val.rows.tolist() == list(range(1, 30, 3))
    by_rows = load_dataset(TableSource(path=str(tmp_path / "t.csv"), test_rows=(3, 1, 4, 8)))
    assert by_rows.test.rows.tolist() == [1, 3, 4, 8]
    (tmp_path / "other.csv").write_text("x,part,y\n7,test,a\n8,test,b\n")
    by_file = load_dataset(TableSource(path=str(tmp_path / "t.csv"), test_path=str(tmp_path / "other.csv")))
    assert by_file.test.rows.tolist() == [30, 31] and len(by_file.train) + len(by_file.val or ()) == 30


def test_a_test_file_is_matched_by_name(tmp_path: Path) -> None:
    """Its columns may stand in another order."""
    rows = [(f"{n % 7}.5", "rgb"[n % 3], "xy"[n % 2]) for n in range(30)]
    (tmp_path / "t.csv").write_text("v,c,y\n" + "".join(",".join(row) + "\n" for row in rows))
    (tmp_path / "same.csv").write_text("v,c,y\n" + "".join(",".join(row) + "\n" for row in rows[:8]))
    (tmp_path / "turned.csv").write_text("y,v,c\n" + "".join(f"{y},{v},{c}\n" for v, c, y in rows[:8]))
    same, turned = (
        load_dataset(TableSource(path=str(tmp_path / "t.csv"), test_path=str(tmp_path / f"{name}.csv")))
        for name in ("same", "turned")
    )
    assert np.array_equal(same.test.x, turned.test.x) and np.array_equal(same.test.labels, turned.test.labels)


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet"])
@pytest.mark.parametrize("code", [-999, "-999", -999.0])
def test_a_number_can_stand_for_a_missing_value_in_every_format(tmp_path: Path, ending: str, code: str | float) -> None:
    """The advice `dataset.missing=[-999]` can be followed as it stands."""
    import pandas as pd

    frame = pd.DataFrame({"a": [-999, 1, 2, 3, 4, 5] * 5, "b": [-999.0, 0.5, 1.5] * 10, "kind": ["u", "v"] * 15})
    path = tmp_path / f"t.{ending}"
    if ending == "csv":
        frame.to_csv(path, index=False)
    elif ending == "xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_parquet(path)
    examples = TableSource(path=str(path), missing=(code,)).read()
    # A text file compares words and numbers alike.
    assert np.isnan(examples.x).sum(axis=0).tolist() == [5, 10]
