"""Rows without a target and of rare classes: refused, left out or merged; the others keep their numbers."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dropout_cli.core.errors import DataError, InvalidField
from dropout_cli.data import load_dataset
from dropout_cli.data.dataset import Dataset
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.data.sources.table import TableSource
from dropout_cli.sweeps.workers.serialization import pack_examples, unpack_examples

GAPS = (0, 7, 8, 31, 59)
"""Rows without a target."""


def source(folder: Path, *, gap: str = "", rare: dict[int, str] | None = None, **keys: Any) -> TableSource:
    """A table of 60 rows whose first feature is the row's number."""
    words = ["ab"[row % 2] for row in range(60)]
    for row in GAPS if gap is not None else ():
        words[row] = gap
    for row, word in (rare or {}).items():
        words[row] = word
    parts = ["train" if row % 4 else "test" for row in range(60)]
    rows = "".join(f"{row}.5,p{row // 4},{parts[row]},{word}\n" for row, word in enumerate(words))
    (folder / "t.csv").write_text(f"number,patient,part,kind\n{rows}")
    return TableSource(path=str(folder / "t.csv"), **{"drop": ("patient", "part"), **keys})


def check_numbers(dataset: Dataset, left_out: set[int]) -> None:
    """Every example has the number of its row in the file, and all rows but these occur once."""
    parts = [part for part in (dataset.train, dataset.val, dataset.test) if part is not None]
    for part in parts:
        np.testing.assert_allclose(part.x[:, 0], part.rows + 0.5)
    rows = np.concatenate([part.rows for part in parts])
    assert sorted(rows.tolist()) == sorted({*range(60)} - left_out)


def test_rows_without_a_target_are_refused_with_the_key(tmp_path: Path) -> None:
    """The message has the first line, the number of rows and the key that leaves them out."""
    with pytest.raises(DataError) as caught:
        source(tmp_path).read()
    text = "t.csv, line 2: the target 'kind' is missing in 5 rows. Fill it in, or leave these rows out with "
    assert f"{text}dataset.drop_missing_target: true." in str(caught.value)


@pytest.mark.parametrize("gap", ["", "NA", "?", " nan "])
def test_rows_without_a_target_are_left_out(tmp_path: Path, gap: str) -> None:
    """The others keep the numbers of their rows; a notice counts the rows."""
    dataset = load_dataset(source(tmp_path, gap=gap, drop_missing_target=True))
    check_numbers(dataset, {*GAPS})
    assert dataset.classes == ("a", "b")
    notice = "5 rows without a value of the target 'kind' are left out."
    word, hint = gap.strip(), f"'{gap.strip()}' (5 rows) is read as a missing value; "
    assert dataset.notices[0].startswith(f"{notice} {hint}" if word else notice)


def test_a_word_that_counts_as_missing_is_named(tmp_path: Path) -> None:
    """In the error and in the notice, with the key that keeps it."""
    hint = "'None' (5 rows) is read as a missing value; dataset.not_missing: [\"None\"] keeps it."
    with pytest.raises(DataError, match="is missing in 5 rows") as caught:
        source(tmp_path, gap="None").read()
    assert hint in str(caught.value)
    assert source(tmp_path, gap="None", drop_missing_target=True).read().notices[0].endswith(hint)
    assert source(tmp_path, gap="None", not_missing=("None",)).read().classes == ("None", "a", "b")


def test_a_target_without_any_value_is_an_error(tmp_path: Path) -> None:
    """Even if rows without a target are left out."""
    (tmp_path / "t.csv").write_text("a,b\n1,\n2,NA\n3,\n")
    with pytest.raises(DataError, match=r"the target 'b' is missing in every row. Choose another target. 'NA' .1 row"):
        TableSource(path=str(tmp_path / "t.csv"), drop_missing_target=True).read()


def test_rows_of_several_targets_need_all_of_them(tmp_path: Path) -> None:
    """A regression with two targets leaves out a row that lacks one."""
    rows = "".join(f"{n}.5,{n}.25,{n * 2}.5\n" for n in range(30))
    (tmp_path / "t.csv").write_text(f"a,b,c\n{rows}".replace("3.5,3.25", "3.5,").replace("9.25,18.5", "9.25,"))
    found = TableSource(path=str(tmp_path / "t.csv"), target=("b", "c"), drop_missing_target=True).read()
    assert found.rows is not None and {*range(30)} - {*found.rows.tolist()} == {3, 9}
    assert "".join(found.notices).count("without a value of the target") == 2
    np.testing.assert_allclose(found.labels[:, 1], 2 * found.rows + 0.5)


def test_test_rows_split_and_group_still_name_the_same_rows(tmp_path: Path) -> None:
    """They count and describe the rows of the file, whichever of them are left out."""
    by_rows = load_dataset(source(tmp_path, test_rows=(7, 9, 40, 59), drop_missing_target=True))
    check_numbers(by_rows, {*GAPS})
    assert by_rows.test.rows.tolist() == [9, 40]
    by_column = load_dataset(source(tmp_path, drop=("patient",), split="part", drop_missing_target=True))
    check_numbers(by_column, {*GAPS})
    assert by_column.test.rows.tolist() == [row for row in range(0, 60, 4) if row not in GAPS]
    by_group = load_dataset(source(tmp_path, drop=("part",), group="patient", drop_missing_target=True))
    check_numbers(by_group, {*GAPS})
    assert not {*(by_group.test.rows // 4).tolist()} & {*(by_group.train.rows // 4).tolist()}
    with pytest.raises(DataError, match="must name rows from 0 to 59"):
        load_dataset(source(tmp_path, test_rows=(60,), drop_missing_target=True))


def test_a_test_file_may_have_gaps_too(tmp_path: Path) -> None:
    """Its rows follow those of the training file."""
    (tmp_path / "u.csv").write_text("number,patient,part,kind\n60.5,p,test,\n61.5,p,test,a\n62.5,p,test,b\n")
    dataset = load_dataset(source(tmp_path, test_path=str(tmp_path / "u.csv"), drop_missing_target=True))
    assert dataset.test.rows.tolist() == [61, 62]
    np.testing.assert_allclose(dataset.test.x[:, 0], [61.5, 62.5])
    (tmp_path / "u.csv").write_text("number,patient,part,kind\n60.5,p,test,\n61.5,p,test,c\n")
    with pytest.raises(DataError, match=r"u.csv, line 3: has the class 'c'"):
        load_dataset(source(tmp_path, test_path=str(tmp_path / "u.csv"), drop_missing_target=True))


def test_errors_name_the_line_in_the_file(tmp_path: Path) -> None:
    """Also below rows that are left out."""
    found = source(tmp_path, drop_missing_target=True)
    text = Path(found.path).read_text()
    Path(found.path).write_text(text.replace("45.5,", "oops,"))
    with pytest.raises(DataError, match=r"line 47: column 'number' has 'oops' between numbers"):
        found.read()


RARE = {10: "c", 20: "d", 21: "d", 30: "e", 32: "e", 33: "e"}


def test_rows_of_rare_classes_are_left_out(tmp_path: Path) -> None:
    """A notice has the classes and their rows; classes and numbers of the others stay right."""
    keys: dict[str, Any] = {"gap": "a", "rare": RARE, "min_class_rows": 3}
    dataset = load_dataset(source(tmp_path, **keys))
    check_numbers(dataset, {10, 20, 21})
    assert dataset.classes == ("a", "b", "e")
    labels = {
        int(row): dataset.classes[label]
        for part in (dataset.train, dataset.test)
        for row, label in zip(part.rows, part.labels, strict=True)
    }
    assert all(labels[row] == "b" for row in labels if row % 2 and row not in (*GAPS, *RARE))
    assert "classes of 'kind' with fewer than 3 rows are left out: 'c' (1 row), 'd' (2 rows)." in dataset.notices[0]


def test_rare_classes_become_one(tmp_path: Path) -> None:
    """It is named other, or joins the class of that name; it is left out if it is rare itself."""
    keys: dict[str, Any] = {"gap": "a", "min_class_rows": 3, "rare_classes": "merge"}
    merged = load_dataset(source(tmp_path, rare=RARE, **keys))
    check_numbers(merged, set())
    assert merged.classes == ("a", "b", "e", "other")
    assert "are merged into 'other': 'c' (1 row), 'd' (2 rows)." in merged.notices[0]
    examples = source(tmp_path, rare=RARE, **keys).read()
    assert [row for row in range(60) if examples.classes[examples.labels[row]] == "other"] == [10, 20, 21]
    joined = source(tmp_path, rare={**RARE, 41: "Other"}, **keys).read()
    assert joined.classes == ("Other", "a", "b", "e")
    assert np.flatnonzero(joined.labels == 0).tolist() == [10, 20, 21, 41]
    for alone in ({10: "c"}, {10: "other"}, {10: "c", 11: "Other"}):
        assert source(tmp_path, rare=alone, **keys).read().classes == ("a", "b")
    many = source(tmp_path, rare={row: f"c{row}" for row in range(10, 24)}, **keys).read()
    assert "'c17' (1 row) and 6 more classes (6 rows)." in many.notices[0]


def test_a_class_with_three_rows_can_be_split(tmp_path: Path) -> None:
    """With any split seed; with one row it cannot, and the error names the key."""
    for seed in range(20):
        load_dataset(source(tmp_path, gap="a", rare={10: "c", 20: "c", 21: "c"}, split_seed=seed))
    with pytest.raises(DataError, match=r"class 'c' has only one example .*dataset.min_class_rows: 3"):
        load_dataset(source(tmp_path, gap="a", rare={10: "c"}))


def test_keys_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    """Each with the key that is wrong."""
    with pytest.raises(InvalidField, match="rare_classes"):
        source(tmp_path, rare_classes="merge")
    with pytest.raises(InvalidField, match="is also in dataset"):
        source(tmp_path, missing=("NA",), not_missing=("NA",))
    with pytest.raises(InvalidField, match="'none' is not read as a missing value anyway"):
        source(tmp_path, not_missing=("none",))
    with pytest.raises(DataError, match="the task is regression"):
        source(tmp_path, gap="a", target="number", drop=(), min_class_rows=3).read()
    with pytest.raises(DataError, match="the target 'kind' has 1 class with at least 30 rows"):
        source(tmp_path, gap="a", min_class_rows=30).read()


def test_a_trained_network_keeps_its_classes(tmp_path: Path) -> None:
    """In changed data a class of the training may be rare; it is neither left out nor merged."""
    for rare_classes in ("drop", "merge"):
        config = source(tmp_path, gap="a", rare=RARE, min_class_rows=3, rare_classes=rare_classes, test_fraction=0.3)
        fitted = Preprocessing.from_dataset(load_dataset(config))
        again = load_dataset(config, fitted)
        assert again.fingerprint == load_dataset(config).fingerprint
        lines = Path(config.path).read_text().splitlines(keepends=True)
        Path(config.path).write_text("".join(line for line in lines if not line.startswith("30.5,")))
        changed = config.read_for_classes(fitted.classes)
        assert changed.classes == fitted.classes and np.count_nonzero(changed.labels == changed.classes.index("e")) == 2


def test_examples_for_other_machines_keep_their_row_numbers(tmp_path: Path) -> None:
    """And all data without gaps are packed without them."""
    examples = source(tmp_path, drop_missing_target=True).read()
    packed = pack_examples(examples)
    assert packed is not None and examples.rows is not None
    np.testing.assert_array_equal(unpack_examples(packed).rows, examples.rows)
    complete = source(tmp_path, gap="a", drop_missing_target=True).read()
    assert complete.rows is None
    assert replace(complete, notices=()).labels.tolist() == source(tmp_path, gap="a").read().labels.tolist()
