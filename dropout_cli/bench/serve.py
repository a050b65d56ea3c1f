"""A contender's process: it makes ready what it is told, and takes steps when it is told to.

Lines of JSON on stdin, a line of JSON each on stdout:

    {"prepare": {...a case...}, "threads": 2}    {}                       or {"unable": "why"}
    {"seconds": 0.5}                             {"ms": [..], "peak_bytes": ..}
"""

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Never, TypeAlias

Step: TypeAlias = Callable[[], object]
"""Takes one step and returns when it is done."""

Prepare: TypeAlias = Callable[[Mapping[str, Any], int], Step]
"""(case, threads) -> its step. Raises NotImplementedError where there is no such case."""

WARM_UP = 5


def serve(prepare: Prepare) -> Never:
    """Answer until stdin is closed."""
    step: Step = int
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    for line in sys.stdin:
        asked = json.loads(line)
        said: dict[str, Any] = {}
        if "prepare" in asked:
            try:
                step = prepare(asked["prepare"], asked["threads"])
                for _ in range(WARM_UP):
                    step()
            except NotImplementedError as error:
                said["unable"] = str(error)
        else:
            said = {"ms": timed(step, asked["seconds"]), "peak_bytes": peak_bytes()}
        answers.write(json.dumps(said) + "\n")
        answers.flush()
    sys.exit(0)


def timed(step: Step, seconds: float) -> list[float]:
    """Milliseconds of each step, for so many seconds, at least three."""
    found: list[float] = []
    began = now = time.perf_counter()
    while now - began < seconds or len(found) < 3:
        step()
        before, now = now, time.perf_counter()
        found.append((now - before) * 1e3)
    return found


def peak_bytes() -> int:
    """The most memory that this process has held (VmHWM)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
