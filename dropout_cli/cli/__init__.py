"""The command line. A command parses, calls and prints; what it does lives below and is tested without it."""

import os
import sys
from typing import Never

from dropout_cli.core.environment import PATIENCE


def main() -> Never:
    """Run the `dropout` command; an interrupt that comes while it is still being imported is one like any other."""
    os.environ.setdefault(*PATIENCE)  # it is read when NumPy is loaded
    try:
        from dropout_cli.cli.application import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()
