"""The command `dropout variance`: a sweep of the runs of a design, with shares at its end."""

import csv
import io
import json
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.commands import TINY, dropout

FILES = ("variance.csv", "results.csv", "notes.txt", "sweep.yaml", "config.yaml")
COMMAND = ("variance", "tiny.yaml", "--levels", "5", "--metric", "test.nll")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a complete study of 25 small runs."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "tiny.yaml").write_text(TINY)
    done = dropout(*COMMAND, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "runs/variance-tiny"
    assert "together (interactions)" in done.stdout and "do not add up" in done.stdout
    assert "Augmentation: left out" in done.stderr and "25/25 runs" in done.stderr
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    """The bytes of the tables and of the sweep file, without the name of the folder."""
    place = folder / "runs/variance-tiny"
    return {name: (place / name).read_bytes().replace(str(folder).encode(), b"") for name in FILES}


def test_the_same_command_again_trains_nothing_and_changes_nothing(study: Path) -> None:
    """Not even the times of the files."""
    before = {path: path.stat().st_mtime_ns for path in study.rglob("*") if path.is_file() and path.name != ".lock"}
    done = dropout(*COMMAND, "--json", "--quiet", cwd=study)
    found = json.loads(done.stdout)
    assert found["runs"] == 25 and [one["key"] for one in found["sources"]] == [
        "streams.init",
        "streams.order",
        "streams.noise",
        "dataset.split_seed",
    ]
    shares = [one["share"] for one in (*found["sources"], found["interactions"])]
    assert sum(shares) == pytest.approx(1)
    assert before == {path: path.stat().st_mtime_ns for path in before}


def test_another_metric_is_computed_from_the_same_runs(study: Path) -> None:
    """Nothing is trained for it."""
    done = dropout("variance", "tiny.yaml", "--levels", "5", "--json", "--no-plots", cwd=study)
    assert json.loads(done.stdout)["metric"] == "test.accuracy" and "25/25" in done.stderr.splitlines()[1]
    assert dropout(*COMMAND, "--quiet", cwd=study).returncode == 0


def working_in(folder: Path) -> list[Path]:
    """Return the processes, as folders of /proc, that work in a folder."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if link.readlink() == folder.resolve():
                found.append(link.parent)
    return found


def test_a_killed_study_goes_on_to_the_same_tables(study: Path, tmp_path: Path) -> None:
    """The command is killed three times, each time after some more runs."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    cells = tmp_path / "runs/variance-tiny/cells"
    for least in (2, 8, 15):
        command = [sys.executable, "-m", "dropout_cli", *COMMAND, "--quiet", "--jobs", "2"]
        child = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 200
        while child.poll() is None and time.monotonic() < until:
            if cells.is_dir() and sum(1 for one in cells.iterdir() if not one.suffix) >= least:
                break
            time.sleep(0.02)
        assert child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not (tmp_path / "runs/variance-tiny/variance.csv").exists()
    assert "The shares need all runs" in dropout("show", "runs/variance-tiny", cwd=tmp_path).stdout
    while working_in(tmp_path):  # a worker of the killed command stops at the end of its epoch
        time.sleep(0.02)
    assert dropout(*COMMAND, "--quiet", cwd=tmp_path).returncode == 0
    assert contents(tmp_path) == contents(study)


def test_verify_computes_the_shares_again(study: Path) -> None:
    """A changed share is found, and so is nothing in an unchanged study."""
    place, table = "runs/variance-tiny", study / "runs/variance-tiny/variance.csv"
    assert dropout("verify", place, cwd=study).returncode == 0
    data = table.read_bytes()
    rows = list(csv.reader(io.StringIO(data.decode())))
    rows[1][3] = "0.5"
    table.write_text("".join(",".join(row) + "\n" for row in rows))
    done = dropout("verify", place, cwd=study)
    table.write_bytes(data)
    assert done.returncode != 0 and "does not match the runs" in done.stdout


def test_show_and_report_tell_the_shares(study: Path) -> None:
    """Both have the table of the command, and the report has the figure as well."""
    shown = dropout("show", "runs/variance-tiny", cwd=study).stdout
    assert "25 of 25 done" in shown and "together (interactions)" in shown
    as_json = json.loads(dropout("show", "runs/variance-tiny", "--json", cwd=study).stdout)
    assert as_json["comparison"] is None and len(as_json["variance"]["sources"]) == 4
    done = dropout("report", "runs/variance-tiny", "--output", "page.html", cwd=study)
    assert done.returncode == 0, done.stderr
    page = (study / "page.html").read_text()
    assert "Where does the spread of test NLL come from?" in page and "data:image/svg+xml" in page
    assert "dropout variance runs/variance-tiny/config.yaml --levels 5 --metric test.nll" in page


def test_the_command_of_the_report_goes_on_with_the_study(study: Path) -> None:
    """The stored config has the overrides, so that its runs are those that are complete."""
    before = contents(study)
    words = ("variance", "runs/variance-tiny/config.yaml", "--levels", "5", "--metric", "test.nll")
    done = dropout(*words, "--out", "runs/variance-tiny", "--quiet", cwd=study)
    assert done.returncode == 0, done.stderr
    assert contents(study) == before


def test_a_study_and_a_sweep_have_folders_of_their_own(study: Path) -> None:
    """Each refuses the folder of the other, and runs that differ only in seeds are not compared."""
    sweep = ("sweep", "tiny.yaml", "dropout.rate=0,0.2", "--seeds", "1", "--no-plots", "--quiet")
    done = dropout(*sweep, "--out", "runs/variance-tiny", cwd=study)
    assert done.returncode == 2 and "contains a study of the variance, not a sweep" in done.stderr
    assert dropout(*sweep, "--out", "runs/plain", cwd=study).returncode == 0
    done = dropout(*COMMAND, "--out", "runs/plain", cwd=study)
    assert done.returncode == 2 and "contains a sweep, not a study of the variance" in done.stderr
    done = dropout("compare", "runs/variance-tiny", cwd=study)
    assert done.returncode == 2 and "there is nothing to compare" in done.stderr


def test_a_dry_run_trains_nothing(tmp_path: Path) -> None:
    """It says how many runs there are, and leaves nothing behind."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = dropout("variance", "tiny.yaml", "--dry-run", "--json", cwd=tmp_path)
    assert done.returncode == 0 and json.loads(done.stdout)["cells"] == 49
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.yaml"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("dropout.rate=0,0.5",), "dropout.rate"),
        (("--metric", "test.rmse"), "'test.rmse' is not a metric of a classification"),
        (("--metric", "val.nll", "dataset.val_fraction=0"), "--metric: val.nll needs a validation part"),
        (("--metric", "test.nothing"), "unknown metric 'test.nothing'"),
        (("--levels", "6"), "'6' is not one of '5', '7', '11'"),
        (("streams={init: 0, order: 0, noise: 0}",), "needs at least two sources of randomness"),
        (("--jobs", "2", "--scheduler", "tcp://host:1"), "--jobs: cannot be used with --scheduler"),
    ],
)
def test_a_wrong_study_is_refused_before_a_folder_is_made(words: tuple[str, ...], message: str, tmp_path: Path) -> None:
    """In one message, with exit code 2."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    done = dropout("variance", "tiny.yaml", *words, cwd=tmp_path)
    assert done.returncode == 2 and message in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.yaml"}


def test_failed_runs_leave_no_shares(tmp_path: Path) -> None:
    """The exit code is that of an incomplete sweep, the message says what the shares need, and no old table stays."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    stale = tmp_path / "runs/variance-tiny/variance.csv"
    stale.parent.mkdir(parents=True)
    stale.write_text("of an earlier design")
    done = dropout(*COMMAND, "training.optimizer.learning_rate=1e30", "--quiet", cwd=tmp_path)
    assert (
        done.returncode == 5
        and "runs failed, 0 runs were not trained" in done.stderr
        and "the shares need all 25 runs" in done.stderr
    )
    assert not (tmp_path / "runs/variance-tiny/variance.csv").exists()
