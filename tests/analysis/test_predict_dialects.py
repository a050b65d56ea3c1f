"""`dropout predict` on tables as people have them: odd words, and other notations."""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dropout_cli.runs import Run
from tests.commands import dropout
from tests.small_run import train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Trained on a table with two columns of numbers, a column of words, and missing values."""
    folder = tmp_path_factory.mktemp("dialects")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"size": rng.normal(10, 2, 200).round(3), "age": rng.integers(1, 90, 200)})
    frame["color"] = rng.choice(["red", "blue"], 200)
    frame["kind"] = np.where(frame["size"] > 10, "groß", "klein")
    frame.loc[::11, "size"] = np.nan
    frame.to_csv(folder / "t.csv", index=False)
    return train(
        folder, f"dataset={{name: table, path: {folder}/t.csv}}", "training.epochs=2", "training.batch_size=16"
    )


ODD = "size,age,color\n9,n/v,red\nn/v,3,blue\nheavy,4,n/v\n8,5,red\nn/v,6,red\nn/v,7,red\nn/v,8,red\n"


def test_all_words_in_columns_of_numbers_are_named_at_once(run: Run, tmp_path: Path) -> None:
    """One error with each column, word and line, and the option that reads them as missing; nothing is written."""
    (tmp_path / "odd.csv").write_text(ODD)
    done = dropout("predict", str(run.path), "odd.csv", "-o", "out.csv", cwd=tmp_path)
    assert done.returncode == 3 and not (tmp_path / "out.csv").exists()
    assert done.stderr == (
        "odd.csv, line 2: column 'size' has 'n/v' (line 3, line 6, line 7 and 1 more), 'heavy' (line 4), which are not "
        "numbers; column 'age' has 'n/v' (line 2), which is not a number. Correct it, or treat such values as "
        "missing with --missing n/v --missing heavy.\n"
    )


def test_a_word_that_is_declared_missing_is_predicted_as_an_empty_cell(run: Run, tmp_path: Path) -> None:
    """In columns of numbers and of words; the cell itself comes back as it was."""
    (tmp_path / "odd.csv").write_text(ODD)
    (tmp_path / "empty.csv").write_text(ODD.replace("n/v", "").replace("heavy", ""))
    words = ("--missing", "n/v", "--missing", "heavy")
    found, expected = (
        list(csv.DictReader(io.StringIO(dropout("predict", str(run.path), name, *more, cwd=tmp_path).stdout)))
        for name, more in (("odd.csv", words), ("empty.csv", ()))
    )
    assert found[1]["size"] == "n/v" and expected[1]["size"] == ""
    added = [name for name in found[0] if name.startswith(("predicted", "probability"))]
    assert [[row[name] for name in added] for row in found] == [[row[name] for name in added] for row in expected]


def test_without_missing_values_in_training_no_word_can_be_missing(tmp_path: Path) -> None:
    """There is no value to fill in, so that the error does not offer it."""
    (tmp_path / "t.csv").write_text("x,y\n" + "".join(f"{n},{'ab'[n % 2]}\n" for n in range(60)))
    run = train(tmp_path, f"dataset={{name: table, path: {tmp_path}/t.csv}}", "training.batch_size=16")
    (tmp_path / "new.csv").write_text("x\n1\nn/v\n")
    done = dropout("predict", str(run.path), "new.csv", cwd=tmp_path)
    filled = "--missing" in done.stderr
    again = dropout("predict", str(run.path), "new.csv", "--missing", "n/v", cwd=tmp_path)
    assert done.returncode == 3 and "line 3: column 'x' has 'n/v' (line 3), which is not a number" in done.stderr
    assert filled == (again.returncode == 0)


@pytest.mark.parametrize(
    ("separator", "encoding", "comma"),
    [(";", "utf-8", True), (";", "cp1252", True), ("\t", "utf-16", False), ("|", "utf-8-sig", False)],
)
def test_the_output_can_have_the_format_of_the_input(
    run: Run, tmp_path: Path, separator: str, encoding: str, comma: bool
) -> None:
    """Separator, decimal mark and encoding, in a file and on stdout; the values are the usual ones."""
    rows = [["size", "age", "color", "ort"], ["9.25", "3", "red", "Köln"], ["11.5", "40", "blue", "a, b"]]
    rows += [["10.125", "5", "red", f"Straße {n}"] for n in range(8)]
    text = "".join(separator.join(cell.replace(".", ",") if comma else cell for cell in row) + "\n" for row in rows)
    (tmp_path / "in.csv").write_bytes(text.encode(encoding))
    place = str(run.path)
    done = dropout("predict", place, "in.csv", "--same-format", "-o", "out.csv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "out.csv").read_bytes()
    lines = [line.split(separator) for line in written.decode(encoding).splitlines()]
    assert [line[:4] for line in lines] == [row.split(separator) for row in text.splitlines()]
    usual = list(csv.reader(io.StringIO(dropout("predict", place, "in.csv", cwd=tmp_path).stdout)))
    assert [[cell.replace(",", ".") for cell in line[4:]] for line in lines[1:]] == [line[4:] for line in usual[1:]]
    assert any("," in cell for line in lines[1:] for cell in line[4:]) == comma
    assert lines[0][4:] == ["predicted", "probability groß", "probability klein"]
    printed = dropout("predict", place, "in.csv", "--same-format", cwd=tmp_path, encoding="latin-1")
    assert printed.stdout.encode("latin-1") == written


def test_a_format_that_cannot_be_had_is_refused(run: Run, tmp_path: Path) -> None:
    """Arrays have no separator, JSON has its own, and an encoding may lack a letter of a class."""
    pd.DataFrame({"size": [1.0], "age": [2], "color": ["red"]}).to_parquet(tmp_path / "t.parquet")
    (tmp_path / "cyrillic.csv").write_bytes(
        ("size,age,color,город\n" + "".join(f"9,{n},red,Москва и область\n" for n in range(9))).encode("cp1251")
    )
    for file, words, said in (
        ("t.parquet", [], "--same-format: t.parquet is not a text table."),
        ("cyrillic.csv", ["--json"], "--same-format: cannot be used with --json."),
        ("cyrillic.csv", [], "--same-format: Windows-1251, the encoding of the input, has no 'ß'."),
    ):
        done = dropout("predict", str(run.path), file, "--same-format", *words, "-o", "out.csv", cwd=tmp_path)
        assert done.returncode == 2 and said in done.stderr and not (tmp_path / "out.csv").exists()
