"""Tables and arrays with odd contents: one line with place, fact and way out, exit code 3."""

import os
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.commands import dropout


@pytest.mark.parametrize("shape", ["(True, 60)", "(60, True)", "(1.0, 60)", "(-1, 60)", "('1', 60)", "[60]", "None"])
def test_a_length_that_is_no_whole_number_is_refused(shape: str, tmp_path: Path) -> None:
    """NumPy accepts True, and fails when it makes the array."""
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(240))
    np.save(tmp_path / "y.npy", np.zeros(1, int))
    (tmp_path / "c.yaml").write_text("dataset: {name: arrays, path: x.npy, labels: y.npy}\n")
    done = dropout("config", "check", "c.yaml", "--data", cwd=tmp_path)
    assert done.returncode == 3 and len(done.stderr.splitlines()) == 1, done.stderr
    assert "x.npy: cannot be read as an .npy file" in done.stderr


@pytest.mark.parametrize("column", ["a", "k"])
def test_a_whole_number_above_all_floats_is_named(column: str, tmp_path: Path) -> None:
    """With its line and column, whether it is a feature or the target."""
    table = pd.DataFrame({"a": map(str, range(40)), "k": map(str, range(40))})
    table.loc[5, column] = "1" * 400
    table.to_csv(tmp_path / "t.csv", index=False)
    for words in (("config", "init", "--data", "t.csv"), ("train", "t.csv")):
        done = dropout(*words, cwd=tmp_path)
        assert done.returncode == 3 and len(done.stderr.splitlines()) == 1, done.stderr
        assert f"t.csv, line 7: column '{column}' has inf, which is not a finite" in done.stderr


def test_a_table_of_lists_has_no_usable_column(tmp_path: Path) -> None:
    """Lists and structures are left out, and nothing is left."""
    pytest.importorskip("pyarrow")
    pd.DataFrame({"a": [[1, 2], [3]] * 20, "b": [{"x": 1}] * 40}).to_parquet(tmp_path / "t.parquet")
    for words in (("config", "init", "--data", "t.parquet"), ("train", "t.parquet")):
        done = dropout(*words, cwd=tmp_path)
        assert done.returncode == 3 and len(done.stderr.splitlines()) == 1, done.stderr
        assert "t.parquet: has no column of words or numbers" in done.stderr


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.csv.gz"])
def test_a_named_pipe_is_no_data_file(name: str, tmp_path: Path) -> None:
    """It is not waited for."""
    os.mkfifo(tmp_path / name)
    for words in (("config", "init", "--data", name), ("train", name)):
        done = dropout(*words, cwd=tmp_path)
        assert done.returncode == 3 and f"{name}: is not a regular file" in done.stderr, done.stderr
