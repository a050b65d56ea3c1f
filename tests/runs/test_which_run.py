"""Which run is meant, and that nothing else is tagged, shown or deleted in its place."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from dropout_cli.analysis import run_table
from dropout_cli.core.errors import UsageError
from dropout_cli.runs import Run, all_runs, find_run, tags
from tests import small_run
from tests.commands import dropout


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small run, to be copied."""
    return small_run.train(tmp_path_factory.mktemp("finished"), "training.epochs=1")


def copy(run: Run, path: Path, accuracy: float | None = None, /, **told: Any) -> Run:
    """Return a copy of the run in that folder, with another test accuracy or further keys in its summary."""
    shutil.copytree(run.path, path)
    summary = json.loads((path / "summary.json").read_text()) | told
    if accuracy is not None:
        summary["test"]["accuracy"] = accuracy
    (path / "summary.json").write_text(json.dumps(summary))
    return Run(path)


def begun(root: Path, label: str = "x") -> Run:
    """A run with the status running that no process works on."""
    run = Run.create(root, label)
    run.record_status("running")
    return run


def test_a_run_is_found_by_the_name_that_it_was_given(finished: Run, tmp_path: Path) -> None:
    """Behind its time; two runs of one name are named."""
    run = copy(finished, tmp_path / "20260101T000000Z_first_abc123")
    copy(finished, tmp_path / "20260102T000000Z_second_abc124")
    assert find_run("first", tmp_path).path == run.path and find_run("20260101", tmp_path).path == run.path
    copy(finished, tmp_path / "20260103T000000Z_first_abc125")
    with pytest.raises(UsageError, match="2 runs"):
        find_run("first", tmp_path)
    with pytest.raises(UsageError, match="Did you mean 'latest'"):
        find_run("lastest", tmp_path)


def test_of_two_folders_of_one_name_the_one_that_matched_is_deleted(finished: Run, tmp_path: Path) -> None:
    """A backup has the name of the run itself."""
    matching, other = (
        copy(finished, tmp_path / "a" / "same", 0.01),
        copy(finished, tmp_path / "b" / "same", 0.9),
    )
    arguments = ("--where", "test.accuracy < 0.05", "--delete", "--yes")
    done = dropout("runs", "a/same", "b/same", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "a/same\n")
    assert other.path.exists() and not matching.path.exists()


def test_of_two_folders_of_one_name_the_one_that_matched_is_tagged(finished: Run, tmp_path: Path) -> None:
    """And the note is put on the same one."""
    matching, other = (
        copy(finished, tmp_path / "a" / "same", 0.01),
        copy(finished, tmp_path / "b" / "same", 0.9),
    )
    arguments = ("--where", "test.accuracy < 0.05", "--tag", "bad", "--note", "why")
    assert dropout("runs", "a/same", "b/same", *arguments, cwd=tmp_path).returncode == 0
    assert tags.read_tags(matching) == {"tags": "bad", "note": "why"}
    assert tags.read_tags(other) == {}


def test_a_summary_cannot_tell_the_name_of_another_run(finished: Run, tmp_path: Path) -> None:
    """The name is that of the folder, for every command that shows or deletes one."""
    stranger = copy(finished, tmp_path / "runs" / "stranger", 0.01, name="mine")
    mine = copy(finished, tmp_path / "runs" / "mine", 0.9)
    assert [one["name"] for one in run_table.read_facts([stranger, mine])] == ["stranger", "mine"]
    done = dropout("runs", "--where", "test.accuracy < 0.05", "--delete", "--yes", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "runs/stranger\n")
    assert mine.path.exists() and not stranger.path.exists()


@pytest.mark.parametrize("key", ["name", "status", "reason", "tags", "note", "megabytes", "run"])
def test_a_summary_cannot_tell_what_is_looked_up_elsewhere(key: str, finished: Run, tmp_path: Path) -> None:
    """State and notes have status, reason and tags; the folder has name, path and size."""
    stranger = copy(finished, tmp_path / "stranger", None, **{key: "faked"})
    (facts,) = run_table.read_facts([stranger], sizes=True)
    assert facts.get(key) != "faked" and run_table.run_facts(stranger).get(key) != "faked"
    shown = json.loads(dropout("show", "stranger", "--json", cwd=tmp_path).stdout)
    assert shown.get(key) != "faked" and shown["run"] == "stranger"


def test_a_linked_run_has_the_name_of_its_link(finished: Run, tmp_path: Path) -> None:
    """It is the name by which the other commands find it."""
    copy(finished, tmp_path / "elsewhere" / "target")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "link").symlink_to(tmp_path / "elsewhere" / "target")
    (listed,) = run_table.read_facts(all_runs(tmp_path / "runs"))
    assert listed["name"] == "link" and find_run("link", tmp_path / "runs").path == listed.run.path


def test_a_run_named_by_a_dot_has_the_name_of_its_folder(finished: Run, tmp_path: Path) -> None:
    """This holds inside the folder, and in a folder within it."""
    run = copy(finished, tmp_path / "mine")
    for cwd, name in ((run.path, "."), (run.path / "checkpoints", "..")):
        shown = json.loads(dropout("runs", name, "--json", cwd=cwd).stdout)
        assert [one["name"] for one in shown["runs"]] == ["mine"]


def test_nothing_is_deleted_where_one_of_the_runs_cannot_be(finished: Run, tmp_path: Path) -> None:
    """A link that matches, a damaged one too, is refused before the first folder is gone."""
    first = copy(finished, tmp_path / "runs" / "a")
    (tmp_path / "elsewhere").mkdir()
    copy(finished, tmp_path / "elsewhere" / "target")
    (tmp_path / "elsewhere" / "target" / "summary.json").write_text("{")
    (tmp_path / "runs" / "z").symlink_to(tmp_path / "elsewhere" / "target")
    for condition in ("name != none", "status == damaged"):
        done = dropout("runs", "--where", condition, "--delete", "--yes", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("runs/z: is a link to a run folder.")
        assert first.path.exists() and (tmp_path / "elsewhere" / "target").exists()


def test_a_run_named_twice_is_one_run(finished: Run, tmp_path: Path) -> None:
    """By its name, by its path, and by another spelling of the path."""
    run = copy(finished, tmp_path / "runs" / "once")
    spellings = ("once", "runs/once", "runs/../runs/once")
    shown = json.loads(dropout("runs", *spellings, "--json", cwd=tmp_path).stdout)
    assert [one["name"] for one in shown["runs"]] == ["once"]
    done = dropout("runs", *spellings, "--delete", "--yes", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "runs/once\n") and not run.path.exists()


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[31mred", "a\u202eb"])
def test_a_name_is_one_line_where_runs_are_deleted(name: str, finished: Run, tmp_path: Path) -> None:
    """Control characters of a hostile name are escaped."""
    copy(finished, tmp_path / "runs" / name)
    done = dropout("runs", "--where", "status == completed", "--delete", "--yes", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1 and done.stdout.rstrip("\n").isprintable()
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_folder_of_something_else_is_not_deleted(tmp_path: Path) -> None:
    """Other tools, too, keep a `state.json`."""
    other = tmp_path / "runs" / "project"
    (other / "src").mkdir(parents=True)
    (other / "state.json").write_text('{"version": 4}')
    for arguments in (("project",), ("--where", "status == damaged")):
        done = dropout("runs", *arguments, "--delete", "--yes", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, "")
        assert "was not made by training" in done.stderr
        assert (other / "src").is_dir()


def test_a_damaged_run_can_be_deleted(finished: Run, tmp_path: Path) -> None:
    """Whichever of its files is damaged."""
    for file in ("state.json", "summary.json", "MANIFEST.sha256"):
        run = copy(finished, tmp_path / "runs" / "damaged")
        (run.path / file).write_bytes(b"\xff")
        done = dropout("runs", "damaged", "--delete", "--yes", cwd=tmp_path)
        assert (done.returncode, run.path.exists()) == (0, False), file


@pytest.mark.parametrize("reference", ["", " "])
def test_no_name_means_no_run(reference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell variable that was never set must not mean the only run, nor the folder that we are in."""
    run = begun(tmp_path)
    monkeypatch.chdir(run.path)
    with pytest.raises(UsageError, match="the name is empty"):
        find_run(reference, tmp_path)


def test_a_whole_name_means_that_run_though_others_begin_with_it(tmp_path: Path) -> None:
    """A prefix means one where it is unique."""
    for name in ("run", "run-2"):
        begun(tmp_path).path.rename(tmp_path / name)
    assert find_run("run", tmp_path).path == tmp_path / "run"
    assert find_run("run-", tmp_path).path == tmp_path / "run-2"
    with pytest.raises(UsageError, match=r"names of 2 runs in .* begin with this"):
        find_run("ru", tmp_path)


def test_a_name_that_is_too_long_means_no_run(tmp_path: Path) -> None:
    """It is refused in one line, as any other that is not there, by all commands that take a run."""
    for command in ("show", "verify", "report", "compare"):
        done = dropout(command, "a" * 300, cwd=tmp_path)
        assert done.returncode == 2 and "no such run" in done.stderr
        assert done.stderr.count("\n") == 1


class TestLatest:
    """`latest` is the run that was created last."""

    def test_of_one_second_it_is_the_one_created_last(self, tmp_path: Path) -> None:
        """The random digits at the end of a name do not matter."""
        for _ in range(12):
            last = begun(tmp_path)
            assert find_run("latest", tmp_path).path == last.path

    def test_it_is_the_last_one_after_the_clock_went_back(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A new run comes after all existing ones, for any names and any time of the clock."""
        first = begun(tmp_path)
        content = json.loads((first.path / "state.json").read_text())
        later = content["created"] + 3600 * 10**9
        (first.path / "state.json").write_text(json.dumps(content | {"created": later}))
        first.path.rename(tmp_path / "29990101T000000Z_x_0a1b2c")
        second = begun(tmp_path)
        assert find_run("latest", tmp_path).path == second.path
        assert second.state()["created"] > later
        third = begun(tmp_path)
        assert find_run("latest", tmp_path).path == third.path

    def test_it_does_not_change_when_an_older_run_is_written_to(self, tmp_path: Path) -> None:
        """A run that is resumed, tagged or renamed is not a new run."""
        first, second = begun(tmp_path, "a"), begun(tmp_path, "b")
        first.record_status("interrupted")
        first.record_status("running")
        tags.add_tags(first, ["keep"], None)
        first.path.rename(tmp_path / "renamed")
        assert find_run("latest", tmp_path).path == second.path
        shutil.rmtree(second.path)
        assert find_run("latest", tmp_path).path == tmp_path / "renamed"

    def test_a_run_of_a_former_version_was_created_when_its_first_session_began(self, tmp_path: Path) -> None:
        """Their `state.json` has no time of creation; what is damaged was created when its folder was last changed."""
        older, newer = begun(tmp_path, "z"), begun(tmp_path, "a")
        for run, day in ((older, 1), (newer, 2)):
            state = {
                "format": 1,
                "sessions": [{"began": f"2026-11-0{day}T00:00:00Z"}, {"began": "2026-11-09T00:00:00Z"}],
            }
            (run.path / "state.json").write_text(json.dumps(state))
        assert find_run("latest", tmp_path).path == newer.path
        damaged = begun(tmp_path, "a")
        (damaged.path / "state.json").write_text("{")
        os.utime(damaged.path, (0, 0))
        assert find_run("latest", tmp_path).path == newer.path
        os.utime(damaged.path, (4e9, 4e9))
        assert find_run("latest", tmp_path).path == damaged.path

    @pytest.mark.parametrize("created", ["soon", -1, True, 1.5, None, 10**40, [1]])
    def test_a_time_that_is_none_counts_for_nothing(self, created: Any, tmp_path: Path) -> None:
        """Nor does it stop a new run."""
        stranger, mine = begun(tmp_path, "z"), begun(tmp_path, "a")
        state = {"format": 1, "sessions": [{"began": "2020-01-01T00:00:00Z"}], "created": created}
        (stranger.path / "state.json").write_text(json.dumps(state))
        assert find_run("latest", tmp_path).path == mine.path
        assert begun(tmp_path).state()["created"] < 2**63

    def test_a_folder_of_that_name_is_no_latest_run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is meant by `./latest`."""
        run = begun(tmp_path / "runs")
        begun(tmp_path).path.rename(tmp_path / "latest")
        monkeypatch.chdir(tmp_path)
        assert find_run("latest", Path("runs")).path == Path("runs") / run.path.name
        assert find_run("./latest", Path("runs")).path == Path("latest")
