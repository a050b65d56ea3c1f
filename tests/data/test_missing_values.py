"""Missing values of tables: a category of its own, a further feature, or the usual replacement."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropout_cli.core.errors import DataError
from dropout_cli.data import load_dataset
from dropout_cli.data.dataset import Dataset
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.data.sources.table import TableSource

EVERY = 5
"""Every fifth row has neither a color nor a size."""


def gaps(folder: Path, *, every: int = EVERY, word: str = "", **keys: Any) -> TableSource:
    """100 rows with missing words and numbers."""
    rows = ""
    for n in range(100):
        color, size = (word, "") if n % every == 0 else (("red", "blue")[n % 2], n + 0.5)
        rows += f"{color},{size},{n % 9},{'ab'[n % 2]}\n"
    (folder / "t.csv").write_text(f"color,size,age,kind\n{rows}")
    return TableSource(path=str(folder / "t.csv"), scaling="none", **keys)


def feature_names(dataset: Dataset) -> tuple[str, ...]:
    """The names of the encoded features."""
    assert dataset.encoding is not None
    return dataset.encoding.feature_names


USUAL = ("color=blue", "color=red", "size", "age")


def test_without_the_keys_nothing_is_added(tmp_path: Path) -> None:
    """A missing category is the most frequent one, and the stored file has the format of before."""
    dataset = load_dataset(gaps(tmp_path))
    assert feature_names(dataset) == USUAL
    np.testing.assert_array_equal(dataset.train.x[:, :2].sum(axis=1), 1)
    packed = Preprocessing.from_dataset(dataset).pack()
    assert b'\\"format\\": 1' in packed and b"marks_missing" not in packed and b"merges" not in packed


def test_a_missing_category_is_a_category(tmp_path: Path) -> None:
    """Its feature is 1 and those of the other categories are 0."""
    dataset = load_dataset(gaps(tmp_path, missing_categories="level"))
    assert feature_names(dataset) == ("color=blue", "color=red", "color (missing)", "size", "age")
    for part in (dataset.train, dataset.test):
        missing = part.rows % EVERY == 0
        np.testing.assert_array_equal(part.x[:, 2], missing)
        np.testing.assert_array_equal(part.x[:, :2].sum(axis=1), ~missing)


def test_a_missing_number_has_a_feature(tmp_path: Path) -> None:
    """It follows the number, which is the median as before; a column without gaps has none."""
    dataset = load_dataset(gaps(tmp_path, missing_indicator=True))
    assert feature_names(dataset) == ("color=blue", "color=red", "size", "size (missing)", "age")
    usual = load_dataset(gaps(tmp_path))
    np.testing.assert_array_equal(dataset.train.x[:, [0, 1, 2, 4]], usual.train.x)
    np.testing.assert_array_equal(dataset.train.x[:, 3], dataset.train.rows % EVERY == 0)


def test_the_features_for_missing_values_are_not_scaled(tmp_path: Path) -> None:
    """As those of the categories."""
    config = gaps(tmp_path, missing_indicator=True, missing_categories="level")
    dataset = load_dataset(TableSource(**{**vars(config), "scaling": "standardize"}))
    names = feature_names(dataset)
    for index, name in enumerate(names):
        assert (dataset.scaling.scale[index] == 1) == (name not in ("size", "age")), name


@pytest.mark.parametrize(("every", "level"), [(5, True), (17, True), (50, False)])
def test_auto_is_a_level_from_5_percent_on(tmp_path: Path, every: int, level: bool) -> None:
    """Of the train part; with 20, 6 and 2 missing values of 100."""
    dataset = load_dataset(gaps(tmp_path, every=every, missing_categories="auto"))
    assert dataset.encoding is not None and dataset.encoding.has_missing_level is level
    assert ("color (missing)" in feature_names(dataset)) is level
    assert bool(np.mean(dataset.train.rows % every == 0) >= 0.05) is level


@pytest.mark.parametrize("missing_rows", [range(50, 60), range(60, 100)])
def test_only_the_train_part_decides(tmp_path: Path, missing_rows: range) -> None:
    """A column that lacks values in the test part alone has no further features."""
    rows = "".join(
        f"{'' if n in missing_rows else 'rb'[n % 2]},{'' if n in missing_rows else n}.5,{'ab'[n % 2]}\n"
        for n in range(100)
    )
    (tmp_path / "t.csv").write_text(f"color,size,kind\n{rows}".replace(",.5", ","))
    keys: dict[str, Any] = {"missing_categories": "level", "missing_indicator": True, "val_fraction": 0.0}
    inside = load_dataset(TableSource(path=str(tmp_path / "t.csv"), test_rows=tuple(missing_rows), **keys))
    assert not any("missing" in name for name in feature_names(inside))
    others = tuple(row for row in range(100) if row not in missing_rows)[:20]
    outside = load_dataset(TableSource(path=str(tmp_path / "t.csv"), test_rows=others, **keys))
    assert sum("missing" in name for name in feature_names(outside)) == 2


def test_the_stored_preprocessing_has_these_features(tmp_path: Path) -> None:
    """To the byte, with a format number of its own; damaged marks are refused."""
    config = gaps(tmp_path, missing_categories="level", missing_indicator=True)
    dataset = load_dataset(config)
    packed = Preprocessing.from_dataset(dataset).pack()
    again = Preprocessing.unpack(packed, "p")
    assert again.pack() == packed and b'\\"format\\": 3' in packed
    np.testing.assert_array_equal(load_dataset(config, again).test.x, dataset.test.x)
    assert b"[true, true, false]" in packed
    for damaged in (b"[true, true, 12345]", b"[true, true      ]", b"[true,false,false]"):
        with pytest.raises(DataError, match="is damaged"):
            Preprocessing.unpack(packed.replace(b"[true, true, false]", damaged.ljust(19)), "p")


def test_a_usual_word_can_be_an_answer(tmp_path: Path) -> None:
    """`None` is a category of the features, but between numbers it is missing still."""
    text = gaps(tmp_path, word="None").path
    lines = Path(text).read_text().replace("None,,", "None,None,")
    Path(text).write_text(lines)
    usual = TableSource(path=text).read()
    assert usual.columns[0].categories == ("blue", "red") and np.isnan(usual.x[::EVERY, 0]).all()
    kept = TableSource(path=text, not_missing=("None",)).read()
    assert kept.columns[0].categories == ("None", "blue", "red") and not np.isnan(kept.x[:, 0]).any()
    assert kept.columns[1].categories is None and np.isnan(kept.x[::EVERY, 1]).all()
    np.testing.assert_array_equal(np.delete(kept.x, 0, axis=1), np.delete(usual.x, 0, axis=1))


def test_a_usual_word_is_an_answer_in_every_kind_of_file(tmp_path: Path) -> None:
    """A workbook and a Parquet file give the same classes as text."""
    import pandas as pd

    frame = pd.DataFrame({"a": range(12), "b": ["None", "low", "high"] * 4})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    for name in ("t.csv", "t.xlsx", "t.parquet"):
        found = TableSource(path=str(tmp_path / name), not_missing=("None",)).read()
        assert found.classes == ("None", "high", "low") and found.labels.tolist() == [0, 2, 1] * 4


def test_a_word_can_be_a_class_beside_few_numbers(tmp_path: Path) -> None:
    """A target of 1, 2 and `None` has three classes; one of many numbers is a regression with gaps."""
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{n},{(1, 2, 'None')[n % 3]}\n" for n in range(30)))
    assert TableSource(path=str(tmp_path / "t.csv"), not_missing=("None",)).read().classes == ("1", "2", "None")
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{n},{f'{n}.5' if n % 3 else 'None'}\n" for n in range(60)))
    numbers = TableSource(path=str(tmp_path / "t.csv"), not_missing=("None",), drop_missing_target=True).read()
    assert numbers.target_names == ("b",) and len(numbers.labels) == 40
