"""An option of one value is given once."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from dropout_cli.cli.application import app
from dropout_cli.core.errors import UsageError


def singles() -> Iterator[Any]:
    """Every option of every command that takes one value."""
    root: Any = typer.main.get_command(app)
    groups = [("dropout", root)]
    while groups:
        name, group = groups.pop()
        for command in group.commands.values():
            if hasattr(command, "commands"):
                groups.append((command.name, command))
                continue
            for option in command.params:
                if option.param_type_name == "option" and not (option.multiple or option.is_flag):
                    yield pytest.param(command, option, id=f"{name} {command.name} {option.opts[0]}")


@pytest.mark.parametrize(("command", "option"), [*singles()])
def test_an_option_given_twice_is_refused(command: Any, option: Any) -> None:
    """The error names it, in every command; the last value does not win."""
    for first in option.opts:
        with pytest.raises(UsageError, match=r"--[a-z-]+: can be given only once, and was given 2 times\."):
            command.make_context("x", [first, "1", f"{option.opts[0]}", "2"])
