"""The help of every command, without a terminal and without colour."""

import os
from pathlib import Path

import typer

from dropout_cli.cli.application import app
from tests.commands import dropout

PROGRAM = "python -m dropout_cli"
"""As tests start it."""
WIDTH = {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"}


def commands() -> list[tuple[str, ...]]:
    """Return the words of every command, the program itself first."""
    found: list[tuple[str, ...]] = [()]
    for name, command in sorted(typer.main.get_group(app).commands.items()):
        found.append((name,))
        found += [(name, inner) for inner in sorted(getattr(command, "commands", {}))]
    return found


def pages(folder: Path) -> dict[str, str]:
    """Return the contents of `help/<command>.txt`."""
    env, texts = {**WIDTH, "HOME": os.fspath(folder)}, {}
    for words in commands():
        text = dropout(*words, "--help", cwd=folder, env=env).stdout.rstrip()
        texts["_".join(words) or "dropout"] = text.replace(PROGRAM, "dropout") + "\n"
    return texts
