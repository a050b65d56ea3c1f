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

from dropout_cli.bench.case import BenchmarkCase
from dropout_cli.core.environment import OPENBLAS_TIMEOUT
from dropout_cli.core.errors import RunFailed, UsageError

TURN_SECONDS = 0.5
"""Length of each turn, by default."""

PAUSE_SECONDS = 0.1
"""Seconds before each turn, so that idle threads of the previous competitor stop spinning."""

ROOT = Path(__file__).parents[2]
"""The source tree, if the package is not installed from a wheel."""


class Competitor(NamedTuple):
    """A module that follows the protocol of `bench.serve`, and its argument."""

    module: str
    argument: str = ""
    images_only: bool = False
    """True if it is measured for convolutional networks only."""


OURS = {"ours": Competitor("dropout_cli.bench.ours"), "products": Competitor("dropout_cli.bench.matmul_bound")}
"""Competitors that are always measured: the package itself, and its matrix products alone as a bound."""
FRAMEWORKS: Mapping[str, Mapping[str, Competitor]] = {
    "torch": {
        "torch": Competitor("tests.bench.torch_steps", "eager"),
        "torch, channels last": Competitor("tests.bench.torch_steps", "channels_last", images_only=True),
    },
    "torch_compiled": {"torch, compiled": Competitor("tests.bench.torch_steps", "compiled")},
    "jax": {"jax": Competitor("tests.bench.jax_steps")},
    "sklearn": {"sklearn": Competitor("tests.bench.sklearn_steps")},
    "keras": {"keras": Competitor("tests.bench.keras_steps")},
}
"""Name of `--against` -> its competitors."""


@dataclass(frozen=True)
class StepTimes:
    """Milliseconds of a competitor: median of the medians of its turns, lowest, highest."""

    ms: float
    low: float
    high: float
    peak_bytes: int


def choose_competitors(against: Collection[str]) -> dict[str, Competitor]:
    """Return the competitors of a benchmark: OURS and those of other frameworks.

    Args:
        against: Names of FRAMEWORKS.

    Raises:
        UsageError: A name is unknown, or the source tree with the scripts is missing.
    """
    chosen = dict(OURS)
    for name in against:
        if name not in FRAMEWORKS:
            raise UsageError("--against", f"unknown framework '{name}'", f"Choose from: {', '.join(FRAMEWORKS)}.")
        if not (ROOT / "tests" / "bench").is_dir():
            fact = "the scripts of other frameworks are in tests/bench of the source tree only"
            raise UsageError("--against", fact, "Use `dropout bench` in a copy of the source tree.")
        chosen |= FRAMEWORKS[name]
    return chosen


def measure_in_turns(
    case: BenchmarkCase,
    chosen: Mapping[str, Competitor],
    *,
    rounds: int,
    seconds: float = TURN_SECONDS,
    watch: Callable[[str], None],
) -> dict[str, StepTimes]:
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
        ready: dict[str, CompetitorProcess] = {}
        for name, contender in chosen.items():
            # Channels last is a layout of images; for dense layers it would be the same measurement twice.
            if contender.images_only and not case.is_convolutional:
                continue
            process = stack.enter_context(start_process(name, contender))
            unable = process.request({"prepare": case.as_dict(), "threads": case.threads}).get("unable")
            if unable is None:
                ready[name] = process
            # The own bound is missing for many cases by design, which is no news for the user.
            elif not contender.module.startswith("dropout_cli"):
                watch(f"{case.name}: {unable}")
        turns: dict[str, list[float]] = {name: [] for name in ready}
        peaks = dict.fromkeys(ready, 0)
        for number in range(rounds):
            for name in rotate(list(ready), number):
                time.sleep(PAUSE_SECONDS)
                answer = ready[name].request({"seconds": seconds})
                turns[name].append(statistics.median(answer["ms"]))
                peaks[name] = answer["peak_bytes"]
    return {
        name: StepTimes(statistics.median(times), min(times), max(times), peaks[name]) for name, times in turns.items()
    }


def rotate(names: Sequence[str], number: int) -> list[str]:
    """Return the names in an order that begins with another one in each round."""
    # To go first may be an advantage or not: everyone does so equally often.
    first = number % len(names)
    return [*names[first:], *names[:first]]


class CompetitorProcess:
    """A running process of a competitor."""

    def __init__(self, name: str, process: "subprocess.Popen[str]") -> None:
        """Store a started process.

        Args:
            name: The competitor, for messages.
            process: Its process, with pipes for all three streams.
        """
        self.name, self._process = name, process

    def request(self, question: Mapping[str, Any]) -> dict[str, Any]:
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
def start_process(name: str, contender: Competitor) -> Iterator[CompetitorProcess]:
    """Run the process of a competitor for as long as the block lasts."""
    command = [sys.executable, "-m", contender.module, *([contender.argument] if contender.argument else [])]
    environment = dict(os.environ)
    # Only for our own processes: the variable would change how other frameworks run.
    if contender.module.startswith("dropout_cli"):
        environment.setdefault(*OPENBLAS_TIMEOUT)
    pipe = subprocess.PIPE
    # `python -m tests.bench...` finds the scripts only in the root of the source tree.
    folder = ROOT if contender.module.startswith("tests") else None
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment, cwd=folder
    ) as process:
        try:
            yield CompetitorProcess(name, process)
        finally:
            process.kill()
