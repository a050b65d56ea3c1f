"""`dropout eval --shift` and `--ood` as a user meets them."""

import json
from pathlib import Path

import pytest

from tests.commands import TINY, dropout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one finished run in it."""
    folder = tmp_path_factory.mktemp("shift")
    (folder / "tiny.yaml").write_text(TINY)
    assert dropout("train", "tiny.yaml", "--no-plots", "--quiet", cwd=folder).returncode == 0
    return folder


def test_both_studies_run_one_after_the_other(folder: Path) -> None:
    """Each prints a table, its findings and its folder, and one object of JSON has both."""
    asked = ("eval", "latest", "--shift", "contrast", "--ood", "uniform", "--mc", "2", "--no-plots")
    done = dropout(*asked, cwd=folder)
    assert done.returncode == 0 and done.stderr == ""
    folders = [line for line in done.stdout.splitlines() if "/after/" in line]
    assert [Path(line).name for line in folders] == ["shift-contrast-test-last-mc2", "ood-uniform-test-last-mc2"]
    assert not list((folder / folders[0]).glob("*.png")) and (folder / folders[0] / "shift.csv").is_file()
    printed = json.loads(dropout(*asked, "--json", cwd=folder).stdout)
    assert list(printed) == ["run", "shift-contrast-test-last-mc2", "ood-uniform-test-last-mc2"]
    assert len(printed["shift-contrast-test-last-mc2"]["strengths"]) == 10


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--shift", "missing"], "--shift: missing needs a table"),
        (["--shift", "spin"], "'spin' is not one of 'rotate', 'translate'"),
        (["--example", "3"], "--example: needs --shift rotate. Add --shift rotate."),
        (["--shift", "rotate", "--example", "99999"], "the test part does not have row 99999"),
        (["--shift", "rotate", "--thinned", "2"], "--thinned: cannot be used with --shift. Leave it out."),
        (["--ood", "nothing"], "nothing: no such file"),
    ],
)
def test_a_mistake_with_a_study_is_one_clear_line(folder: Path, arguments: list[str], expected: str) -> None:
    """Exit 2, nothing on stdout, and no folder."""
    before = sorted((folder / "runs").rglob("*"))
    done = dropout("eval", "latest", *arguments, cwd=folder)
    assert done.returncode == 2 and done.stdout == ""
    assert expected in done.stderr and len(done.stderr.splitlines()) == 1
    assert sorted((folder / "runs").rglob("*")) == before


@pytest.mark.parametrize("name", ["nothing.npy", "none/nothing"])
def test_a_missing_file_is_the_mistake_that_predict_names(folder: Path, name: str) -> None:
    """Exit code 3 and one line, as from `dropout predict`."""
    done = dropout("eval", "latest", "--ood", name, "--mc", "2", cwd=folder)
    known = dropout("predict", "latest", name, cwd=folder)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", known.stderr) and known.returncode == 3
