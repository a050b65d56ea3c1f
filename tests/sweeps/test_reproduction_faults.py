"""Reproductions with failed runs, damaged folders and rows that need others."""

import json
import re
from pathlib import Path

import pytest

from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.reproduction.load import load_reproduction
from dropout_cli.sweeps.reproduction.measure import measure_folder
from dropout_cli.sweeps.reproduction.sentences import table_notes
from dropout_cli.sweeps.reproduction.table import table_dict
from tests.commands import dropout
from tests.small_paper import DISTILLED, PAPER, write_paper

QUIET = ("--scale", "smoke", "--quiet", "--no-plots", "--jobs", "1")


def test_a_row_whose_runs_failed_has_no_result_and_counts_for_the_intervals(tmp_path: Path) -> None:
    """The line names the row; the orders of the others are as wide as if it had a value."""
    fast = "set: {dropout: {variant: inverted, rate: 0.2}, training.optimizer: {name: sgd, learning_rate: 1e+30}}"
    three = PAPER.replace("[[drop, none]]", "[[third, none], [drop, none], [third, none]]").replace(
        "  other:", "  third: {label: third, set: {dropout: {variant: gaussian}}}\n  other:"
    )
    three = three.replace("    choose: {dropout.rate: [0.1, 0.5]}\n", "")
    intervals = []
    for name, text in (("a", three), ("b", three.replace("set: {dropout: {variant: inverted, rate: 0.2}}", fast))):
        (tmp_path / name).mkdir()
        write_paper(tmp_path / name, text)
        done = dropout("reproduce", "paper.yaml", *QUIET, "--out", "o", cwd=tmp_path / name)
        assert done.returncode == (0 if name == "a" else 5), done.stderr
        table = measure_folder(SweepFolder(tmp_path / name / "o"))
        intervals.append({one.first.name: one.interval for one in table.orders})
    assert {*intervals[0]} == {"third", "drop"} and {*intervals[1]} == {"third"}
    assert intervals[0]["third"] == intervals[1]["third"]
    failed = table.rows[1]
    assert (failed.verdict, failed.n, failed.planned, failed.complete) == ("no result", 0, 3, 0)
    assert "No result: dropout. None of its 3 runs is complete." in list(table_notes(table))
    assert re.match(r"dropout \(\w{12}\): failed \(.*[^.]\)\. See o/failed/\w{12}\.json\.\n", done.stderr), done.stderr


@pytest.mark.parametrize(
    ("rows", "trained"), [("student_nll", "student_nll student teacher"), ("student", "student teacher")]
)
def test_a_scale_trains_the_rows_that_its_rows_need(tmp_path: Path, rows: str, trained: str) -> None:
    """A student needs its teacher, and a row with another metric the row whose runs it reads."""
    text = DISTILLED.replace("smoke: {seeds: 2,", f"smoke: {{rows: [{rows}], seeds: 2,")
    found = load_reproduction(write_paper(tmp_path, text)).trained_rows("smoke")
    assert {row.name for row in found} == {*trained.split()}


def test_a_row_that_reads_other_runs_is_shown_if_it_is_asked_for(tmp_path: Path) -> None:
    """Also at a scale that does not name it."""
    text = PAPER.replace(
        "  other:", "  nll: {label: nll, published: 0.5, same_runs: none, metric: test.nll, unit: none}\n  other:"
    )
    write_paper(tmp_path, text.replace("smoke: {seeds: 3,", "smoke: {rows: [none], seeds: 3,"))
    assert dropout("reproduce", "paper.yaml", *QUIET, "--rows", "nll", "--out", "o", cwd=tmp_path).returncode == 0
    table = measure_folder(SweepFolder(tmp_path / "o"))
    assert {one.row.name: one.n for one in table.rows} == {"none": 3, "drop": 0, "nll": 3, "other": 0}
    assert "SE_test of test.nll is not known, so the band has only s." in list(table_notes(table))


def test_a_damaged_folder_is_repaired_as_its_message_says(tmp_path: Path) -> None:
    """Delete the file, and run the same command again; nothing is trained twice."""
    write_paper(tmp_path)
    words = ("reproduce", "paper.yaml", *QUIET, "--out", "o")
    assert dropout(*words, cwd=tmp_path).returncode == 0
    whole = (tmp_path / "o" / "published.json").read_bytes()
    rows = tmp_path / "o" / "reproduction.json"
    content = json.loads(rows.read_text())
    for damage in (json.dumps({**content, "rows": {"nothing": []}}), "{", json.dumps({**content, "rows": []}), "[]"):
        rows.write_text(damage)
        refused = dropout(*words, cwd=tmp_path)
        (line,) = refused.stderr.splitlines()
        assert refused.returncode == 2 and line.startswith("o/reproduction.json: "), line
        assert line.endswith("Delete it, and run the same `dropout reproduce` command again."), line
        rows.unlink()
        assert dropout(*words, cwd=tmp_path).returncode == 0
        assert (tmp_path / "o" / "published.json").read_bytes() == whole


def test_a_folder_of_another_paper_is_refused(tmp_path: Path) -> None:
    """Files of one name in two folders would replace each other's table."""
    paper = write_paper(tmp_path)
    words = ("reproduce", "paper.yaml", *QUIET, "--out", "o")
    assert dropout(*words, cwd=tmp_path).returncode == 0
    paper.write_text(PAPER.replace("A paper, table 1", "Another paper").replace("Is dropout better?", "Why?"))
    refused = dropout(*words, cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr == (
        "o: the folder contains another reproduction, of A paper, table 1. Choose another folder with --out.\n"
    )


@pytest.mark.parametrize("command", [("reproduce", "paper.yaml", "--quiet"), ("sweep", "base.yaml", "seed=0")])
def test_a_wrong_scheduler_leaves_no_folder(tmp_path: Path, command: tuple[str, ...]) -> None:
    """It is found before the plan is written."""
    write_paper(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    refused = dropout(*command, "--scheduler", "nonsense", cwd=tmp_path)
    assert refused.returncode == 2 and "no Dask scheduler responds" in refused.stderr, refused.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_json_has_the_limits_that_the_text_has(tmp_path: Path) -> None:
    """Published standard deviation, limit, and whether the mean is above it."""
    text = PAPER.replace("label: dropout\n", "label: dropout\n    sd: 0.2\n    at_most: 0.01\n")
    write_paper(tmp_path, text)
    assert dropout("reproduce", "paper.yaml", *QUIET, "--out", "o", cwd=tmp_path).returncode == 0
    row = table_dict(measure_folder(SweepFolder(tmp_path / "o")))["rows"][1]
    assert (row["published_sd"], row["at_most"], row["above_limit"], row["planned_runs"]) == (0.2, 0.01, True, 3)
    assert "| better in the paper |" in (tmp_path / "o" / "published.md").read_text()
