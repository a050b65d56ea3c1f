"""Commands of ours and of others, run to their end."""

import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from dropout_cli.bench.contest import ROOT
from dropout_cli.core.environment import install_command
from dropout_cli.core.errors import RunFailed

THEIRS = ("torch",)
"""What there are scripts for, tests/bench/NAME_*.py."""


class Unable(Exception):
    """A contender cannot do it, and why."""


@dataclass(frozen=True)
class Program:
    """A command line, with words in braces for places."""

    arguments: tuple[str, ...]
    is_ours: bool

    @classmethod
    def ours(cls, arguments: tuple[str, ...]) -> "Program":
        """`dropout` with these arguments."""
        return cls((sys.executable, "-m", "dropout_cli", *arguments), True)

    @classmethod
    def theirs(cls, arguments: tuple[str, ...]) -> "Program":
        """A module of tests/bench with these arguments."""
        return cls((sys.executable, "-m", f"tests.bench.{arguments[0]}", *arguments[1:]), False)


def available(against: Collection[str], watch: Callable[[str], None]) -> list[str]:
    """Those of the contenders that are there; `watch` is told of the others."""
    present = []
    for who in against:
        if who not in THEIRS:
            watch(f"{who} is left out: no whole commands were written for it")
        elif not (ROOT / "tests" / "bench").is_dir():
            watch(f"{who} is left out: its scripts are in the source tree alone, in tests/bench")
        elif importlib.util.find_spec(who) is None:
            watch(f"{who} is left out: it is not installed (`{install_command('bench')}`)")
        else:
            present.append(who)
    return present


def run(program: Program, places: Mapping[str, Path]) -> float:
    """Run it to its end and return the wall seconds. Raises Unable, or RunFailed where it is our own."""
    command = [_placed(word, places) for word in program.arguments]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        if program.is_ours:
            raise RunFailed(f"dropout {' '.join(command[3:])}", f"failed while it was measured ({said})", "Mend that.")
        raise Unable(said)
    return seconds


def _placed(word: str, places: Mapping[str, Path]) -> str:
    """The word, or the place that it stands for."""
    return str(places[word[1:-1]]) if word[1:-1] in places and word == f"{{{word[1:-1]}}}" else word
