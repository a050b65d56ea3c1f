"""Every bundled reproduction at the scale smoke, and how long they take together."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dropout_cli.sweeps.reproduction.catalog import bundled_papers
from tests.acceptance.bars import Bars


def main() -> None:
    """Run all of them in one folder."""
    bars = Bars("reproductions")
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        for name in bundled_papers():
            words = ["reproduce", name, "--scale", "smoke", "--quiet", "--no-plots", "--out", str(Path(folder) / name)]
            subprocess.run([sys.executable, "-m", "dropout_cli", *words], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    bars.at_most("minutes of all smoke runs", seconds / 60, 2.0, "dropout reproduce NAME --scale smoke")
    bars.end()


if __name__ == "__main__":
    main()
