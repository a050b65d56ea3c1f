"""The command line. A command parses, calls and prints; what it does lives below and is tested without it."""

import gc
import os
import sys
from typing import Never

from dropout_cli.environment import PATIENCE

GARBAGE = 50_000
"""New objects, less those that are gone, before Python looks for rings of them. After its own 700, looking through what
was imported would take a tenth of a short command."""


def main() -> Never:
    """Run the `dropout` command; an interrupt that comes while it is still being imported is one like any other."""
    os.environ.setdefault(*PATIENCE)  # it is read when NumPy is loaded
    gc.set_threshold(GARBAGE)
    try:
        from dropout_cli.cli.application import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()
