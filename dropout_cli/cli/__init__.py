"""The command line. A command parses, calls and prints; what it does lives below and is tested without it."""

import os
import sys
from typing import Never

PATIENCE = "20"
"""Threads of OpenBLAS spin while they wait for work, by default for some 2^26 ticks: longer than a step takes. After
2^20, a third of a millisecond, they let other threads and other programs have the core. Read when NumPy is loaded."""


def main() -> Never:
    """Run the `dropout` command; an interrupt that comes while it is still being imported is one like any other."""
    os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", PATIENCE)
    try:
        from dropout_cli.cli.application import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    run()
