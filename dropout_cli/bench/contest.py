"""Measure competitors in turns, each in a process of its own, in a rotating order."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from dropout_cli.bench.case import Case
from dropout_cli.core.environment import PATIENCE
from dropout_cli.core.errors import RunFailed, UsageError

SECONDS = 0.5
"""Length of each turn, by default."""

PAUSE = 0.1
"""Seconds before each turn, so that idle threads of the previous competitor stop spinning."""

ROOT = Path(__file__).parents[2]
"""The source tree, if the package is not installed from a wheel."""


class Contender(NamedTuple):
    """A module that follows the protocol of `bench.serve`, and its argument."""

    module: str
    word: str = ""
    maps_alone: bool = False
    """True if it is measured for convolutional networks only."""


OURS = {"ours": Contender("dropout_cli.bench.ours"), "products": Contender("dropout_cli.bench.gemms")}
"""Competitors that are always measured: the package itself, and its matrix products alone as a bound."""
OTHERS: Mapping[str, Mapping[str, Contender]] = {
    "torch": {
        "torch": Contender("tests.bench.torch_steps", "eager"),
        "torch, channels last": Contender("tests.bench.torch_steps", "channels_last", maps_alone=True),
    },
    "torch_compiled": {"torch, compiled": Contender("tests.bench.torch_steps", "compiled")},
    "jax": {"jax": Contender("tests.bench.jax_steps")},
    "sklearn": {"sklearn": Contender("tests.bench.sklearn_steps")},
    "keras": {"keras": Contender("tests.bench.keras_steps")},
}
"""Name of `--against` -> its competitors."""


@dataclass(frozen=True)
class Sample:
    """Milliseconds of a competitor: median of the medians of its turns, lowest, highest."""

    ms: float
    low: float
    high: float
    peak_bytes: int


def contenders(against: Collection[str]) -> dict[str, Contender]:
    """Return the competitors of a benchmark: OURS and those of other frameworks.

    Args:
        against: Names of FRAMEWORKS.

    Raises:
        UsageError: A name is unknown, or the source tree with the scripts is missing.
    """
    chosen = dict(OURS)
    for name in against:
        if name not in OTHERS:
            raise UsageError("--against", f"unknown framework '{name}'", f"Choose from: {', '.join(OTHERS)}.")
        if not (ROOT / "tests" / "bench").is_dir():
            fact = "the scripts of other frameworks are in tests/bench of the source tree only"
            raise UsageError("--against", fact, "Run it from a checkout of the source.")
        chosen |= OTHERS[name]
    return chosen


def contest(
    case: Case, chosen: Mapping[str, Contender], *, rounds: int, seconds: float = SECONDS, watch: Callable[[str], None]
) -> dict[str, Sample]:
    """Measure competitors in turns.

    Args:
        case: The work.
        chosen: Name -> competitor. One that does not support the case is left out.
        rounds: How often each competitor is measured.
        seconds: Length of each turn.
        watch: Receives a line for each competitor of another framework that is left out.

    Returns:
        Name -> times.

    Raises:
        RunFailed: A process ends without an answer.
    """
    with ExitStack() as stack:
        ready: dict[str, Process] = {}
        for name, contender in chosen.items():
            # Channels last is a layout of images; for dense layers it would be the same measurement twice.
            if contender.maps_alone and not case.images:
                continue
            process = stack.enter_context(started(name, contender))
            unable = process.ask({"prepare": case.as_dict(), "threads": case.threads}).get("unable")
            if unable is None:
                ready[name] = process
            # The own bound is missing for many cases by design, which is no news for the user.
            elif not contender.module.startswith("dropout_cli"):
                watch(f"{case.name}: {unable}")
        turns: dict[str, list[float]] = {name: [] for name in ready}
        peaks = dict.fromkeys(ready, 0)
        for number in range(rounds):
            for name in rotated(list(ready), number):
                time.sleep(PAUSE)
                answer = ready[name].ask({"seconds": seconds})
                turns[name].append(statistics.median(answer["ms"]))
                peaks[name] = answer["peak_bytes"]
    return {
        name: Sample(statistics.median(times), min(times), max(times), peaks[name]) for name, times in turns.items()
    }


def rotated(names: Sequence[str], number: int) -> list[str]:
    """Return the names in an order that begins with another one in each round."""
    # To go first may be an advantage or not: everyone does so equally often.
    first = number % len(names)
    return [*names[first:], *names[:first]]


class Process:
    """A running process of a competitor."""

    def __init__(self, name: str, process: "subprocess.Popen[str]") -> None:
        """Store a started process.

        Args:
            name: The competitor, for messages.
            process: Its process, with pipes for all three streams.
        """
        self.name, self._process = name, process

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return the answer, one line of JSON each.

        Raises:
            RunFailed: The process ended without an answer.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        # An empty line, which is no JSON, means that the process ended.
        except (BrokenPipeError, ValueError):
            self._process.kill()
            errors = (self._process.stderr.read() if self._process.stderr else "").strip().splitlines()
            reason = errors[-1] if errors else "no message"
            raise RunFailed(self.name, f"ended without an answer ({reason})") from None
        return answer


@contextmanager
def started(name: str, contender: Contender) -> Iterator[Process]:
    """Run the process of a competitor for as long as the block lasts."""
    command = [sys.executable, "-m", contender.module, *([contender.word] if contender.word else [])]
    environment = dict(os.environ)
    # Only for our own processes: the variable would change how other frameworks run.
    if contender.module.startswith("dropout_cli"):
        environment.setdefault(*PATIENCE)
    pipe = subprocess.PIPE
    # `python -m tests.bench...` finds the scripts only in the root of the source tree.
    folder = ROOT if contender.module.startswith("tests") else None
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment, cwd=folder
    ) as process:
        try:
            yield Process(name, process)
        finally:
            process.kill()
