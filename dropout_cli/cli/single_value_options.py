"""Commands that reject an option which is given twice but takes one value."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperOption

from dropout_cli.core.errors import UsageError


class SingleValueCommand(TyperCommand):
    """A command in which an option that takes one value may be given only once."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, as `TyperCommand.parse_args` does.

        Raises:
            UsageError: An option that takes one value is given more than once.
        """
        # Typer itself would silently use the last value. Its parser lists every option as often as it is given.
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        for option in given:
            single = isinstance(option, TyperOption) and not (option.multiple or option.is_flag or option.count)
            # Shell completion parses unfinished command lines (`resilient_parsing`), which must not fail.
            if single and given.count(option) > 1 and not ctx.resilient_parsing:
                name = max(option.opts, key=len)
                raise UsageError(name, f"can be given only once, and was given {given.count(option)} times")
        return super().parse_args(ctx, args)


class StrictTyper(typer.Typer):
    """A Typer application whose commands are instances of `SingleValueCommand`."""

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        """Register a command, as `typer.Typer.command` does.

        Args:
            name: The name on the command line; None: the name of the function.
            **settings: Further arguments of `typer.Typer.command`.
        """
        return super().command(name, **{"cls": SingleValueCommand} | settings)
