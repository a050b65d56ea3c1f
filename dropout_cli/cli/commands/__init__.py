"""One file per command, named as the command; a file here is a command, and nothing else names it.

Each has two names that are read here: `add_to(app)` registers the command, and `POSITION` is a number that orders the
commands in `dropout --help`, smallest first. Groups of commands follow the single ones.
"""

import importlib
import pkgutil

import typer


def add_commands(app: typer.Typer) -> None:
    """Register the command of every file in this package, in the order of their positions."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    for module in sorted(modules, key=lambda module: int(module.POSITION)):
        module.add_to(app)
