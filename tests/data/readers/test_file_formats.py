"""Formats of files that should be tables: read, or named with a way out."""

import gzip
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from dropout_cli.config.starter import starter_config
from dropout_cli.core.errors import DataError
from dropout_cli.data.sources.table import TableSource

ROWS = [{"a": n * 0.5, "b": (n * 7) % 5, "kind": "uv"[n % 2]} for n in range(30)]
X = np.array([[row["a"], row["b"]] for row in ROWS])


def zipped(names: dict[str, bytes]) -> bytes:
    """Return a ZIP archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return buffer.getvalue()


LINES = "\n".join(json.dumps(row) for row in ROWS)
ARFF = (
    "% about\n\n@RELATION flowers\n@attribute a REAL\n@attribute b numeric\n@attribute kind {u,v}\n@DATA\n"
    + "\n".join(f"{row['a']},{row['b']},{row['kind']}" for row in ROWS)
)


@pytest.mark.parametrize("name", ["t.jsonl", "t.ndjson", "t.csv", "t.json", "t.jsonl.gz"])
@pytest.mark.parametrize("text", [LINES, LINES + "\n", "\n\n".join(LINES.split("\n")), json.dumps(ROWS, indent=1)])
def test_json_is_read(tmp_path: Path, name: str, text: str) -> None:
    """Objects in lines or in an array, whatever the name of the file."""
    data = text.encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    examples = TableSource(path=str(tmp_path / name)).read()
    assert np.array_equal(examples.x, X) and examples.classes == ("u", "v")


def test_nested_json_is_left_out_with_a_message(tmp_path: Path) -> None:
    """A key that some objects lack is a missing value."""
    rows = [row | {"tags": ["x"], "place": {"lat": 1}} for row in ROWS]
    del rows[3]["b"]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, rows)))
    examples = TableSource(path=str(tmp_path / "t.jsonl"), target="kind").read()
    assert "columns 'tags', 'place' hold lists and are left out" in " ".join(examples.notices)
    assert np.isnan(examples.x[3, 1]) and np.isnan(examples.x).sum() == 1


def test_parquet_columns_of_lists_are_left_out(tmp_path: Path) -> None:
    """By `config init`, too."""
    import pandas as pd

    frame = pd.DataFrame(ROWS)
    frame["list"], frame["mapping"] = pd.Series([[1, 2]] * 30), pd.Series([{"x": 1}] * 30)
    frame.to_parquet(tmp_path / "t.parquet")
    frame["maybe"] = pd.array([1, None, 3] * 10, "Int64")
    frame.to_parquet(tmp_path / "t.parquet")
    assert np.isnan(TableSource(path=str(tmp_path / "t.parquet"), target="kind").read().x[:, 2]).sum() == 10
    frame = frame.drop(columns="maybe")
    frame["words"] = pd.array(["x", None, "y"] * 10, "string")
    frame.to_parquet(tmp_path / "u.parquet")
    assert np.isnan(TableSource(path=str(tmp_path / "u.parquet"), target="kind").read().x[:, 2]).sum() == 10
    assert "hold lists and are left out" in starter_config(tmp_path / "u.parquet")[1]
    assert "hold lists and are left out" in starter_config(tmp_path / "t.parquet")[1]
    assert np.array_equal(TableSource(path=str(tmp_path / "t.parquet"), target="kind").read().x[:, :2], X)


@pytest.mark.parametrize("name", ["t.arff", "t.csv"])
def test_arff_is_read(tmp_path: Path, name: str) -> None:
    """A question mark is a missing value."""
    (tmp_path / name).write_text(ARFF.replace("\n1.5,", "\n?,"))
    examples = TableSource(path=str(tmp_path / name)).read()
    assert examples.classes == ("u", "v") and np.array_equal(examples.x[4:], X[4:]) and np.isnan(examples.x[3, 0])


def test_libsvm_is_read(tmp_path: Path) -> None:
    """Values that are left out are 0; the target is the last column."""
    lines = [f"{'+1' if n % 2 else -1} 1:{row['a']} 3:{row['b']} # row" for n, row in enumerate(ROWS)]
    (tmp_path / "t.txt").write_text("\n".join(lines))
    examples = TableSource(path=str(tmp_path / "t.txt")).read()
    assert examples.classes == ("-1", "1") and np.array_equal(examples.x[:, [0, 2]], X)
    assert not examples.x[:, 1].any()


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"<!DOCTYPE html><html><body>404</body></html>", "is an HTML page. Download the file itself"),
        (b"\n<HTML><table><tr><td>1</td></tr></table></HTML>", "is an HTML page. It contains a table"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "is a Git LFS pointer.*git lfs pull"),
        (zipped({"data.csv": b"a,b\n1,2\n"}), "is a ZIP archive, for example data.csv. Unpack it"),
        (zipped({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}), r"is an OpenDocument file \(.ods\)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), r"old Excel format \(.xls\). Save it as .xlsx"),
        (b"%PDF-1.7\n", "is a PDF document"),
        (b"SQLite format 3\0" + bytes(100), "is an SQLite database"),
        (b"\x93NUMPY\x01\0", "is a NumPy array. Use dataset: {name: arrays"),
        (b"\x89PNG\r\n\x1a\n", "is a PNG image"),
        (b"\x80\x04\x95" + bytes(20), "is a serialized Python object"),
        (b"$FL2@(#) SPSS", "is an SPSS file"),
        (b"<?xml version='1.0'?><rows/>", "is an XML file"),
        (bytes(257) + b"ustar\0" + bytes(300), "is a tar archive"),
        (b"PK\x03\x04 cut off", "is a damaged ZIP archive"),
        (b'{\n  "a": [1, 2]\n}\n', "is one JSON object over several lines"),
        (b'{"a": 1}\n{"a": }\n', "line 2: is not valid JSON"),
        (b"[{}, 3]", "is not a list of JSON objects"),
        (b"{}\n{}\n", "has no column of words or numbers"),
        (b'{"a": [1]}\n{"a": [2]}\n', "has no column of words or numbers"),
        (b"@relation x\n@attribute a string\n@data\nb\n", "cannot be read as ARFF"),
        (b"1 qid:1 1:2\n2 qid:1 1:3\n", "has queries"),
    ],
)
def test_other_formats_are_named(tmp_path: Path, content: bytes, fact: str) -> None:
    """With a way out, by every command that reads tables."""
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(DataError, match=fact):
        TableSource(path=str(tmp_path / "t.csv")).read()
    with pytest.raises(DataError, match=fact):
        starter_config(tmp_path / "t.csv")


def test_workbooks_and_parquet_are_read_under_any_name(tmp_path: Path) -> None:
    """The content decides."""
    import pandas as pd

    pd.DataFrame(ROWS).to_excel(tmp_path / "t.xlsx", index=False)
    pd.DataFrame(ROWS).to_parquet(tmp_path / "t.parquet")
    for name in ("t.xlsx", "t.parquet"):
        (tmp_path / name).rename(tmp_path / f"{name}.csv")
        assert np.array_equal(TableSource(path=str(tmp_path / f"{name}.csv")).read().x, X)


def test_escaped_quotation_marks_are_read(tmp_path: Path) -> None:
    """A backslash elsewhere stays."""
    rows = "".join(f'"{n}\\" pipe, {"big" if n % 3 else "small"}",{n}.5,{"uv"[n % 2]}\n' for n in range(5)) * 4
    (tmp_path / "t.csv").write_text(f"desc,a,kind\n{rows}")
    examples = TableSource(path=str(tmp_path / "t.csv")).read()
    assert examples.columns[0].categories is not None and '4" pipe, big' in examples.columns[0].categories
    paths = "".join(f'"C:\\temp\\{"xyz"[n % 3]}",{n}.5,{"uv"[n % 2]}\n' for n in range(20))
    (tmp_path / "t.csv").write_text(f"path,a,kind\n{paths}")
    categories = TableSource(path=str(tmp_path / "t.csv")).read().columns[0].categories
    assert categories == ("C:\\temp\\x", "C:\\temp\\y", "C:\\temp\\z")


def test_points_that_may_separate_thousands_are_mentioned(tmp_path: Path) -> None:
    """The key decides; other points and commas leave no doubt."""
    (tmp_path / "t.csv").write_text("n;kind\n" + "".join(f"{n % 9 + 1}.105;{'uv'[n % 2]}\n" for n in range(30)))
    examples = TableSource(path=str(tmp_path / "t.csv")).read()
    assert "column 'n': numbers such as 1.105 were read with a decimal point" in " ".join(examples.notices)
    assert examples.x[0, 0] == np.float32(1.105)
    assert TableSource(path=str(tmp_path / "t.csv"), decimal=",").read().x[0, 0] == 1105
    plain = TableSource(path=str(tmp_path / "t.csv"), decimal=".").read()
    assert plain.x[0, 0] == np.float32(1.105) and not plain.notices
    (tmp_path / "t.csv").write_text("n;m;kind\n" + "".join(f"{n % 9 + 1}.105;0,5;{'uv'[n % 2]}\n" for n in range(30)))
    examples = TableSource(path=str(tmp_path / "t.csv")).read()
    assert examples.x[0, 0] == 1105 and not examples.notices
