"""Data in the place of a config: `dropout train data.csv`."""

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.commands import dropout

SHORT = ("training.epochs=2", "--no-plots")


@pytest.fixture
def plants(tmp_path: Path) -> Path:
    """A table with two possible targets."""
    rows = "".join(f"{n},{n * 7 % 11}.5,{'rb'[n % 2]},{'xyz'[n % 3]}\n" for n in range(60))
    (tmp_path / "plants.csv").write_text(f"height,width,color,kind\n{rows}")
    return tmp_path


def run_folder(folder: Path) -> Path:
    """The only run in the folder."""
    (run,) = (folder / "runs").iterdir()
    return run


def test_data_train_with_the_config_that_init_would_write(plants: Path) -> None:
    """The run stores it, and one line on stderr has the guess and the command that writes it."""
    done = dropout("train", "plants.csv", *SHORT, "--quiet", cwd=plants)
    assert done.returncode == 0, done.stderr
    line, *others = done.stderr.splitlines()
    assert "predicts" not in "".join(others) and line.startswith("plants.csv: predicts 'kind', because ")
    assert line.endswith("`dropout config init --data plants.csv` writes this config to a file.")
    assert dropout("config", "init", "c.yaml", "--data", "plants.csv", cwd=plants).returncode == 0
    assert (run_folder(plants) / "config.yaml").read_bytes() == (plants / "c.yaml").read_bytes()


def test_a_run_on_data_is_resumed_and_replayed_from_its_folder(plants: Path) -> None:
    """Also from another working directory."""
    arguments = ("train", "plants.csv", "--target", "color", *SHORT[1:], "training.epochs=300", "--quiet")
    assert dropout(*arguments, "--max-time", "0.01s", cwd=plants).returncode == 143
    run, elsewhere = run_folder(plants), plants / "elsewhere"
    elsewhere.mkdir()
    assert dropout("resume", str(run), "--quiet", "--no-plots", cwd=elsewhere).returncode == 0
    done = dropout("verify", str(run), "--replay", "--quiet", cwd=elsewhere)
    assert done.returncode == 0, done.stderr
    for name in ("config.yaml", "resolved.yaml"):
        assert dropout("config", "check", str(run / name), "--data", cwd=elsewhere).returncode == 0


def test_the_target_is_taken_from_the_option(plants: Path) -> None:
    """Overrides hold as for a config."""
    done = dropout("config", "show", "plants.csv", "--target", "color", "seed=7", cwd=plants)
    assert "target: color" in done.stdout and "seed: 7" in done.stdout
    assert dropout("config", "check", "plants.csv", "--target", "width", cwd=plants).returncode == 0


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["plants.csv", "--target", "colour"], "Did you mean 'color'?"),
        (["plants.csv", "dataset.target=color"], "Write `--target color`."),
        (["digits", "--target", "color"], "digits is a config, which names its target itself. Write dataset.target="),
        (["c.yaml", "--target", "color"], "c.yaml is a config, which names its target itself."),
        (["a.npz", "--target", "color"], "Leave out --target."),
        (["plnts.csv"], "plnts.csv: no such file. Did you mean 'plants.csv'?"),
        (["."], "is a folder"),
    ],
)
@pytest.mark.parametrize("command", ["train", "sweep", "check"])
def test_a_mistake_gets_one_line_and_leaves_nothing(
    plants: Path, words: list[str], expected: str, command: str
) -> None:
    """The exit code is that of a wrong command line."""
    (plants / "c.yaml").write_text("dataset: {name: table, path: plants.csv}\n")
    np.savez(plants / "a.npz", x=np.zeros((60, 2)), y=np.arange(60) % 2)
    before = sorted(plants.iterdir())
    done = dropout(*(["config"] if command == "check" else []), command, *words, cwd=plants)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert expected in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
    assert sorted(plants.iterdir()) == before


def test_a_sweep_over_data_stores_the_config_that_it_needs(plants: Path) -> None:
    """A sweep without a config goes on by its command or its `sweep.yaml`; a mistake makes no folder."""
    wrong = dropout("sweep", "plants.csv", "dropout.rte=0,0.5", "--seeds", "2", cwd=plants)
    planned = dropout("sweep", "plants.csv", "dropout.rate=0,0.5", "--seeds", "2", "--dry-run", cwd=plants)
    assert (wrong.returncode, planned.returncode) == (2, 0) and not (plants / "runs").exists()
    arguments = ("dropout.rate=0,0.5", "training.epochs=2", "--seeds", "2", "--no-plots", "--quiet", "--jobs", "1")
    first = dropout("sweep", "plants.csv", "--target", "color", *arguments, cwd=plants)
    assert first.returncode == 0, first.stderr
    folder = plants / "runs/sweep-plants"
    assert 'target: "color"' in (folder / "config.yaml").read_text()
    cells = {path: path.stat().st_mtime_ns for path in folder.glob("cells/*/summary.json")}
    again = dropout("sweep", "plants.csv", "--target", "color", *arguments, cwd=plants)
    alone = dropout("sweep", str(folder / "sweep.yaml"), "--out", str(folder), "--quiet", "--no-plots", cwd=plants)
    assert first.stdout == again.stdout
    assert alone.returncode == 0, alone.stderr
    assert len(cells) == 4 and cells == {path: path.stat().st_mtime_ns for path in folder.glob("cells/*/summary.json")}


def test_a_text_file_with_keys_of_a_config_is_a_config(tmp_path: Path) -> None:
    """Its ending may be that of a table."""
    (tmp_path / "c.txt").write_text("# a config\ndataset: digits\n")
    assert dropout("config", "check", "c.txt", cwd=tmp_path).stdout == "c.txt: the config is valid.\n"


def test_data_of_other_kinds_are_taken(tmp_path: Path) -> None:
    """Arrays, Excel, a compressed table, and a file of unknown ending with a target."""
    import pandas as pd

    frame = pd.DataFrame({"a": np.arange(90) % 13 / 4, "b": [*"xy"] * 45, "kind": [*"pqr"] * 30})
    np.savez(tmp_path / "a.npz", x=np.random.default_rng(0).normal(size=(200, 3)), y=np.arange(200) % 2)
    frame.to_csv(tmp_path / "t.csv.gz", index=False)
    frame.to_csv(tmp_path / "table.all", index=False)
    words = [["a.npz"], ["t.csv.gz"], ["table.all", "--target", "kind"]]
    if pytest.importorskip("openpyxl", reason="for Excel: pip install '.[excel]'"):
        frame.to_excel(tmp_path / "t.xlsx", index=False)
        words.append(["t.xlsx"])
    for one in words:
        done = dropout("config", "check", *one, "--data", cwd=tmp_path)
        assert done.returncode == 0, done.stderr


def answer(folder: Path, text: str, *arguments: str) -> tuple[int, str, str]:
    """Run the command on a terminal and type an answer; return exit code, stdout and what the terminal showed."""
    terminal, inside = pty.openpty()
    os.write(terminal, text.encode())
    command = [sys.executable, "-m", "dropout_cli", *arguments]
    done = subprocess.run(
        command, cwd=folder, stdin=inside, stderr=inside, stdout=subprocess.PIPE, text=True, check=False
    )
    os.close(inside)
    shown = b""
    try:
        while piece := os.read(terminal, 10_000):
            shown += piece
    except OSError:  # a terminal without an open end
        pass
    os.close(terminal)
    return done.returncode, done.stdout, shown.decode()


@pytest.mark.parametrize(("typed", "target"), [("\n", "kind"), ("color\n", "color"), ("colour\ncolor\n", "color")])
def test_on_a_terminal_the_target_is_asked(plants: Path, typed: str, target: str) -> None:
    """An empty answer takes the guess; after a wrong one it asks again. With --target nothing is asked."""
    code, out, shown = answer(plants, typed, "config", "show", "plants.csv")
    assert code == 0 and f"target: {target}\n" in out and out.startswith("dataset:\n")
    assert "Column to predict [kind]: " in shown and ("Did you mean 'color'?" in shown) == ("colour" in typed)
    assert "Column to predict" not in answer(plants, "\n", "config", "show", "plants.csv", "--target", "color")[2]


def test_a_run_folder_is_not_taken_for_data(plants: Path) -> None:
    """It has a config in it, which the message names."""
    shutil.copy(plants / "plants.csv", plants / "other.csv")
    done = dropout("train", "plants.csv", *SHORT, "--quiet", "--json", cwd=plants)
    run = json.loads(done.stdout)["run"]
    for folder in (run, "runs"):
        again = dropout("train", folder, cwd=plants)
        assert again.returncode == 2 and "is a folder. Give a YAML file in it." in again.stderr
