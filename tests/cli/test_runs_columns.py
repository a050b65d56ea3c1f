"""`dropout runs` has the columns of the tasks of its runs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dropout_cli.analysis import run_table
from tests.commands import TINY, dropout

CLASSIFICATION = ["val.accuracy", "test.accuracy"]
REGRESSION = ["val.rmse", "test.rmse"]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a classification, a regression, and a regression without a validation part in `alone`."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "tiny.yaml").write_text(TINY)
    quiet = ["--no-plots", "--quiet", "yardstick=none"]
    regression = ["dataset={name: diabetes, val_fraction: 0}", "objective=squared_error", "training.monitor=auto"]
    assert dropout("train", "tiny.yaml", *quiet, cwd=folder).returncode == 0
    with_validation = ["dataset={name: diabetes}", *regression[1:]]
    assert dropout("train", "tiny.yaml", *quiet, *with_validation, cwd=folder).returncode == 0
    done = dropout("train", "tiny.yaml", *quiet, *regression, "--runs-dir", "alone", cwd=folder)
    assert done.returncode == 0, done.stderr
    yield folder


def columns(folder: Path, *arguments: str) -> tuple[list[str], list[str]]:
    """Return the header of the list of runs, and its lines."""
    done = dropout("runs", *arguments, cwd=folder)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line.strip() and not set(line.strip()) <= {"─"}]
    return lines[0].split(), lines[1:]


def test_both_tasks_have_their_columns_where_runs_mix(mixed: Path) -> None:
    """A cell of the other task is blank; JSON has the same keys as the summaries."""
    header, lines = columns(mixed, "--sort", "test.rmse")
    assert header[-4:] == [*CLASSIFICATION, *REGRESSION]
    regression, classification = (re.split(r"\s{2,}", line.strip()) for line in lines)
    assert len(regression) == len(classification) == len(header) - 2
    assert float(regression[-1]) > 1 > float(classification[-1])
    listed = json.loads(dropout("runs", "--json", cwd=mixed).stdout)["runs"]
    assert all(("accuracy" in run["test"]) != ("rmse" in run["test"]) for run in listed)


def test_one_task_has_only_its_columns(mixed: Path) -> None:
    """Also without a validation part, whose column is then empty; without any run, those of classification."""
    header, lines = columns(mixed, "--runs-dir", "alone")
    assert header[-2:] == REGRESSION and not {*CLASSIFICATION} & {*header} and len(lines) == 1
    assert columns(mixed, "--where", "task == classification")[0][-2:] == CLASSIFICATION
    assert run_table.default_columns([]) == list(run_table.DEFAULT_COLUMNS)
