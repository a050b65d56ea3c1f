"""Every bundled reproduction at the scale smoke, two at a time, and how long they take together."""

import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dropout_cli.sweeps.reproduction.catalog import bundled_papers
from tests.acceptance.bars import Bars


def run(words: list[str]) -> None:
    """Run the command with these words."""
    subprocess.run([sys.executable, "-m", "dropout_cli", *words], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Run all of them in one folder."""
    bars = Bars("reproductions")
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        words = ["--scale", "smoke", "--quiet", "--no-plots", "--jobs", "1", "--out"]
        commands = [["reproduce", name, *words, str(Path(folder) / name)] for name in bundled_papers()]
        with ThreadPoolExecutor(2) as both_cores:
            list(both_cores.map(run, commands))
    seconds = time.perf_counter() - started
    bars.at_most("minutes of all smoke runs", seconds / 60, 2.0, "dropout reproduce NAME --scale smoke")
    bars.end()


if __name__ == "__main__":
    main()
