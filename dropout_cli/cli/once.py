"""Commands that refuse an option given twice where it takes one value: without a word, the last one would count."""

from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperOption

from dropout_cli.core.errors import UsageError


class OnceCommand(TyperCommand):
    """A command in which an option that takes one value may be given only once."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Raises UsageError for an option that is given again."""
        _, _, given = self.make_parser(ctx).parse_args(args=list(args))
        for option in given:
            single = isinstance(option, TyperOption) and not (option.multiple or option.is_flag or option.count)
            if single and given.count(option) > 1 and not ctx.resilient_parsing:
                name = max(option.opts, key=len)
                raise UsageError(name, f"is given {given.count(option)} times and takes one value", "Give it once.")
        return super().parse_args(ctx, args)


class App(typer.Typer):
    """An application of such commands."""

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        """Register a command, as `typer.Typer.command`."""
        return super().command(name, **{"cls": OnceCommand} | settings)
