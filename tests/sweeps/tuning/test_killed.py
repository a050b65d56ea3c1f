"""A search that was killed ends as a search that was not."""

import csv
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands import TINY, dropout
from tests.killed_search import results, search

FEW = ("--trials=8", "--seeds=2")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, object]]:
    """The results of a search that was not killed."""
    folder = tmp_path_factory.mktemp("alone")
    assert search(folder, *FEW)
    yield results(folder / "runs/tune-digits")


@pytest.mark.parametrize("lines", [(1, 12, 31), (17, 23, 5), (140, 60)])
def test_a_search_that_is_killed_finds_what_it_finds_otherwise(
    lines: tuple[int, ...], alone: dict[str, object], tmp_path: Path
) -> None:
    """Trials, winner and tables are the same, wherever the same command was killed."""
    assert not any(search(tmp_path, *FEW, kill_at=number) for number in lines)
    assert search(tmp_path, *FEW)
    assert results(tmp_path / "runs/tune-digits") == alone


def test_a_search_of_an_older_version_that_was_killed_between_two_notes_goes_on(tmp_path: Path) -> None:
    """A failed trial without its seconds, and a trial that has only some of its parameters, stop nothing."""
    (tmp_path / "base.yaml").write_text(TINY)
    asked = ("tune", "base.yaml", "training.optimizer.learning_rate=0.01,1e30", "dropout.rate={uniform: [0, 0.3]}")
    few = ("--repeats", "1", "--seeds", "1", "--jobs", "1", "--quiet", "--no-plots")
    assert dropout(*asked, "--trials", "4", *few, cwd=tmp_path).returncode == 0
    study = tmp_path / "runs/tune-base/search/study.db"
    with closing(sqlite3.connect(study)) as database, database:
        database.execute("UPDATE trials SET state = 'FAIL' WHERE number = 1")
        database.execute("DELETE FROM trial_user_attributes WHERE trial_id = 2 AND key IN ('seconds', 'failure')")
        database.execute(
            "INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES (2, 'failure', '\"killed\"')"
        )
        database.execute("UPDATE trials SET state = 'RUNNING' WHERE number = 3")
        database.execute("DELETE FROM trial_params WHERE trial_id = 4 AND param_name = 'dropout.rate'")
        database.execute("DELETE FROM trial_user_attributes WHERE trial_id = 4")
    done = dropout(*asked, "--trials", "6", *few, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader((tmp_path / "runs/tune-base/trials.csv").read_text().splitlines()))
    assert [row["trial"] for row in rows] == list("012345")
    assert rows[1]["ended"] == "fail" and rows[1]["failure"] == "killed"


@pytest.mark.parametrize("content", [b"no database at all, but long enough for a header " * 40, b"SQLite format 3\0"])
def test_a_damaged_study_is_one_line(content: bytes, tmp_path: Path) -> None:
    """The message names the file and says what to do."""
    (tmp_path / "base.yaml").write_text(TINY)
    study = tmp_path / "T/search/study.db"
    study.parent.mkdir(parents=True)
    study.write_bytes(content)
    done = dropout("tune", "base.yaml", "dropout.rate=0,0.1", "--out", "T", "--quiet", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("T/search/study.db: is damaged (file is not a database). Delete this file")
    assert done.stderr.count("\n") == 1


def test_a_folder_has_one_use(tmp_path: Path) -> None:
    """A search is refused in the folder of a sweep or run, and a sweep in that of a search; nothing changes."""
    (tmp_path / "base.yaml").write_text(TINY)
    quick = ("--quiet", "--no-plots")
    search_it = ("tune", "base.yaml", "dropout.rate=0,0.1", "--trials=2", "--repeats=1", "--seeds=1", *quick, "--out")
    sweep_it = ("sweep", "base.yaml", "dropout.rate=0,0.1", "--seeds=1", *quick, "--out")
    assert dropout(*search_it, "T", cwd=tmp_path).returncode == 0
    assert dropout(*sweep_it, "S", cwd=tmp_path).returncode == 0
    run = dropout("train", "base.yaml", *quick, cwd=tmp_path).stdout.strip()
    (tmp_path / "T/search").rename(tmp_path / "U")  # the trials of a search, whose results stay behind
    (tmp_path / "V").mkdir()
    for name in ("tune.yaml", "results.csv", "plan.json"):
        (tmp_path / "V" / name).write_bytes((tmp_path / "T" / name).read_bytes())
    (tmp_path / "U").rename(tmp_path / "T/search")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for command, folder, fact in (
        (search_it, "S", "the folder contains a sweep, not a search"),
        (search_it, run, "the folder contains a run"),
        (search_it, "T/finals", "the folder contains a sweep, not a search"),
        (search_it, "T/search", "the folder contains the trials of a search"),
        (search_it, "V", "the folder contains the results of a search without its trials (search/study.db)"),
        (sweep_it, "T", "the folder contains a search, not a sweep"),
        (sweep_it, run, "the folder contains a run"),
    ):
        done = dropout(*command, folder, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"{folder}: {fact}. Choose another folder with --out.\n"
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
