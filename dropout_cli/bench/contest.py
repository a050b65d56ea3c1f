"""Contenders take turns: each in a process of its own, for a while, in an order that moves on from round to round."""

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
"""Of each turn."""

PAUSE = 0.1
"""Before each turn, so that idle threads of the one before have gone to sleep."""

ROOT = Path(__file__).parents[2]


class Contender(NamedTuple):
    """A module that speaks as `bench.serve` says, and the word that it is told."""

    module: str
    word: str = ""
    maps_alone: bool = False
    """Whether it differs from the others for convolutional networks only."""


OURS = {"ours": Contender("dropout_cli.bench.ours"), "products": Contender("dropout_cli.bench.gemms")}
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


@dataclass(frozen=True)
class Sample:
    """Milliseconds of one contender: the median of its turns' medians, and the lowest and highest of these."""

    ms: float
    low: float
    high: float
    peak_bytes: int


def contenders(against: Collection[str]) -> dict[str, Contender]:
    """Ours, the bound, and those of these frameworks. Raises UsageError for an unknown one, or without scripts."""
    chosen = dict(OURS)
    for name in against:
        if name not in OTHERS:
            raise UsageError("--against", f"there is no {name}", f"Choose from: {', '.join(OTHERS)}.")
        if not (ROOT / "tests" / "bench").is_dir():
            fact = "the scripts of other frameworks are in the source tree alone, in tests/bench"
            raise UsageError("--against", fact, "Run it from a checkout.")
        chosen |= OTHERS[name]
    return chosen


def contest(
    case: Case, chosen: Mapping[str, Contender], *, rounds: int, seconds: float = SECONDS, watch: Callable[[str], None]
) -> dict[str, Sample]:
    """Measure them all; those that cannot do the case are left out. Raises RunFailed where a process ends badly."""
    with ExitStack() as stack:
        ready: dict[str, Process] = {}
        for name, contender in chosen.items():
            if contender.maps_alone and not case.images:
                continue
            process = stack.enter_context(started(name, contender))
            unable = process.ask({"prepare": case.as_dict(), "threads": case.threads}).get("unable")
            if unable is None:
                ready[name] = process
            elif not contender.module.startswith("dropout_cli"):
                watch(f"{case.name}: {unable}")
        turns: dict[str, list[float]] = {name: [] for name in ready}
        peaks = dict.fromkeys(ready, 0)
        for number in range(rounds):
            for name in rotated(list(ready), number):
                time.sleep(PAUSE)
                said = ready[name].ask({"seconds": seconds})
                turns[name].append(statistics.median(said["ms"]))
                peaks[name] = said["peak_bytes"]
    return {
        name: Sample(statistics.median(found), min(found), max(found), peaks[name]) for name, found in turns.items()
    }


def rotated(names: Sequence[str], number: int) -> list[str]:
    """The names, another one first in each round."""
    first = number % len(names)
    return [*names[first:], *names[:first]]


class Process:
    """A contender's process."""

    def __init__(self, name: str, process: "subprocess.Popen[str]") -> None:
        """`name`: for messages."""
        self.name, self._process = name, process

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Write a line, read a line."""
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        except (BrokenPipeError, ValueError):
            self._process.kill()
            said = (self._process.stderr.read() if self._process.stderr else "").strip().splitlines()
            raise RunFailed(self.name, f"ended without an answer ({said[-1] if said else 'silently'})") from None
        return answer


@contextmanager
def started(name: str, contender: Contender) -> Iterator[Process]:
    """The process, for as long as the block lasts."""
    command = [sys.executable, "-m", contender.module, *([contender.word] if contender.word else [])]
    environment = dict(os.environ)
    if contender.module.startswith("dropout_cli"):
        environment.setdefault(*PATIENCE)
    pipe = subprocess.PIPE
    folder = ROOT if contender.module.startswith("tests") else None
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment, cwd=folder
    ) as process:
        try:
            yield Process(name, process)
        finally:
            process.kill()
