"""Tables on a narrow terminal, and the text beside a progress bar."""

import io
import os
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from dropout_cli.analysis.run_table import DEFAULT_COLUMNS, DROP_ORDER
from dropout_cli.cli import output, progress, table_layout
from dropout_cli.training.loop import EpochRecord
from tests import small_run

NAME = "20261123T141503Z_digits-mlp-inverted-r0.35-s11_7f3a9c"
RUN = (NAME, "completed", "inverted", "0.35", "60", "0.9731", "0.9699")


@pytest.mark.parametrize("width", range(20, 200, 7))
def test_no_word_is_broken_however_narrow(width: int) -> None:
    """Columns hold their longest word and number, or the rows become blocks."""
    headers = ("dropout.rate", "n", "95 % interval", "verdict")
    rows = (("0.35", "10", "0.9612 to 0.9731", "no difference shown"), ("0", "10", "", "baseline"))
    columns, shown, widths = table_layout.fit_table(headers, rows, width, ("n",))
    if widths is None:
        assert width < len("0.9612 to 0.9731 rate difference") + 2 * table_layout.COLUMN_GAP
        assert "95 % interval  0.9612 to 0.9731\n" in table_layout.format_as_blocks(headers, rows)
        return
    assert sum(widths) + table_layout.COLUMN_GAP * (len(widths) - 1) <= max(width, 0)
    for column, header, room in zip(columns, shown, widths, strict=True):
        assert max(map(len, header.split())) <= room
        cells = [row[column] for row in rows]
        unbroken = [cell for cell in cells if cell[:1].isdigit()] + [one for cell in cells for one in cell.split()]
        assert max(map(len, unbroken)) <= room


def test_what_matters_least_is_left_out_first() -> None:
    """The name of a run takes most of 80 columns; status and metric remain."""
    assert [DEFAULT_COLUMNS[one] for one in table_layout.fit_table(DEFAULT_COLUMNS, [RUN], 80, DROP_ORDER).columns] == [
        "name",
        "status",
        "test.accuracy",
    ]
    wide = table_layout.fit_table(DEFAULT_COLUMNS, [RUN], 200, DROP_ORDER)
    assert (wide.headers, len(wide.columns)) == (list(DEFAULT_COLUMNS), len(DEFAULT_COLUMNS))
    assert table_layout.fit_table(DEFAULT_COLUMNS, [RUN], 50, DROP_ORDER).widths is None


def test_headers_are_cut_where_nothing_is_lost() -> None:
    """Headers are cut to their last part if it is unique and not of a data part."""
    assert table_layout.shorten_headers(("a.b.rate", "x.name", "y.name", "test.rmse", "n")) == [
        "rate",
        "x.name",
        "y.name",
        "test.rmse",
        "n",
    ]


@pytest.mark.parametrize("width", [50, 80])
def test_the_best_number_shows_beside_the_bar(width: int) -> None:
    """Validation comes before the loss, so that a narrow terminal cuts the latter."""
    row = {"train_loss": 0.1234, "train_accuracy": 0.99, "val_loss": 0.1, "val_accuracy": 0.9876}
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=True)
    with Progress(*progress._columns(console), console=console, auto_refresh=False) as bar:
        line = progress._short_line(EpochRecord(100, row, 1.0, 1.0, 1), 100)
        bar.add_task(line, total=100, completed=100)
    assert "val accuracy 0.9876" in out.getvalue()
    assert "loss 0.1234" in out.getvalue() or width < 80


def on_a_terminal(width: int, *arguments: str, cwd: Path) -> list[str]:
    """Return the output of the command on a terminal of that width."""
    pty = pytest.importorskip("pty", reason="a POSIX terminal")
    child, descriptor = pty.fork()
    if child == 0:
        os.chdir(cwd)
        os.environ |= {"TERM": "xterm", "COLUMNS": str(width)}
        os.execv(sys.executable, [sys.executable, "-m", "dropout_cli", *arguments])
    said = b""
    while True:
        try:
            said += os.read(descriptor, 1 << 16)
        except OSError:
            break
    os.waitpid(child, 0)
    return said.decode().replace("\r", "").split("\n")


def test_the_list_of_runs_fits_80_columns(tmp_path: Path) -> None:
    """Names are whole, and a line names the missing columns and the option that prints them."""
    run = small_run.train(tmp_path)
    lines = on_a_terminal(80, "runs", "--runs-dir", str(run.path.parent), cwd=tmp_path)
    assert max(map(len, lines)) <= 80
    assert any(run.path.name in line and "completed" in line for line in lines)
    assert "This terminal is too narrow for the columns" in "\n".join(lines) and "--json" in "\n".join(lines)
    shown = on_a_terminal(80, "show", str(run.path), cwd=tmp_path)
    assert any(line.split() == ["name", run.path.name] for line in shown)
    narrow = on_a_terminal(40, "runs", "--runs-dir", str(run.path.parent), cwd=tmp_path)
    assert any(line.startswith("config.dropout.variant  ") for line in narrow)


def test_no_table_and_no_epoch_shows_a_negative_zero() -> None:
    """A Gaussian loss just below 0 is 0.0000 in the line of an epoch."""
    row = {"train_loss": -1e-9, "train_rmse": 0.5, "val_loss": 1.0, "val_rmse": 0.5}
    assert "-0" not in output.cell_text(-0.0)
    assert progress._short_line(EpochRecord(1, row, 1.0, 1.0, 1), 2).endswith("loss 0.0000")
