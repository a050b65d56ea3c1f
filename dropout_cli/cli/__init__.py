"""The command line. A command parses, calls and prints; what it does lives below and is tested without it."""

import sys
from typing import Never


def main() -> Never:
    """Run the `dropout` command; an interrupt that comes while it is still being imported is one like any other."""
    try:
        from dropout_cli.cli.application import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()
