"""Commands that look something up, and the help that all have."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands import dropout


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
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60)


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
