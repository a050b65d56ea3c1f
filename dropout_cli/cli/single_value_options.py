"""Commands that reject an option which is given twice, and explain common slips."""

from collections.abc import Callable
from typing import Any, TypeGuard

import typer
from typer.core import TyperCommand, TyperOption

from dropout_cli.cli import slips
from dropout_cli.core.errors import UsageError

HELP_NAMES = {"help_option_names": ["-h", "--help"]}


class SingleValueCommand(TyperCommand):
    """A command in which an option that takes one value may be given only once."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, as `TyperCommand.parse_args` does.

        Raises:
            UsageError: An option that takes one value is given more than once, or the words have a common slip.
        """
        # Shell completion parses unfinished command lines (`resilient_parsing`), which must not fail.
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        words, names = list(args), [str(param.name) for param in self.params]
        slips.check_spaces(names, words)
        try:
            # Typer itself would silently use the last value. Its parser lists every option as often as it is given.
            _, _, given = self.make_parser(ctx).parse_args(args=list(args))
            _check_given_once(given)
            rest = super().parse_args(ctx, args)
        except typer.TyperException as error:
            option = getattr(error, "option_name", None)
            if isinstance(option, str):
                slips.explain_unknown_option(ctx.command_path, names, option, words)
            else:
                slips.explain_extra_words(ctx.command_path, names, words)
            raise
        options = {name: bool(param.is_flag) for param in self.params if _is_option(param) for name in param.opts}
        slips.check_values(ctx.command_path, ctx.params, options)
        return rest


def _is_option(param: Any) -> TypeGuard[TyperOption]:
    return isinstance(param, TyperOption)


def _check_given_once(given: list[Any]) -> None:
    """Raise UsageError if an option that takes one value is among the parsed parameters more than once."""
    for option in given:
        single = _is_option(option) and not (option.multiple or option.is_flag or option.count)
        if single and given.count(option) > 1:
            name = max(option.opts, key=len)
            raise UsageError(name, f"can be given only once, and was given {given.count(option)} times")


class StrictTyper(typer.Typer):
    """A Typer application whose commands are instances of `SingleValueCommand`; `-h` is `--help`."""

    def __init__(self, **settings: Any) -> None:
        """Create an application, as `typer.Typer` does.

        Args:
            **settings: Arguments of `typer.Typer`.
        """
        settings.setdefault("context_settings", HELP_NAMES)
        super().__init__(**settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        """Register a command, as `typer.Typer.command` does.

        Args:
            name: The name on the command line; None: the name of the function.
            **settings: Further arguments of `typer.Typer.command`.
        """
        settings.setdefault("cls", SingleValueCommand)
        settings.setdefault("context_settings", HELP_NAMES)
        return super().command(name, **settings)
