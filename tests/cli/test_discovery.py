"""The files in `cli/commands/` are the commands."""

import re
from pathlib import Path

import typer

from dropout_cli.cli import commands
from dropout_cli.cli.application import app
from tests.commands import dropout

FOLDER = Path(commands.__file__).parent
FILES = {path.stem for path in FOLDER.glob("*.py")} - {"__init__"}


def test_every_file_is_a_command_of_its_name() -> None:
    """And there is no command without a file."""
    assert set(getattr(typer.main.get_command(app), "commands", {})) == FILES


def test_help_lists_the_commands_by_position(tmp_path: Path) -> None:
    """Training commands come first, and groups of commands last.

    Between them are the commands that look at runs, and then those that describe the tool.
    """
    listed = re.findall(r"^  (\w+)  ", dropout("--help", cwd=tmp_path).stdout.partition("Commands:")[2], re.MULTILINE)
    assert listed[:3] == ["train", "resume", "sweep"] and listed[-1] == "config"
    positions = [getattr(commands, name).POSITION for name in listed]
    assert positions == sorted(positions) and len(set(positions)) == len(positions)


def test_no_other_module_names_the_commands() -> None:
    """A new file is found without being named anywhere."""
    package = FOLDER.parents[1]
    named = re.compile(r"cli\.commands(?:\.\w+| import (?!add_commands))")
    assert not [path for path in package.rglob("*.py") if named.search(path.read_text())]
