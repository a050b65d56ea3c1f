"""Beside one busy process, a run takes at most 2.2 times as long as alone.

`threads: auto` takes several threads only if they promise much: two threads of BLAS that share two cores with another
program make a step of a network with layers of 1,000 to 250 units ten times slower, one thread hardly.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dropout_cli.runs import Run
from tests.acceptance.bars import Bars

REPEATS = 3
BUSY = "while True: pass"


@contextmanager
def busy_process() -> Iterator[None]:
    """Keep one core busy for as long as the block lasts."""
    process = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def train_seconds(bars: Bars, name: str, *overrides: str) -> tuple[float, str]:
    """Return the seconds of training of a run, without the start of the program, and the command."""
    seconds: list[float] = []

    def look(folder: Path) -> None:
        columns = Run(folder).table("timings.csv").columns()
        seconds.append(sum(columns["train_seconds"]) + sum(columns["evaluate_seconds"]))

    command = bars.train(name, *overrides, "--no-plots", look=look)[2]
    return seconds[0], command


if __name__ == "__main__":
    bars = Bars("busy")
    for name, overrides in (("digits", ()), ("mnist", ("training.epochs=3", *bars.few_pictures()))):
        alone, beside, command = [], [], ""
        # In turn, and the shortest counts: other programs may use the machine now and then.
        for _ in range(1 if bars.smoke else REPEATS):
            alone.append(train_seconds(bars, name, *overrides)[0])
            with busy_process():
                seconds, command = train_seconds(bars, name, *overrides)
                beside.append(seconds)
        ratio = min(beside) / min(alone)
        bars.at_most(f"{name} beside a busy process, in times of alone", ratio, 2.2, command)
    bars.end()
