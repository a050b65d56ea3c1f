"""`dropout eval --calibration`, `--temperature` and `dropout predict --temperature` as a user meets them."""

import json
from pathlib import Path

import pytest

from tests.commands import TINY, dropout

REGRESSION = """\
dataset: {name: table, path: t.csv, target: y}
architecture: {name: mlp, hidden: [6]}
training: {epochs: 2}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a classification, one without validation part, and a regression."""
    folder = tmp_path_factory.mktemp("calibration")
    (folder / "tiny.yaml").write_text(TINY)
    (folder / "t.csv").write_text("x,y\n" + "".join(f"{i / 7},{(i * i) % 97 / 3}\n" for i in range(80)))
    (folder / "regression.yaml").write_text(REGRESSION)
    for name, words in (
        ("classes", ["tiny.yaml"]),
        ("noval", ["tiny.yaml", "dataset.val_fraction=0"]),
        ("norate", ["tiny.yaml", "dropout.rate=0"]),
        ("numbers", ["regression.yaml"]),
    ):
        done = dropout("train", *words, "--no-plots", "--quiet", "--runs-dir", name, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder


def test_both_studies_print_a_table_sentences_and_their_folders(home: Path) -> None:
    """The temperature comes first, so that the calibration shows the new one."""
    done = dropout("eval", "latest", "--calibration", "--temperature", "--mc", "3", "--runs-dir", "classes", cwd=home)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    lines = done.stdout.splitlines()
    folders = [home / line for line in lines if "/after/" in line]
    assert [folder.name for folder in folders] == ["temperature", "calibration-test-last-mc3"]
    assert {path.name for path in folders[1].iterdir()} >= {"reliability.png", "reliability.csv", "measures.csv"}
    (header,) = (line for line in lines if line.split()[:1] == ["number"])
    assert header.count("temperature") == 2 and header.count("no noise") == 2 and header.count("Monte Carlo") == 2
    again = dropout("eval", "latest", "--calibration", "--json", "--no-plots", "--runs-dir", "classes", cwd=home)
    found = json.loads(again.stdout)["calibration-test-last"]["predictors"]
    assert next(iter(found)) == "no noise" and found["no noise"]["examples"] == 359


@pytest.mark.parametrize(
    ("runs", "words", "expected"),
    [
        ("numbers", ["eval", "latest", "--temperature"], "--temperature: needs a classification"),
        ("numbers", ["predict", "latest", "t.csv", "--temperature"], "--temperature: needs a classification"),
        ("noval", ["eval", "latest", "--temperature"], "no validation part"),
        ("noval", ["eval", "latest", "--calibration", "--split", "val"], "has no val part"),
        ("norate", ["predict", "latest", "x.npy", "--temperature"], "no temperature for predictions without noise"),
        (
            "norate",
            ["predict", "latest", "x.npy", "--temperature", "--mc", "2"],
            "no temperature for the mean of Monte Carlo passes",
        ),
        (
            "classes",
            ["eval", "latest", "--calibration", "--mc", "2", "--thinned", "2"],
            "--thinned: cannot be used with --calibration",
        ),
    ],
)
def test_a_run_that_does_not_fit_gives_one_line_and_no_files(
    home: Path, runs: str, words: list[str], expected: str
) -> None:
    """Exit code 2, and the way out is a command or an option."""
    import numpy as np

    np.save(home / "x.npy", np.zeros((2, 8, 8, 1)))
    before = sorted(home.rglob("*"))
    done = dropout(*words, "--runs-dir", runs, cwd=home)
    assert done.returncode == 2 and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert expected in line
    assert sorted(home.rglob("*")) == before


def test_an_error_is_the_only_output_of_a_prediction_as_json(home: Path) -> None:
    """A missing file leaves no half of a JSON object on stdout."""
    done = dropout("predict", "latest", "absent.npy", "--json", "--runs-dir", "classes", cwd=home)
    assert done.returncode == 3 and done.stdout == "" and len(done.stderr.splitlines()) == 1


def test_the_way_out_of_a_missing_temperature_works(home: Path) -> None:
    """The command that the message names; then the prediction runs."""
    import shlex

    import numpy as np

    np.save(home / "x.npy", np.zeros((2, 8, 8, 1)))
    asked = ("predict", "latest", "x.npy", "--temperature", "--mc", "2", "--runs-dir", "norate")
    message = dropout(*asked, cwd=home).stderr
    command = message.split("`")[1].replace("--mc T", "--mc 2")
    done = dropout(*shlex.split(command)[1:], "--runs-dir", "norate", cwd=home)
    assert done.returncode == 0, done.stderr
    assert dropout(*asked, cwd=home).returncode == 0


def test_each_run_of_a_sweep_uses_its_own_temperature(home: Path) -> None:
    """The first run without one is named."""
    import numpy as np

    np.save(home / "x.npy", np.zeros((2, 8, 8, 1)))
    swept = dropout("sweep", "tiny.yaml", "--seeds", "2", "--jobs", "1", "--no-plots", "--quiet", cwd=home)
    assert swept.returncode == 0, swept.stderr
    sweep = swept.stdout.splitlines()[-1]
    cells = sorted(path.parent for path in (home / sweep).rglob("summary.json"))
    assert len(cells) == 2
    plain = dropout("predict", sweep, "x.npy", cwd=home)
    assert dropout("eval", str(cells[0]), "--temperature", cwd=home).returncode == 0
    failed = dropout("predict", sweep, "x.npy", "--temperature", cwd=home)
    assert failed.returncode == 2 and cells[1].name in failed.stderr
    assert len(failed.stderr.splitlines()) == 1 and ", and each of the 2 runs needs one." in failed.stderr
    assert dropout("eval", str(cells[1]), "--temperature", cwd=home).returncode == 0
    done = dropout("predict", sweep, "x.npy", "--temperature", cwd=home)
    assert done.returncode == 0 and done.stdout != plain.stdout
