"""Hostile names and labels are shown as text, with any content, on any terminal."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from dropout_cli import metrics, plots, runs
from dropout_cli.core.errors import UsageError
from dropout_cli.core.text import escape_control_chars
from dropout_cli.runs import Run
from tests.commands import TINY, dropout, dropout_process

NAMES = [
    "\x1b[31mred\x1b[0m",
    "\x07bell",
    "\x9b2J",
    "right\u202eot-to-left",
    "two\nlines",
    "$x_{$",
    r"$\frac{1}$",
    "<script>alert(1)</script>",
    "=1+1",
    "a" * 10_000,
    "\ud800",
    "\N{GRINNING FACE}",
]
HARMLESS = ("\n",)


def test_what_shows_nothing_is_spelled_out() -> None:
    """Printable text of any script stays as it is."""
    assert escape_control_chars("\x1b[31m\u202e\x9b\x00\ud800") == "\\x1b[31m\\u202e\\x9b\\x00\\ud800"
    for text in ("plain", "größer", "数字", "two\nlines", "\N{GRINNING FACE}"):
        assert escape_control_chars(text) == text


def is_tame(text: str) -> bool:
    """Return True if a terminal shows every character as text."""
    return all(char.isprintable() or char in HARMLESS for char in text)


@pytest.mark.parametrize("name", NAMES)
def test_an_error_is_one_tame_line(name: str) -> None:
    """This holds for any text in the error."""
    line = str(UsageError(name, f"is called {name}", f"Not {name}."))
    assert is_tame(line) and "\n" not in line


@pytest.mark.skipif(os.name != "posix", reason="such file names exist on POSIX only")
def test_a_folder_of_a_stranger_is_listed_tamely(tmp_path: Path) -> None:
    """Escapes in its name, in the names of its files, in its state and summary; bytes that are no UTF-8."""
    run = Run.create(tmp_path / "runs", "x")
    run.record_status("failed", "\x1b]0;owned\x07")
    (run.path / "evil\x1b[2J.txt").touch()
    bad = Path(os.fsdecode(os.fsencode(tmp_path / "runs") + b"/20200101T000000Z_\xff\x1b[31m_0a1b2c"))
    run.path.rename(bad)
    for command in (["runs"], ["show", "latest"], ["resume", "latest"], ["verify", "latest"], ["eval", "latest"]):
        for encoding in ("utf-8", "ascii"):
            done = dropout(*command, cwd=tmp_path, encoding=encoding)
            assert "Traceback" not in done.stderr and done.returncode in (0, 1, 2, 4), done.stderr
            assert is_tame(done.stdout) and is_tame(done.stderr), (command, done.stdout, done.stderr)
            assert "owned" in done.stdout + done.stderr or command[0] not in ("show", "resume")


def test_output_that_the_terminal_cannot_encode_is_no_error(tmp_path: Path) -> None:
    """Names beyond ASCII on an ASCII terminal: tables, paths and errors."""
    (tmp_path / "größe.yaml").write_text(TINY, encoding="utf-8")
    env = {"PYTHONIOENCODING": "ascii"}
    done = dropout_process("train", "größe.yaml", "--runs-dir", "läufe", "--no-plots", cwd=tmp_path, env=env)
    assert done.returncode == 0 and done.stdout.startswith("l\\xe4ufe/"), done.stderr
    assert dropout_process("show", "latest", "--runs-dir", "läufe", cwd=tmp_path, env=env).returncode == 0
    missing = dropout_process("train", "größer.yaml", cwd=tmp_path, env=env)
    assert missing.returncode == 2 and "gr\\xf6\\xdfer" in missing.stderr and len(missing.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", NAMES)
def test_class_names_are_no_markup_in_figures(name: str) -> None:
    """No formula, no warning of a missing glyph, no endless line: a figure comes out."""
    classes = (name, "other")
    probs, labels = np.array([[0.1, 0.9], [0.2, 0.8], [0.7, 0.3]]), np.array([0, 1, 1])
    mistakes = metrics.worst_mistakes(probs, labels, np.arange(3), classes)
    made = [
        plots.confusion_figure(metrics.confusion_matrix(probs, labels, classes), classes, name),
        plots.mistake_bars(mistakes),
        plots.mistake_images(np.zeros((2, 4, 4, 1)), [plots.mistake_caption(one) for one in mistakes]),
    ]
    assert all(figure.startswith(b"\x89PNG") and len(figure) < 300_000 for figure in made)


@pytest.mark.parametrize("name", NAMES)
def test_class_names_are_no_formulas_in_tables(name: str) -> None:
    """A spreadsheet sees text; our own readers use JSON and npz."""
    import csv
    import io

    classes = (name, "-3.5")
    table = metrics.confusion_csv(np.eye(2, dtype=np.int64), classes)
    header = next(csv.reader(io.StringIO(table.decode("utf-8", "surrogatepass"), newline="")))
    assert not header[1].startswith(("=", "+", "-", "@", "\t", "\r")) and header[2] == "-3.5"


def test_what_is_wrong_in_a_summary_is_no_traceback(tmp_path: Path) -> None:
    """A hostile summary may have any content that is JSON."""
    run = Run.create(tmp_path / "runs", "x")
    run.record_status("completed")
    for junk in (
        {"still_moving": 3, "test": [], "config": "no", "epochs": {"a": 1}},
        {"test": {"accuracy": "\x1b[2J"}, "still_moving": ["\x07"], "seconds": 10**200},
        {"test": {"accuracy": None, "per_class": "x"}, "checkpoint": "../../x"},
    ):
        run.write("summary.json", runs.json_bytes({"format": 1} | junk))
        run.write_manifest()
        for command in (["runs"], ["runs", "--sort", "-test.accuracy"], ["show", "latest"], ["verify", "latest"]):
            done = dropout(*command, cwd=tmp_path)
            assert "Traceback" not in done.stderr and done.returncode in (0, 2, 4), done.stderr
            assert is_tame(done.stdout)
        json.loads(dropout("show", "latest", "--json", cwd=tmp_path).stdout)
