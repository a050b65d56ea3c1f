"""Tables that cannot be read are refused with their place, whatever is in them."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dropout_cli.core.errors import DataError
from dropout_cli.data.sources.table import TableSource
from tests.data.sources.test_table import table

BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "empty": ("", {}, "is empty"),
    "blank": ("\n \n", {}, "is empty"),
    "header only": ("a,b\n", {}, "no rows"),
    "one class": ("a,b\n1,x\n2,x\n3,x\n", {}, "in every row"),
    "no such target": ("a,b\n1,x\n2,y\n", {"target": "z"}, "no column 'z'"),
    "target by place": ("a,b\n1,x\n2,y\n", {"target": 7}, "has only 2 columns"),
    "a target without classes": (
        "a,b\n" + "".join(f"{n},Note {n}\n" for n in range(9)),
        {},
        "target 'b' has 9 different values in 9 rows, which is too many for classes.",
    ),
    "numbers that are no classes": ("a,b\n" + "".join(f"{n},{n}\n" for n in range(9)), {}, "task: regression"),
    "missing target": ("a,b\n1,x\n2,\n3,y\n", {}, "line 3"),
    "all missing": ("a,b,c\n1,,x\n2,?,y\n", {}, "'b' is empty"),
    "too long": ("a,b\n1,x\n2,y,3\n", {}, "line 3"),
    "too short": ("a,b\n1,x\n2\n", {}, "line 3"),
    "a row of a hundred": ("a,b,c,d,e\n1,2,3,4,x\n" + ",".join("1" * 100) + "\n", {}, "100 fields"),
    "infinity": ("a,b\n1,x\n-inf,y\n", {}, "line 3"),
    "too large": ("a,b\n1,x\n1e300,y\n", {}, "line 3"),
    "dates": ("a,d,b\n1,2020-01-02,x\n2,2020-01-03,y\n", {}, "contains dates"),
    "a word among numbers": (
        "a,b\n" + "".join(f"{n},{'xy'[n % 2]}\n" for n in range(40)) + "oops,x\n",
        {},
        "line 42",
    ),
    "nothing to learn from": ("b\nx\ny\nx\n", {}, "no columns left"),
    "a part nobody knows": ("a,s,b\n1,train,x\n2,tset,y\n", {"split": "s"}, "line 3"),
    "rows that are not there": ("a,b\n1,x\n2,y\n", {"test_rows": (5,)}, "test_rows"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_table_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    """The file, and the line where one is to blame."""
    text, keys, said = BAD[name]
    with pytest.raises(DataError) as caught:
        table(tmp_path / "bad.csv", text, **keys)
    assert said in str(caught.value) and ("bad.csv" in str(caught.value) or "dataset." in str(caught.value))


@pytest.mark.parametrize(
    "data",
    [
        "a,b\n1,x\n".encode("utf-16"),
        b"\0\1\2\3",
        gzip.compress(b"a,b\n1,x\n2,y\n", mtime=0)[:20],
        b"\x1f\x8bnonsense",
        b"PK\x03\x04nonsense",
    ],
)
@pytest.mark.parametrize("name", ["bad.csv", "bad.xlsx", "bad.parquet"])
def test_what_is_no_table_is_refused(tmp_path: Path, data: bytes, name: str) -> None:
    """UTF-16, zero bytes, torn and false archives, in files of any name."""
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match="bad"):
        TableSource(path=str(tmp_path / name)).read()


def test_folders_and_rings_of_links_are_refused(tmp_path: Path) -> None:
    """Neither can be read."""
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    for path in (tmp_path, tmp_path / "ring", tmp_path / "none"):
        with pytest.raises(DataError):
            TableSource(path=str(path)).read()


CELLS = st.one_of(
    st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=6),
    st.integers(-5, 5).map(str),
    st.floats().map(str),
    st.sampled_from(["", "?", "NA", "nan", "2020-01-01", "1e400", "'", '"', ",", " "]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELLS, min_size=1, max_size=5), max_size=12), separator=st.sampled_from(",;\t| "))
def test_any_table_is_read_or_refused(tmp_path: Path, rows: list[list[str]], separator: str) -> None:
    """No other error than ours, and what is read keeps its promises."""
    (tmp_path / "any.csv").write_text("\n".join(separator.join(row) for row in rows), encoding="utf-8")
    try:
        found = TableSource(path=str(tmp_path / "any.csv")).read()
    except DataError:
        return
    assert len(found.x) == len(found.labels) and found.x.dtype == np.float32
    assert not np.isinf(found.x).any() and found.x.shape[1] == len(found.columns)
    for place, column in enumerate(found.columns):
        if column.categories is not None:
            codes = found.x[:, place][~np.isnan(found.x[:, place])]
            assert ((codes >= 0) & (codes < len(column.categories))).all()
