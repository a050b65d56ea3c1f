"""The tables of a sweep must match its runs, except for rounding."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import pytest

from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.verify import verify_sweep
from tests.formats.moving import copied


def wrong(folder: Path) -> list[str]:
    """Return the tables that do not match."""
    return [check.what for check in verify_sweep(SweepFolder(folder)) if not check.right]


def moved(table: Path, columns: Sequence[str], by: float) -> None:
    """Move numbers of some columns by a multiple of the width of the row's interval."""
    names, *rows = csv.reader(io.StringIO(table.read_text()))
    for row in rows:
        width = float(row[names.index("high")]) - float(row[names.index("low")])
        for column in columns:
            row[names.index(column)] = repr(float(row[names.index(column)]) + by * width)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([names, *rows])
    table.write_text(text.getvalue())


@pytest.mark.parametrize(
    ("table", "columns"), [("summary.csv", ("mean", "sd", "low", "high")), ("comparisons.csv", ("difference", "low"))]
)
def test_rounding_of_another_version_is_no_damage(table: str, columns: Sequence[str], tmp_path: Path) -> None:
    """Rounding of old SciPy (4e-11) is accepted; 1e-6 of an interval's width is damage."""
    sweep = copied(2, tmp_path) / "sweep-finished"
    kept = (sweep / table).read_bytes()
    moved(sweep / table, columns, 4e-11)
    assert (sweep / table).read_bytes() != kept
    assert wrong(sweep) == []
    for column in columns:
        (sweep / table).write_bytes(kept)
        moved(sweep / table, [column], 1e-6)
        assert wrong(sweep) == [table]


@pytest.mark.parametrize(
    ("table", "before", "after"),
    [
        ("comparisons.csv", "no difference shown", "better"),
        ("comparisons.csv", ",1.0,1.0,1.0,", ",1.0,0.999999,1.0,"),
        ("comparisons.csv", ",1.0,1.0,1.0,", ",1.0,,1.0,"),
        ("comparisons.csv", ",1.0,1.0,1.0,", ",1.0,nan,1.0,"),
        ("summary.csv", "train.nll", "train.nil"),
        ("summary.csv", ",2,", ",3,"),
        ("summary.csv", "\n0.4,train.nll", "\n\n0.4,train.nll"),
        ("results.csv", "\n9ce97e0e5e41,0.0,0,0,train.accuracy", "\n9ce97e0e5e41,0.0,1,0,train.accuracy"),
    ],
)
def test_any_other_cell_must_be_as_it_was(table: str, before: str, after: str, tmp_path: Path) -> None:
    """Words, counts, p-values and the number of rows must be equal."""
    sweep = copied(2, tmp_path) / "sweep-finished"
    text = (sweep / table).read_text()
    assert before in text
    (sweep / table).write_text(text.replace(before, after, 1))
    assert wrong(sweep) == [table]


def test_a_table_that_is_no_text_does_not_follow(tmp_path: Path) -> None:
    """A table that is not text fails its check without a traceback."""
    sweep = copied(2, tmp_path) / "sweep-finished"
    (sweep / "summary.csv").write_bytes(b"\xff\xfe\x00" * 9)
    assert wrong(sweep) == ["summary.csv"]
