"""Arrays of one's own, in memory and left in their files."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_cli.core.errors import DataError
from dropout_cli.core.rng import stream
from dropout_cli.core.types import Array
from dropout_cli.data import load_dataset
from dropout_cli.data.readers import idx
from dropout_cli.data.readers.file_rows import SEGMENTS, FilePiece, FileRows, SegmentWindow
from dropout_cli.data.sources.arrays import Arrays
from dropout_cli.training.batch_order import row_order
from tests.small_run import train


def numbers(count: int = 60, features: int = 3) -> tuple[Array, Array]:
    """Examples and labels."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, features)).astype(np.float32), np.arange(count) % 3


def pair(folder: Path, x: Array, y: Array, **keys: Any) -> Arrays:
    """Two .npy files."""
    np.save(folder / "x.npy", x)
    np.save(folder / "y.npy", y)
    return Arrays(path=str(folder / "x.npy"), labels=str(folder / "y.npy"), **keys)


def test_npz_npy_and_idx_hold_the_same(tmp_path: Path) -> None:
    """One set of pictures in three kinds of files; those without channels get one."""
    x = np.arange(60 * 4 * 5).reshape(60, 4, 5).astype(np.uint8)
    y = (np.arange(60) % 3).astype(np.uint8)
    np.savez_compressed(tmp_path / "a.npz", x=x, y=y)
    idx.write_idx(tmp_path / "x-idx3-ubyte.gz", x)
    idx.write_idx(tmp_path / "y-idx1-ubyte", y)
    sources = [
        Arrays(path=str(tmp_path / "a.npz")),
        pair(tmp_path, x, y),
        Arrays(path=str(tmp_path / "x-idx3-ubyte.gz"), labels=str(tmp_path / "y-idx1-ubyte")),
    ]
    for source in sources:
        found = source.read()
        assert found.x.dtype == np.uint8 and found.x.shape == (60, 4, 5, 1)
        assert np.array_equal(found.x[..., 0], x) and np.array_equal(found.labels, y)


def test_parts_that_are_given_are_kept(tmp_path: Path) -> None:
    """x_val and x_test of an archive become the parts; the rest trains."""
    x, y = numbers()
    np.savez(tmp_path / "a.npz", x=x[:40], y=y[:40], x_val=x[40:50], y_val=y[40:50], x_test=x[50:], y_test=y[50:])
    dataset = load_dataset(Arrays(path=str(tmp_path / "a.npz")))
    assert dataset.val is not None
    assert [len(part) for part in (dataset.train, dataset.val, dataset.test)] == [40, 10, 10]
    assert np.array_equal(dataset.test.x, x[50:])


def test_labels_tell_the_task(tmp_path: Path) -> None:
    """Words and few whole numbers are classes; fractions, and columns of them, quantities."""
    x, _ = numbers()
    assert pair(tmp_path, x, np.array(["a", "b"] * 30)).read().classes == ("a", "b")
    assert pair(tmp_path, x, np.linspace(0, 1, 60)).read().target_names == ("y",)
    assert pair(tmp_path, x, np.linspace(0, 1, 120).reshape(60, 2)).read().target_names == ("y0", "y1")


def bad_arrays() -> dict[str, tuple[Array, Array, str]]:
    """Return arrays that are refused, and their error messages."""
    x, y = numbers()
    broken = x.copy()
    broken[7, 1] = np.nan
    return {
        "objects": (np.array([{}] * 60, object), y, "x.npy"),
        "words": (x.astype(str), y, "numbers"),
        "not finite": (broken, y, "row 7"),
        "too few labels": (x, y[:50], "50 labels for 60"),
        "one dimension": (x[:, 0], y, "shape"),
        "empty": (x[:0], y[:0], "shape"),
        "multi-label": (
            x,
            np.eye(3)[y] + np.outer(y == 1, [1, 0, 0]),
            "row 1: the labels are multi-label.*20 of 60 rows have",
        ),
        "no label": (x, np.eye(3)[y] * (y[:, None] > 0), "row 0: .*no row has several 1s, 20 have none"),
        "one class": (x, np.zeros(60), "every row"),
        "labels without value": (x, np.full(60, np.nan), "missing"),
    }


@pytest.mark.parametrize("name", bad_arrays())
def test_bad_arrays_are_refused(tmp_path: Path, name: str) -> None:
    """With the file, and the row where one is to blame."""
    x, y, said = bad_arrays()[name]
    np.save(tmp_path / "x.npy", x, allow_pickle=True)
    np.save(tmp_path / "y.npy", y)
    with pytest.raises(DataError, match=said):
        Arrays(path=str(tmp_path / "x.npy"), labels=str(tmp_path / "y.npy")).read()


def test_files_that_claim_more_than_they_hold_are_refused(tmp_path: Path) -> None:
    """A header that declares a terabyte, alone and packed, costs nothing."""
    with (tmp_path / "x.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 125)})
    np.save(tmp_path / "y.npy", np.arange(3))
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w") as archive:
        for name in "xy":
            archive.write(tmp_path / "x.npy", f"{name}.npy")
    for source in (
        Arrays(path=str(tmp_path / "x.npy"), labels=str(tmp_path / "y.npy")),
        Arrays(path=str(tmp_path / "bomb.npz")),
    ):
        with pytest.raises(DataError):
            source.read()


def in_files(folder: Path, x: Array, memory: int) -> FileRows:
    """The rows of x in two files."""
    pieces = []
    for name, part in (("a", x[:17]), ("b", x[17:])):
        (folder / name).write_bytes(b"header" + part.tobytes())
        pieces.append(FilePiece(folder / name, 6, len(part)))
    return FileRows(pieces, x.shape[1:], x.dtype, memory)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), memory=st.integers(1, 3000))
def test_rows_from_files_are_the_rows(
    data: st.DataObject, memory: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In any order, repeated, as slices, of subsets, and through the window."""
    x, _ = numbers(50)
    folder = tmp_path_factory.mktemp("rows")
    rows = in_files(folder, x, memory)
    chosen = np.array(data.draw(st.lists(st.integers(0, 49), max_size=60)), np.intp)
    assert np.array_equal(rows[chosen], x[chosen])
    assert np.array_equal(rows[slice(3, 33)], x[3:33])
    kept = np.array(sorted(data.draw(st.sets(st.integers(0, 49), min_size=1))), np.intp)
    part, window = rows.subset(kept), SegmentWindow(rows.subset(kept))
    for at in range(0, len(kept), 7):
        batch = row_order(stream(0, "test"), len(kept), part.segment_rows)[at : at + 7]
        assert np.array_equal(window[batch], x[kept][batch])


@given(count=st.integers(1, 500), segment=st.integers(1, 40))
def test_a_pass_takes_every_row_once_by_segments(count: int, segment: int) -> None:
    """It is a permutation in which the rows of at most SEGMENTS segments are together."""
    rows = row_order(stream(0, "test"), count, segment)
    assert np.array_equal(np.sort(rows), np.arange(count))
    seen: list[int] = []
    for one in (rows // segment).tolist():
        if one not in seen:
            seen.append(one)
        assert seen.index(one) // SEGMENTS == (len(seen) - 1) // SEGMENTS


def test_training_from_files_learns_as_well_as_from_memory(tmp_path: Path) -> None:
    """The order of the examples is another, and what is learned as good."""
    x, y = numbers(300, 4)
    x[:, 0] += 6 * y
    pair(tmp_path, x, y)
    source = f"dataset={{name: arrays, path: {tmp_path}/x.npy, labels: {tmp_path}/y.npy}}"
    plain = ("dropout=none", "training.epochs=20", "training.batch_size=16")
    summaries = []
    for memory in ("1.0", "1.0e-6", "4.0e-6"):
        run = train(tmp_path / memory, source, f"dataset.memory={memory}", *plain)
        summaries.append(run.summary()["test"]["accuracy"])
        assert run.status == "completed"
    assert min(summaries) > 0.85


def test_a_file_that_shrinks_while_it_is_used_is_told(tmp_path: Path) -> None:
    """One line, and no endless loop."""
    x, _ = numbers(50)
    rows = in_files(tmp_path, x, 100)
    (tmp_path / "b").write_bytes(b"")
    with pytest.raises(DataError, match="shorter"):
        rows[np.arange(50)]


def test_a_value_that_is_not_finite_is_found_in_a_large_file_too(tmp_path: Path) -> None:
    """Its row is named, in a file that is never in memory as a whole."""
    x, y = numbers()
    x[41, 2] = np.inf
    with pytest.raises(DataError, match="row 41"):
        pair(tmp_path, x, y, memory=1e-7).read()
    for memory in (1.0, 1e-7):  # finite, and not so in single precision
        wide = x.astype(np.float64)
        wide[41, 2] = 1e300
        with pytest.raises(DataError, match="row 41: has a value that is not a finite 32-bit number"):
            pair(tmp_path, wide, y, memory=memory).read()
