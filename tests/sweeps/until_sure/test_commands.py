"""`dropout sweep --until sure` on the command line: it ends by itself, goes on after a kill, and refuses changes."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dropout_cli.core.errors import ConfigError
from dropout_cli.sweeps.options import SweepOptions
from dropout_cli.sweeps.sweep_file import load_sweep
from dropout_cli.sweeps.until_sure.plan import comparison_with_looks, fewest_cells, looks_up_to
from tests.commands import dropout
from tests.small_sweep import BASE, planned

START = ("sweep", "base.yaml", "dropout.rate=0.2,0.9", "--until", "sure", "--no-plots", "--quiet")
ASKED = (*START, "--max-seeds", "8")


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a command that has ended by itself."""
    folder = tmp_path_factory.mktemp("until")
    (folder / "base.yaml").write_text(BASE)
    done = dropout(*ASKED, "--metric", "train.nll", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_command_gives_the_same_results(ended: Path) -> None:
    """`show` and `compare` print the table of the sweep, `verify` finds it in the files, and nothing is missing."""
    again = dropout(*ASKED, "--metric", "train.nll", "--json", cwd=ended)
    compared = dropout("compare", "runs/sweep-base", "--format", "json", cwd=ended)
    shown = dropout("show", "runs/sweep-base", "--json", cwd=ended)
    assert again.returncode == compared.returncode == shown.returncode == 0
    first, second, third = json.loads(again.stdout), json.loads(compared.stdout), json.loads(shown.stdout)
    assert first["comparisons"] == second["comparisons"] == third["comparison"]["comparisons"]
    assert first["notes"] == second["notes"] == third["comparison"]["notes"]
    assert first["metric"] == "train.nll" and first["comparisons"][0]["look"] >= 1
    assert (third["status"], third["missing"]) == ("complete", 0) and third["look"].startswith("ended at look")
    assert "left out" not in compared.stderr
    assert dropout("verify", "runs/sweep-base", cwd=ended).returncode == 0


def test_another_plan_is_refused(ended: Path) -> None:
    """More seeds, a margin, another metric, another rate, or no looks at all: exit code 2, and the reason."""
    folder = ("--out", "runs/sweep-base")
    for words, fact in (
        (("--max-seeds", "30", "--metric", "train.nll"), "planned for at most 8 seeds or splits, not 30"),
        (("--margin", "0.01", "--metric", "train.nll"), "the margin was none, now it is 0.01"),
        (("--metric", "train.error"), "the metrics were train.nll, now train.error"),
        (("--metric", "train.nll", "training.epochs=1"), "the settings or their configs have changed"),
        (("--metric", "train.nll", "--baseline", "dropout.rate=0.9"), "the baseline has changed"),
    ):
        done = dropout(*(START if "--max-seeds" in words else ASKED), *words, *folder, cwd=ended)
        assert done.returncode == 2 and fact in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1 and "already compared under the first plan" in done.stderr
    fixed = dropout("sweep", "base.yaml", "dropout.rate=0.2,0.9", "--seeds", "8", "--metric", "train.nll", cwd=ended)
    assert fixed.returncode == 2 and "began with --until sure" in fixed.stderr


def test_a_sweep_without_looks_gets_none_later(tmp_path: Path) -> None:
    """Its results may have been seen: planned looks are refused, and any-time intervals are offered."""
    (tmp_path / "base.yaml").write_text(BASE)
    fixed = dropout("sweep", "base.yaml", "dropout.rate=0.2,0.9", "--seeds", "3", "--no-plots", cwd=tmp_path)
    assert fixed.returncode == 0
    done = dropout(*ASKED, cwd=tmp_path)
    assert done.returncode == 2 and "began without --until sure" in done.stderr and "--any-time" in done.stderr
    more = dropout("sweep", "base.yaml", "dropout.rate=0.2,0.9", "--seeds", "8", "--no-plots", cwd=tmp_path)
    assert "--any-time" in more.stdout
    plain, any_time = (
        json.loads(dropout("compare", "runs/sweep-base", *words, "--format", "json", cwd=tmp_path).stdout)
        for words in ((), ("--any-time",))
    )
    (narrow,), (wide,) = plain["comparisons"], any_time["comparisons"]
    assert wide["interval"][0] < narrow["interval"][0] < narrow["interval"][1] < wide["interval"][1]
    assert wide["p"] is None and narrow["p"] is not None
    tested = dropout("compare", "runs/sweep-base", "--any-time", "--test", "max-t", cwd=tmp_path)
    assert tested.returncode == 2


def killed_after(folder: Path, complete: int) -> bool:
    """Start or continue a sweep, and kill it when so many runs are complete; return False if it ended before."""
    command = [sys.executable, "-m", "dropout_cli", *ASKED, "--metric", "train.nll"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            if len([*folder.glob("runs/sweep-base/cells/????????????/MANIFEST.sha256")]) >= complete:
                process.kill()
                return True
            time.sleep(0.01)
    return False


def test_a_killed_sweep_ends_with_the_same_tables(ended: Path, tmp_path: Path) -> None:
    """It is killed twice, within its first look and at its end, and given again: no table has another byte."""
    (tmp_path / "base.yaml").write_text(BASE)
    kills = [killed_after(tmp_path, 4), killed_after(tmp_path, 11)]
    assert all(kills)
    done = dropout(*ASKED, "--metric", "train.nll", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for name in ("results.csv", "summary.csv", "comparisons.csv", "notes.txt", "plan.json", "sweep.yaml"):
        one, other = ((folder / "runs/sweep-base" / name).read_bytes() for folder in (ended, tmp_path))
        assert one.replace(bytes(ended), b"") == other.replace(bytes(tmp_path), b"")


@pytest.mark.parametrize(
    ("text", "options", "place"),
    [
        ("grid: {dropout.rate: [0, 0.4]}\nseeds: 3\n", {"until": "sure"}, "seeds"),
        ("grid: {dropout.rate: [0, 0.4]}\nmax_seeds: 10\n", {}, "max_seeds"),
        ("grid: {dropout.rate: [0, 0.4], dataset.split_seed: [0, 1]}\nuntil: sure\n", {}, "until"),
        ("grid: {dropout.rate: [0, 0.4], seed: [0, 1]}\nuntil: sure\n", {}, "until"),
        ("grid: {dropout.rate: [0, 0.4]}\nuntil: sure\ntest: max-t\n", {}, "until"),
        ("grid: {dropout.rate: [0, 0.4]}\nuntil: sure\nsplits: 5\n", {}, "splits"),
        ("grid: {dropout.rate: [0, 0.4]}\nuntil: sure\nsplits: 8\nmax_seeds: 9\n", {}, "max_seeds"),
        ("grid: {dropout.rate: [0, 0.4]}\n", {"until": "tired"}, "--until"),
        ("grid: {dropout.rate: [0, 0.4]}\n", {"until": "sure", "max_seeds": 5}, "--max-seeds"),
        ("grid: {dropout.rate: [0, 0.4]}\n", {"until": "sure", "margin": float("nan")}, "--margin"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, text: str, options: dict[str, str], place: str) -> None:
    """The error names the key or the option, before anything is trained."""
    with pytest.raises(ConfigError) as caught:
        planned(tmp_path, text, **options)
    assert caught.value.problems[0].place == place


def test_a_search_does_not_end_by_looks(tmp_path: Path) -> None:
    """`dropout tune` chooses its runs itself, so that the key is refused."""
    (tmp_path / "sweep.yaml").write_text("base: digits\ngrid: {dropout.rate: [0, 0.4]}\nuntil: sure\n")
    with pytest.raises(ConfigError, match="not for a search"):
        load_sweep(tmp_path / "sweep.yaml", (), SweepOptions(), search=True)


def test_a_sweep_without_comparisons_is_refused(tmp_path: Path) -> None:
    """One setting has nothing to be compared with; a swept fold has no independent seeds."""
    for text, fact in (
        ("until: sure\n", "at least two settings"),
        ("grid: {dropout.rate: [0, 0.4], dataset.fold: [0, 1]}\nset: {dataset.folds: 3}\nuntil: sure\n", "independent"),
    ):
        made = planned(tmp_path, text)
        asked = load_sweep(tmp_path / "sweep.yaml", (), SweepOptions())
        with pytest.raises(ConfigError, match=fact):
            comparison_with_looks(made, asked)


def test_the_least_and_the_most_runs(tmp_path: Path) -> None:
    """Of three settings, 18 runs for the first look and 60 in all; folds and seeds on a split multiply them."""
    grid = "grid: {dropout.rate: [0, 0.2, 0.4]}\nuntil: sure\n"
    for more, fewest, most in (
        ("max_seeds: 20\n", 18, 60),
        ("max_seeds: 20\nset: {dataset.folds: 3}\n", 54, 180),
        ("splits: 8\nseeds: 2\n", 36, 48),
    ):
        made = planned(tmp_path, grid + more)
        asked = load_sweep(tmp_path / "sweep.yaml", (), SweepOptions())
        looks = comparison_with_looks(made, asked).until
        assert looks is not None and looks.comparisons == 2
        assert (fewest_cells(made, looks), len(made.cells)) == (fewest, most)


def test_looks_end_at_the_most_seeds() -> None:
    """The usual looks below a number, and that number."""
    assert looks_up_to(30) == [6, 8, 10, 14, 20, 30]
    assert looks_up_to(12) == [6, 8, 10, 12]
    assert looks_up_to(50) == [6, 8, 10, 14, 20, 30, 50]
    assert looks_up_to(6) == [6]
