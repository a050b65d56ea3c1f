"""Reference of the commands: one page each, from the declarations that also make `--help`."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import typer

from dropout_cli.cli.application import app
from site_pages import markdown

_TYPE = re.compile(r" <(?:list\[)?(?:str|int|float|path|Path)(?: range)?\]?>$")
"""The Python type after the name of a parameter."""
_CHOICES = re.compile(r" <(?:list\[)?(.*?)\]?>$")
"""The words that an option takes, after its name."""


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the words and the declaration of each command, in the order of `dropout --help`."""
    for name, command in typer.main.get_group(app).commands.items():
        yield (name,), command
        for inner, inner_command in getattr(command, "commands", {}).items():
            yield (name, inner), inner_command


def file_of(words: tuple[str, ...]) -> str:
    """Return the name of a command's page."""
    return "-".join(words) + ".md"


def pages() -> Mapping[str, str | bytes]:
    """Return the pages of all commands and their list."""
    found = list(commands())
    index = markdown.page(
        "Commands",
        "Every command has `--help`. [Command line](../../command-line.md) explains output and exit codes.",
        markdown.table(
            ("command", "what it does"),
            ((f"[`dropout {' '.join(words)}`]({file_of(words)})", _paragraphs(one)[0]) for words, one in found),
        ),
        markdown.contents(file_of(words) for words, _ in found),
    )
    return {"index.md": index} | {file_of(words): command_page(words, one) for words, one in found}


def command_page(words: tuple[str, ...], command: Any) -> str:
    """Return the page of a command.

    Args:
        words: Its words after `dropout`.
        command: Its declaration.
    """
    name = f"dropout {' '.join(words)}"
    context = command.make_context(name, [], resilient_parsing=True)
    inner = getattr(command, "commands", {})
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.get_params(context) if one.param_type_name == "option" and not one.hidden]
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    return markdown.page(
        markdown.code(name),
        "\n\n".join(_paragraphs(command)),
        markdown.fence("text", usage),
        *_parameters("Arguments", arguments, context),
        *_parameters("Options", options, context),
        *(["## Commands"] if inner else []),
        "\n".join(f"- [`{name} {one}`]({file_of((*words, one))})" for one in inner),
    )


def _paragraphs(command: Any) -> list[str]:
    return [markdown.escaped(paragraph) for paragraph in (command.help or "").replace("\b", "").split("\n\n")]


def _parameters(title: str, parameters: list[Any], context: Any) -> list[str]:
    """Return a heading and a table of arguments or options; nothing if there are none."""
    if not parameters:
        return []
    rows = [_row(*one.get_help_record(context)) for one in parameters]
    return [f"## {title}", markdown.table((title.lower().rstrip("s"), "default", "meaning"), rows)]


def _row(names: str, text: str) -> tuple[str, str, str]:
    """Return the cells of a parameter from its two columns in `--help`."""
    about, _, remarks = text.partition("  [")
    facts = [fact for fact in remarks.removesuffix("]").split("; ") if fact]
    default = [markdown.code(fact.removeprefix("default: ")) for fact in facts if fact.startswith("default: ")]
    limits = [markdown.code(fact) for fact in facts if not fact.startswith(("default: ", "required"))]
    shown = "required" if "required" in facts else ", ".join(default)
    meaning = " ".join([markdown.escaped(about), *(f"Limits: {', '.join(limits)}." for _ in limits[:1])])
    return (
        markdown.code(_CHOICES.sub(r" \1", _TYPE.sub(" VALUE" if names.startswith("-") else "", names))),
        shown,
        meaning,
    )
