"""`dropout variants`, `dropout datasets` and `dropout fetch`."""

from typing import Annotated, Any

import typer

from dropout_cli.cli import arguments, screen


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(variants)
    app.command()(datasets)
    app.command()(fetch)


def variants(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One variant.", show_default=False)] = None,
    json: arguments.Json = False,
) -> None:
    """List the dropout variants, or give the equations, the YAML keys, the traps and a config of one."""
    from dropout_cli.variants import VARIANTS, catalogue

    if name is not None:
        from dropout_cli.config import example

        _one(catalogue.details(arguments.lookup(VARIANTS, name)) | {"config": example(name)}, json)
    else:
        _all("variants", catalogue.catalogue(), json)


def datasets(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One dataset.", show_default=False)] = None,
    json: arguments.Json = False,
) -> None:
    """List the datasets, or give the YAML keys of one."""
    from dropout_cli.data import DATASETS, catalogue

    if name is not None:
        _one(catalogue.details(arguments.lookup(DATASETS, name)), json)
    else:
        _all("datasets", catalogue.catalogue(), json)


def fetch(name: Annotated[str, typer.Argument(metavar="NAME", help="A dataset, such as mnist.")]) -> None:
    """Download a dataset ahead of time, and print the folder it is in."""
    from dropout_cli.data.mnist import fetch

    screen.result(str(fetch(name)))


def _all(what: str, entries: list[dict[str, Any]], json: bool) -> None:
    if json:
        screen.result(screen.as_json({what: entries}))
    else:
        screen.result(
            screen.table(list(entries[0]), [[_short(value) for value in entry.values()] for entry in entries])
        )


def _one(entry: dict[str, Any], json: bool) -> None:
    if json:
        screen.result(screen.as_json(entry))
        return
    keys = [
        [key["name"], "required" if key["required"] else _default(key["default"]), key["allowed"], key["about"]]
        for key in entry["keys"]
    ]
    parts = [entry["text"], screen.table(("key", "default", "allowed", "about"), keys) if keys else "It takes no keys."]
    if "config" in entry:
        parts.append("A config to try it with:\n\n" + entry["config"].rstrip())
    screen.result("\n\n".join(parts))


def _default(value: Any) -> Any:
    """As YAML has it; nothing where a key has no default is `null` too."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else _short(value)


def _short(value: Any) -> Any:
    if value is None:
        return ""
    return "x".join(str(one) for one in value) if isinstance(value, list | tuple) else value
