"""Digits: accuracy, the wall time of the whole command, and the time of `dropout --help`."""

import statistics
import subprocess
import sys
import time

from tests.acceptance.bars import Bars

if __name__ == "__main__":
    bars = Bars("digits")
    runs = [bars.train("configs/digits.yaml") for _ in range(1 if bars.smoke else 3)]
    summary, _, command = runs[0]
    bars.at_least("test accuracy", summary["test"]["accuracy"], 0.96, command)
    bars.at_most("wall seconds, median", statistics.median(seconds for _, seconds, _ in runs), 6, command)

    times = []
    for _ in range(1 if bars.smoke else 11):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-m", "dropout_cli", "--help"], check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    bars.at_most("wall seconds, median", statistics.median(times), 0.25, "dropout --help")
    bars.end()
