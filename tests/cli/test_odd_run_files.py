"""Files of a run with odd contents: a line with place, fact and way out, and JSON that is JSON."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dropout_cli.runs import MANIFEST, Run
from tests.commands import dropout
from tests.small_run import train


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run."""
    return train(tmp_path_factory.mktemp("run"), "architecture.hidden=[4]").path


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    """A copy of it in `runs/`."""
    shutil.copytree(made, tmp_path / "runs" / made.name)
    return tmp_path / "runs" / made.name


def refuse_constant(text: str) -> None:
    """Fail for the words that Python reads as JSON, and others do not."""
    raise AssertionError(f"{text} is not JSON")


def loads(text: str) -> Any:
    """Return JSON as strict readers do."""
    return json.loads(text, parse_constant=refuse_constant)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" * 400, "[" * 5_000])
def test_json_of_a_damaged_summary_is_json(value: str, run: Path) -> None:
    """A value that JSON or a float cannot express makes the summary a damaged one."""
    summary = json.loads((run / "summary.json").read_text())
    for part in ("test", "val", "config"):
        name = next(iter(summary[part]))
        text = json.dumps(summary | {part: summary[part] | {name: "HERE"}}).replace('"HERE"', value)
        (run / "summary.json").write_text(text)
        listed = dropout("runs", "--json", cwd=run.parent.parent)
        assert loads(listed.stdout)["runs"][0]["status"] == "damaged", listed.stderr
        for command in ("show", "report", "compare"):
            done = dropout(command, str(run), *(["--json"] if command == "show" else []), cwd=run.parent.parent)
            assert done.returncode == 2 and not done.stdout
            assert len(done.stderr.splitlines()) == 1 and "summary.json: is damaged (it is not JSON)." in done.stderr


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "", "1e999", "-1", "9" * 400])
def test_times_that_are_not_finite_are_refused_before_training(value: str, run: Path) -> None:
    """Their sum would be in the summary; the run stays complete."""
    lines = (run / "timings.csv").read_text().splitlines()
    cells = lines[1].split(",")
    for column in range(1, len(cells)):
        lines[1] = ",".join([*cells[:column], value, *cells[column + 1 :]])
        (run / "timings.csv").write_text("\n".join([*lines, ""]))
        done = dropout("resume", str(run), "--epochs", "4", "--change-schedule", "--no-plots", cwd=run.parent)
        assert done.returncode == 1 and len(done.stderr.splitlines()) == 1, done.stderr
        assert "timings.csv: is damaged" in done.stderr and "Train again." in done.stderr
        assert Run(run).has_file(MANIFEST)


def test_other_columns_of_timings_are_refused(run: Path) -> None:
    """A row of a new epoch would not fit them."""
    (run / "timings.csv").write_text("epoch,seconds\n1,2\n")
    done = dropout("resume", str(run), "--epochs", "4", "--change-schedule", "--no-plots", cwd=run.parent)
    assert done.returncode == 1 and "it has other columns" in done.stderr


@pytest.mark.parametrize("content", ["[]", "null", "1", "[" * 100_000, "{", "NaN"])
def test_an_odd_environment_is_unknown(content: str, run: Path) -> None:
    """The run is resumed, and says so."""
    (run / "environment.json").write_text(content)
    done = dropout("resume", str(run), "--epochs", "3", "--change-schedule", "--no-plots", cwd=run.parent)
    assert done.returncode == 0 and "environment.json: is damaged" in done.stderr, done.stderr


@pytest.mark.parametrize(
    "reference", ["a" * 256, "a" * 100_000, "é" * 200, "a/" * 3_000, ".", "..", "./", "/", " ", "x\ny"]
)
def test_any_reference_is_answered_in_one_line(reference: str, tmp_path: Path) -> None:
    """Whether the system takes it as a path or not."""
    for command in ("show", "verify", "report", "compare", "resume", "eval"):
        done = dropout(command, reference, cwd=tmp_path)
        assert done.returncode == 2 and not done.stdout and len(done.stderr.splitlines()) == 1, done.stderr


def test_a_run_is_named_by_a_point_from_inside(run: Path) -> None:
    """`.` is the folder in which the command runs, and the run keeps its name."""
    done = dropout("show", ".", "--json", cwd=run)
    assert loads(done.stdout)["name"] == run.name
    assert dropout("verify", ".", cwd=run).returncode == 0
