"""`dropout ensemble RUN` as a user meets it."""

import json
from pathlib import Path

import pytest

from tests.commands import TINY, dropout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished run of 8 hidden units."""
    folder = tmp_path_factory.mktemp("ensemble")
    (folder / "tiny.yaml").write_text(TINY)
    assert dropout("train", "tiny.yaml", "--no-plots", "--quiet", cwd=folder).returncode == 0
    return folder


def test_a_run_prints_single_networks_averages_and_weight_scaling(folder: Path) -> None:
    """A row for each, the sums, the finding, and the folder in the last line; the next command is on stderr."""
    done = dropout("ensemble", "latest", "--networks", "4", cwd=folder)
    assert done.returncode == 0 and "then dropout ensemble SWEEP" in done.stderr
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip(" ─")]
    assert lines[0].split() == ["prediction", "accuracy", "nll", "brier"]
    ways = [f"one of 4 sampled networks, {key}" for key in ("mean", "sd", "min", "max")]
    ways += ["arithmetic mean of 4 sampled networks", "geometric mean of 4 sampled networks"]
    for line, way in zip(lines[1:8], [*ways, "no noise (weight scaling)"], strict=True):
        assert line.startswith(way) and len([float(cell) for cell in line.removeprefix(way).split()]) == 3
    assert "(mean over 6 pairs)" in lines[8]
    after = folder / lines[-1]
    assert after.name == "ensemble-4-test-last"
    kept = {"error_by_networks.csv", "error_by_networks.png", "networks.csv", "results.json", "MANIFEST.sha256"}
    assert {path.name for path in after.iterdir()} == kept


def test_all_masks_of_a_run_and_its_report(folder: Path) -> None:
    """--exact has the largest difference from weight scaling, and the report of the run shows the study."""
    done = dropout("ensemble", "latest", "--exact", "--json", cwd=folder)
    assert done.returncode == 0 and done.stderr == ""
    found = json.loads(done.stdout)["ensemble-exact-test-last"]
    assert found["masks"] == 2**8 and found["largest_difference"]["geometric_mean"] < 1e-5
    page = Path(folder, dropout("report", "latest", cwd=folder).stdout.strip()).read_text()
    assert "All 256 masks of 8 units" in page and "is weight scaling" in page
    assert dropout("verify", "latest", cwd=folder).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["latest", "--networks", "1"], "--networks"),
        (["latest", "--exact", "--networks", "3"], "--networks: cannot be used with --exact"),
        (["latest", "--setting", "dropout.rate=0.5"], "--setting: works on a sweep"),
        (["latest", "--split", "val", "--checkpoint", "best", "--networks", "1000000000"], "GB of memory"),
        (["nothing"], "no such run"),
    ],
)
def test_mistakes_are_one_line(folder: Path, arguments: list[str], expected: str) -> None:
    """The line names the option or the run; the exit code is 2."""
    done = dropout("ensemble", *arguments, cwd=folder)
    assert done.returncode == 2 and expected in done.stderr and done.stdout == ""
