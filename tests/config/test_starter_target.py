"""The column that a starter config predicts, and columns that it leaves out."""

from pathlib import Path

import pytest

from dropout_cli.config import load_config
from dropout_cli.config.starter import starter_config
from dropout_cli.data.sources.table import TableSource


def table(path: Path, columns: dict[str, list[object]]) -> Path:
    """Write a table of 60 rows; shorter columns repeat."""
    names = [*columns]
    lines = [",".join(str(columns[name][row % len(columns[name])]) for name in names) for row in range(60)]
    path.write_text("\n".join([",".join(names), *lines]) + "\n")
    return path


NUMBERS: list[object] = [0.5, 2.25, 1.75, 3.5, 9.125, 4.25, 5.5]
WORDS: list[object] = ["a", "b", "b", "a", "b"]
IDS: list[object] = [1000 + 37 * row % 1009 for row in range(60)]


@pytest.mark.parametrize(
    ("names", "target"),
    [
        (["price", "x", "y", "z"], "price"),
        (["y", "Survived", "class", "kind"], "Survived"),
        (["status", "y", "b"], "status"),
        (["SalePrice", "size", "street"], "SalePrice"),
        (["is_churn", "age", "plan"], "is_churn"),
        (["label", "target", "z"], "target"),
        (["y", "a", "b"], "y"),
        (["x", "y"], "y"),
        (["x", "y", "height"], "height"),
        (["default", "age", "loan"], "loan"),
        (["Klasse", "Farbe"], "Klasse"),
    ],
)
def test_the_surest_name_of_a_target_comes_first(tmp_path: Path, names: list[str], target: str) -> None:
    """A lone letter comes after words, and not at all beside an x."""
    file = table(tmp_path / "t.csv", {name: WORDS if name == target else NUMBERS for name in names})
    assert f"predicts '{target}'" in starter_config(file)[1]


@pytest.mark.parametrize("name", ["sample_id", "ID", "rowId", "Kunden-Nr", "uuid"])
def test_an_identifier_is_neither_predicted_nor_learned_from(tmp_path: Path, name: str) -> None:
    """Even as the last column. A column of the same numbers with another name is a quantity."""
    text, message = starter_config(table(tmp_path / "t.csv", {"a": NUMBERS, "kind": WORDS, name: IDS}))
    assert "predicts 'kind'" in message and f"'{name}' (a different number in every row" in message
    assert f'drop: ["{name}"]' in text
    text, message = starter_config(table(tmp_path / "t.csv", {"a": NUMBERS, "kind": WORDS, "weight": IDS}))
    assert "predicts 'weight'" in message and "regression" in message


def test_a_copy_of_the_target_is_named(tmp_path: Path) -> None:
    """Under other words, one for each class."""
    copy: list[object] = ["yes" if word == "a" else "no" for word in WORDS]
    _, message = starter_config(table(tmp_path / "t.csv", {"survived": WORDS, "age": NUMBERS, "alive": copy}))
    assert "predicts 'survived'" in message and "column 'alive' determines the target" in message


def test_the_task_is_stated_with_its_key(tmp_path: Path) -> None:
    """A price of five values could be either."""
    prices: list[object] = [99, 149, 199, 249, 299]
    _, message = starter_config(table(tmp_path / "t.csv", {"a": NUMBERS, "price": prices}))
    assert "predicts 'price', because of its name (classification, 5 classes; dataset.task decides)." in message


@pytest.mark.parametrize("codes", [["007", "042", "100"], ["01067", "99084", "10115"], ["0930", "1015", "0000", "12"]])
def test_digits_with_leading_zeros_are_categories(tmp_path: Path, codes: list[object]) -> None:
    """`config init` writes the key; without it, the reader says what it took."""
    file = table(tmp_path / "t.csv", {"code": codes, "a": NUMBERS, "kind": WORDS})
    text, message = starter_config(file)
    (tmp_path / "c.yaml").write_text(text)
    source = load_config(tmp_path / "c.yaml").experiment.dataset
    assert isinstance(source, TableSource) and source.categorical == ("code",)
    assert "'code' is a category, because of leading zeros." in message
    assert source.read().columns[0].categories is not None and not source.read().notices
    plain = TableSource(path=str(file)).read()
    assert plain.columns[0].categories is None
    assert "column 'code' has leading zeros, as codes do, but is read as numbers" in " ".join(plain.notices)


@pytest.mark.parametrize("numbers", [["0", "10", "20"], ["0.5", "0.25"], ["1", "2", "30"], [0, 7, 100]])
def test_numbers_without_leading_zeros_stay_numbers(tmp_path: Path, numbers: list[object]) -> None:
    """A single 0 is a number."""
    source = TableSource(path=str(table(tmp_path / "t.csv", {"n": numbers, "a": NUMBERS, "kind": WORDS})))
    assert not source.read_cells(tmp_path / "t.csv").code_columns
