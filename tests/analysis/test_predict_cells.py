"""The cells of a table that `dropout predict` writes."""

import csv
from pathlib import Path

from tests.commands import dropout
from tests.small_run import train


def test_no_cell_of_a_predicted_table_is_a_formula(tmp_path: Path) -> None:
    """Names and labels of the training and words of the file get an apostrophe; numbers stay, also negative ones."""
    rows = [
        f"{number % 7 - 3}.5,{'u' if number % 3 else '-2+3'},{('=1+1', '@SUM(A1)')[number % 2]}"
        for number in range(120)
    ]
    (tmp_path / "t.csv").write_text("+size,color,=kind\n" + "\n".join(rows) + "\n")
    (tmp_path / "new.csv").write_text(
        '+size,color\n-2.5,-2+3\n-1e-3,"=HYPERLINK(""x"")"\n1.5,"two\rlines\x1b[31m"\n', newline=""
    )
    made = train(
        tmp_path,
        f"dataset={{name: table, path: {tmp_path}/t.csv, target: =kind}}",
        "training.epochs=1",
        "training.batch_size=16",
    )
    done = dropout("predict", str(made.path), "new.csv", "-o", "out.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with (tmp_path / "out.csv").open(newline="") as file:
        header, *cells = csv.reader(file)
    assert header[:2] == ["'+size", "color"]
    assert [row[:2] for row in cells] == [
        ["-2.5", "'-2+3"],
        ["-1e-3", '\'=HYPERLINK("x")'],
        ["1.5", "two\rlines\\x1b[31m"],
    ]
    assert {row[2] for row in cells} <= {"'=1+1", "'@SUM(A1)"}
    printed = dropout("predict", str(made.path), "new.csv", cwd=tmp_path)
    assert printed.stdout.encode() == (tmp_path / "out.csv").read_bytes()
