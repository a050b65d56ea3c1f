"""Tags, notes, sizes and deleting: `dropout runs` on runs that are there."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dropout_cli.analysis import run_table, verify
from dropout_cli.core.errors import UsageError
from dropout_cli.runs import Run, tags
from tests import small_run
from tests.commands import dropout
from tests.interruptions import kill_at_line


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small run, to be copied."""
    return small_run.train(tmp_path_factory.mktemp("finished"), "training.epochs=1")


@pytest.fixture
def run(finished: Run, tmp_path: Path) -> Run:
    """A run of its own for each test."""
    shutil.copytree(finished.path, tmp_path / "runs" / finished.path.name)
    return Run(tmp_path / "runs" / finished.path.name)


def test_tags_add_up_and_a_note_replaces_the_former_one(run: Run) -> None:
    """They are found by `--where` and the run still verifies."""
    tags.add_tags(run, ["talk", "keep"], "first")
    tags.add_tags(run, ["keep", "final"], "second")
    tags.add_tags(run, [], None)
    facts = run_table.run_facts(run)
    assert (facts["tags"], facts["note"]) == ("talk keep final", "second")
    assert all(check.right for check in verify.verify_run(run))
    assert run_table.select_runs([facts], ["note == second"], "name") == [facts]
    with pytest.raises(UsageError, match="is not one word"):
        tags.add_tags(run, ["two words"], None)


TAGGING = """
import os, sys, time
from pathlib import Path
from dropout_cli.runs import Run, tags
while time.time() < float(sys.argv[2]):
    pass
for number in range(10):
    tags.add_tags(Run(Path(sys.argv[1])), [f"p{sys.argv[3]}n{number}"], None)
"""


def test_processes_that_tag_at_once_lose_no_tag(run: Run) -> None:
    """Four processes add ten tags each to one run, and it has forty; the folder verifies and holds nothing else."""
    start = str(time.time() + 2)
    command = [sys.executable, "-c", TAGGING, str(run.path), start]
    processes = [subprocess.Popen([*command, str(number)]) for number in range(4)]
    assert [process.wait(120) for process in processes] == [0] * 4
    wanted = {f"p{process}n{number}" for process in range(4) for number in range(10)}
    assert set(tags.read_tags(run)["tags"].split()) == wanted
    assert [path.name for path in run.path_of("after").iterdir()] == ["notes"]
    assert all(check.right for check in verify.verify_run(run))


@pytest.mark.parametrize("swapping", [True, False])
@pytest.mark.parametrize("lines", [2, 11, 19, 23, 27, 31, 35])
def test_a_kill_loses_no_former_tag(run: Run, lines: int, swapping: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it strikes, the next tag finds the former ones; also on a system that cannot exchange two folders."""
    from dropout_cli.runs import new_folder

    if not swapping:
        monkeypatch.setattr(new_folder, "_swap", lambda one, other: False)
    tags.add_tags(run, ["former"], "mine")
    child = os.fork()
    if child == 0:
        kill_at_line(lines, {str(new_folder.__file__)})
        tags.add_tags(run, ["killed"], None)
        os._exit(0)
    assert os.waitpid(child, 0)[1] in (0, signal.SIGKILL)
    tags.add_tags(run, ["next"], None)
    kept = tags.read_tags(run)
    assert kept["note"] == "mine"
    assert kept["tags"] in ("former next", "former killed next")
    assert [path.name for path in run.path_of("after").iterdir()] == ["notes"]


def test_a_leftover_that_is_a_link_is_left_alone(run: Run, tmp_path: Path) -> None:
    """A folder of a stranger must not make a tag delete files elsewhere."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/file").write_text("mine")
    run.path_of("after").mkdir(exist_ok=True)
    for suffix in ("partial", "old"):
        (run.path / f"after/.notes.0123abcd.{suffix}").symlink_to(tmp_path / "mine")
    tags.add_tags(run, ["keep"], None)
    assert (tmp_path / "mine/file").read_text() == "mine"


def test_a_damaged_note_makes_a_run_damaged_not_a_traceback(run: Run) -> None:
    """It is named where the run is listed."""
    tags.add_tags(run, ["keep"], None)
    (run.path / tags.NOTES).write_text('{"format": 1, "tags": 3}')
    (found,) = run_table.read_facts([run])
    assert found["status"] == "damaged"
    assert "notes.json" in found["reason"]


def test_a_size_is_the_sum_of_its_files_and_links_count_for_nothing(run: Run) -> None:
    """In bytes."""
    before = tags.folder_bytes(run)
    (run.path / "more.bin").write_bytes(bytes(1000))
    (run.path / "link").symlink_to("/usr/bin/env")
    assert tags.folder_bytes(run) == before + 1000


def test_a_run_that_is_being_worked_on_is_not_deleted(run: Run) -> None:
    """Nor the target of a link."""
    with run.lock(), pytest.raises(UsageError, match="another process is working"):
        tags.delete_run(run)
    link = run.path.parent / "link"
    link.symlink_to(run.path)
    with pytest.raises(UsageError, match="is a link"):
        tags.delete_run(Run(link))
    assert run.path.exists()
    tags.delete_run(run)
    assert not run.path.exists()


def test_the_command(run: Run) -> None:
    """Nothing is tagged or deleted that was not named; without a terminal, deleting takes --yes."""
    folder = run.path.parent.parent
    name = run.path.name
    for arguments in (("--delete", "--yes"), ("--tag", "x")):
        refused = dropout("runs", *arguments, cwd=folder)
        assert (refused.returncode, refused.stdout) == (2, "")
    shown = dropout("runs", name, "--tag", "keep", "--note", "mine", "--sizes", cwd=folder)
    assert "megabytes" in shown.stdout
    assert "mine" in shown.stdout
    asked = dropout("runs", name, "--delete", cwd=folder)
    assert asked.returncode == 2
    assert "Add --yes" in asked.stderr
    kept = dropout("runs", "--where", "tags == other", "--delete", "--yes", cwd=folder)
    assert (kept.returncode, run.path.exists()) == (0, True)
    assert kept.stderr == "runs: no run matches. Nothing was deleted.\n"
    gone = dropout("runs", "--where", "tags == keep", "--delete", "--yes", cwd=folder)
    assert gone.stdout.strip() == f"runs/{name}"
    assert not run.path.exists()
