"""Ten thousand hostile inputs for every loader.

They cause no traceback, no endless loop, and do not exhaust the memory.
"""

import resource
import signal
import sys
import tempfile
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Never

from dropout_cli.core.environment import peak_bytes
from tests.acceptance.bars import Bars
from tests.hostile import Loaders
from tests.hostile_inputs import inputs, seconds_of

LIMIT_SECONDS, LIMIT_BYTES = 2, 1_000_000_000
HANG_SECONDS = 60
"""Seconds that no input may take, even on a slow machine."""


def _too_long(number: int, frame: FrameType | None) -> Never:
    raise TimeoutError("too long")


if __name__ == "__main__":
    bars = Bars("hostile")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        loaders = Loaders(folder)
        each = 25 if bars.smoke else -(-10_000 // len(loaders.table))
        for valid, load in loaders.table.values():
            seconds_of(load, valid)
        at_rest = peak_bytes() or 0
        virtual = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (virtual + LIMIT_BYTES, resource.RLIM_INFINITY))
        signal.signal(signal.SIGALRM, _too_long)
        tried, faults, longest = 0, 0, 0.0
        for seed, (name, (valid, load)) in enumerate(loaders.table.items()):
            for data in islice(inputs(valid, folder / "marker", seed), each):
                tried += 1
                signal.setitimer(signal.ITIMER_REAL, HANG_SECONDS)
                try:
                    longest = max(longest, seconds_of(load, data))
                except Exception as error:
                    faults += 1
                    sys.stderr.write(f"{name}: {type(error).__name__}: {error}: {data[:300]!r}\n")
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
        command = f"all {len(loaders.table)} loaders of dropout itself"
        bars.at_least("hostile inputs", tried, each * len(loaders.table), command, always=True)
        bars.at_most("tracebacks", faults, 0, command, always=True)
        bars.at_most("pickles that ran", float((folder / "marker").exists()), 0, command, always=True)
        bars.at_most("seconds for the slowest", longest, LIMIT_SECONDS, command)
        bars.at_most(
            "megabytes more at the peak", ((peak_bytes() or 0) - at_rest) / 1e6, LIMIT_BYTES / 1e6, command, always=True
        )
    bars.end()
