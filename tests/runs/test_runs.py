"""Run folders: written whole or not at all, read with suspicion, found by name."""

import hashlib
import multiprocessing
import os
import re
import time
from pathlib import Path

import pytest

from dropout_cli.core import locks
from dropout_cli.core.errors import RunFailed, UsageError
from dropout_cli.runs import FORMAT, Run, all_runs, find_run, write_atomic


def begun(root: Path, label: str = "x") -> Run:
    """A run with the status running that no process works on."""
    run = Run.create(root, label)
    run.record_status("running")
    return run


def status(run: Run) -> str:
    """Return the status, derived again at each call."""
    return run.status


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """The target is a folder here: the write fails at the last step, and nothing is left beside it."""
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "inside").touch()
    with pytest.raises(RunFailed, match="cannot be written"):
        write_atomic(tmp_path / "target", b"new")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["inside", "target"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """The error tells what to do."""
    from dropout_cli.runs.atomic_io import os_errors

    with (
        pytest.raises(RunFailed, match=r"No space left on device.*Free some space"),
        os_errors(tmp_path),
        Path("/dev/full").open("wb") as file,
    ):
        file.write(b"1,2")


def test_a_torn_last_line_is_dropped_on_reading(tmp_path: Path) -> None:
    """A line that a crash left incomplete does not count."""
    run = begun(tmp_path)
    history = run.table("metrics.csv")
    history.append({"epoch": 1, "loss": 0.1})
    history.append({"epoch": 2, "loss": float("nan")})
    with (run.path / "metrics.csv").open("a") as file:
        file.write("3,0.00")
    assert history.rows() == [{"epoch": "1", "loss": "0.1"}, {"epoch": "2", "loss": ""}]
    history.truncate(1)
    assert run.read("metrics.csv") == b"epoch,loss\n1,0.1\n"


def test_numbers_survive_the_csv(tmp_path: Path) -> None:
    """The shortest text that reads back as the same number."""
    run = begun(tmp_path)
    history, values = run.table("metrics.csv"), [1e-300, 0.1 + 0.2, 123456789.123456789, 2.0]
    for epoch, value in enumerate(values):
        history.append({"epoch": epoch, "value": value})
    assert history.columns()["value"] == values


def test_a_history_of_200000_epochs_is_read_and_cut(tmp_path: Path) -> None:
    """It has more than 16 MB; the digest after a cut is that of the remaining bytes."""
    run = begun(tmp_path)
    names = ["epoch", *(f"column{number}" for number in range(6))]
    lines = [",".join(names), *(",".join([str(epoch), *[f"0.{epoch:017d}"] * 6]) for epoch in range(1, 200_001))]
    data = "".join(f"{line}\n" for line in lines).encode()
    assert len(data) > 1 << 24
    run.path_of("metrics.csv").write_bytes(data + b"200001,0.1")
    history = run.table("metrics.csv")
    columns = history.columns()
    assert columns["epoch"] == [float(epoch) for epoch in range(1, 200_001)] and len(columns) == 7
    assert columns["column5"][-1] == float("0.00000000000200000")
    history.truncate(200_000)
    assert (run.digest("metrics.csv"), history.digest) == (hashlib.sha256(data).hexdigest(),) * 2
    history.truncate(150_000)
    assert history.digest == run.digest("metrics.csv") and len(history.columns()["epoch"]) == 150_000
    history.append(dict.fromkeys(names, 1))
    assert history.digest == run.digest("metrics.csv") and history.columns()["epoch"][-1] == 1


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (b"a,b\n1,2\n3\n", "row 2 has 1 value for 2 columns"),
        (b"a,b\n1,x\n", "could not convert"),
        (b"a" * 2_000_000, "a line is longer than"),
        (b"a\n" + b"1" * 2_000_000, "a line is longer than"),
        (b"a" * 200_000 + b"\n", "its header is longer than"),
        (b'a\n"' + b"1\n" * 100_000, "field larger than"),
    ],
)
def test_a_damaged_history_is_refused_in_one_line(text: bytes, fact: str, tmp_path: Path) -> None:
    """At the first wrong line, however long the file is."""
    run = begun(tmp_path)
    run.path_of("metrics.csv").write_bytes(text)
    with pytest.raises(RunFailed, match=fact) as refused:
        run.table("metrics.csv").columns()
    assert len(str(refused.value).splitlines()) == 1


def test_names_carry_time_label_and_six_random_digits(tmp_path: Path) -> None:
    """Created exclusively; what a label must not contain is replaced."""
    names = {Run.create(tmp_path, "../a b\n").path.name for _ in range(20)}
    assert len(names) == 20
    for name in names:
        stamp, _, rest = name.partition("_")
        assert time.strptime(stamp, "%Y%m%dT%H%M%SZ") and re.fullmatch("a_b_[0-9a-f]{6}", rest)
    assert all(run.parent == tmp_path for run in tmp_path.iterdir())


def test_status_is_derived_not_believed(tmp_path: Path) -> None:
    """`running` in state.json without a lock is a crash; a manifest is completion; a lock is work."""
    run = begun(tmp_path)
    assert status(run) == "crashed"
    with run.lock():
        assert status(run) == "running"
    run.record_status("interrupted")
    assert status(run) == "interrupted"
    run.record_status("failed", "because")
    assert status(run) == "failed" and run.state()["reason"] == "because"
    run.write_manifest()
    assert status(run) == "completed"


def _hold(path: Path, seconds: float) -> None:
    with locks.locked(path):
        (path.parent / "held").touch()
        time.sleep(seconds)


@pytest.mark.skipif(os.name != "posix", reason="flock")
def test_a_lock_goes_when_its_process_is_killed(tmp_path: Path) -> None:
    """A run is alive while its lock is held: SIGKILL frees the lock, and process ids do not matter."""
    run = begun(tmp_path)
    process = multiprocessing.get_context("spawn").Process(target=_hold, args=(run.path / ".lock", 60))
    process.start()
    while not (run.path / "held").exists():
        time.sleep(0.01)
    assert status(run) == "running"
    with pytest.raises(UsageError, match="another process is working on this run"), run.lock():
        pass
    process.kill()
    process.join()
    assert status(run) == "crashed"
    with run.lock():
        pass


def test_runs_are_found_by_path_prefix_and_latest(tmp_path: Path) -> None:
    """An ambiguous or unknown reference is refused with what would help."""
    first, second = begun(tmp_path, "one"), begun(tmp_path, "two")
    assert find_run(str(first.path), Path("elsewhere")).path == first.path
    assert find_run(second.path.name[:20], tmp_path).path == second.path
    first.path.rename(tmp_path / "29990101T000000Z_one_0a1b2c")
    assert find_run("latest", tmp_path).path == second.path
    assert len(all_runs(tmp_path)) == 2
    with pytest.raises(UsageError, match=r"names of 2 runs in .* begin with this"):
        find_run("2", tmp_path)
    with pytest.raises(UsageError, match="no such run"):
        find_run("zebra", tmp_path)
    with pytest.raises(UsageError, match="no such run"):
        find_run("latest", tmp_path / "empty")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it is not JSON"),
        ("[]", "is not a file of a run"),
        (f'{{"format": {FORMAT + 1}}}', f"newer than {FORMAT}"),
        ('{"a": 1}', "of a run"),
    ],
)
def test_damaged_and_future_files_are_refused_by_name(text: str, message: str, tmp_path: Path) -> None:
    """No guess about what they might have meant."""
    run = begun(tmp_path)
    (run.path / "state.json").write_text(text)
    with pytest.raises(UsageError, match=message):
        run.state()


def test_what_came_after_replaces_what_was_there(tmp_path: Path) -> None:
    """Whole folders are replaced, each with a manifest; no incomplete folder remains."""
    run = begun(tmp_path)
    run.write_result("eval-test-last", {"a.json": b"1", "b.json": b"2"})
    folder = run.write_result("eval-test-last", {"a.json": b"3"})
    assert sorted(path.name for path in folder.iterdir()) == ["MANIFEST.sha256", "a.json"]
    assert [path.name for path in folder.parent.iterdir()] == ["eval-test-last"]
