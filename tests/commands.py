"""Run the `dropout` command in tests: in this process, or in a process of its own.

The first is fast; the second is what users do.
"""

import io
import logging
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

TINY = """\
dataset: digits
architecture: {name: mlp, hidden: [8]}
dropout: {variant: inverted, rate: 0.2}
training: {epochs: 2, steps_per_epoch: 5}
"""


def dropout(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, given: str = "", encoding: str = "utf-8"
) -> subprocess.CompletedProcess[str]:
    """Run the command in this process, from `main` on, and restore the state of the process.

    A warning or an exception that the command does not handle reaches the test, which fails.

    Args:
        arguments: The words after `dropout`.
        cwd: The folder in which it runs.
        env: Environment variables beside those of the tests. Variables that Python, NumPy or the C library read when
            they start have no effect here.
        given: The text on its stdin.
        encoding: The encoding of its streams.

    Returns:
        Exit code, stdout and stderr, as of a process. The output of processes that the command starts is not included.
    """
    from dropout_cli.cli import main

    stdin, stdout, stderr = (io.TextIOWrapper(io.BytesIO(), encoding, newline="\n") for _ in range(3))
    stdin.write(given)
    stdin.seek(0)
    with _process_state(), pytest.MonkeyPatch.context() as patch:
        entry = import_module("dropout_cli.__main__")
        patch.setitem(sys.modules, "__main__", entry)  # it names the program, and workers import it when they start
        patch.setattr(sys, "argv", [str(entry.__file__), *arguments])
        for name, stream in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
            patch.setattr(sys, name, stream)
        for name, value in (env or {}).items():
            patch.setenv(name, value)
        patch.chdir(cwd)
        with pytest.raises(SystemExit) as end:
            main()
    assert isinstance(end.value.code, int)
    return subprocess.CompletedProcess(arguments, end.value.code, _written(stdout), _written(stderr))


def dropout_process(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own and wait for it.

    It is for tests of signals, terminals and other properties of a process.
    """
    return subprocess.run(
        [sys.executable, "-m", "dropout_cli", *arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )


@contextmanager
def _process_state() -> Iterator[None]:
    """Restore the state of the whole process at the end of the block."""
    environment, disabled = dict(os.environ), logging.root.manager.disable
    with ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM):
            stack.callback(signal.signal, number, signal.getsignal(number))
        stack.callback(logging.disable, disabled)
        stack.callback(os.environ.update, environment)
        stack.callback(os.environ.clear)
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(threadpool_limits())
        if "matplotlib" in sys.modules:
            stack.enter_context(import_module("matplotlib").rc_context())
        yield


def _written(stream: io.TextIOWrapper) -> str:
    """Return everything that was written to the stream."""
    stream.seek(0)
    return stream.read()
