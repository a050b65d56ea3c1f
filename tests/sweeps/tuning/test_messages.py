"""What `dropout tune` says on stderr beside its progress."""

from pathlib import Path

import pytest

from tests.commands import TINY, dropout

SEARCH = ("tune", "base.yaml", "dropout.rate=0,0.1", "--trials", "2", "--repeats", "1", "--seeds", "1", "--no-plots")


@pytest.fixture
def searched(tmp_path: Path) -> Path:
    """A folder with a config."""
    (tmp_path / "base.yaml").write_text(TINY)
    return tmp_path


def test_a_search_says_once_which_parts_stay(searched: Path) -> None:
    """The fixed test part is mentioned once, before the first trial."""
    for name in ("table.csv", "test.csv"):
        (searched / name).write_text("a,b,label\n" + "".join(f"{n},{n % 7},{n % 2}\n" for n in range(60)))
    source = "{name: table, path: table.csv, test_path: test.csv, task: classification}"
    (searched / "base.yaml").write_text(TINY.replace("digits", source))
    stays = "dataset: table: the test part is fixed; the training and validation parts vary."
    assert dropout(*SEARCH, "--quiet", cwd=searched).stderr.splitlines() == [stays]
    assert dropout(*SEARCH, "--quiet", cwd=searched).stderr == ""


def test_a_search_ends_with_the_next_commands(searched: Path) -> None:
    """The last lines of stderr are those of a sweep, without `--quiet` only."""
    done = dropout(*SEARCH, cwd=searched)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-2:] == [
        "Next: dropout report runs/tune-base, dropout compare runs/tune-base",
        "New data: dropout predict runs/tune-base FILE",
    ]
    assert "Next:" not in dropout(*SEARCH, "--quiet", cwd=searched).stderr
