"""The process of a competitor: it prepares a case, then takes steps on request.

The protocol is one line of JSON per request on stdin, and one line of JSON per answer on stdout:

    {"prepare": {...a case...}, "threads": 2}    {}                       or {"unable": "why"}
    {"seconds": 0.5}                             {"ms": [..], "peak_bytes": ..}
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Never, TypeAlias

Step: TypeAlias = Callable[[], object]
"""Takes one step, and returns after it is done."""

Prepare: TypeAlias = Callable[[Mapping[str, Any], int], Step]
"""(fields of the case, threads) -> its step. Raises NotImplementedError if the case is not supported."""

WARM_UP_STEPS = 5
"""Steps before the first measured one: caches and buffers fill, and compilers finish."""


def serve_competitor(prepare: Prepare) -> Never:
    """Answer requests until stdin is closed, then exit.

    Args:
        prepare: Builds the step of a case.
    """
    step: Step = int
    answers, sys.stdout = sys.stdout, sys.stderr  # text that a library prints must not mix with the answers
    for line in sys.stdin:
        request = json.loads(line)
        answer: dict[str, Any] = {}
        if "prepare" in request:
            try:
                step = prepare(request["prepare"], request["threads"])
                for _ in range(WARM_UP_STEPS):
                    step()
            except NotImplementedError as error:
                answer["unable"] = str(error)
        else:
            answer = {"ms": time_steps(step, request["seconds"]), "peak_bytes": max_resident_bytes()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
    sys.exit(0)


def time_steps(step: Step, seconds: float) -> list[float]:
    """Return the milliseconds of each step.

    Args:
        step: The step.
        seconds: Steps are taken for this time, and at least three times.
    """
    times: list[float] = []
    began = now = time.perf_counter()
    # Three at least: the median of a slow step needs them.
    while now - began < seconds or len(times) < 3:
        step()
        before, now = now, time.perf_counter()
        times.append((now - before) * 1e3)
    return times


def max_resident_bytes() -> int:
    """Return the largest resident memory that this process has had, in bytes (VmHWM).

    On Windows, 0: Python has no function for it there.
    """
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts KiB, macOS bytes
