"""The command line. A command parses, calls and prints; what it does lives below and is tested without it."""

from dropout_cli.cli.main import main

__all__ = ["main"]
