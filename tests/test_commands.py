"""The in-process command of the tests behaves like a command in its own process, and restores everything."""

import os
import signal
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from tests.commands import TINY, dropout, dropout_process


@pytest.mark.parametrize(
    "arguments",
    [["--version"], [], ["config"], ["runs", "--jsn"], ["train", "nowhere.yaml"], ["train", "tiny.yaml", "seed=-1"]],
)
def test_it_says_what_a_process_says(arguments: list[str], tmp_path: Path) -> None:
    """Exit code, stdout and stderr are the same for results, help, and mistakes of every kind."""
    (tmp_path / "tiny.yaml").write_text(TINY)
    one, other = dropout(*arguments, cwd=tmp_path), dropout_process(*arguments, cwd=tmp_path)
    assert (one.returncode, one.stdout, one.stderr) == (other.returncode, other.stdout, other.stderr)


def test_the_process_is_afterwards_as_it_was_before(tmp_path: Path) -> None:
    """Folder, arguments, streams, environment, signals, warnings and threads, also after a run that was stopped."""

    def state() -> list[object]:
        handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        streams = [sys.stdin, sys.stdout, sys.stderr, sys.modules["__main__"], sys.argv]
        threads = [(pool["filepath"], pool["num_threads"]) for pool in threadpool_info()]
        return [Path.cwd(), dict(os.environ), handlers, streams, list(warnings.filters), threads, np.geterr()]

    (tmp_path / "tiny.yaml").write_text(TINY)
    before = state()
    assert dropout("train", "tiny.yaml", cwd=tmp_path, env={"SOME": "thing"}).returncode == 0
    assert dropout("train", "tiny.yaml", "training.epochs=1000", "--max-time", "0s", cwd=tmp_path).returncode == 143
    assert state() == before


def test_an_encoding_is_that_of_a_terminal(tmp_path: Path) -> None:
    """Characters that it lacks are escaped, as in a process with that encoding."""
    env = {"PYTHONIOENCODING": "ascii"}
    one, other = (
        dropout("show", "ö", cwd=tmp_path, encoding="ascii"),
        dropout_process("show", "ö", cwd=tmp_path, env=env),
    )
    assert (one.returncode, one.stderr) == (other.returncode, other.stderr)
    assert "\\xf6" in one.stderr
