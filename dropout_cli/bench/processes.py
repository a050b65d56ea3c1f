"""Run commands of this package and scripts of other frameworks, and measure their time."""

import importlib.util
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from dropout_cli.bench.competition import ROOT
from dropout_cli.core.environment import install_command
from dropout_cli.core.errors import RunFailed

SCRIPTED_FRAMEWORKS = ("torch",)
"""Frameworks that have scripts for whole commands: tests/bench/NAME_*.py."""


class ScriptFailed(Exception):
    """A script of another framework failed; the text is the reason."""


@dataclass(frozen=True)
class Program:
    """A command line; an argument in braces, such as {folder}, stands for a path."""

    arguments: tuple[str, ...]
    is_ours: bool

    @classmethod
    def ours(cls, arguments: tuple[str, ...]) -> "Program":
        """Return the program that runs `dropout` with these arguments."""
        # The module, not the script `dropout`, which may belong to another installation.
        return cls((sys.executable, "-m", "dropout_cli", *arguments), True)

    @classmethod
    def script(cls, arguments: tuple[str, ...]) -> "Program":
        """Return the program that runs a module of tests/bench.

        Args:
            arguments: The name of the module, then its arguments.
        """
        return cls((sys.executable, "-m", f"tests.bench.{arguments[0]}", *arguments[1:]), False)


def available_frameworks(against: Collection[str], watch: Callable[[str], None]) -> list[str]:
    """Return the frameworks that can be measured.

    Args:
        against: Names of frameworks.
        watch: Receives a line for each framework that is left out.
    """
    present = []
    for who in against:
        if who not in SCRIPTED_FRAMEWORKS:
            watch(f"{who} is left out: it has no scripts for whole commands")
        elif not (ROOT / "tests" / "bench").is_dir():
            watch(f"{who} is left out: its scripts are in tests/bench of the source tree only")
        # find_spec does not import the framework, which can take seconds.
        elif importlib.util.find_spec(who) is None:
            watch(f"{who} is left out: it is not installed. Install it with {install_command('bench')}.")
        else:
            present.append(who)
    return present


def run_program(program: Program, places: Mapping[str, Path]) -> float:
    """Run a program to its end and return the wall seconds.

    Args:
        program: The program.
        places: Word in braces -> the path that replaces it.

    Raises:
        RunFailed: A program of this package fails.
        ScriptFailed: Another program fails.
    """
    command = [_placed(word, places) for word in program.arguments]
    began = time.perf_counter()
    # No stdin: a command that asks something must fail, not wait.
    done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        if program.is_ours:
            raise RunFailed(
                f"dropout {' '.join(command[3:])}",
                f"failed during the measurement ({reason})",
                "Run this command by itself to see its error.",
            )
        raise ScriptFailed(reason)
    return seconds


def _placed(word: str, places: Mapping[str, Path]) -> str:
    """Return the word, or the path if it is the name of a place in braces."""
    return str(places[word[1:-1]]) if word[1:-1] in places and word == f"{{{word[1:-1]}}}" else word
