"""`verify` notices a flipped bit at any place of any file, and files that nobody lists."""

import random
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dropout_cli.analysis.evaluate import evaluate_run
from dropout_cli.analysis.verify import Check, verify_run
from dropout_cli.core.errors import DropoutError
from dropout_cli.runs import MANIFEST, Run, manifest, tags
from dropout_cli.sweeps.folder import SweepFolder
from dropout_cli.sweeps.verify import verify_sweep
from tests.commands import TINY, dropout
from tests.formats.moving import copied
from tests.small_run import train

Verify = Callable[[Path], list[Check]]


def run_checks(path: Path) -> list[Check]:
    """The checks of a run folder."""
    return verify_run(Run(path))


def sweep_checks(path: Path) -> list[Check]:
    """The checks of a sweep folder."""
    return verify_sweep(SweepFolder(path))


def wrong(verify: Verify, path: Path) -> list[tuple[str, str]]:
    """Return what is wrong; a run of a sweep that failed always is."""
    try:
        return [(check.what, check.fact) for check in verify(path) if not check.right]
    except DropoutError as error:
        return [("", str(error))]


def notices(verify: Verify, path: Path) -> bool:
    """Return True if something is wrong besides runs that failed."""
    return any(not fact.startswith("failed (") for _, fact in wrong(verify, path))


def files(folder: Path) -> list[Path]:
    """Return all files; those of a search without the runs in it, which are as in a sweep."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path for path in found if folder.name != "tune-base" or "cells" not in path.parts]


def flips(folder: Path, offsets: int) -> Iterator[str]:
    """Flip one bit at a time at sampled offsets of every file; yield the place, then restore the file."""
    draw = random.Random(0)
    for path in files(folder):
        data = path.read_bytes()
        last = len(data) - 1
        for offset in {0, last, *(draw.randint(0, last) for _ in range(offsets))} if data else ():
            bit = draw.randrange(8)
            path.write_bytes(data[:offset] + bytes([data[offset] ^ 1 << bit]) + data[offset + 1 :])
            yield f"{path.relative_to(folder)}: byte {offset}, bit {bit}"
        path.write_bytes(data)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A complete run with results of later commands."""
    made = train(tmp_path_factory.mktemp("run"), "architecture.hidden=[4]")
    evaluate_run(made, figures=False)
    tags.add_tags(made, ["one"], "a note")
    return made.path


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep with a run that fails, and its report."""
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "base.yaml").write_text(TINY)
    values = ("training.optimizer.learning_rate=0.01,1e30", "dropout.rate=0,0.3")
    done = dropout("sweep", "base.yaml", *values, "--seeds", "1", "--no-plots", "--quiet", cwd=folder)
    assert done.returncode == 5, done.stderr
    dropout("report", "runs/sweep-base", cwd=folder)
    return folder / "runs/sweep-base"


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search with its finals."""
    folder = tmp_path_factory.mktemp("search")
    (folder / "base.yaml").write_text(TINY)
    asked = ("dropout.rate=0.1,0.4", "--trials", "2", "--repeats", "1", "--seeds", "1", "--no-plots", "--quiet")
    done = dropout("tune", "base.yaml", *asked, cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "runs/tune-base"


@pytest.mark.parametrize(
    ("made", "verify", "offsets"), [("run", run_checks, 4), ("sweep", sweep_checks, 1), ("search", sweep_checks, 2)]
)
def test_a_flipped_bit_is_noticed(made: str, verify: Verify, offsets: int, request: pytest.FixtureRequest) -> None:
    """In every file, manifests, states, notes and databases included."""
    folder = request.getfixturevalue(made)
    assert not notices(verify, folder)
    unnoticed, count = [], 0
    for place in flips(folder, offsets):
        count += 1
        if not notices(verify, folder):
            unnoticed.append(place)
    assert not unnoticed
    assert count >= sum(path.stat().st_size > 0 for path in files(folder))
    assert not notices(verify, folder)


@pytest.mark.parametrize("name", ["x", ".x", "after/x", "after/.x", "after/eval-test-last/state.json", "checkpoints/x"])
def test_a_file_that_nobody_lists_in_a_run_is_noticed(name: str, run: Path) -> None:
    """Also in `after/` itself, hidden, or with a name that is left out elsewhere."""
    (run / name).write_text("x")
    try:
        assert notices(run_checks, run)
    finally:
        (run / name).unlink()


@pytest.mark.parametrize("name", ["after/new/x", "after/.new/x", "after/.new.partial/x"])
def test_a_folder_without_a_manifest_in_after_is_noticed(name: str, run: Path) -> None:
    """Only a folder that a command is writing has none."""
    (run / name).parent.mkdir()
    (run / name).write_text("x")
    try:
        assert notices(run_checks, run)
    finally:
        shutil.rmtree((run / name).parent)


def test_a_result_that_is_being_written_is_no_damage(run: Path) -> None:
    """Its folder is hidden, and has eight random digits in its name."""
    (run / "after/.eval.0a1b2c3d.partial").mkdir()
    try:
        assert not notices(run_checks, run)
    finally:
        (run / "after/.eval.0a1b2c3d.partial").rmdir()


@pytest.mark.parametrize("name", ["x", "failed/x", "cells/x", "yardsticks/x", "new/x", "cells/{cell}/x"])
def test_a_file_that_nobody_lists_in_a_sweep_is_noticed(name: str, sweep: Path) -> None:
    """In any of its folders."""
    cell = next(path.name for path in sorted((sweep / "cells").iterdir()) if (path / MANIFEST).is_file())
    path = sweep / name.format(cell=cell)
    new = not path.parent.exists()
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
    try:
        assert notices(sweep_checks, sweep)
    finally:
        path.unlink()
        if new:
            path.parent.rmdir()


def test_damage_outlives_a_report(sweep: Path, tmp_path: Path) -> None:
    """A report adds its own digest to the manifest, and accepts no other file as it is now."""
    folder = tmp_path / "copy"
    shutil.copytree(sweep, folder)
    (folder / "notes.txt").write_bytes(b"changed")
    assert dropout("report", str(folder), cwd=tmp_path).returncode == 0
    before = wrong(sweep_checks, sweep)
    assert [what for what, fact in wrong(sweep_checks, folder) if (what, fact) not in before] == ["notes.txt"]


def test_older_folders_name_files_without_a_checksum(tmp_path: Path) -> None:
    """They stay right, since nothing shows that they are not."""
    runs = copied(2, tmp_path)
    checks = sweep_checks(runs / "sweep-finished")
    assert all(check.right for check in checks)
    fact = next(check.fact for check in checks if check.what == MANIFEST)
    assert "No checksum covers" in fact and "notes.txt" in fact and "plan.json" in fact
    older = next(path.parent for path in sorted(runs.glob(f"*/{MANIFEST}")))
    checks = run_checks(older)
    assert all(check.right for check in checks)
    assert any("stored no checksum of state.json and MANIFEST.sha256" in check.fact for check in checks)


def test_sha256sum_reads_the_manifest(run: Path) -> None:
    """The last line is a comment to it."""
    if shutil.which("sha256sum") is None:
        pytest.skip("needs sha256sum")
    done = subprocess.run(["sha256sum", "-c", "--quiet", MANIFEST], cwd=run, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_manifest_without_its_last_line_is_damaged(run: Path) -> None:
    """A manifest that lists state.json is none of an older version."""
    data = (run / MANIFEST).read_bytes()
    assert data.startswith(b"".join(data.splitlines(keepends=True)[:-1])) and manifest.is_sealed(data)
    (run / MANIFEST).write_bytes(b"".join(data.splitlines(keepends=True)[:-1]))
    try:
        assert notices(run_checks, run)
    finally:
        (run / MANIFEST).write_bytes(data)
