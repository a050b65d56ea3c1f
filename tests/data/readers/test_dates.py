"""`dataset.dates`: features made of dates."""

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dropout_cli.core.errors import DataError
from dropout_cli.data import load_dataset
from dropout_cli.data.base import Column, DateFeature
from dropout_cli.data.preprocessing import Preprocessing
from dropout_cli.data.readers.column_matching import match_columns
from dropout_cli.data.readers.dates import DateHandling
from dropout_cli.data.readers.table_columns import TableOptions
from dropout_cli.data.sources.table import TableSource
from dropout_cli.sweeps.workers.serialization import pack_examples, unpack_examples
from tests.commands import dropout

DAYS = [dt.date(2019, 12, 28) + dt.timedelta(days=11 * n) for n in range(60)]
EXPECTED = np.array([[d.year, d.month, d.weekday(), (d - dt.date(1970, 1, 1)).days] for d in DAYS], float)
NAMES = ["when (year)", "when (month)", "when (weekday)", "when (day number)"]


def source(path: Path, cells: list[str], dates: DateHandling = "expand") -> TableSource:
    """A table with dates in one column."""
    rows = "".join(f'"{cell}",{n % 7}.5,{"uv"[n % 2]}\n' for n, cell in enumerate(cells))
    path.write_text(f"when,size,kind\n{rows}")
    return TableSource(path=str(path), dates=dates)


@pytest.mark.parametrize(
    "notation",
    ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d %b %Y", "%b %d, %Y", "%Y%m%d", "%m/%d/%y"],
)
def test_a_date_becomes_four_features(tmp_path: Path, notation: str) -> None:
    """Python's own calendar gives the numbers, in every notation."""
    examples = source(tmp_path / "t.csv", [day.strftime(notation) for day in DAYS]).read()
    assert [column.name for column in examples.columns] == [*NAMES, "size"]
    assert np.array_equal(examples.x[:, :4], EXPECTED)


def test_a_time_is_a_fraction_of_the_day(tmp_path: Path) -> None:
    """A time without a date is one feature."""
    examples = source(tmp_path / "t.csv", [f"{day} 18:00" for day in DAYS]).read()
    assert np.array_equal(examples.x[:, 3], EXPECTED[:, 3] + 0.75)
    clock = source(tmp_path / "u.csv", [f"{n % 24}:30" for n in range(60)]).read()
    assert [column.name for column in clock.columns] == ["when (hour)", "size"]
    assert np.array_equal(clock.x[:, 0], [n % 24 + 0.5 for n in range(60)])


@pytest.mark.parametrize("ending", ["parquet", "xlsx"])
def test_typed_dates_are_read(tmp_path: Path, ending: str) -> None:
    """Files with a type for dates need no notation."""
    frame = pd.DataFrame({"when": pd.to_datetime(DAYS), "size": np.arange(60) % 7 + 0.5, "kind": ["u", "v"] * 30})
    path = tmp_path / f"t.{ending}"
    if ending == "xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_parquet(path)
    assert np.array_equal(TableSource(path=str(path), dates="expand").read().x[:, :4], EXPECTED)


def test_an_ambiguous_order_is_asked_about(tmp_path: Path) -> None:
    """3/4/2020 everywhere: the key decides, and nothing is guessed."""
    cells = [f"{1 + n % 12}/{1 + n // 5}/2020" for n in range(60)]
    with pytest.raises(DataError, match=r"dates such as 1/1/2020, where day or month may come first.*day_first"):
        source(tmp_path / "t.csv", cells).read()
    first = source(tmp_path / "t.csv", cells, "day_first").read().x[:, 1]
    second = source(tmp_path / "t.csv", cells, "month_first").read().x[:, 1]
    assert first.tolist() == [1 + n // 5 for n in range(60)] and second.tolist() == [1 + n % 12 for n in range(60)]


def test_gaps_stay_gaps_and_a_wrong_date_has_its_line(tmp_path: Path) -> None:
    """30 February is no date."""
    cells = [str(day) for day in DAYS]
    cells[3] = ""
    assert np.isnan(source(tmp_path / "t.csv", cells).read().x[3, :4]).all()
    cells[5] = "2020-02-30"
    with pytest.raises(DataError, match=r"t.csv, line 7: column 'when' has '2020-02-30', which is not a date"):
        source(tmp_path / "t.csv", cells).read()


def test_without_the_key_dates_are_refused(tmp_path: Path) -> None:
    """The message names it."""
    with pytest.raises(DataError, match=r"contains dates.*dataset.dates=expand"):
        source(tmp_path / "t.csv", [str(day) for day in DAYS], "refuse").read()


def test_new_rows_are_read_in_the_order_of_training(tmp_path: Path) -> None:
    """A single row 3/4/2021 does not show it; the stored preprocessing does."""
    trained = source(tmp_path / "t.csv", [day.strftime("%d/%m/%Y") for day in DAYS])
    stored = Preprocessing.from_dataset(load_dataset(trained)).pack()
    fitted = Preprocessing.unpack(stored, "it")
    new = pd.DataFrame({"when": ["3/4/2021"], "size": [1.5]})
    x, _ = match_columns(new, fitted.columns, TableOptions(), lambda row: f"row {row}")
    assert x[0, :3].tolist() == [2021, 4, 5]
    assert fitted.pack() == stored


def test_dates_travel_to_workers(tmp_path: Path) -> None:
    """So does the notation of numbers."""
    examples = source(tmp_path / "t.csv", [day.strftime("%d/%m/%Y") for day in DAYS]).read()
    packed = pack_examples(examples)
    assert packed is not None
    back = unpack_examples(packed)
    assert back.columns == examples.columns and back.read_as == examples.read_as
    assert back.columns[0] == Column("when (year)", date=DateFeature("when", "year", day_first=True))


def test_train_and_predict_with_dates(tmp_path: Path) -> None:
    """From the command line, with a file that has one row only."""
    source(tmp_path / "t.csv", [day.strftime("%d/%m/%Y") for day in DAYS])
    (tmp_path / "c.yaml").write_text(
        "dataset: {name: table, path: t.csv, dates: expand}\narchitecture: {name: mlp, hidden: [4]}\n"
        "training: {epochs: 2, batch_size: 8}\n"
    )
    done = dropout("train", "c.yaml", "--quiet", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (tmp_path / "new.csv").write_text("when,size\n3/4/2021,1.5\n")
    done = dropout("predict", "latest", "new.csv", cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.splitlines()[1].startswith("3/4/2021,1.5,"), done.stderr
