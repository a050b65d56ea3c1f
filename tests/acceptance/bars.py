"""Helpers of the acceptance scripts: train, and print values beside their bars."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from dropout_cli.data import DATASETS


class Bars:
    """Compares measured values with their bars."""

    def __init__(self, name: str, splits: int = 0) -> None:
        """Parse the command line of a script.

        Args:
            name: The name of the script, as in `python -m tests.acceptance.NAME`.
            splits: The number of splits of the data in the full form; 0 for a script without `--splits`.
        """
        parser = argparse.ArgumentParser(prog=f"python -m tests.acceptance.{name}")
        parser.add_argument("--smoke", action="store_true", help="a few steps; speed and accuracy are not judged")
        if splits:
            parser.add_argument("--splits", type=int, default=splits, help="fewer splits, at least 2")
        given = parser.parse_args()
        self.smoke: bool = given.smoke
        self.splits: int = (2 if self.smoke else given.splits) if splits else 0
        self._missed = 0
        self._made = ExitStack()

    def at_least(self, what: str, value: float, bar: float, command: str, *, always: bool = False) -> None:
        """Print a value that must be at least its bar; with `always`, in the short form too."""
        self._print(what, value, ">=", bar, value >= bar, command, always)

    def at_most(self, what: str, value: float, bar: float, command: str, *, always: bool = False) -> None:
        """Print a value that must be at most its bar; with `always`, in the short form too."""
        self._print(what, value, "<=", bar, value <= bar, command, always)

    def _print(self, what: str, value: float, sign: str, bar: float, held: bool, command: str, always: bool) -> None:
        judged = always or not self.smoke
        verdict = "smoke" if not judged else "held" if held else "MISSED"
        self._missed += judged and not held
        sys.stdout.write(f"{verdict:6}  {what}: {value:.4f} (bar: {sign} {bar:g})   {command}\n")
        sys.stdout.flush()

    def end(self) -> None:
        """Exit with code 1 if a bar was missed."""
        self._made.close()
        sys.exit(min(1, self._missed))

    def train(
        self, config: str, *overrides: str, look: Callable[[Path], None] | None = None
    ) -> tuple[dict[str, Any], float, str]:
        """Train in a process of its own; return the summary, the wall seconds and the command.

        `look` is called with the run's folder before it is deleted.
        """
        arguments = ["train", config, *overrides]
        if self.smoke:
            arguments += ["training.epochs=1", "training.steps_per_epoch=3", "--no-plots"]
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "dropout_cli", *arguments, "--runs-dir", folder, "--quiet", "--json"]
            began = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            seconds = time.perf_counter() - began
            if look is not None and done.returncode == 0:
                look(Path(json.loads(done.stdout)["run"]))
        if done.returncode != 0:
            sys.exit(f"dropout {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
        summary: dict[str, Any] = json.loads(done.stdout)
        return summary, seconds, f"dropout {' '.join(arguments)}"

    def few_pictures(self) -> tuple[str, ...]:
        """Return the override that uses 1,000 pictures of MNIST in the short form.

        In the full form there is no override.
        """
        if not self.smoke:
            return ()
        examples = DATASETS["mnist"]().read()
        file = Path(self._made.enter_context(tempfile.TemporaryDirectory())) / "few.npz"
        np.savez(file, x=examples.x[:1000], y=examples.labels[:1000])
        return (f"dataset={{name: arrays, path: {file}}}",)


def mean(values: list[float]) -> float:
    """Return the arithmetic mean."""
    return sum(values) / len(values)
