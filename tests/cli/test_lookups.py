"""Commands that look something up, and the help that all have."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.commands import dropout
from tests.small_run import train


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--version"], "dropout 0."),
        (["--help"], "train"),
        (["variants"], "gaussian"),
        (["variants", "inverted"], "y = m (.) a / q"),
        (["datasets"], "breast_cancer"),
        (["datasets", "moons"], "noise"),
        (["config", "show", "digits"], "variant: inverted"),
        (["config", "show", "digits", "dropout.rate=0.45", "--explain"], "command line"),
        (["config", "show", "digits", "--model"], "hidden1/relu"),
        (["config", "check", "digits"], "the config is valid"),
        (["config", "schema"], "https://json-schema.org/draft/2020-12/schema"),
    ],
)
def test_commands_that_look_things_up(arguments: list[str], expected: str, tmp_path: Path) -> None:
    """They print to stdout, exit with 0 and leave nothing behind."""
    done = dropout(*arguments, cwd=tmp_path)
    assert done.returncode == 0 and expected in done.stdout and done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_config_init_writes_a_config_that_trains_and_never_overwrites(tmp_path: Path) -> None:
    """The way in for a new user."""
    assert dropout("config", "init", "mine.yaml", cwd=tmp_path).stdout == "mine.yaml\n"
    assert dropout("config", "check", "mine.yaml", cwd=tmp_path).returncode == 0
    again = dropout("config", "init", "mine.yaml", cwd=tmp_path)
    assert again.returncode == 2 and "the file already exists" in again.stderr


def test_help_imports_nothing_heavy() -> None:
    """`dropout --help` is fast: it imports neither NumPy nor anything slower."""
    code = (
        "import sys; sys.argv = ['dropout', '--help']\n"
        "from dropout_cli.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'pandas', 'matplotlib', 'rich', 'yaml', 'safetensors'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=600)


def test_every_command_and_option_has_help(tmp_path: Path) -> None:
    """Nothing on the command line is left unexplained."""
    import typer

    from dropout_cli.cli.application import app

    group = typer.main.get_command(app)
    pending = [group]
    seen = 0
    while pending:
        command = pending.pop()
        assert command.help, command.name
        pending.extend(getattr(command, "commands", {}).values())
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{command.name} {parameter.name}"
            seen += 1
    assert seen > 20


LONG = "a" * 300
MOONS = ("digits", "dataset={name: moons, examples: 60}", "training.batch_size=16")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("sweep", *MOONS, "dropout.rate=0,0.3", "--out", LONG), 1),
        (("tune", *MOONS, "dropout.rate=0,0.3", "--out", LONG), 1),
        (("train", *MOONS, f"training.init_from={LONG}"), 2),
        (("train", *MOONS, "objective.name=distillation", f"objective.teacher={LONG}"), 2),
        (("sweep", "long.yaml"), 2),
        (("report", LONG), 2),
        (("eval", LONG), 2),
        (("resume", LONG), 2),
        (("runs", LONG, "--tag", "x"), 2),
        (("train", *MOONS, "--runs-dir", LONG), 1),
        (("config", "init", LONG), 2),
    ],
)
def test_a_name_longer_than_a_file_name_may_be_is_one_line(
    arguments: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    """Wherever a path is given; the system refuses even to look for such a file. Nothing is left behind."""
    (tmp_path / "long.yaml").write_text(f"base: {LONG}\ngrid: {{dropout.rate: [0, 0.3]}}\n")
    done = dropout(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1), done.stderr
    assert "aaaaaaaaaa" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["long.yaml"]


def test_an_output_with_a_name_that_is_too_long_is_one_line(tmp_path: Path) -> None:
    """The predictions are made, and cannot be written."""
    run = train(tmp_path, "dataset={name: moons, examples: 60}", "training.batch_size=16", "training.epochs=1")
    np.save(tmp_path / "x.npy", np.zeros((3, 2), np.float32))
    done = dropout("predict", str(run.path), "x.npy", "-o", LONG, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{LONG}: cannot be written (File name too long). Choose another file name.\n"


@pytest.mark.parametrize(
    "arguments", [("config", "init", "new.yaml"), ("tune", *MOONS, "dropout.rate=0,0.3", "--out", "T", "--quiet")]
)
def test_what_cannot_be_written_whole_is_one_line(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """A file that the system cuts short, as on a full disk: no traceback of a library, and no empty file."""
    shell = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", sys.executable, "-m", "dropout_cli", *arguments]
    quiet = {**os.environ, "JOBLIB_MULTIPROCESSING": "0"}  # else it tries to make a semaphore, and warns
    done = subprocess.run(shell, cwd=tmp_path, env=quiet, capture_output=True, text=True, timeout=600, check=False)
    assert (done.returncode in (1, 2), done.stdout, done.stderr.count("\n")) == (True, "", 1), done.stderr
    assert "cannot be written" in done.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file() and path.name not in (".lock", "study.db")] == []
