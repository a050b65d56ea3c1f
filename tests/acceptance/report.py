"""The report of a sweep with 1,000 runs: its time and the size of the page."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.acceptance.bars import Bars

AXES = ("dropout.variant=inverted,gaussian", "dropout.rate=0.1,0.2,0.3,0.4,0.5")
SHORT = ("dropout.variant=inverted,gaussian", "dropout.rate=0.1,0.5")


def main(bars: Bars, folder: Path) -> None:
    """Train a thousand runs of five epochs, so that curves are drawn; write the report."""
    seeds, axes = ("2", SHORT) if bars.smoke else ("100", AXES)
    short = ["training.epochs=5", "training.steps_per_epoch=1", "--seeds", seeds, "--quiet", "--no-plots"]
    dropout = [sys.executable, "-m", "dropout_cli"]
    asked = [*dropout, "sweep", "digits", *axes, *short, "--out", str(folder / "sweep")]
    subprocess.run(asked, stdout=subprocess.DEVNULL, check=True)
    cells = len(list((folder / "sweep/cells").iterdir()))
    began = time.perf_counter()
    subprocess.run([*dropout, "report", str(folder / "sweep")], stdout=subprocess.DEVNULL, check=True)
    seconds = time.perf_counter() - began
    megabytes = (folder / "sweep/report.html").stat().st_size / 1e6
    told = f"dropout report SWEEP, of {cells:,} cells"
    bars.at_most("wall seconds of the report", seconds, 20, told)
    bars.at_most("megabytes of the page", megabytes, 5, told, always=True)


if __name__ == "__main__":
    judged = Bars("report")
    with tempfile.TemporaryDirectory() as made:
        main(judged, Path(made))
    judged.end()
