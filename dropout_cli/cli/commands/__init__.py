"""Commands of `dropout`: one file per command, with the name of the command.

A new file is a new command. It defines `register_command(app)`, and `POSITION`, a number that orders the commands in
`dropout --help`, smallest first. Groups of commands follow the single ones.

A command imports the rooms that do its work inside its function, so that `dropout --help` loads neither NumPy nor
anything slower.
"""

import importlib
import pkgutil

import typer


def add_commands(app: typer.Typer) -> None:
    """Register the command of every file in this package, in the order of their positions."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    for module in sorted(modules, key=lambda module: int(module.POSITION)):
        module.register_command(app)
