"""Starter configs for tables with gaps, words for missing values, rare classes and several spellings."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dropout_cli.config import load_config
from dropout_cli.config.starter import starter_config
from dropout_cli.data import load_dataset
from dropout_cli.data.sources.table import TableSource


def started(folder: Path, text: str, target: str | None = None) -> tuple[TableSource, str]:
    """Return the source of the starter config and its message; the data can be loaded with it."""
    (folder / "t.csv").write_text(text, encoding="utf-8")
    config, message = starter_config(folder / "t.csv", target)
    (folder / "c.yaml").write_text(config, encoding="utf-8")
    source = load_config(folder / "c.yaml").experiment.dataset
    assert isinstance(source, TableSource)
    load_dataset(source)
    for key in ("drop_missing_target", "min_class_rows", "not_missing", "missing_categories", "normalize_labels"):
        assert (f"\n  {key}: " in config) == (getattr(source, key) != getattr(TableSource(path="t"), key)), key
    return source, message


def column(cell: Callable[[int], str], kind: Callable[[int], str] = lambda n: "xy"[n % 2]) -> str:
    """A table of 120 rows with these cells beside a feature of numbers and a target."""
    return "size,cell,kind\n" + "".join(f"{n % 29}.25,{cell(n)},{kind(n)}\n" for n in range(120))


def color(n: int) -> str:
    """An ordinary category."""
    return ("red", "blue", "gray")[n % 3]


def few(n: int) -> str:
    """One of four numbers."""
    return str(n % 4)


@pytest.mark.parametrize("gap", ["", "NA", "?"])
def test_rows_without_a_target_are_left_out(tmp_path: Path, gap: str) -> None:
    """Their number is in the message."""
    source, message = started(tmp_path, column(color, lambda n: gap if n % 10 == 0 else "xyz"[n % 3]))
    assert source.drop_missing_target
    assert "12 rows without a value of the target 'kind' are left out." in message
    assert "dataset.drop_missing_target if that is wrong" in message


def test_a_numeric_target_may_have_gaps_and_words(tmp_path: Path) -> None:
    """Words between its numbers are missing values."""
    text = column(color, lambda n: ".." if n % 10 == 0 else f"{n * 1.5}")
    source, message = started(tmp_path, text)
    assert source.missing == ("..",) and source.drop_missing_target
    assert "(regression; " in message and "12 rows without a value of the target 'kind' are left out." in message


def test_a_column_without_values_in_the_remaining_rows_is_left_out(tmp_path: Path) -> None:
    """It has values only where the target has none."""
    text = column(lambda n: "red" if n % 10 == 0 else "", lambda n: "" if n % 10 == 0 else "xy"[n % 2])
    source, message = started(tmp_path, text)
    assert source.drop == ("cell",) and "'cell' (empty)" in message


def test_rare_classes_are_left_out_if_they_are_few(tmp_path: Path) -> None:
    """Classes with one and two rows; one with three stays."""
    rare = {5: "p", 6: "q", 7: "q", 8: "r", 9: "r", 10: "r"}
    source, message = started(tmp_path, column(color, lambda n: rare.get(n, "xy"[n % 2])))
    assert (source.min_class_rows, source.rare_classes) == (3, "drop")
    assert "The rows of classes of 'kind' with fewer than 3 rows are left out: 'p' (1 row), 'q' (2 rows)." in message
    assert load_dataset(source).classes == ("r", "x", "y")


def test_many_rare_classes_are_merged(tmp_path: Path) -> None:
    """If more than a tenth of the rows would be left out."""
    source, message = started(tmp_path, column(color, lambda n: f"c{n}" if n % 8 == 0 else "xy"[n % 2]))
    assert (source.min_class_rows, source.rare_classes) == (3, "merge")
    assert "with fewer than 3 rows are merged into 'other': 'c0' (1 row)" in message
    assert load_dataset(source).classes == ("other", "x", "y") or load_dataset(source).classes == ("x", "y", "other")


def test_usual_classes_need_no_key(tmp_path: Path) -> None:
    """Nor do columns without gaps and spellings."""
    source, message = started(tmp_path, column(color))
    assert source.min_class_rows is None and source.missing_categories == "most_frequent"
    assert "Change dataset.target if that is wrong." in message


@pytest.mark.parametrize("where", ["cell", "kind"])
def test_none_is_an_answer_if_it_is_frequent_and_nothing_is_empty(tmp_path: Path, where: str) -> None:
    """In a feature and in the target."""
    with_none = column(color, color).splitlines(keepends=True)
    place = {"cell": 1, "kind": 2}[where]
    for row in range(1, len(with_none), 3):
        cells = with_none[row].strip().split(",")
        with_none[row] = ",".join(["None" if i == place else cell for i, cell in enumerate(cells)]) + "\n"
    source, message = started(tmp_path, "".join(with_none))
    assert source.not_missing == ("None",) and not source.drop_missing_target
    assert f"'None' is read as an answer, not as a missing value (40 rows of '{where}')." in message


def test_a_frequent_none_in_the_target_is_an_answer_beside_empty_cells(tmp_path: Path) -> None:
    """Only the rows with empty cells are left out; None between numbers stays a missing value."""
    text = column(color, lambda n: "" if n < 3 else "None" if n % 3 == 0 else "xy"[n % 2])
    source, message = started(tmp_path, text)
    assert source.not_missing == ("None",) and load_dataset(source).classes == ("None", "x", "y")
    assert "3 rows without a value of the target 'kind' are left out.\nChange" in message
    source, message = started(tmp_path, text.replace("\n7.25,", "\nNone,"))
    assert source.not_missing == () and "42 rows without a value of the target 'kind' are left out." in message


def test_none_is_missing_beside_empty_cells_or_numbers(tmp_path: Path) -> None:
    """The message names the key that would keep it; a missing category is a category then."""
    source, message = started(
        tmp_path, column(lambda n: "None" if n % 3 == 0 else "" if n % 10 == 1 else color(n // 2))
    )
    assert source.not_missing == () and source.missing_categories == "level"
    assert "'None' is read as a missing value (40 rows of 'cell'); dataset.not_missing: [\"None\"] keeps it" in message
    text = column(lambda n: "None" if n % 3 == 0 else color(n // 2)).replace("\n7.25,", "\nNone,")
    source, message = started(tmp_path, text)
    assert source.not_missing == () and "'None' is read as a missing value (40 rows of 'cell')" in message


def test_an_answer_of_one_column_is_one_in_the_others(tmp_path: Path) -> None:
    """`None` in 2 of 120 rows of another column is an answer too; `NA` elsewhere is not."""
    text = column(lambda n: "None" if n % 3 == 0 else "NA" if n % 30 == 1 else color(n // 2))
    two = column(lambda n: "None" if n % 3 == 0 else color(n // 2)).splitlines()
    more = ["other"] + ["None" if n < 2 else "pq"[n % 2] for n in range(120)]
    source, message = started(tmp_path, "".join(f"{first},{line}\n" for first, line in zip(more, two, strict=True)))
    assert source.not_missing == ("None",) and "(2 rows of 'other', 40 rows of 'cell')" in message
    assert source.read().columns[0].categories == ("None", "p", "q")
    assert started(tmp_path, text)[0].not_missing == ()


def test_a_rare_none_in_the_target_is_left_out_and_named(tmp_path: Path) -> None:
    """Two rows are no class."""
    source, message = started(tmp_path, column(color, lambda n: "None" if n in (5, 50) else "xy"[n % 2]))
    assert source.drop_missing_target and source.not_missing == ()
    assert "'None' (2 rows) is read as a missing value; dataset.not_missing: [\"None\"] keeps it." in message


def test_na_is_an_answer_between_codes_of_two_letters(tmp_path: Path) -> None:
    """Namibia or North America; between other words it is a missing value."""
    source, _ = started(tmp_path, column(lambda n: ("EU", "NA", "AS", "SA")[n % 4]))
    assert source.not_missing == ("NA",)
    source, message = started(tmp_path, column(lambda n: ("Grvl", "NA", "Pave")[n % 3]))
    assert source.not_missing == () and source.missing_categories == "level"
    assert "'NA' is read as a missing value (40 rows of 'cell')" in message


@pytest.mark.parametrize("word", ["NuLL", "n.a.", "N.A.", "\\N", "#DIV/0!", "--", "..", "(null)", "Null"])
@pytest.mark.parametrize(("usual", "choice"), [(color, "level"), (few, "most_frequent")])
def test_variants_of_the_usual_words_are_missing_values(
    tmp_path: Path, word: str, usual: Callable[[int], str], choice: str
) -> None:
    """Between words and between few numbers."""
    source, message = started(tmp_path, column(lambda n: word if n % 12 == 0 else usual(n)))
    assert source.missing == (word,) and f"'{word}' counts as a missing value (10 rows of 'cell')." in message
    assert source.missing_categories == choice and word not in (source.read().columns[1].categories or ())


@pytest.mark.parametrize("word", ["none", "unknown", "na", "missing", "other"])
def test_words_that_may_be_answers_stay(tmp_path: Path, word: str) -> None:
    """They are categories."""
    source, _ = started(tmp_path, column(lambda n: word if n % 3 == 0 else color(n // 2)))
    assert source.missing == () and word in (source.read().columns[1].categories or ())


@pytest.mark.parametrize(("every", "choice"), [(20, "level"), (40, "most_frequent")])
def test_a_missing_category_is_a_category_from_5_percent_on(tmp_path: Path, every: int, choice: str) -> None:
    """With 6 and 3 of 120 rows."""
    source, _ = started(tmp_path, column(lambda n: "" if n % every == 0 else color(n)))
    assert source.missing_categories == choice


@pytest.mark.parametrize(
    "spellings", [(">50K", ">50K."), ("yes", "Yes"), ("caf\u00e9", "cafe\u0301"), ("new york", "new  york")]
)
def test_surely_equal_labels_are_merged(tmp_path: Path, spellings: tuple[str, str]) -> None:
    """The message has both spellings with their counts."""
    source, message = started(tmp_path, column(color, lambda n: spellings[n % 6 == 0] if n % 2 == 0 else "no"))
    assert source.normalize_labels and load_dataset(source).classes == tuple(sorted([spellings[0], "no"]))
    assert f"'{spellings[0]}' (40 rows) and '{spellings[1]}' (20 rows)" in message


def test_doubtful_labels_are_reported_and_kept(tmp_path: Path) -> None:
    """`a` and `A` may be two codes; one doubtful column keeps all spellings."""
    source, message = started(tmp_path, column(color, lambda n: "aAb"[n % 3]))
    assert not source.normalize_labels and load_dataset(source).classes == ("A", "a", "b")
    assert "'A' (40 rows) and 'a' (40 rows). To read them as one word, set dataset.normalize_labels: true." in message
    source, _ = started(tmp_path, column(lambda n: "aAb"[n % 3], lambda n: ("yes", "Yes", "no")[n % 3]))
    assert not source.normalize_labels


def test_words_between_numbers_are_counted(tmp_path: Path) -> None:
    """In the error about typing errors, and in the notice about a column that is read as words."""
    (tmp_path / "t.csv").write_text(column(lambda n: "oops" if n < 2 else "12x" if n < 3 else f"{n * 7}"))
    fact = "column 'cell' has 'oops' .2 rows. and '12x' .1 row. between numbers"
    with pytest.raises(Exception, match=fact):
        TableSource(path=str(tmp_path / "t.csv")).read()
    (tmp_path / "t.csv").write_text(column(lambda n: "refused" if n % 4 == 0 else f"{n * 7}"))
    (notice,) = TableSource(path=str(tmp_path / "t.csv")).read().notices
    assert notice == (
        "column 'cell' has 'refused' between numbers in 30 rows, and is read as words. "
        "For numbers, set dataset.missing=[refused]; for words, dataset.categorical=[cell]."
    )
    assert not TableSource(path=str(tmp_path / "t.csv"), categorical=("cell",)).read().notices
    (tmp_path / "t.csv").write_text(column(lambda n: "refused" if n % 6 == 0 else f"{n % 8}"))
    (notice,) = TableSource(path=str(tmp_path / "t.csv")).read().notices
    assert "column 'cell' has 'refused' between numbers in 20 rows, and is read as words." in notice
    (tmp_path / "t.csv").write_text(column(lambda n: "A" if n % 6 == 0 else f"{n % 4}"))
    assert not TableSource(path=str(tmp_path / "t.csv")).read().notices
    (tmp_path / "t.csv").write_text(column(lambda n: f'"{1 + n // 100},{n * 7 % 1000:03} km"'))
    (notice,) = TableSource(path=str(tmp_path / "t.csv")).read().notices
    assert "column 'cell' has numbers with other text, such as '1,000 km', and is read as words." in notice


def test_a_long_column_of_numbers_and_words_is_called_that(tmp_path: Path) -> None:
    """Where more than 1,000 different words are refused."""
    rows = "".join(f"{n % 5},{'refused' if n % 4 == 0 else n},{'xy'[n % 2]}\n" for n in range(2000))
    (tmp_path / "t.csv").write_text(f"size,cell,kind\n{rows}")
    with pytest.raises(Exception, match="cannot use this column: 'cell' has 'refused' between numbers in 500 rows"):
        TableSource(path=str(tmp_path / "t.csv")).read()
