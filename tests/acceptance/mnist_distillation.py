"""Distillation on MNIST: a 2 x 30 student of a dropout teacher, and one of hard labels.

The teacher's targets come from passes with its dropout on. Without noise it is so sure of its training examples that
its targets carry little more than the labels.

Temperature and weight of the labels are chosen on the validation part with separate seeds. In each of the ten pairs
that are compared, both runs share split, initial weights and batch order.
"""

import itertools
import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from scipy import stats

from tests.acceptance.bars import Bars

STUDENT = ("architecture.hidden=[30,30]", "dropout=none", "training.epochs=60")
TEMPERATURES, WEIGHTS, PASSES = (1.0, 1.5, 2.5), (0.0, 0.1), 10


def train(folder: str, *overrides: str) -> tuple[str, dict[str, Any]]:
    """Train configs/mnist.yaml with overrides; return the run folder and the summary."""
    arguments = ["train", "configs/mnist.yaml", *overrides, "--runs-dir", folder, "--quiet", "--no-plots", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "dropout_cli", *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True
    )
    summary = json.loads(done.stdout)
    return summary["run"], summary


def main() -> None:
    """Train the teacher, choose the settings, train ten pairs."""
    bars = Bars("mnist_distillation")
    short = (*bars.few_pictures(), "training.epochs=1", "training.steps_per_epoch=3") if bars.smoke else ()
    pairs, choosing = (2, (100,)) if bars.smoke else (10, (100, 101))
    choices = [(4.0, 0.1)] if bars.smoke else list(itertools.product(TEMPERATURES, WEIGHTS))
    with tempfile.TemporaryDirectory() as folder:
        teacher, taught = train(folder, "dropout.rate=0.5", "dropout.input_rate=0.2", "training.epochs=30", *short)
        say(f"teacher: test error {1 - taught['test']['accuracy']:.4%}")

        def student(seed: int, temperature: float, weight: float) -> dict[str, Any]:
            lesson = f"objective={{name: distillation, teacher: {Path(teacher).resolve()}, "
            lesson += f"temperature: {temperature}, hard_weight: {weight}, teacher_passes: {PASSES}}}"
            return train(folder, *STUDENT, lesson, f"seed={seed}", *short)[1]

        found = {}
        for choice in choices:
            found[choice] = statistics.mean(student(seed, *choice)["val"]["accuracy"] for seed in choosing)
            say(f"T = {choice[0]:g}, w = {choice[1]:g}: validation accuracy {found[choice]:.4%}")
        best = max(found, key=lambda choice: found[choice])
        differences = []
        for seed in range(pairs):
            hard = train(folder, *STUDENT, f"seed={seed}", *short)[1]
            soft = student(seed, *best)
            differences.append(hard["test"]["error"] - soft["test"]["error"])
            say(
                f"seed {seed}: hard {hard['test']['error']:.4%}, taught {soft['test']['error']:.4%}, "
                f"agreement {soft['teacher']['agreement']:.4%}"
            )
    mean = statistics.mean(differences)
    half = float(stats.t.ppf(0.975, pairs - 1)) * statistics.stdev(differences) / math.sqrt(pairs)
    say(f"T = {best[0]:g}, w = {best[1]:g}: mean difference {mean:.4%} +- {half:.4%} (95 %)")
    command = f"dropout train configs/mnist.yaml {' '.join(STUDENT)} objective={{name: distillation, ...}} seed=0..9"
    bars.at_least("lower end of the interval, percentage points", 100 * (mean - half), 1e-9, command)
    bars.end()


def say(line: str) -> None:
    """Print progress to stderr; stdout has the result only."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    main()
