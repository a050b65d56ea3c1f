"""The `dropout` command within this process: what is tested is the same, and nothing is imported anew."""

import io
import os
import signal
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from dropout_cli.cli import application


class Done(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def dropout(*arguments: str, cwd: Path) -> Done:
    """Run the command in the folder `cwd`, and put back what it changes of this process."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    out, err, argv = io.StringIO(), io.StringIO(), sys.argv
    code: object = None
    try:
        with chdir(cwd), redirect_stdout(out), redirect_stderr(err):
            try:
                sys.argv = ["dropout", *arguments]
                application.main()
            except SystemExit as end:
                code = end.code
    finally:
        sys.argv = argv
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert isinstance(code, int), f"dropout {' '.join(arguments)} in {os.fspath(cwd)} ended without a code"
    return Done(code, out.getvalue(), err.getvalue())
